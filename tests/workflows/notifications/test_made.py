"""Which line is made of what happens, for whom, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.credentials import passwords
from accounts.members import services as members
from accounts.organizations import services as organizations
from activity import jobs
from activity.actor import SYSTEM
from activity.ledger import record
from activity.models import Event, Receipt
from core.tenancy import every_organization
from customers import events
from customers.data.bulk import services as bulk
from customers.models import Customer
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks
from messaging import alerts
from messaging import events as messaging
from messaging.delivery import queue as outbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations
from tests.conftest import PASSWORD
from tests.workflows.conftest import work
from workflows.events import RUN_HELD, WORKFLOW_PAUSED
from workflows.models import Notification, Workflow
from workflows.notifications.kinds.registry import KINDS
from workflows.notifications.services import tell
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(receive: Any, bob: Any, alice: Any) -> Customer:
    """Bob's customer, who wrote once; nobody has read it, and Bob was told of nothing yet."""
    customer = receive()
    customers.assign(customer=customer, owner=bob.user, actor=alice.actor)
    work()
    Notification.objects.exclude(kind="onboarding").delete()
    return Customer.objects.get(pk=customer.pk)


def thread(customer: Customer) -> Conversation:
    return Conversation.objects.select_related("customer", "channel", "organization").get(customer=customer)


class TestConversations:
    def test_five_messages_are_one_line_and_a_read_one_begins_again(self, ada, receive, bob, lines):
        for number in range(5):
            receive(f"Message {number}")
        assert lines(bob) == ["Ada wrote 5 messages"]
        assert Notification.objects.filter(kind="message").count() == 1
        Notification.objects.update(read_at=timezone.now())
        assert lines(bob) == []
        receive("One more")
        assert lines(bob) == ["Ada wrote"]
        assert Notification.objects.get(kind="message").count == 1

    def test_only_the_owner_is_notified(self, ada, receive, alice, mona, lines):
        receive("Hello?")
        assert lines(alice) == lines(mona) == []

    def test_it_is_read_with_the_conversation(self, ada, receive, bob, lines):
        receive("Hello?")
        assert lines(bob) == ["Ada wrote"]
        conversations.mark_read(conversation=thread(ada), actor=bob.actor)
        assert lines(bob) == []

    def test_what_was_read_before_anybody_was_notified_makes_no_line(self, ada, receive, bob, lines):
        receive("Hello?")
        conversations.mark_read(conversation=thread(ada), actor=bob.actor)
        assert lines(bob) == []

    def test_an_answer_of_a_person_ends_it_and_an_automatic_one_does_not(self, ada, receive, bob, lines):
        receive("Hello?")
        assert lines(bob) == ["Ada wrote"]
        for origin, left in (("workflow", ["Ada wrote"]), ("person", [])):
            message = outbound.queue_message(conversation=thread(ada), body="Hi", actor=bob.actor, origin=origin)
            payload = {"conversation": str(message.conversation_id), "status": "sent"}
            record(messaging.MESSAGE_SENT, subject=message, actor=SYSTEM, payload=payload)
            assert lines(bob) == left

    def test_automatic_mail_is_reported_to_nobody(self, ada, bob, lines):
        message = Message.objects.filter(customer=ada).first()
        payload = {
            "conversation": str(message.conversation_id), "channel": "email", "channel_id": str(message.channel_id),
            "is_new_customer": False, "is_automatic": True, "opt": "",
        }  # fmt: skip
        record(messaging.MESSAGE_RECEIVED, subject=message, actor=SYSTEM, payload=payload)
        assert lines(bob) == []

    def test_one_that_waits_and_one_that_stalled(self, ada, bob, lines):
        conversation = thread(ada)
        for event, more in ((messaging.CONVERSATION_UNANSWERED, {"conversation": str(conversation.pk)}),
                            (messaging.LEAD_STALLED, {"assigned_to": str(bob.user.pk)})):  # fmt: skip
            payload = {"waiting_since": conversation.waiting_since, **more}
            record(event, subject=conversation, actor=SYSTEM, payload=payload)
        assert set(lines(bob)) == {"Ada waits for an answer", "Ada was not answered for days"}
        conversations.set_status(conversation=conversation, status="resolved", actor=bob.actor)
        assert lines(bob) == []

    def test_a_failed_message_is_reported_to_the_one_who_wrote_it(self, ada, alice, bob, lines):
        message = outbound.queue_message(conversation=thread(ada), body="Hi", actor=alice.actor, author=alice.user)
        Message.objects.filter(pk=message.pk).update(status="failed", error_message="The number does not exist.")
        payload = {"conversation": str(message.conversation_id), "status": "failed", "error_code": "x"}
        record(messaging.MESSAGE_FAILED, subject=message, actor=SYSTEM, payload=payload)
        assert lines(alice) == ["A message to Ada was not sent"]
        assert lines(bob) == []
        assert Notification.objects.get(kind="failed_send").data == {"reason": "The number does not exist."}


class TestWork:
    def test_who_is_given_a_customer_is_notified_and_who_takes_one_is_not(self, make_customer, alice, bob, lines):
        ada, eve = make_customer(name="Ada"), make_customer(name="Eve")
        customers.assign(customer=ada, owner=bob.user, actor=alice.actor)
        customers.assign(customer=eve, owner=alice.user, actor=alice.actor)
        assert lines(bob) == ["Ada is yours now"]
        assert lines(alice) == []

    def test_one_made_for_somebody(self, make_customer, bob, lines):
        make_customer(bob, name="Ada")
        assert lines(bob) == ["Ada is yours now"]

    def test_what_one_act_gives_is_one_line(self, make_customer, alice, bob, lines):
        made = [make_customer(name=f"Ada {number}") for number in range(4)]
        actor = replace(alice.actor, request_id="7f3a")
        bulk.start(
            member=alice.member, actor=actor, action="assign", params={"assigned_to": str(bob.user.pk)},
            ids=[str(one.pk) for one in made],
        )  # fmt: skip
        jobs.run_due()
        assert lines(bob, "assigned_customer") == ["4 customers are yours now"]
        assert Notification.objects.get(kind="assigned_customer").customer is None

    def test_a_task_and_what_becomes_of_it(self, alice, bob, lines):
        task = tasks.create(organization=alice.organization, actor=alice.actor, title="Call", assigned_to=bob.user)
        assert lines(bob) == ["A task for you: Call"]
        tasks.update(task=task, actor=alice.actor, changes={"title": "Call back"})
        tasks.update(task=task, actor=bob.actor, changes={"assigned_to": alice.user})
        assert lines(alice) == ["A task for you: Call back"]
        due = {"title": "Call back", "due_at": timezone.now(), "assigned_to": str(alice.user.pk)}
        record(events.TASK_OVERDUE, subject=task, actor=SYSTEM, payload=due)
        record(events.TASK_REMINDED, subject=task, actor=SYSTEM, payload={"to": str(alice.user.pk)})
        assert set(lines(alice)) == {"Reminder: Call back", "Due: Call back", "A task for you: Call back"}
        tasks.update(task=task, actor=bob.actor, changes={"status": "done"})
        assert lines(alice) == []

    def test_a_deal(self, make_customer, alice, bob, lines):
        customer = make_customer(bob)
        deal = deals.create(customer=customer, actor=alice.actor, title="Crown", owner=bob.user)
        assert lines(bob, "assigned_deal") == ["A deal is yours now: Crown"]
        Notification.objects.update(read_at=timezone.now())
        deals.update(deal=deal, actor=alice.actor, changes={"title": "Two crowns"})
        assert lines(bob, "assigned_deal") == []

    def test_a_follow_up_and_an_overdue_customer(self, make_customer, alice, bob, lines):
        customer = make_customer(bob, name="Ada")
        record(events.FOLLOW_UP_DUE, subject=customer, actor=SYSTEM, payload={"at": timezone.now()})
        overdue = {"stage": "new", "since": timezone.now(), "assigned_to": str(bob.user.pk)}
        record(events.CUSTOMER_OVERDUE, subject=customer, actor=SYSTEM, payload=overdue)
        assert lines(bob)[:2] == ["Nothing happened with Ada for too long", "Get back to Ada"]
        customers.set_follow_up(customer=customer, at=timezone.now() + timedelta(days=1), actor=bob.actor)
        stage = stage_moves.find_stage(organization=alice.organization, key="contacted")
        stage_moves.move(customer=customer, stage=stage, actor=bob.actor)
        assert lines(bob) == ["Ada is yours now"]


class TestSystem:
    def test_a_channel_that_fails_is_reported_to_who_can_mend_it(self, alice, bob, mona, lines):
        channel = Channel.objects.filter(kind="whatsapp").first()
        alerts.raise_alert(channel, code="x", text="The password is wrong.")
        assert lines(alice) == [f"“{channel.name}” does not work"]
        assert lines(bob) == lines(mona) == []

    def test_a_job_is_reported_to_the_one_who_began_it(self, make_customer, alice, bob, lines):
        one = make_customer()
        for _time in range(2):
            bulk.start(member=alice.member, actor=alice.actor, action="tag_add", params={"tag": "x"}, ids=[str(one.pk)])
            jobs.run_due()
        assert lines(alice, "job") == [lines(alice, "job")[0]] * 2
        assert lines(alice, "job")[0].endswith(": done")
        assert lines(bob, "job") == []

    def test_a_rule_that_was_paused_is_reported_to_its_maker_and_to_administrators(
        self, make_rule, alice, bob, mona, lines
    ):
        rule = make_rule("message.received", {}, [{"action": "add_tag", "tag": "x"}])
        Workflow.objects.filter(pk=rule.pk).update(created_by=mona.user)
        record(WORKFLOW_PAUSED, subject=rule, actor=SYSTEM, payload={"name": rule.name, "failures": 10})
        assert lines(alice) == lines(mona) == ["The rule “A rule” was switched off"]
        assert lines(bob) == []

    def test_runs_that_ask_a_person_are_one_line_for_a_rule(self, make_rule, alice, bob, lines):
        rule = make_rule("message.received", {}, [{"action": "add_tag", "tag": "x"}])
        for _time in range(3):
            record(RUN_HELD, subject=rule, actor=SYSTEM, payload={"name": rule.name, "run": str(rule.pk)})
        assert lines(alice) == ["3 runs of “A rule” ask you"]
        assert lines(bob) == []

    def test_a_paused_sequence_leads_to_its_page(self, alice, inside, lines):
        sequence = sequences.create(
            organization=inside, actor=alice.actor,
            values={"name": "Chase", "steps": [{"delay_minutes": 60, "action": {"action": "add_note", "body": "x"}}]},
        )  # fmt: skip
        record(WORKFLOW_PAUSED, subject=sequence, actor=SYSTEM, payload={"name": "Chase", "failures": 10})
        assert lines(alice) == ["The sequence “Chase” was switched off"]
        row = Notification.objects.get(kind="rule_paused")
        page = alice.client.get(alice.url(f"notifications/{row.pk}/"), follow=True)
        assert (page.status_code, "Chase" in page.content.decode()) == (200, True)

    def test_who_changes_their_password_is_notified_too_since_it_may_have_been_another(self, bob, alice, lines):
        passwords.set_own(user=bob.user, password="another calm harbour")
        passwords.set_own(user=bob.user, password="yet another calm harbour")
        assert lines(bob) == ["Your password was changed"] * 2
        assert lines(alice) == []

    def test_a_user_is_welcomed_once_wherever_they_come_later(self, alice, bob, charlie, inside):
        with every_organization("the test looks at both"):
            organizations.add_member(
                organization=charlie.organization, user=bob.user, role_key="manager", actor=charlie.actor
            )
            assert Notification.objects.filter(kind="onboarding", member__user=bob.user).count() == 1
            assert Notification.objects.filter(kind="onboarding", member__user=alice.user).count() == 1

    def test_the_api_welcomes_who_signs_up(self, client, db):
        body = {"email": "new@new.example", "password": PASSWORD, "organization": "New"}
        answer = client.post("/api/v1/auth/register", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        rows = client.get("/api/v1/notifications", headers=token).json()["results"]
        assert [row["type"] for row in rows] == ["onboarding"]

    def test_who_was_removed_leaves_nothing_behind(self, bob, alice, give, inside):
        give(bob, "job", kind="x", status="done")
        assert Notification.objects.filter(member=bob.member).count() == 2
        members.remove(member=bob.member, actor=alice.actor)
        assert not Notification.objects.filter(member=bob.member).exists()


class TestOnce:
    def test_an_event_that_is_dispatched_again_changes_nothing(self, ada, receive, bob, lines):
        receive("Hello?")
        assert lines(bob) == ["Ada wrote"]
        event = Event.objects.filter(type="message.received").newest_first().first()
        Receipt.objects.filter(event=event).delete()
        tell(event)
        tell(event)
        assert lines(bob) == ["Ada wrote"]
        assert Notification.objects.get(kind="message").count == 1

    def test_nothing_is_written_about_who_was_deleted_and_of_who_was_merged_about_who_stays(
        self, make_customer, alice, bob, lines
    ):
        gone, merged, stays = make_customer(bob), make_customer(bob), make_customer(bob, name="Stays")
        lines(bob)
        Notification.objects.all().delete()
        now = timezone.now()
        Customer.objects.filter(pk=gone.pk).update(deleted_at=now)
        Customer.objects.filter(pk=merged.pk).update(deleted_at=now, merged_into=stays)
        for customer in (gone, merged):
            record(events.FOLLOW_UP_DUE, subject=customer, actor=SYSTEM, payload={"at": now})
        assert lines(bob) == ["Get back to Stays"]
        assert Notification.objects.get().customer_id == stays.pk

    @pytest.mark.parametrize("rows", [1, 60])
    def test_an_event_takes_the_same_queries_whatever_lines_there_are(
        self, ada, receive, bob, give, make_customer, rows, django_assert_max_num_queries
    ):
        for _number in range(rows):
            give(bob, "follow_up_due", make_customer(bob))
        receive("Hello?")
        work()
        receive("Hello again")
        event = Event.objects.filter(type="message.received").newest_first().first()
        with django_assert_max_num_queries(12):
            tell(event)


def test_the_document_lists_every_type():
    text = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text("utf-8")
    table = text.split("## What is told")[1].split("##")[0]
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == set(KINDS.names())
