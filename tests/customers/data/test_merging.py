"""Two customers become one, and two again: nothing is lost on either way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core import serializers
from django.utils import timezone

from activity import jobs
from activity.models import Event, Job
from core.tenancy import organization_scope
from customers.data import undo
from customers.data.merging import services as merging
from customers.models import ChangeSet, Consent, Customer, DuplicatePair, Identity, StageChange
from customers.page.timeline import queries as timeline
from customers.people.consent import services as consent
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.identities import services as identities
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from messaging.channels.base import Kind, ReceivedMessage
from messaging.intake import inbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations

pytestmark = pytest.mark.django_db


def lines(customer: Customer) -> list[tuple[Any, ...]]:
    """The timeline, every row of it."""
    found: list[tuple[Any, ...]] = []
    cursor = ""
    while True:
        page = timeline.page_of(customer, may=lambda permission: True, cursor=cursor, size=7)
        found += [(item.type, str(item.id), item.at, repr(item.data)) for item in page.items]
        cursor = page.next_cursor
        if not cursor:
            return found


def picture(customer: Customer) -> dict[str, Any]:
    """Everything that is stored of a customer but when the row itself was written."""
    fields = serializers.serialize("python", [Customer._base_manager.get(pk=customer.pk)])[0]["fields"]
    for name in ("updated_at", "is_duplicate_check_due", "last_activity_at"):
        del fields[name]
    fields["tags"] = sorted(customer.tags.values_list("name", flat=True))
    for model, field in merging.relations():
        rows = model._base_manager.filter(**{field: customer.pk}).order_by("pk")
        fields[f"{model._meta.label}.{field}"] = serializers.serialize("python", rows)
    return fields


def received(sender: str, body: str) -> ReceivedMessage:
    return ReceivedMessage(kind=Kind.WHATSAPP, provider_message_id=uuid4().hex, to="", sender=sender, body=body)


def live(customer: Customer, alice: Any, channel: Channel, number: int) -> None:
    """A life that leaves something in every place."""
    actor = alice.actor
    interactions.log(customer=customer, actor=actor, content=f"called {number}", channel="call", duration_seconds=90)
    tasks.create(organization=customer.organization, customer=customer, actor=actor, title=f"write {number}")
    deals.create(customer=customer, actor=actor, title=f"deal {number}", amount=Decimal(100 + number))
    contacts.create(customer=customer, actor=actor, name=f"Child {number}", relationship="student")
    tags.add(customer=customer, names=["both", f"only {number}"], actor=actor)
    consent.change(customer=customer, channel="sms", is_granted=False, how="said so", actor=actor)
    stage = stage_moves.find_stage(organization=customer.organization, key="contacted")
    stage_moves.move(customer=customer, stage=stage, actor=actor)
    customers.update(customer=customer, actor=actor, changes={"notes": f"notes {number}"})
    for text in ("hello", "again"):
        inbound.receive(
            channel=channel,
            received=received(sender=customer.phone, body=f"{text} {number}"),
            received_at=timezone.now(),
        )


@pytest.fixture
def pair(alice, inside, make_customer) -> tuple[Customer, Customer]:
    """The one that goes, and the one that stays."""
    custom_fields.create(organization=inside, actor=alice.actor, key="grade", label="Grade", type="number")
    channel = Channel.objects.get(kind="whatsapp", provider="simulator")
    loser = make_customer(
        alice, name="Jana Nováková", email="jana@novak.example", company="Novak", own_fields={"grade": 3}
    )
    survivor = make_customer(alice, name="Jana Novak", email="")
    for number, customer in enumerate((loser, survivor)):
        live(customer, alice, channel, number)
    loser.refresh_from_db()
    survivor.refresh_from_db()
    return loser, survivor


def undone(change_set: ChangeSet, alice: Any) -> dict[str, Any]:
    job = undo.undo(change_set=change_set, actor=alice.actor, user=alice.user)
    jobs.run_due()
    job = Job.objects.get(pk=job.pk)
    assert job.status == "done", job.error
    return job.result


def test_every_record_of_any_app_moves(pair, alice):
    loser, survivor = pair
    expected = {
        (model, field): model._base_manager.filter(**{field: loser.pk}).count()
        + model._base_manager.filter(**{field: survivor.pk}).count()
        for model, field in merging.relations()
    }
    both = len(lines(loser)) + len(lines(survivor))
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    for (model, field), count in expected.items():
        assert not model._base_manager.filter(**{field: loser.pk}).exists(), model
        extra = 1 if (model, field) == (Customer, "merged_into") else 0
        assert model._base_manager.filter(**{field: survivor.pk}).count() == count + extra, model
    assert {Message, Conversation, Identity, Consent, StageChange} <= {model for model, _ in expected}
    assert len(lines(survivor)) == both
    assert not Event.objects.filter(customer_id=loser.pk).exists()


def test_every_relation_to_a_customer_is_known_to_the_merge():
    known = {(model, field) for model, field in merging.relations()}
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if getattr(field, "related_model", None) is Customer and field.many_to_one:
                if model in (DuplicatePair, Customer.tags.through):
                    continue
                assert (model, field.name) in known


def test_merge_and_undo_leave_both_as_they_were(pair, alice):
    before = {customer.pk: (lines(customer), picture(customer)) for customer in pair}
    change_set = merging.merge(loser=pair[0], survivor=pair[1], actor=alice.actor)
    result = undone(change_set, alice)
    for customer in pair:
        assert lines(customer) == before[customer.pk][0]
        assert picture(customer) == before[customer.pk][1]
    assert result["kept"] == 0
    assert result["restored"] > 20


def test_the_survivor_keeps_their_values_and_takes_what_they_lack(pair, alice):
    loser, survivor = pair
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    survivor.refresh_from_db()
    assert survivor.name == "Jana Novak"
    assert survivor.notes == "notes 1"
    assert (survivor.email, survivor.company) == ("jana@novak.example", "Novak")
    assert survivor.custom_fields == {"grade": 3}
    assert {"both", "only 0", "only 1"} <= set(survivor.tags.values_list("name", flat=True))
    primary = survivor.identities.filter(is_primary=True)
    assert sorted(primary.values_list("value", flat=True)) == sorted([survivor.phone, survivor.email])


def test_a_side_can_be_chosen_for_each_field(pair, alice):
    loser, survivor = pair
    chosen = {"name": "from", "phone": "from", "notes": "from", "custom.grade": "into"}
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen=chosen)
    survivor.refresh_from_db()
    assert (survivor.name, survivor.phone, survivor.notes) == (loser.name, loser.phone, loser.notes)
    assert survivor.custom_fields == {}
    assert survivor.identities.get(value=loser.phone).is_primary


@pytest.mark.parametrize("chosen", [{"name": "both"}, {"id": "from"}, {"custom.nothing": "from"}])
def test_a_choice_that_is_none_is_refused(pair, alice, chosen):
    with pytest.raises(merging.CannotMerge) as refused:
        merging.merge(loser=pair[0], survivor=pair[1], actor=alice.actor, chosen=chosen)
    assert refused.value.field == "choose"
    assert not Customer.objects.filter(merged_into__isnull=False).exists()


def test_both_codes_find_the_survivor(pair, alice):
    loser, survivor = pair
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    for code in (loser.code, survivor.code):
        assert [found.pk for found in Customer.objects.visible_to(alice.member).matching(code)] == [survivor.pk]


def test_each_thread_of_a_channel_stays_whole(pair, alice):
    loser, survivor = pair
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    threads = Conversation.objects.filter(customer=survivor).order_by("thread_number")
    assert [thread.thread_number for thread in threads] == [1, 2]
    channel = threads[0].channel
    answered = inbound.receive(
        channel=channel, received=received(sender=loser.phone, body="from the second phone"), received_at=timezone.now()
    )
    assert answered.conversation == threads[1]
    assert answered.customer_id == survivor.pk


def test_what_came_after_the_merge_goes_with_its_thread(pair, alice):
    loser, survivor = pair
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    channel = Channel.objects.get(kind="whatsapp", provider="simulator")
    later = inbound.receive(
        channel=channel, received=received(sender=loser.phone, body="meanwhile"), received_at=timezone.now()
    )
    interaction = interactions.log(customer=survivor, actor=alice.actor, content="meanwhile")
    undone(change_set, alice)
    later.refresh_from_db()
    interaction.refresh_from_db()
    assert later.customer_id == loser.pk
    assert interaction.customer_id == survivor.pk


def test_what_was_changed_after_the_merge_is_kept_and_reported(pair, alice):
    loser, survivor = pair
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen={"name": "from"})
    survivor.refresh_from_db()
    customers.update(customer=survivor, actor=alice.actor, changes={"name": "Jana Novak-Hart"})
    result = undone(change_set, alice)
    survivor.refresh_from_db()
    assert survivor.name == "Jana Novak-Hart"
    assert result["reasons"] == ["name was changed since."]


def test_an_address_that_was_taken_off_the_survivor_is_the_others_again(pair, alice, inside):
    loser, survivor = pair
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen={"phone": "from"})
    customers.update(customer=survivor, actor=alice.actor, changes={"phone": "+447700977777"})
    address = identities.phone(loser.phone, organization=inside)
    assert identities.find(organization=inside, addresses=[address]) is None
    undone(change_set, alice)
    found = identities.find(organization=inside, addresses=[address])
    assert found is not None
    assert (found.customer_id, found.is_primary) == (loser.pk, True)


def test_merges_are_undone_last_first(pair, alice, make_customer):
    third = make_customer(alice)
    before = lines(pair[0])
    first = merging.merge(loser=pair[0], survivor=pair[1], actor=alice.actor)
    second = merging.merge(loser=pair[1], survivor=third, actor=alice.actor)
    third.refresh_from_db()
    assert set(third.former_codes) == {pair[0].code, pair[1].code}
    job = undo.undo(change_set=first, actor=alice.actor)
    jobs.run_due()
    assert "later merge" in Job.objects.get(pk=job.pk).error
    undone(second, alice)
    # What was refused was not used up by it.
    undone(first, alice)
    assert lines(pair[0]) == before


def test_a_merge_is_undone_once_and_for_thirty_days(pair, alice):
    change_set = merging.merge(loser=pair[0], survivor=pair[1], actor=alice.actor)
    ChangeSet.objects.filter(pk=change_set.pk).update(created_at=timezone.now() - dt.timedelta(days=31))
    change_set.refresh_from_db()
    with pytest.raises(undo.TooLate, match="30 days"):
        undo.undo(change_set=change_set, actor=alice.actor)
    ChangeSet.objects.filter(pk=change_set.pk).update(created_at=timezone.now())
    change_set.refresh_from_db()
    undo.undo(change_set=change_set, actor=alice.actor)
    with pytest.raises(undo.TooLate, match="already"):
        undo.undo(change_set=change_set, actor=alice.actor)


def test_a_customer_is_not_merged_with_itself_or_twice(pair, alice):
    loser, survivor = pair
    with pytest.raises(merging.CannotMerge, match="itself"):
        merging.merge(loser=loser, survivor=loser, actor=alice.actor)
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    with pytest.raises(merging.CannotMerge, match="merged meanwhile"):
        merging.merge(loser=loser, survivor=survivor, actor=alice.actor)


def test_another_organization_is_out_of_reach(pair, charlie, alice):
    with organization_scope(charlie.organization):
        stranger = customers.create(organization=charlie.organization, actor=charlie.actor, name="Stranger")
    with pytest.raises(merging.CannotMerge):
        merging.merge(loser=stranger, survivor=pair[1], actor=alice.actor)


def test_a_message_to_a_merged_address_reaches_the_survivor(pair, alice):
    loser, survivor = pair
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor)
    address = identities.phone(loser.phone, organization=loser.organization)
    found, is_new = customers.find_or_make(
        organization=loser.organization, addresses=[address], name="x", source="whatsapp", actor=alice.actor
    )
    assert (found.pk, is_new) == (survivor.pk, False)
    assert conversations.begin(customer=found, channel=Channel.objects.get(kind="sms")).customer_id == survivor.pk
