"""Home: what waits now, in the order to do it, for each role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.frame import home
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.customers import services as customers
from customers.work.tasks import services as tasks
from messaging.models import Conversation

MAX_COUNT = 12


def shown(who, query=""):
    answer = who.client.get(who.url(query))
    assert answer.status_code == 200
    return answer


def titles(answer) -> list[str]:
    return [one.row.title for one in answer.context["next"]]


def section(answer, key):
    return next((one for one in answer.context["sections"] if one.section.key == key), None)


def wait(conversation, ago, **more):
    at = timezone.now() - ago
    with organization_scope(conversation.organization):
        Conversation.objects.filter(pk=conversation.pk).update(
            waiting_since=at, last_inbound_at=at, last_message_at=at, last_message_preview="Hello?", **more
        )


def follow_up(alice, customer, at):
    with organization_scope(alice.organization):
        customers.set_follow_up(customer=customer, at=at, actor=alice.actor)


def test_the_order_to_do_it(alice, make_conversation, make_customer):
    now = timezone.now()
    wait(make_conversation(alice, name="Waits an hour"), timedelta(hours=2))
    wait(make_conversation(alice, name="Waits for days"), timedelta(days=3))
    wait(make_conversation(alice, name="Window closes"), timedelta(hours=22))
    wait(make_conversation(alice, name="Wrote just now"), timedelta(minutes=2))
    follow_up(alice, make_customer(alice, name="Was promised"), now - timedelta(days=1))
    with organization_scope(alice.organization):
        tasks.create(
            organization=alice.organization, actor=alice.actor, title="Urgent", priority="urgent",
            assigned_to=alice.user, due_at=now - timedelta(hours=5),
        )  # fmt: skip
    found = titles(shown(alice, "?scope=mine"))
    assert found == ["Window closes", "Waits for days", "Was promised", "Urgent", "Waits an hour", "Wrote just now"]


def test_a_matter_stands_there_once(alice, make_conversation):
    conversation = make_conversation(alice, name="Both")
    wait(conversation, timedelta(hours=2))
    follow_up(alice, conversation.customer, timezone.now() - timedelta(days=1))
    answer = shown(alice, "?scope=mine")
    assert titles(answer) == ["Both"]
    assert section(answer, "follow_ups").count == section(answer, "unanswered").count == 1


def test_what_begins_for_whom(alice, bob, mona, make_customer):
    assert shown(bob).context["scope"] == home.Scope.MINE
    assert shown(mona).context["scope"] == home.Scope.ALL
    assert shown(alice).context["scope"] == home.Scope.ALL
    make_customer(alice)
    assert shown(alice).context["scope"] == home.Scope.MINE
    # Who sees only what is theirs has nothing to choose.
    assert shown(bob, "?scope=all").context["scope"] == home.Scope.MINE
    assert "Everyone" not in shown(bob).content.decode()
    assert "Team" in shown(mona).content.decode()


def test_within_reach_only(alice, bob, mona, charlie, make_conversation, make_customer):
    for owner, name in ((alice, "Of Alice"), (bob, "Of Bob"), (None, "Of nobody")):
        conversation = make_conversation(owner, name=name)
        wait(conversation, timedelta(hours=2))
        follow_up(alice, conversation.customer, timezone.now() - timedelta(hours=1))
    expected: Any = ((alice, {"Alice", "Bob", "nobody"}), (bob, {"Bob"}), (mona, {"Bob", "nobody"}), (charlie, set()))
    for who, names in expected:
        text = shown(who, "?scope=all").content.decode()
        assert {name for name in ("Alice", "Bob", "nobody") if f"Of {name}" in text} == names
    assert charlie.client.get(alice.url("")).status_code == 404
    assert section(shown(bob), "unassigned") is None
    assert section(shown(mona), "unassigned").count == 1


def test_overdue_and_done_with(alice, make_customer):
    late, well = make_customer(alice, name="Left alone"), make_customer(alice, name="Heard of")
    with organization_scope(alice.organization):
        Stage.objects.filter(pk=late.stage_id).update(sla_hours=24)
        Customer.objects.filter(pk=late.pk).update(last_activity_at=timezone.now() - timedelta(hours=25))
        Customer.objects.filter(pk=well.pk).update(last_activity_at=timezone.now() - timedelta(hours=23))
    found = section(shown(alice), "overdue")
    assert [row.title for row in found.rows] == ["Left alone"]
    assert "overdue 60 min" in found.rows[0].mark or "overdue 1 h" in found.rows[0].mark


def test_nothing_waits(alice):
    text = shown(alice).content.decode()
    assert "Nothing waits" in text


def test_a_role_without_permissions_sees_an_empty_page(alice, bob):
    from accounts.models import Role

    with organization_scope(alice.organization):
        role = Role.objects.create(organization=alice.organization, key="guest", name="Guest")
        bob.member.role = role
        bob.member.save(update_fields=["role"])
    answer = shown(bob)
    assert answer.context["sections"] == []


def test_the_sign_in_leads_here(alice):
    assert alice.client.get("/").url == alice.url("")
    assert alice.client.post("/switch/", {"organization": alice.organization.slug}).url == alice.url("")


def test_the_part_alone(alice):
    answer = alice.client.get(alice.url(""), headers={"HX-Request": "true", "HX-Target": "home"})
    assert b"<html" not in answer.content
    assert b'id="home"' in answer.content


@pytest.mark.parametrize("scope", ["mine", "all", ""])
def test_the_same_queries_for_one_and_many(alice, make_conversation, make_customer, scope):
    counts = []
    for size in (1, 14):
        for number in range(size):
            conversation = make_conversation(alice if number % 2 else None, name=f"Person {number}")
            wait(conversation, timedelta(hours=2))
            follow_up(alice, conversation.customer, timezone.now() - timedelta(hours=1))
            with organization_scope(alice.organization):
                tasks.create(
                    organization=alice.organization, actor=alice.actor, title=f"Task {number}", assigned_to=alice.user,
                    customer=conversation.customer, due_at=timezone.now() - timedelta(hours=1),
                )  # fmt: skip
                Customer.objects.update(last_activity_at=timezone.now() - timedelta(days=400))
        if size == 1:
            wait(make_conversation(alice, name="First"), timedelta(hours=2))
            follow_up(alice, make_customer(alice), timezone.now() - timedelta(hours=1))
            with organization_scope(alice.organization):
                Customer.objects.update(last_activity_at=timezone.now() - timedelta(days=400))
        client = alice.client
        client.get(alice.url(f"?scope={scope}"))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(alice.url(f"?scope={scope}")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MAX_COUNT
