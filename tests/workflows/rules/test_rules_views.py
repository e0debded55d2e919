"""The pages of rules: in words, tried, switched, with their log, for who may see what."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from customers.models import Customer
from tests.workflows.conftest import work
from workflows.models import Workflow, WorkflowRun
from workflows.rules import services

pytestmark = pytest.mark.django_db

RULES = "settings/rules/"


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def rule(make_rule: Any) -> Workflow:
    return make_rule(
        "message.received",
        {"message_body__icontains": "price", "is_new_customer": True, "customer_stage__in": ["new", "engaged"]},
        [
            {"action": "send_template", "template": "welcome", "delay_minutes": 1500, "cancel_on_inbound": True},
            {"action": "create_task", "title": "Call", "due_in_minutes": 60},
        ],
        name="Price <asked>",
        hours="open",
        is_once=True,
    )


def test_a_rule_reads_as_sentences(alice, rule):
    page = text(alice.client, alice.url(RULES))
    assert "Price &lt;asked&gt;" in page
    for words in (
        "A customer wrote to us", "Text of the message contains “price”", "New customer is yes",
        "Stage is one of “New”, “Engaged”", "only within business hours", "only once for a customer",
        "Send a template: “Welcome”, after 1 day 1 hour, unless they write before",
        "Make a task: “Call”, in 1 hour",
    ):  # fmt: skip
        assert words in page, words


def test_groups_read_as_sentences(alice, make_rule):
    make_rule(
        "customer.tag_added",
        {"all": [{"any": [{"tag": "vip"}, {"tag": "gold"}]}, {"not": {"field": "customer_source", "op": "isnull",
                                                                       "value": True}}]},
        [{"action": "resolve_conversation"}],
    )  # fmt: skip
    page = text(alice.client, alice.url(RULES))
    assert "the tag’s name is “vip” or the tag’s name is “gold”" in page.replace("&#x27;", "’").replace(
        "tag's", "tag’s"
    )
    assert "not: Source is empty" in page


def test_the_packs_rules_are_there_and_switched_on_by_a_button(alice, inside):
    page = text(alice.client, alice.url(RULES))
    assert "Greet a new enquiry" in page
    greet = Workflow.objects.get(key="greet")
    client = alice.client
    assert "Switch on" in text(client, alice.url(f"{RULES}{greet.pk}/"))
    client.post(alice.url(f"{RULES}{greet.pk}/switch/"), {"to": "on"})
    greet.refresh_from_db()
    assert greet.is_enabled
    assert "Switch off" in text(client, alice.url(f"{RULES}{greet.pk}/"))
    client.post(alice.url(f"{RULES}{greet.pk}/switch/"), {"to": "off"})
    greet.refresh_from_db()
    assert not greet.is_enabled


def test_what_it_did_and_why_it_failed(alice, mona, make_rule, receive):
    rule = make_rule(
        "message.received", {"message_body__icontains": "how"}, [{"action": "set_stage", "stage": "contacted"}]
    )
    Workflow.objects.filter(pk=rule.pk).update(actions=[{"action": "set_stage", "stage": "nowhere"}])
    ada = receive("How much?")
    work()
    client, run = alice.client, WorkflowRun.objects.get()
    page = text(client, alice.url(f"{RULES}{rule.pk}/"))
    assert "Ada" in page
    assert "Failed" in page
    assert "“nowhere” is not a stage" in page
    page = text(client, alice.url(f"{RULES}runs/{run.pk}/"))
    assert "it was “How much?”" in page
    assert "Do it again" in page
    rule.refresh_from_db()
    services.update(
        workflow=rule, actor=alice.actor, changes={"actions": [{"action": "set_stage", "stage": "contacted"}]}
    )
    client.post(alice.url(f"{RULES}runs/{run.pk}/retry/"))
    assert Customer.objects.get(pk=ada.pk).stage.key == "contacted"
    assert "Do it again" not in text(client, alice.url(f"{RULES}runs/{run.pk}/"))


def test_a_trial_of_the_last_days_says_what_would_have_been(alice, make_rule, receive):
    rule = make_rule(
        "message.received", {"message_body__icontains": "price"}, [{"action": "add_tag", "tag": "x"}], is_enabled=False
    )
    receive("The price?")
    receive("Good morning", sender="+447700900778")
    page = text(alice.client, alice.url(f"{RULES}{rule.pk}/try/"))
    assert "It would have acted on 1 of 2 events." in page
    assert "It was “Good morning”." in page
    assert not WorkflowRun.objects.exists()


def test_a_rule_is_deleted_after_a_question(alice, rule):
    client = alice.client
    assert "Delete “Price &lt;asked&gt;”?" in text(client, alice.url(f"{RULES}{rule.pk}/delete/"))
    assert Workflow.objects.exists()
    client.post(alice.url(f"{RULES}{rule.pk}/delete/"))
    assert not Workflow.objects.exists()
    assert "No rule yet" in text(client, alice.url(RULES))


def test_who_may_look_and_who_may_change(bob, mona, charlie, alice, rule):
    assert bob.client.get(bob.url(RULES)).status_code == 403
    page = text(mona.client, mona.url(f"{RULES}{rule.pk}/"))
    for words in ("Switch off", "Delete", "Try on"):
        assert words not in page
    for path in ("switch/", "delete/"):
        assert mona.client.post(mona.url(f"{RULES}{rule.pk}/{path}"), {"to": "off"}).status_code == 403
    assert mona.client.get(mona.url(f"{RULES}{rule.pk}/try/")).status_code == 403
    for path in ("", "try/", "delete/"):
        assert charlie.client.get(charlie.url(f"{RULES}{rule.pk}/{path}")).status_code == 404


def test_the_log_shows_nobody_out_of_reach(alice, mona, bob, make_rule, make_customer):
    rule = make_rule("customer.created", {}, [{"action": "add_tag", "tag": "x"}])
    make_customer(bob, name="Of Bob")
    make_customer(alice, name="Of Alice")
    work()
    page = text(mona.client, mona.url(f"{RULES}{rule.pk}/"))
    assert "Of Bob" in page
    assert "Of Alice" not in page
    hidden = next(
        run for run in WorkflowRun.objects.all() if Customer.objects.get(pk=run.event.customer_id).name == "Of Alice"
    )
    assert mona.client.get(mona.url(f"{RULES}runs/{hidden.pk}/")).status_code == 404


@pytest.mark.parametrize("count", [1, 12])
def test_the_same_number_of_queries_for_any_number(count, alice, make_rule, receive, django_assert_num_queries):
    # Each of them is asked: none holds.
    parts = [{"message_body": "x"}, {"customer_tags": "x"}, {"customer_stage": "lost"}, {"business_hours": False}]
    for number in range(count):
        rule = make_rule("message.received", {"not": {"any": parts}}, [{"action": "add_tag", "tag": f"t{number}"}])
        receive(f"Message {number}", sender=f"+4477009008{number:02d}")
    work()
    client = alice.client
    client.get(alice.url(RULES))
    with django_assert_num_queries(14):
        client.get(alice.url(RULES))
    with django_assert_num_queries(18):
        client.get(alice.url(f"{RULES}{rule.pk}/"))
    with django_assert_num_queries(23):
        client.get(alice.url(f"{RULES}{rule.pk}/try/"))


def test_a_trial_names_no_condition_where_something_else_held_it_up(alice, make_rule, receive):
    conditions = {"any": [{"field": "message_body", "op": "icontains", "value": word} for word in ("price", "cost")]}
    receive("The price?")
    receive("The price, please?")
    rule = make_rule("message.received", conditions, [{"action": "add_tag", "tag": "x"}], is_once=True)
    page = text(alice.client, alice.url(f"{RULES}{rule.pk}/try/"))
    assert "It acted for this customer before." in page
    assert "Did not hold" not in page
