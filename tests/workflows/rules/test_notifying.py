"""The action that tells a member something: whom, what, and who is not told."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Member
from activity import registry
from activity.models import Event
from customers.models import Customer
from customers.people.customers import services as customers
from customers.people.tags import services as tags
from tests.workflows.conftest import work
from workflows.models import Notification, WorkflowRun
from workflows.notifications import preferences, queries
from workflows.rules import running, runs
from workflows.rules.performing import ActionFailed, Performer

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(make_rule: Any, make_customer: Any, alice: Any):
    """`told([…], bob)`: the rule's actions for Bob's customer Ada, who gets a tag; the steps."""

    def run(actions: Any, owner: Any = None, **more: Any) -> list[tuple[str, str]]:
        make_rule("customer.tag_added", {"tag": "vip"}, actions, name="Tell of VIPs", **more)
        customer = make_customer(owner, name="Ada Lovelace")
        tags.add(customer=customer, names=["vip"], actor=alice.actor)
        work()
        return [(step["status"], step["detail"]) for step in WorkflowRun.objects.get().steps]

    return run


def texts(person: Any) -> list[tuple[str, str]]:
    rows = queries.filtered(person.member, kind="rule")
    return [(line.sentence, line.detail) for line in queries.lines_of(list(rows), person.organization.slug)]


def test_the_owner_is_notified_with_the_placeholders_filled(told, bob, alice):
    assert told([{"action": "notify", "text": "{{ customer.first_name }} is a VIP now"}], bob) == [
        ("done", "Notified Bob Reyes.")
    ]
    assert texts(bob) == [("Ada is a VIP now", "Ada Lovelace · Tell of VIPs")]
    assert texts(alice) == []


def test_somebody_else_is_notified_and_the_owner_is_not(told, bob, alice):
    told([{"action": "notify", "text": "A VIP", "to": str(alice.user.pk)}], bob)
    assert (len(texts(alice)), texts(bob)) == (1, [])


def test_who_may_not_see_the_customer_is_not_notified_of_them(told, bob, tom):
    steps = told([{"action": "notify", "text": "A VIP", "to": str(tom.user.pk)}], bob)
    assert steps == [("skipped", "Tom Okafor may not see this customer.")]
    assert not Notification.objects.filter(kind="rule").exists()


def test_without_an_owner_it_is_skipped(told):
    assert told([{"action": "notify", "text": "A VIP"}]) == [("skipped", "The customer has no owner.")]


def test_an_owner_who_left_is_skipped_and_a_chosen_one_is_a_failure(told, bob, alice):
    actions = [{"action": "notify", "text": "A"}, {"action": "notify", "text": "A", "to": str(bob.user.pk)}]

    def leave(*_args: object) -> None:
        Member.objects.filter(pk=bob.member.pk).update(is_active=False)

    registry.subscribe("customer.tag_added", leave, name="test.leave", inline=True)
    try:
        steps = told(actions, bob)
    finally:
        registry.SUBSCRIPTIONS.unregister("test.leave")
    assert steps == [
        ("skipped", "The customer’s owner is no active member any more."),
        ("failed", "The person to notify is no active member any more. Choose another one."),
    ]


def test_who_wants_none_has_none(told, bob, inside):
    preferences.change(organization=inside, member=bob.member, actor=bob.actor, ways={"rule": []})
    assert told([{"action": "notify", "text": "A VIP"}], bob)[0] == (
        "skipped", "Bob Reyes wants no notifications of rules."
    )  # fmt: skip


def test_a_run_that_fails_takes_the_line_back(told, bob, tom, monkeypatch):
    def fail(*_args: object) -> None:
        raise ActionFailed("It can’t be done.")

    monkeypatch.setattr(runs, "PERFORMERS", runs.PERFORMERS.copy())
    runs.PERFORMERS.unregister("add_tag")
    runs.PERFORMERS.register(Performer("add_tag", fail))
    steps = told([{"action": "notify", "text": "A VIP"}, {"action": "add_tag", "tag": "x"}], bob)
    assert [status for status, _text in steps] == ["undone", "failed"]
    assert texts(bob) == []


def test_the_same_step_again_raises_the_line_again(told, bob, alice):
    told([{"action": "notify", "text": "A VIP"}], bob)
    customer = Customer.objects.get(name="Ada Lovelace")
    tags.remove(customer=customer, names=["vip"], actor=alice.actor)
    tags.add(customer=customer, names=["vip"], actor=alice.actor)
    work()
    assert texts(bob) == [("A VIP", "Ada Lovelace · Tell of VIPs · 2 times")]
    event = Event.objects.filter(type="customer.tag_added").newest_first().first()
    running.run_rules(event)
    assert texts(bob) == [("A VIP", "Ada Lovelace · Tell of VIPs · 2 times")]


def test_it_is_about_who_lost_it_no_longer(told, bob, alice):
    told([{"action": "notify", "text": "A VIP"}], bob)
    customers.assign(customer=Customer.objects.get(name="Ada Lovelace"), owner=alice.user, actor=alice.actor)
    assert texts(bob) == []


def test_the_api_takes_the_action_and_refuses_a_stranger(alice, charlie, without_rules):
    def save(**params: Any) -> Any:
        body = {"name": "R", "trigger_event": "customer.created", "actions": [{"action": "notify", **params}]}
        return alice.api.post("/api/v1/workflows", body, format="json")

    assert save(text="Hello {{ customer.name }}").status_code == 201
    for params, attr in (({}, "actions[0].text"), ({"text": "x", "to": str(charlie.user.pk)}, "actions[0].to"),
                         ({"text": "{{ no name }}"}, "actions[0].text")):  # fmt: skip
        answer = save(**params)
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)
