"""Roles by groups of a directory: on somebody's word, never upward beyond it, and never an administrator's."""

from __future__ import annotations

import pytest

from accounts import grants
from accounts.members import services as members
from accounts.models import Role, ScimFailure, ScimGroup
from accounts.roles import services as roles
from accounts.scim import group_roles
from accounts.scim.connections import NotAdministrator
from activity.actor import SYSTEM
from activity.models import Event
from core.refused import Invalid
from core.tenancy import organization_scope
from tests.accounts.scim.conftest import connect, member_of

pytestmark = pytest.mark.django_db


def ref(*people):
    return [{"value": str(person.member.pk)} for person in people]


def role(person, key):
    with organization_scope(person.organization):
        return Role.objects.get(key=key)


def role_of(person):
    return member_of(person, person.user.email).role.key


@pytest.fixture
def nurses(alice, okta):
    return okta.group("Nurses").json()["id"]


def give(alice, team, key, by=None):
    by = by or alice
    with organization_scope(alice.organization):
        group = ScimGroup.objects.select_related("connection__organization").get(team=team)
        chosen = Role.objects.get(key=key) if key else None
        return group_roles.set_role(group=group, role=chosen, by=by.member, actor=by.actor)


def put(okta, team, *people, name="Nurses"):
    answer = okta.put(f"/Groups/{team}", {"displayName": name, "members": ref(*people)})
    assert answer.status_code == 200, answer.json()


def test_who_comes_in_gets_the_role_and_who_leaves_loses_it(alice, bob, tom, okta, nurses):
    assert give(alice, nurses, "manager") == 0
    put(okta, nurses, bob)
    assert (role_of(bob), role_of(tom)) == ("manager", "counselor")
    okta.patch(f"/Groups/{nurses}", {"op": "add", "path": "members", "value": ref(tom)})
    assert role_of(tom) == "manager"
    okta.patch(f"/Groups/{nurses}", {"op": "remove", "path": f'members[value eq "{bob.member.pk}"]'})
    assert (role_of(bob), role_of(tom)) == ("counselor", "manager"), "what new people become"
    assert okta.delete(f"/Groups/{nurses}").status_code == 204
    assert role_of(tom) == "counselor"
    with organization_scope(alice.organization):
        changed = Event.objects.filter(type="member.changed", actor_label="SCIM: Okta")
        assert sum("role" in event.payload["changes"] for event in changed) == 4


def test_a_group_without_a_role_says_nothing_of_it(alice, bob, mona, okta, nurses):
    with organization_scope(alice.organization):
        members.change(member=bob.member, actor=alice.actor, role=role(alice, "manager"))
    put(okta, nurses, bob, mona)
    put(okta, nurses)
    assert (role_of(bob), role_of(mona)) == ("manager", "manager")


def test_saved_it_is_given_to_who_is_in_the_group_by_now(alice, bob, mona, tom, okta, nurses):
    put(okta, nurses, alice, bob, mona)
    assert give(alice, nurses, "counselor") == 1, "Mona; Bob has it, and Alice is an administrator"
    assert (role_of(alice), role_of(bob), role_of(mona)) == ("admin", "counselor", "counselor")
    assert give(alice, nurses, "counselor") == 0
    assert give(alice, nurses, None) == 0
    assert role_of(mona) == "counselor", "without a role in the group people keep theirs"
    with organization_scope(alice.organization):
        said = [event.payload["changes"]["role"] for event in Event.objects.filter(
            type="scim_connection.group_role_set").order_by("pk")]  # fmt: skip
    assert said == [{"from": None, "to": "counselor"}, {"from": "counselor", "to": None}]


def test_of_several_the_one_that_permits_most_counts(alice, bob, okta, nurses):
    doctors = okta.group("Doctors").json()["id"]
    give(alice, nurses, "counselor")
    give(alice, doctors, "manager")
    put(okta, doctors, bob, name="Doctors")
    put(okta, nurses, bob)
    assert role_of(bob) == "manager"
    put(okta, doctors, name="Doctors")
    assert role_of(bob) == "counselor"
    put(okta, doctors, bob, name="Doctors")
    put(okta, nurses)
    assert role_of(bob) == "manager"


def test_what_gives_asks_whose_word_it_is_and_what_takes_does_not(alice, bob, mona, tom, okta, nurses):
    give(alice, nurses, "manager")
    put(okta, nurses, bob)
    with organization_scope(alice.organization):
        members.change(member=mona.member, actor=SYSTEM, role=role(alice, "admin"))
        members.change(member=alice.member, actor=SYSTEM, role=role(alice, "counselor"))
    put(okta, nurses, tom)
    assert role_of(bob) == "counselor", "who leaves loses it in any case"
    assert role_of(tom) == "counselor"
    with organization_scope(alice.organization):
        assert tom.member.teams.filter(pk=nurses).exists(), "the directory’s own change stands"
        (failure,) = ScimFailure.objects.all()
    assert "may no longer give it" in failure.detail
    # Another administrator saves: it is on their word from then on, also what new people become.
    give(alice, nurses, None, by=mona)
    assert give(alice, nurses, "manager", by=mona) == 1
    assert role_of(tom) == "manager"
    put(okta, nurses, tom, bob)
    assert role_of(bob) == "manager"


def test_no_group_makes_or_unmakes_an_administrator(alice, mona, okta, nurses):
    with pytest.raises(Invalid) as refused:
        give(alice, nurses, "admin")
    assert refused.value.field == "role"
    give(alice, nurses, "counselor")
    put(okta, nurses, alice, mona)
    put(okta, nurses)
    assert (role_of(alice), role_of(mona)) == ("admin", "counselor")


def test_who_has_not_everything_says_nothing(alice, bob, mona, charlie, okta, nurses):
    with organization_scope(alice.organization):
        almost = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Almost",
            permissions=sorted(alice.member.permissions - {"audit.export"}), reach="all",
        )  # fmt: skip
        members.change(member=bob.member, actor=alice.actor, role=almost)
    for person in (bob, mona):
        with pytest.raises((NotAdministrator, grants.NotPermitted)):
            give(alice, nurses, "counselor", by=person)
    with organization_scope(charlie.organization):
        foreign = Role.objects.get(key="manager")
    with organization_scope(alice.organization), pytest.raises(Invalid):
        group = ScimGroup.objects.select_related("connection__organization").get(team=nurses)
        group_roles.set_role(group=group, role=foreign, by=alice.member, actor=alice.actor)


def test_a_role_that_is_deleted_is_none(alice, bob, okta, nurses):
    with organization_scope(alice.organization):
        desk = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Desk",
            permissions=["customers.view"], reach="all",
        )  # fmt: skip
    give(alice, nurses, desk.key)
    put(okta, nurses, bob)
    with organization_scope(alice.organization):
        roles.delete(role=desk, by=alice.member, actor=alice.actor, successor=role(alice, "manager"))
    put(okta, nurses)
    assert role_of(bob) == "manager"


def test_without_what_new_people_become_who_leaves_keeps_theirs(alice, bob):
    with organization_scope(alice.organization):
        desk = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Desk",
            permissions=["customers.view"], reach="assigned",
        )  # fmt: skip
    okta = connect(alice, role=desk)
    team = okta.group("Nurses").json()["id"]
    give(alice, team, "manager")
    put(okta, team, bob)
    with organization_scope(alice.organization):
        roles.delete(role=desk, by=alice.member, actor=alice.actor, successor=None)
    put(okta, team)
    assert role_of(bob) == "manager"
