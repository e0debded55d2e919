"""Roles of the organization's own: who may make, change, delete and give them, and what becomes of their members."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.grants import BeyondOwn, NotPermitted
from accounts.members import services as members
from accounts.members.authority import Above
from accounts.members.services import LastAdministrator
from accounts.models import Member, Role
from accounts.permissions import CATALOG, SYSTEM_ROLES, Reach
from accounts.roles import services as roles
from accounts.roles.queries import members_with, roles_of
from activity.models import Event
from core.refused import Invalid
from core.tenancy import organization_scope
from tests.conftest import Person, join

pytestmark = pytest.mark.django_db
DESK = frozenset({"customers.view", "customers.edit", "tasks.view"})


def make(by: Person, name: str = "Desk", permissions: Any = DESK, reach: str = "team", **more: Any) -> Role:
    return roles.create(
        organization=by.organization,
        by=by.member,
        actor=by.actor,
        name=name,
        permissions=permissions,
        reach=reach,
        **more,
    )


def give(member: Member, role: Role, by: Person) -> Member:
    return members.change(member=member, role=role, actor=by.actor)


def change(role: Role, by: Person, *, accepts_own_loss: bool = False, **changes: Any) -> Role:
    return roles.update(role=role, by=by.member, actor=by.actor, changes=changes, accepts_own_loss=accepts_own_loss)


@pytest.fixture
def leader(alice: Person, inside: Any) -> Person:
    """Who manages roles and members, and has not much else, for their team's records."""
    may = {*DESK, "roles.view", "roles.create", "roles.edit", "roles.delete", "users.view", "users.edit"}
    role = make(alice, "Leader", may)
    return join(alice, "lea@harbour.example", "Lea Falk", role.key)


def recorded() -> tuple[str, dict[str, Any]]:
    event = Event.objects.order_by("pk").last()
    return event.type, event.payload


def test_a_role_has_what_was_given_and_the_ledger_knows_it(alice: Person, inside: Any) -> None:
    role = make(alice, "  Front\tdesk ")
    assert (role.name, role.key, role.permissions, role.reach) == ("Front desk", "front-desk", DESK, Reach.TEAM)
    assert not role.is_system
    assert recorded() == (
        "role.created",
        {"key": "front-desk", "name": "Front desk", "permissions": sorted(DESK), "reach": "team"},
    )


def test_a_key_is_made_of_the_name_once(alice: Person, inside: Any) -> None:
    assert [make(alice, name).key for name in ("Été!", "Ete", "前台", "受付")] == ["ete", "ete-2", "role", "role-2"]
    assert make(alice, "x" * 80).key == "x" * 36
    assert make(alice, "Other", key="own-key").key == "own-key"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("name", {"name": " \n"}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "administrator"}),
        ("key", {"key": "Front Desk"}),
        ("key", {"key": "manager"}),
        ("key", {"key": "x" * 41}),
        ("permissions", {"permissions": ["customers.view", "customers.fly"]}),
        ("reach", {"reach": "moon"}),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(alice: Person, inside: Any, field: str, values: Any) -> None:
    with pytest.raises(roles.InvalidRole) as refused:
        make(alice, **{"name": "Desk", **values})
    assert refused.value.field == field
    assert Role.objects.count() == len(SYSTEM_ROLES)


def test_there_is_an_end_to_roles(alice: Person, inside: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(roles, "MAX_ROLES", 4)
    make(alice)
    with pytest.raises(roles.TooManyRoles):
        make(alice, "One more")


def test_nobody_grants_what_they_lack(leader: Person) -> None:
    with pytest.raises(BeyondOwn, match=r"customers\.export") as refused:
        make(leader, "Spy", {"customers.view", "customers.export"})
    assert refused.value.field == "permissions"
    with pytest.raises(BeyondOwn) as refused:
        make(leader, "Watcher", DESK, "all")
    assert refused.value.field == "reach"
    desk = make(leader, "Desk", DESK, "assigned")
    with pytest.raises(BeyondOwn):
        change(desk, leader, permissions=[*DESK, "audit.view"])
    with pytest.raises(BeyondOwn):
        change(desk, leader, reach="all")
    desk.refresh_from_db()
    assert (desk.permissions, desk.reach) == (DESK, Reach.ASSIGNED)


def test_what_is_more_than_ones_own_is_not_ones_to_change_delete_or_give(
    leader: Person, alice: Person, bob: Person
) -> None:
    strong = make(alice, "Strong", {"customers.view", "customers.export"}, "assigned")
    far = make(alice, "Far", {"customers.view"}, "all")
    for role in (strong, far):
        with pytest.raises(BeyondOwn):
            change(role, leader, permissions=["customers.view"], reach="assigned")
        with pytest.raises(BeyondOwn):
            roles.delete(role=role, by=leader.member, actor=leader.actor)
        with pytest.raises(BeyondOwn):
            give(leader.member, role, leader)
    # Nor is who has such a role: the counselor's has templates, which the leader lacks.
    with pytest.raises(Above):
        give(bob.member, make(leader, "Least", {"customers.view"}, "assigned"), leader)


def test_members_of_a_deleted_role_do_not_get_more_than_who_deletes_it_has(leader: Person, alice: Person) -> None:
    desk = make(alice)
    join(alice, "dan@harbour.example", "Dan", desk.key)
    admin = Role.objects.get(key="admin")
    with pytest.raises(BeyondOwn):
        roles.delete(role=desk, by=leader.member, actor=leader.actor, successor=admin)


def test_a_narrow_key_grants_what_it_may_itself(alice: Person, inside: Any) -> None:
    member = Member.objects.with_access().get(pk=alice.member.pk)
    member.scopes = frozenset({"roles.create", "customers.view"})
    given: dict[str, Any] = {
        "organization": alice.organization,
        "by": member,
        "actor": alice.actor,
        "name": "Desk",
        "reach": "all",
    }
    with pytest.raises(BeyondOwn):
        roles.create(**given, permissions=["customers.edit"])
    assert roles.create(**given, permissions=["customers.view"]).permissions == {"customers.view"}


def test_what_counts_is_the_role_that_they_have_by_now(leader: Person, alice: Person) -> None:
    """A page or a call may have begun before somebody lowered them."""
    assert leader.member.may("roles.create")
    change(leader.member.role, alice, permissions=["customers.view"])
    with pytest.raises(NotPermitted):
        make(leader)
    members.deactivate(member=leader.member, actor=alice.actor)
    with pytest.raises(NotPermitted):
        make(leader)


def test_the_systems_roles_stay(alice: Person, inside: Any) -> None:
    for role in Role.objects.all():
        with pytest.raises(roles.SystemRoleStays):
            change(role, alice, name="Boss")
        with pytest.raises(roles.SystemRoleStays):
            roles.delete(role=role, by=alice.member, actor=alice.actor)
    assert Role.objects.count() == len(SYSTEM_ROLES)


def test_a_change_records_what_came_and_went(alice: Person, inside: Any) -> None:
    role = make(alice)
    change(role, alice, name="Night desk", reach="all", permissions=["customers.view", "deals.view"])
    assert recorded() == (
        "role.updated",
        {
            "key": "desk",
            "changes": {"name": {"from": "Desk", "to": "Night desk"}, "reach": {"from": "team", "to": "all"}},
            "added": ["deals.view"],
            "removed": ["customers.edit", "tasks.view"],
        },
    )
    count = Event.objects.count()
    change(role, alice, name="Night desk", reach="all")
    assert Event.objects.count() == count, "the same again is no change"


def test_a_change_is_in_force_on_the_next_request(alice: Person, inside: Any) -> None:
    role = make(alice, "Desk", {"customers.view", "customers.create"}, "all")
    dan = join(alice, "dan@harbour.example", "Dan", role.key)
    caller, browser = dan.api, dan.client
    assert caller.get("/api/v1/customers").status_code == 200
    assert browser.get(dan.url("customers/")).status_code == 200
    change(role, alice, permissions=["tasks.view"])
    assert caller.get("/api/v1/customers").status_code == 403
    assert browser.get(dan.url("customers/")).status_code == 403
    assert caller.get("/api/v1/tasks").status_code == 200


def test_nobody_loses_the_right_to_manage_roles_by_their_own_hand_unseen(leader: Person) -> None:
    role, less = leader.member.role, [*DESK, "roles.view", "roles.create", "roles.delete", "users.edit"]
    with pytest.raises(roles.OwnRights):
        change(role, leader, permissions=less)
    least = make(leader, "Least", DESK)
    with pytest.raises(roles.OwnRights):
        roles.delete(role=role, by=leader.member, actor=leader.actor, successor=least)
    assert leader.member.role.permissions == Role.objects.get(pk=role.pk).permissions
    change(role, leader, permissions=less, accepts_own_loss=True)
    assert "roles.edit" not in Role.objects.get(pk=role.pk).permissions


def test_a_role_in_use_goes_when_its_members_have_another(alice: Person, bob: Person, inside: Any) -> None:
    role, counselor = make(alice), Role.objects.get(key="counselor")
    dan = join(alice, "dan@harbour.example", "Dan", role.key)
    members.deactivate(member=dan.member, actor=alice.actor)
    with pytest.raises(roles.RoleInUse):
        roles.delete(role=role, by=alice.member, actor=alice.actor)
    with pytest.raises(roles.InvalidRole):
        roles.delete(role=role, by=alice.member, actor=alice.actor, successor=role)
    roles.delete(role=role, by=alice.member, actor=alice.actor, successor=counselor)
    assert not Role.objects.filter(key="desk").exists()
    assert Member.objects.get(pk=dan.member.pk).role == counselor
    events = Event.objects.order_by("-pk")[:2]
    payload = {"key": "desk", "name": "Desk", "members": [str(dan.member.pk)], "successor": "counselor"}
    assert (events[0].type, events[0].payload) == ("role.deleted", payload)
    assert events[1].payload == {"changes": {"role": {"from": "desk", "to": "counselor"}}}


def test_who_was_removed_counts_for_nobody_who_has_the_role(alice: Person, inside: Any) -> None:
    role = make(alice)
    dan = join(alice, "dan@harbour.example", "Dan", role.key)
    members.remove(member=dan.member, actor=alice.actor)
    assert members_with(role) == []
    assert roles_of(alice.member).get(pk=role.pk).member_count == 0
    roles.delete(role=role, by=alice.member, actor=alice.actor)
    assert Member.objects.get(pk=dan.member.pk).role.key == "counselor"


def test_a_role_that_nobody_has_goes_without_a_successor(alice: Person, inside: Any) -> None:
    roles.delete(role=make(alice), by=alice.member, actor=alice.actor)
    assert recorded() == ("role.deleted", {"key": "desk", "name": "Desk", "members": [], "successor": None})


def test_the_last_administrator_stays(alice: Person, inside: Any) -> None:
    everything = make(alice, "Everything", CATALOG, "all")
    with pytest.raises(LastAdministrator):
        give(alice.member, everything, alice)
    second = join(alice, "ada@harbour.example", "Ada", "admin")
    assert give(alice.member, everything, second).role == everything
    with pytest.raises(LastAdministrator):
        give(second.member, everything, alice)


def test_a_role_of_another_organization_is_none_of_ours(alice: Person, charlie: Person, inside: Any) -> None:
    with organization_scope(charlie.organization):
        theirs = make(charlie, "Theirs")
    role = make(alice)
    dan = join(alice, "dan@harbour.example", "Dan", role.key)
    with pytest.raises(Invalid):
        give(dan.member, theirs, alice)
    with pytest.raises(roles.InvalidRole):
        roles.delete(role=role, by=alice.member, actor=alice.actor, successor=theirs)
    with pytest.raises(NotPermitted):
        roles.create(
            organization=alice.organization,
            by=charlie.member,
            actor=charlie.actor,
            name="X",
            permissions=[],
            reach="team",
        )


def test_what_is_no_longer_in_the_catalog_permits_nothing(alice: Person, inside: Any) -> None:
    role = make(alice)
    Role.objects.filter(pk=role.pk).update(stored_permissions=["customers.view", "customers.teleport"])
    assert Role.objects.get(pk=role.pk).permissions == {"customers.view"}
