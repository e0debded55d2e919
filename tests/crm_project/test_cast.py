"""The cast that tests begin with is what the services make, with ids of each test's own."""

from __future__ import annotations

from collections import Counter

import pytest

from accounts.models import Organization, User
from core.tenancy import every_organization
from tests.cast_rows import every_row
from tests.conftest import sign_up


def rows() -> Counter[str]:
    return Counter({label: len(table.rows) for label, table in every_row().items()})


@pytest.mark.django_db
def test_who_is_not_called_is_not_there(recorded_cast):
    with every_organization("the test looks at all"):
        assert not Organization.objects.exists()
        assert not User.objects.exists()


def test_somebody_of_the_cast_has_the_rows_of_somebody_who_signs_up(db, enter):
    nobody = rows()
    enter("alice")
    with_alice = rows()
    sign_up("ann@harbour.example", "Ann Hart", "Another Clinic", "clinic")
    assert rows() - with_alice == with_alice - nobody


def test_no_row_holds_an_id_of_the_recorded_ones(recorded_cast, alice, bob, mona, tom, tara, charlie):
    recorded = {one.hex for step, _ in recorded_cast.values() for one in step.ids}
    assert len(recorded) > 60
    text = repr([table.rows for table in every_row().values()]).replace("-", "")
    assert not [one for one in recorded if one in text]


def test_colleagues_share_their_organization(alice, bob, tara, charlie):
    assert bob.organization is alice.organization
    assert tara.organization is alice.organization
    assert charlie.organization != alice.organization
    assert bob.user.check_password("a calm harbour at dawn")
