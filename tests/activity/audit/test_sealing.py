"""Every event is in its organization's chain soon after its commit; writers wait for nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.audit import content, sealing
from activity.audit.checking import Kind
from activity.ledger import Entry, record, record_many
from activity.models import AuditChain, AuditLink, Event
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Customer
from tests.ledger import change_unsealed
from tests.messaging.conftest import in_threads


def links(organization: Any) -> list[AuditLink]:
    with organization_scope(organization):
        return list(AuditLink.objects.order_by("position"))


def test_events_are_appended_in_order_and_once(alice, tell, sealed, fault):
    sealed()
    before = len(links(alice.organization))
    written = tell(3)
    assert sealed() >= 3
    assert sealed() == 0
    chain = links(alice.organization)
    assert [link.position for link in chain] == list(range(1, len(chain) + 1))
    assert [link.pk for link in chain][-3:] == [event.pk for event in written]
    assert len(chain) > before
    assert fault() is None


def test_each_organization_has_a_chain_of_its_own(alice, charlie, tell):
    with every_organization("the test writes"):
        change_unsealed(salt="", proof="")
        for one in (alice.organization, charlie.organization):
            AuditChain.objects.create(organization=one, adopts_until=timezone.now())
    tell(2)
    sealing.seal_due()
    for person in (alice, charlie):
        assert links(person.organization)[0].position == 1


def test_what_is_written_many_at_a_time_is_sealed(alice, make_customer, sealed, fault):
    with organization_scope(alice.organization):
        entries = [Entry(make_customer(), {"tag": f"T{n}"}) for n in range(3)]
        record_many(events.TAG_ADDED, entries, actor=alice.actor)
        record(events.TAG_ADDED, subject=entries[0].subject, payload={"tag": "K"}, source_key="k")
    assert sealed() >= 4
    assert fault() is None


def test_numbers_are_hashed_as_every_database_gives_them_back(alice, make_customer, sealed, fault):
    with organization_scope(alice.organization):
        event = Event(
            organization=alice.organization, type="t", actor_kind="system", subject_type="s", subject_id="1",
            payload={"b": 1e16, "a": 2.0, "c": 0.1, "d": [1.5, -0.0], "ä": "\u2028\U0001f600", "e": timezone.now()},
            actor_label=" two\nlines ", source_key="x",
        )  # fmt: skip
        content.stamp(event).save(force_insert=True)
    sealed()
    assert links(alice.organization)[-1].pk == event.pk
    assert fault() is None


def test_a_row_that_this_program_did_not_write_is_not_sealed(alice, tell, sealed, fault):
    (event,) = tell(1)
    with organization_scope(alice.organization):
        change_unsealed(actor_label="Nobody")
    sealed()
    assert event.pk not in [link.pk for link in links(alice.organization)]
    assert fault().kind == Kind.INSERTED


def test_proofs_of_the_key_before_are_good(settings, tell, sealed, fault):
    tell(1)
    settings.ENCRYPTION_KEYS = ["a-new-one", *settings.ENCRYPTION_KEYS]
    assert sealed() > 0
    assert fault() is None


def test_rows_of_before_are_taken_in_until_the_time_is_over(alice, tell, sealed, fault):
    with organization_scope(alice.organization):
        AuditChain.objects.create(organization=alice.organization, adopts_until=timezone.now() + timedelta(hours=1))
        tell(2)
        change_unsealed(salt="", proof="")
    assert sealed() > 1
    with organization_scope(alice.organization):
        AuditChain.objects.update(adopts_until=timezone.now() - timedelta(seconds=1))
        tell(1)
        sealing.seal_due()
        began = Event.objects.get(type="audit.began")
        assert began.payload["adopted"] >= 2
        sealed()
        assert fault() is None
        tell(1)
        change_unsealed(salt="", proof="")
    sealed()
    assert fault().kind == Kind.INSERTED


def test_the_writer_takes_one_statement_as_before(alice, make_customer):
    customer = make_customer()
    with organization_scope(alice.organization), transaction.atomic(), CaptureQueriesContext(connection) as queries:
        record(events.TAG_ADDED, subject=customer, payload={"tag": "x"})
    assert len(queries) == 1


def test_sealing_takes_the_same_statements_for_1_and_100_events(tell, sealed):
    sealed()
    counts = []
    for rows in (1, 100):
        tell(rows)
        with CaptureQueriesContext(connection) as queries:
            sealed()
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_many_writers_and_sealers_at_once_make_no_fork_and_no_gap(alice, make_customer, fault):
    """Fifty writers, each of two events in a transaction, while four sealers run."""
    customer = make_customer()
    sealing.seal(alice.organization.pk)

    def work(number: int) -> None:
        with organization_scope(alice.organization):
            if number % 13 == 0:
                sealing.seal(alice.organization.pk)
                return
            with transaction.atomic():
                for n in range(2):
                    record(events.TAG_ADDED, subject=Customer(pk=customer.pk, organization=alice.organization),
                           payload={"tag": f"{number} {n}"})  # fmt: skip

    in_threads(work, 54)
    sealing.seal(alice.organization.pk)
    assert fault() is None
    with organization_scope(alice.organization):
        assert Event.objects.filter(type=events.TAG_ADDED).count() >= 98
        assert not Event.objects.filter(is_sealed=False).exists()
