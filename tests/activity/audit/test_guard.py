"""PostgreSQL keeps the ledger's rows from statements that nobody announced; the program's own go through."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from activity.audit import amending, guard
from activity.models import Event
from core.tenancy import organization_scope

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="the guard is PostgreSQL's")


@pytest.fixture
def event(alice, tell, sealed):
    (event,) = tell(1)
    sealed()
    with organization_scope(alice.organization):
        yield event


@pytest.mark.parametrize(
    "changes",
    [
        {"actor_label": "x"}, {"payload": {}}, {"payload": {"tag": "x"}}, {"occurred_at": "2001-01-01T00:00:00Z"},
        {"customer_id": None}, {"source_key": "x"}, {"is_sealed": False}, {"salt": "x"}, {"proof": "x"}, {"depth": 9},
    ],
    ids=lambda changes: "-".join(changes),
)  # fmt: skip
def test_a_change_is_refused(event, changes):
    with pytest.raises(DatabaseError, match="The ledger is not changed"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(**changes)


def test_deleting_is_refused(event):
    with pytest.raises(DatabaseError, match="not deleted from"), transaction.atomic():
        Event.objects.filter(pk=event.pk).delete()


def test_dispatch_moves_on(event):
    assert Event.objects.filter(pk=event.pk).update(dispatch_state="set_aside", last_error="x", attempts=3) == 1


def test_erasing_takes_away_and_puts_nothing_in(event):
    with pytest.raises(DatabaseError, match="The ledger is not changed"), transaction.atomic():
        amending.erase(ids=[event.pk], remaining=lambda row: {**row.payload, "tag": "another"})
    with pytest.raises(DatabaseError, match="The ledger is not changed"), transaction.atomic():
        amending.erase(ids=[event.pk], remaining=lambda row: {**row.payload, "more": 1})
    assert amending.erase(ids=[event.pk], remaining=lambda _: {}) == 1


def test_the_permission_ends_with_the_block(event):
    with pytest.raises(DatabaseError), transaction.atomic():
        with guard.allowing("delete"):
            pass
        Event.objects.filter(pk=event.pk).delete()


def test_a_whole_organization_can_be_deleted(event):
    with guard.allowing("delete"):
        Event.objects.filter(pk=event.pk).delete()
    assert not Event.objects.filter(pk=event.pk).exists()
    assert connection.vendor == "postgresql"
