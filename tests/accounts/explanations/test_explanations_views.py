"""“Who sees this?” and “What do they see?”."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks

pytestmark = pytest.mark.django_db
SEES = "who-sees/?subject="


def test_it_is_offered_on_every_kind_of_record(alice, bob, mona, make_conversation):
    conversation = make_conversation(bob)
    customer = conversation.customer
    with organization_scope(alice.organization):
        deal = deals.create(customer=customer, actor=alice.actor, title="Braces")
        task = tasks.create(organization=alice.organization, actor=alice.actor, title="Call", assigned_to=bob.user)
    for page, subject in (
        (f"customers/{customer.pk}/", f"customer:{customer.pk}"),
        (f"deals/{deal.pk}/", f"deal:{deal.pk}"),
        (f"tasks/{task.pk}/", f"task:{task.pk}"),
        (f"inbox/{conversation.pk}/", f"conversation:{conversation.pk}"),
    ):
        address = alice.url(SEES + subject)
        assert address in alice.client.get(alice.url(page)).content.decode()
        assert "who-sees" not in bob.client.get(bob.url(page)).content.decode()
        shown = alice.client.get(address).content.decode()
        assert "Bob Reyes" in shown
        assert "It is theirs." in shown


def test_nobody_learns_of_what_they_do_not_see(alice, bob, mona, charlie, make_customer):
    hidden = make_customer(alice, name="Hidden Person")
    for person, status in ((mona, 404), (bob, 403), (charlie, 404)):
        answer = person.client.get(person.url(f"{SEES}customer:{hidden.pk}"))
        assert answer.status_code == status
        assert b"Hidden" not in answer.content
    for wrong in ("", "customer", "customer:x", f"cat:{hidden.pk}", f"task:{hidden.pk}"):
        assert alice.client.get(alice.url(SEES + wrong)).status_code == 404


def test_what_they_see_is_limited_to_what_one_sees_oneself(alice, bob, mona, make_customer):
    make_customer(alice, name="Hidden Person")
    make_customer(bob, name="Shown Person")

    def shown(viewer, person):
        return viewer.client.get(viewer.url(f"settings/people/{person.member.pk}/sees/"))

    for viewer, person, count in ((alice, alice, 2), (alice, bob, 1), (mona, alice, 1), (mona, bob, 1)):
        answer = shown(viewer, person)
        customers = next(one for one in answer.context["seen"] if one.subject.name == "customer")
        assert customers.count == count
    assert b"Hidden" not in shown(mona, alice).content
    assert shown(bob, bob).status_code == 403


def test_who_was_shut_out_sees_nothing(alice, bob, make_customer):
    make_customer(bob)
    with organization_scope(alice.organization):
        type(bob.member).objects.filter(pk=bob.member.pk).update(is_active=False)
    answer = alice.client.get(alice.url(f"settings/people/{bob.member.pk}/sees/"))
    assert {one.count for one in answer.context["seen"]} == {0}
    assert b"deactivated" in answer.content
