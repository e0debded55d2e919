"""What each action does, when it is skipped, and when it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.rules import ACTIONS
from customers.models import Customer, Interaction, Task
from customers.people.consent import services as consent
from customers.people.customers import services as customers
from customers.people.tags import services as tags
from messaging.delivery import queue as outbound
from messaging.models import Channel, Conversation, Message, Template
from messaging.threads import services as conversations
from tests.workflows.conftest import work
from workflows.models import RunMessage, Workflow, WorkflowRun
from workflows.rules.performing import PERFORMERS
from workflows.rules.reading import PARAMETERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_tag(make_rule: Any, make_customer: Any, alice: Any):
    """`on_tag([…])`: takes the actions for a customer who gets a tag; the customer as they are then, and the steps."""

    def run(actions: Any, customer: Customer | None = None) -> tuple[Customer, list[tuple[str, str]]]:
        customer = customer or make_customer()
        Workflow.objects.all().delete()
        make_rule("customer.tag_added", {"tag": "go"}, actions)
        tags.remove(customer=customer, names=["go"], actor=alice.actor)
        tags.add(customer=customer, names=["go"], actor=alice.actor)
        work()
        run = WorkflowRun.objects.get()
        return Customer.objects.get(pk=customer.pk), [(step["status"], step["detail"]) for step in run.steps]

    return run


def test_every_declared_action_is_taken_and_every_parameter_checked():
    assert {action.name for action in ACTIONS} == set(PERFORMERS.names())
    assert {name for action in ACTIONS for name in (*action.needs, *action.takes)} == set(PARAMETERS)


def test_tags(on_tag):
    customer, result = on_tag([{"action": "add_tag", "tag": "vip"}, {"action": "remove_tag", "tag": "GO"}])
    assert [status for status, _detail in result] == ["done", "done"]
    assert {tag.name for tag in customer.tags.all()} == {"vip"}
    _customer, result = on_tag([{"action": "add_tag", "tag": "VIP"}, {"action": "remove_tag", "tag": "none"}], customer)
    assert [status for status, _detail in result] == ["skipped", "skipped"]


def test_stage_status_and_follow_up(on_tag):
    actions = [
        {"action": "set_stage", "stage": "contacted"},
        {"action": "set_status", "status": "active"},
        {"action": "set_follow_up", "days": 2, "minutes": 30},
    ]
    customer, result = on_tag(actions)
    assert [status for status, _detail in result] == ["done"] * 3
    assert (customer.stage.key, customer.status) == ("contacted", "active")
    away = customer.next_follow_up_at - timezone.now()
    assert timedelta(days=2, minutes=29) < away <= timedelta(days=2, minutes=30)
    again, result = on_tag([*actions[:2], {"action": "set_follow_up"}], customer)
    assert [status for status, _detail in result] == ["skipped", "skipped", "done"]
    assert again.next_follow_up_at is None


def test_an_owner(on_tag, bob, alice):
    customer, result = on_tag([{"action": "assign", "to": str(bob.user.pk)}])
    assert (result[0], customer.assigned_to) == (
        ("done", f"Gave the customer to {bob.user.get_full_name()}."),
        bob.user,
    )
    _customer, result = on_tag([{"action": "assign", "to": str(bob.user.pk)}], customer)
    assert result[0][0] == "skipped"


def test_an_owner_who_left_is_a_failure_of_the_rule(on_tag, make_rule, make_customer, alice, bob):
    rule = make_rule("customer.tag_added", {}, [{"action": "assign", "to": str(bob.user.pk)}])
    type(bob.member).objects.filter(pk=bob.member.pk).update(is_active=False)
    make_customer(tags=["x"])
    work()
    assert rule.runs.get().status == "failed"


def test_a_task(on_tag, bob, make_customer):
    customer = make_customer(bob, name="Ada Lovelace")
    _customer, result = on_tag(
        [{"action": "create_task", "title": "Call {{ customer.name }}", "due_in_minutes": 60, "priority": "high",
          "description": "They asked."}],
        customer,
    )  # fmt: skip
    task = Task.objects.get(customer=customer, priority="high")
    assert (task.title, task.description, task.assigned_to, task.created_by) == (
        "Call Ada Lovelace", "They asked.", bob.user, None
    )  # fmt: skip
    assert timedelta(minutes=58) < task.due_at - timezone.now() <= timedelta(minutes=60)
    assert result == [("done", "Made the task “Call Ada Lovelace”.")]


def test_a_note_goes_into_the_thread_or_the_history(on_tag, make_rule, receive):
    customer, _result = on_tag([{"action": "add_note", "body": "Tagged {{ customer.first_name }}"}])
    assert Interaction.objects.get(customer=customer).content == "Tagged Customer"
    make_rule("message.received", {}, [{"action": "add_note", "body": "Came at night"}])
    ada = receive()
    work()
    note = Message.objects.get(customer=ada, is_private=True)
    assert (note.body, note.author, note.status) == ("Came at night", None, "note")


def test_a_conversation_is_resolved(make_rule, receive):
    make_rule("message.received", {}, [{"action": "resolve_conversation"}])
    ada = receive()
    work()
    assert Conversation.objects.get(customer=ada).status == "resolved"


class TestSending:
    def test_a_text_leaves_by_the_thread_it_answers(self, make_rule, receive):
        make_rule("message.received", {}, [{"action": "send_text", "body": "Hello {{ customer.first_name }}!"}])
        ada = receive()
        work()
        message = Message.objects.get(customer=ada, direction="outbound")
        assert (message.body, message.origin, message.author, message.status) == (
            "Hello Ada!",
            "workflow",
            None,
            "queued",
        )
        assert message.conversation == Conversation.objects.get(customer=ada)
        assert RunMessage.objects.get(message=message).run == WorkflowRun.objects.get()

    def test_a_delayed_one_waits_and_is_cancelled_by_an_answer(self, make_rule, receive):
        make_rule(
            "message.received",
            {"is_new_customer": True},
            [{"action": "send_template", "template": "welcome", "delay_minutes": 60, "cancel_on_inbound": True}],
        )
        ada = receive()
        work()
        message = Message.objects.get(customer=ada, direction="outbound")
        assert timedelta(minutes=58) < message.not_before_at - timezone.now() <= timedelta(minutes=60)
        assert message.template.key == "welcome"
        receive("I found it myself")
        message.refresh_from_db()
        assert message.status == "cancelled"

    def test_who_opted_out_is_not_written_to_and_that_is_no_failure(self, make_rule, receive, alice):
        make_rule("message.received", {}, [{"action": "send_text", "body": "Hi"}, {"action": "add_tag", "tag": "x"}])
        ada = receive()
        consent.change(customer=ada, channel="whatsapp", is_granted=False, how="told us", actor=alice.actor)
        work()
        run = WorkflowRun.objects.get()
        assert [(step["status"], step["action"]) for step in run.steps] == [
            ("skipped", "send_text"), ("done", "add_tag")
        ]  # fmt: skip
        assert "opted out" in run.steps[0]["detail"]
        assert run.status == "done"

    def test_a_template_that_is_gone_is_a_failure_and_one_for_another_channel_is_none(self, make_rule, receive):
        rule = make_rule("message.received", {}, [{"action": "send_template", "template": "welcome"}])
        Template.objects.filter(key="welcome").update(channel="email")
        receive()
        work()
        assert "is for email" in rule.runs.get().steps[0]["detail"]
        Template.objects.filter(key="welcome").delete()
        receive("Again")
        work()
        newest = rule.runs.order_by("-created_at").first()
        assert (newest.status, "no template “welcome”" in newest.steps[0]["detail"]) == ("failed", True)

    def test_a_customer_gets_so_many_a_day_and_no_more(self, make_rule, receive, settings):
        settings.AUTOMATIC_MESSAGES_A_DAY = 2
        make_rule("message.received", {}, [{"action": "send_text", "body": "Hi"}])
        for number in range(3):
            ada = receive(f"Message {number}")
            work()
        assert Message.objects.filter(customer=ada, origin="workflow").count() == 2
        last = WorkflowRun.objects.order_by("-created_at").first()
        assert last.steps[0]["detail"] == "2 automatic messages were written to this customer within a day."
        Message.objects.filter(origin="workflow").update(created_at=timezone.now() - timedelta(days=1, minutes=1))
        receive("The next day")
        work()
        assert Message.objects.filter(customer=ada, origin="workflow").count() == 3

    def test_it_is_silent_where_somebody_answers(self, make_rule, receive, alice, settings):
        ada = receive("First")
        work()
        thread = Conversation.objects.select_related("customer", "channel", "organization").get(customer=ada)
        outbound.queue_message(conversation=thread, body="I am on it", actor=alice.actor, author=alice.user)
        rule = make_rule("message.received", {}, [{"action": "send_text", "body": "Automatic"}])
        receive("And another thing")
        work()
        assert rule.runs.get().steps[0]["detail"] == "Somebody is answering in this conversation."
        Message.objects.filter(origin="person").update(
            created_at=timezone.now() - timedelta(minutes=settings.AUTOMATION_SILENT_MINUTES + 1)
        )
        receive("Hello?")
        work()
        assert Message.objects.filter(body="Automatic").exists()

    def test_what_a_person_does_may_answer_at_once(self, make_rule, receive, alice):
        ada = receive("First")
        thread = Conversation.objects.select_related("customer", "channel", "organization").get(customer=ada)
        outbound.queue_message(conversation=thread, body="You paid, I see", actor=alice.actor, author=alice.user)
        make_rule("customer.tag_added", {"tag": "paid"}, [{"action": "send_text", "body": "Thank you"}])
        tags.add(customer=ada, names=["paid"], actor=alice.actor)
        work()
        assert Message.objects.filter(body="Thank you").exists()

    def test_a_channel_by_its_kind(self, make_rule, receive, alice):
        make_rule("message.received", {}, [{"action": "send_text", "body": "By mail", "channel": "email"}])
        ada = receive()
        customers.update(customer=ada, actor=alice.actor, changes={"email": "ada@example.com"})
        work()
        assert Message.objects.get(body="By mail").channel.kind == "email"
        Channel.objects.filter(kind="sms").delete()

    def test_a_thread_of_anybody_else_is_not_written_to(self, make_rule, receive, make_conversation, alice):
        """The event's thread and its customer are one; where a thread is another's, the customer's own is taken."""
        other = make_conversation()
        rule = make_rule("conversation.resolved", {}, [{"action": "send_text", "body": "Bye"}])
        ada = receive()
        conversations.set_status(
            conversation=Conversation.objects.get(customer=ada), status="resolved", actor=alice.actor
        )
        work()
        assert Message.objects.get(body="Bye").customer == ada
        assert not Message.objects.filter(conversation=other).exists()
        assert rule.runs.count() == 1
