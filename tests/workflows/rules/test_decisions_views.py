"""“Why not?” on the customer's page, and the rule beside its message in the thread."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Member
from accounts.roles import services as roles
from customers.models import Customer
from customers.people.customers import services as customers
from messaging.models import Message
from tests.conftest import Person
from tests.workflows.conftest import work
from workflows.models import Workflow, WorkflowRun
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db

TAGGED = [{"action": "add_tag", "tag": "x"}]
LATER = [{"action": "send_text", "body": "Still there?", "delay_minutes": 90}]


def text(person: Person, path: str) -> str:
    answer = person.client.get(person.url(path))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def ada(make_rule: Any, receive: Any) -> Customer:
    make_rule("message.received", {"message_body__icontains": "price"}, TAGGED, name="Priced")
    make_rule(
        "message.received", {"not": {"field": "message_body", "op": "icontains", "value": "How"}}, TAGGED, name="Not"
    )
    make_rule("message.received", {}, LATER, name="Late <one>")
    customer: Customer = receive("How much?")
    work()
    return customer


class TestWhyNot:
    def test_each_rule_says_why_with_the_value_that_it_saw(self, alice, ada):
        page = text(alice, f"customers/{ada.pk}/rules/")
        for words in (
            "A customer wrote to us", "Acted", "Late &lt;one&gt;", "Did nothing",
            "Did not hold: Text of the message contains “price”. It was “How much?”.",
            "Did not hold: Text of the message contains “How”. It was “How much?”.",
        ):  # fmt: skip
            assert words in page, words
        run = WorkflowRun.objects.get()
        assert alice.url(f"settings/rules/runs/{run.pk}/") in page

    def test_the_customers_page_has_the_newest_and_the_way_there(self, alice, ada):
        page = text(alice, f"customers/{ada.pk}/")
        assert "A condition does not hold." in page
        assert alice.url(f"customers/{ada.pk}/rules/") in page

    def test_a_rule_that_is_gone_is_named(self, alice, ada):
        Workflow.objects.all().delete()
        page = text(alice, f"customers/{ada.pk}/rules/")
        assert "Late &lt;one&gt;" in page
        assert "settings/rules/" not in page.split("<h1>")[1]

    def test_who_sees_it(self, alice, bob, mona, charlie, ada):
        customers.assign(customer=ada, owner=bob.user, actor=alice.actor)
        assert "Priced" in text(mona, f"customers/{ada.pk}/rules/")
        assert bob.client.get(bob.url(f"customers/{ada.pk}/rules/")).status_code == 403
        assert "Priced" not in text(bob, f"customers/{ada.pk}/")
        assert charlie.client.get(charlie.url(f"customers/{ada.pk}/rules/")).status_code == 404
        customers.assign(customer=ada, owner=alice.user, actor=alice.actor)
        assert mona.client.get(mona.url(f"customers/{ada.pk}/rules/")).status_code == 404
        desk = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Rules", reach="all",
            permissions=["workflows.view"],
        )  # fmt: skip
        Member.objects.filter(pk=mona.member.pk).update(role=desk)
        assert mona.client.get(mona.url(f"customers/{ada.pk}/rules/")).status_code == 403

    def test_without_rules_it_says_so(self, alice, without_rules, make_customer):
        customer = make_customer()
        assert "Nothing to tell" in text(alice, f"customers/{customer.pk}/rules/")
        assert "No rule has looked at anything of theirs." in text(alice, f"customers/{customer.pk}/")
        assert alice.client.get(alice.url(f"customers/{customer.pk}/rules/?after=x")).status_code == 404

    @pytest.mark.parametrize("count", [1, 12])
    def test_the_same_number_of_queries_for_any_number(
        self, count, alice, make_rule, receive, django_assert_num_queries
    ):
        for number in range(count):
            make_rule("message.received", {"message_body": f"x{number}", "customer_stage": "new"}, TAGGED)
        for number in range(count):
            customer = receive(f"Message {number}")
        work()
        client = alice.client
        client.get(alice.url(f"customers/{customer.pk}/rules/"))
        with django_assert_num_queries(17):
            client.get(alice.url(f"customers/{customer.pk}/rules/"))


class TestInTheThread:
    def thread(self, person: Person, message: Message) -> str:
        return text(person, f"inbox/{message.conversation_id}/")

    def test_a_message_says_which_rule_sent_it_and_is_stopped_there(self, alice, bob, mona, ada):
        message, run = Message.objects.get(status="queued"), WorkflowRun.objects.get()
        page = self.thread(alice, message)
        assert "Sent by rule “Late &lt;one&gt;”" in page
        assert f'href="{alice.url(f"settings/rules/runs/{run.pk}/")}"' in page
        customers.assign(customer=ada, owner=bob.user, actor=alice.actor)
        page = self.thread(bob, message)
        assert "Sent by rule “Late &lt;one&gt;”" in page
        assert "settings/rules/runs" not in page
        answer = bob.htmx.post(bob.url(f"messages/{message.pk}/cancel/"))
        assert answer.status_code == 200
        assert "Sent by rule “Late &lt;one&gt;”" in answer.content.decode()
        message.refresh_from_db()
        assert message.status == "cancelled"

    def test_a_person_is_no_rule(self, alice, ada):
        message = Message.objects.get(status="queued")
        Message.objects.filter(pk=message.pk).update(origin="person", author=alice.user)
        assert "Sent by rule" not in self.thread(alice, message)

    @pytest.mark.parametrize("count", [1, 12])
    def test_the_same_number_of_queries_for_any_number(
        self, count, alice, make_rule, receive, django_assert_num_queries
    ):
        for number in range(count):
            make_rule("message.received", {}, LATER, name=f"R{number}")
        receive("Hello")
        work()
        message = Message.objects.filter(status="queued").first()
        assert Message.objects.filter(status="queued").count() == count
        client = alice.client
        self.thread(alice, message)
        with django_assert_num_queries(13):
            client.get(alice.url(f"inbox/{message.conversation_id}/"))


def test_a_message_of_a_sequence_says_so_and_stands_among_the_outgoing(alice, without_rules, receive):
    customer = receive("Hello")
    action = {"action": "send_text", "body": "A step", "delay_minutes": 30}
    values: Any = {"name": "Chase", "steps": [{"delay_minutes": 0, "action": action}], "is_enabled": True}
    sequence = sequences.create(organization=alice.organization, actor=alice.actor, values=values)
    sequences.enrol(sequence=sequence, customer=customer, actor=alice.actor)
    work()
    message = Message.objects.get(status="queued")
    page = text(alice, f"inbox/{message.conversation_id}/")
    assert "Sent by sequence “Chase”" in page
    assert alice.url(f"settings/sequences/{sequence.pk}/") in page
    page = text(alice, f"settings/rules/outgoing/?workflow={sequence.pk}")
    assert "A step" in page
    assert alice.url(f"settings/sequences/{sequence.pk}/") in page
