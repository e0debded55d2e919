"""What a merge must not lose: who wants no contact, the newest activity, and whose beginning it is."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from activity import jobs
from customers.data import undo
from customers.data.merging import services as merging
from customers.models import Consent, Contact, Customer
from customers.people.consent import services as consent
from customers.people.contacts import services as contacts
from customers.work.processes import services as processes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", [None, "into", "from"])
@pytest.mark.parametrize(("of_survivor", "of_loser"), list(product([True, False], repeat=2)))
def test_do_not_contact_of_either_side_stays_whatever_is_chosen(
    alice, inside, make_customer, of_survivor, of_loser, chosen
):
    survivor, loser = make_customer(do_not_contact=of_survivor), make_customer(do_not_contact=of_loser)
    given = {"do_not_contact": chosen} if chosen else {}
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen=given)
    assert Customer.objects.get(pk=survivor.pk).do_not_contact is (of_survivor or of_loser)


def say(customer: Any, actor: Any, channel: str, granted: bool, days: int) -> None:
    """A word so many days ago."""
    row = consent.change(customer=customer, channel=channel, is_granted=granted, how="told us", actor=actor)
    assert row is not None
    Consent.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))


# Of each case: what one said and what the other said, as (channel, granted, days ago), and on which kinds it is over.
@pytest.mark.parametrize(
    ("words", "others", "out"),
    [
        ([("sms", False, 9)], [], {"sms"}),
        ([("sms", False, 9)], [("sms", True, 1)], {"sms"}),
        ([("sms", False, 1)], [("sms", True, 9)], {"sms"}),
        ([("sms", False, 9)], [("", True, 1)], {"sms"}),
        ([("", False, 9)], [("sms", True, 1)], {"sms", "whatsapp", "email"}),
        ([("", False, 9)], [("", True, 1)], {"sms", "whatsapp", "email"}),
        ([("sms", False, 9), ("sms", True, 5)], [], set()),
        ([("sms", False, 9), ("sms", True, 5)], [("sms", False, 7)], {"sms"}),
        ([("", False, 9), ("email", True, 5)], [("email", True, 8)], {"sms", "whatsapp"}),
        ([("email", True, 5)], [("email", True, 8)], set()),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_an_opt_out_of_either_side_stays(alice, inside, make_customer, words, others, out, turned):
    survivor, loser = make_customer(), make_customer()
    first, second = (loser, survivor) if turned else (survivor, loser)
    for customer, given in ((first, words), (second, others)):
        for channel, granted, days in given:
            say(customer, alice.actor, channel, granted, days)
    before = set(Consent.objects.values_list("pk", "customer_id", "is_granted"))
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    kinds = ("whatsapp", "sms", "email")
    assert {kind for kind in kinds if consent.is_opted_out(customer=survivor, channel=kind)} == out
    undo.undo(change_set=change_set, actor=alice.actor)
    jobs.run_due()
    assert set(Consent.objects.values_list("pk", "customer_id", "is_granted")) == before


@pytest.mark.parametrize("is_loser_newer", [True, False])
def test_the_newer_last_activity_is_kept(alice, inside, make_customer, is_loser_newer):
    now = timezone.now()
    survivor, loser = make_customer(), make_customer()
    for customer, is_newer in ((loser, is_loser_newer), (survivor, not is_loser_newer)):
        at = now - timedelta(days=1 if is_newer else 30)
        Customer.objects.filter(pk=customer.pk).update(last_activity_at=at)
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    assert Customer.objects.get(pk=survivor.pk).last_activity_at == now - timedelta(days=1)


@pytest.mark.parametrize(
    ("of_survivor", "of_loser", "expected"), [(3, 1, 3), (1, 3, 1), (None, 2, 2), (2, None, 2), (None, None, None)]
)
def test_the_next_follow_up_is_the_survivors_unless_it_has_none(
    alice, inside, make_customer, of_survivor, of_loser, expected
):
    """Two plans are two people's; whoever merges can choose the other."""
    now = timezone.now()
    survivor, loser = make_customer(), make_customer()
    for customer, days in ((survivor, of_survivor), (loser, of_loser)):
        if days is not None:
            processes.start(customer=customer, actor=alice.actor, next_follow_up_at=now + timedelta(days=days))
    survivor.refresh_from_db()
    loser.refresh_from_db()
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    kept = Customer.objects.get(pk=survivor.pk).next_follow_up_at
    assert kept == (now + timedelta(days=expected) if expected is not None else None)


@pytest.mark.parametrize("days", [1, 900])
def test_who_stays_keeps_when_they_were_made(alice, inside, make_customer, days):
    """A number counts a customer in the range in which the record that stays was made."""
    survivor, loser = make_customer(), make_customer()
    made = survivor.created_at
    Customer.objects.filter(pk=loser.pk).update(created_at=made - timedelta(days=days))
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    assert Customer.objects.get(pk=survivor.pk).created_at == made


def test_what_moved_on_since_stays_where_it_is_when_a_merge_is_undone(alice, inside, make_customer):
    survivor, loser, third = make_customer(), make_customer(), make_customer()
    moved, stayed = (contacts.create(customer=loser, actor=alice.actor, name=name) for name in ("Ann", "Ben"))
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    Contact.objects.filter(pk=moved.pk).update(customer=third)
    undo.undo(change_set=change_set, actor=alice.actor)
    jobs.run_due()
    assert Contact.objects.get(pk=moved.pk).customer == third
    assert Contact.objects.get(pk=stayed.pk).customer == loser


@pytest.mark.parametrize("side", ["loser", "survivor"])
def test_a_merge_with_somebody_who_was_erased_is_not_undone(alice, inside, make_customer, side):
    """Erasing takes the record of the merge along; here the undoing had begun before."""
    people = {"survivor": make_customer(), "loser": make_customer()}
    change_set = merging.merge(**people, actor=alice.actor)
    job = undo.undo(change_set=change_set, actor=alice.actor)
    Customer.objects.filter(pk=people[side].pk).update(erased_at=timezone.now())
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "One of the two was erased; the merge stays.")
    assert Customer.objects.get(pk=people["loser"].pk).merged_into == people["survivor"]
