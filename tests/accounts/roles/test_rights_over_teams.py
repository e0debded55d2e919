"""Rights over teams: what somebody may do is gained with nobody's records, by any sequence of calls.

Everybody but the administrator works together, by the API, in any order: roles, people, teams, invitations, keys, in
each other's names. After each step every member and key may do no more than one of them could at the beginning: what it
permits, and on whose records. `test_grants.py` asks the same of permissions, step by step, by the services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.invitations.links import token_of
from accounts.models import APIKey, Invitation, Member, Role, Team
from accounts.permissions import CATALOG, NEVER_BY_KEY, RESOURCES, Reach
from core.tenancy import organization_scope
from tests.accounts.hiring import hire
from tests.conftest import PASSWORD, Person, make_team

pytestmark = pytest.mark.django_db
USERS = "/api/v1/admin/users"
LEAD = {
    "customers.view", "customers.edit", "tasks.view", "api_keys.view", "api_keys.create",
    *(f"{resource}.{action}" for resource in ("users", "roles") for action in RESOURCES[resource]),
}  # fmt: skip
PICKS = st.integers(min_value=0, max_value=11)


@dataclass(frozen=True)
class Power:
    """What somebody or something may do, on whose records."""

    permissions: frozenset[str]
    reach: Reach
    teams: frozenset[object] = frozenset()

    def covers(self, other: Power) -> bool:
        if not other.permissions <= self.permissions:
            return False
        if self.reach is Reach.ALL or other.reach is Reach.ASSIGNED:
            return True
        return self.reach is Reach.TEAM and other.reach is Reach.TEAM and other.teams <= self.teams


@dataclass
class World:
    """The organization in one example: who can act, and how."""

    alice: Person
    people: list[Person]
    clients: list[APIClient]
    names: Iterator[int] = field(default_factory=count)

    def rows(self, model: Any, **filters: Any) -> list[Any]:
        with organization_scope(self.alice.organization):
            return list(model.objects.filter(organization=self.alice.organization, **filters).order_by("pk"))

    def one(self, model: Any, at: int, **filters: Any) -> Any:
        rows = self.rows(model, **filters)
        return rows[at % len(rows)] if rows else None

    def permissions(self, at: int) -> list[str]:
        """Some that somebody has, with one more or less."""
        of = [*(sorted(role.permissions) for role in self.rows(Role)), sorted(CATALOG), ["customers.view"]]
        chosen = of[at % len(of)]
        return chosen[: len(chosen) - at % 3] or ["customers.view"]

    def reach(self, at: int) -> str:
        return list(Reach)[at % 3].value

    def teams(self, at: int) -> list[str]:
        rows = self.rows(Team)
        return [str(team.pk) for number, team in enumerate(rows) if at >> number & 1]

    def users(self, at: int) -> list[str]:
        rows = self.rows(Member, removed_at=None)
        return [str(member.user_id) for number, member in enumerate(rows) if at >> number & 1]


Do = Callable[[World, APIClient, int, int, int], Any]


def make_role(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {"name": f"Own {next(world.names)}", "permissions": world.permissions(a), "reach": world.reach(b)}
    return by.post("/api/v1/admin/roles", body, format="json")


def change_role(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    role = world.one(Role, a)
    body = {"permissions": world.permissions(b), "reach": world.reach(c), "accepts_own_loss": True}
    return by.patch(f"/api/v1/admin/roles/{role.pk}", body, format="json")


def delete_role(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    role, successor = world.one(Role, a), world.one(Role, b)
    return by.delete(f"/api/v1/admin/roles/{role.pk}?successor={successor.pk}&accepts_own_loss=true")


def give_role(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    member, role = world.one(Member, a), world.one(Role, b)
    return by.patch(f"{USERS}/{member.user_id}", {"role": role.key}, format="json")


def give_teams(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    return by.patch(f"{USERS}/{world.one(Member, a).user_id}", {"teams": world.teams(b)}, format="json")


def shut_out_or_let_in(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {"status": ("active", "inactive")[b % 2]}
    return by.patch(f"{USERS}/{world.one(Member, a).user_id}", body, format="json")


def make_member(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {
        "email": f"new{next(world.names)}@harbour.example", "name": "New", "send_invite": False,
        "role": world.one(Role, a).key, "teams": world.teams(b),
    }  # fmt: skip
    return by.post(USERS, body, format="json")


def invite(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {"email": f"asked{next(world.names)}@new.example", "role": world.one(Role, a).key, "teams": world.teams(b)}
    return by.post(USERS, body, format="json")


def accept(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    invitation = world.one(Invitation, a)
    if invitation is None:
        return None
    path = f"/api/v1/auth/invitations/{token_of(invitation)}/accept"
    return APIClient().post(path, {"name": "Asked", "password": PASSWORD}, format="json")


def add_team(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {"name": f"Team {next(world.names)}", "members": world.users(a * 12 + b)}
    return by.post("/api/v1/admin/teams", body, format="json")


def change_team(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    team = world.one(Team, a)
    return (
        by.patch(f"/api/v1/admin/teams/{team.pk}", {"members": world.users(b * 12 + c)}, format="json")
        if team
        else None
    )


def issue_key(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    body = {"name": "Key", "scopes": world.permissions(a), "password": PASSWORD}
    if c % 2:
        body["member"] = str(world.one(Member, b).user_id)
    answer = by.post("/api/v1/admin/integrations/api-keys", body, format="json")
    if answer.status_code == 201:
        client = APIClient()
        client.credentials(HTTP_X_API_KEY=answer.json()["key"])
        world.clients.append(client)
    return answer


def act_as(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    path = f"{USERS}/{world.one(Member, a).user_id}/impersonate"
    answer = by.post(path, {"reason": "A try", "password": PASSWORD}, format="json")
    if answer.status_code == 201:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['impersonation_token']}")
        world.clients.append(client)
    return answer


def remove(world: World, by: APIClient, a: int, b: int, c: int) -> Any:
    return by.delete(f"{USERS}/{world.one(Member, a).user_id}")


KINDS: list[Do] = [
    make_role, change_role, delete_role, give_role, give_teams, shut_out_or_let_in, make_member, invite, accept,
    add_team, change_team, issue_key, act_as, remove,
]  # fmt: skip
STEP = st.tuples(st.sampled_from(range(len(KINDS))), PICKS, PICKS, PICKS, PICKS)


def powers_of(world: World) -> list[Power]:
    """Of every member but administrators, with what waits for an answer and every key that is good."""
    with organization_scope(world.alice.organization):
        members = Member.objects.present().with_access().prefetch_related("teams").exclude(role__key="admin")
        powers = [
            Power(one.role.permissions, one.role.reach, frozenset(team.pk for team in one.teams.all()))
            for one in members
        ]
        for key in APIKey.objects.filter(revoked_at=None).select_related("member__role"):
            given = key.permitted & key.member.role.permissions
            assert not given & NEVER_BY_KEY
            teams = frozenset(key.member.teams.values_list("pk", flat=True))
            powers.append(Power(given, key.member.role.reach, teams))
    return powers


def clients_of(people: list[Person]) -> list[APIClient]:
    return [person.api for person in people]


@pytest.mark.parametrize("is_with_office", [True, False], ids=["with-an-office", "without"])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@example(steps=[(KINDS.index(change_team), 0, 1, 0, 4)])  # the office puts Mona into a team that is not hers
def test_nobody_gains_a_right(alice, bob, mona, tom, cast_of_helpers, is_with_office, steps):
    office, lead, keys = cast_of_helpers
    with transaction.atomic():
        people = [office, lead, keys, bob, mona, tom]
        if not is_with_office:
            # Nobody but the administrator sees everything: what reaches a team stays within it.
            with organization_scope(alice.organization):
                Member.objects.filter(pk=office.member.pk).update(is_active=False, removed_at=timezone.now())
            people.remove(office)
        world = World(alice, people, clients_of(people))
        before = powers_of(world)
        for kind, who, a, b, c in steps:
            answer = KINDS[kind](world, world.clients[who % len(world.clients)], a, b, c)
            assert answer is None or answer.status_code < 500, answer.content
            for power in powers_of(world):
                assert any(one.covers(power) for one in before), (KINDS[kind].__name__, power)
        with organization_scope(alice.organization):
            administrators = Member.objects.active().filter(role__key="admin", role__is_system=True)
            assert [member.pk for member in administrators] == [alice.member.pk]
        transaction.set_rollback(True)


@pytest.fixture
def cast_of_helpers(alice, bob, mona, tom):
    """An office that sees all and deletes nothing, a lead of Mona's team, somebody with keys."""
    office = hire(alice, set(CATALOG - {"customers.delete", "deals.delete", "audit.export"}), name="Olga")
    lead = hire(alice, LEAD, Reach.TEAM, name="Lena")
    keys = hire(alice, {"api_keys.view", "api_keys.create", "customers.view", "users.view"}, Reach.ASSIGNED, name="Kim")
    with organization_scope(alice.organization):
        lead.member.teams.set(mona.member.teams.all())
    make_team("Evening", tom)
    return office, lead, keys


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_step_does_what_it_says_where_it_may(alice, bob, mona, tom, cast_of_helpers, kind):
    """Else nothing could be found by it."""
    world = World(alice, [alice], clients_of([alice]))
    if kind is accept:
        invite(world, world.clients[0], 1, 0, 0)
    answers = [kind(world, world.clients[0], a, b, c) for a in range(6) for b in (1, 3) for c in (0, 1)]
    statuses = {answer.status_code for answer in answers if answer is not None}
    assert statuses & {200, 201, 204}, statuses


class TestOtherTeams:
    """Whose role reaches their team gives nobody of another team anything there."""

    @pytest.fixture
    def lead(self, alice, mona, tom):
        permissions = {"customers.view", "customers.edit", "users.view", "users.edit", "roles.view", "roles.edit"}
        lead = hire(alice, permissions | {"roles.create", "roles.delete"}, Reach.TEAM, name="Lena")
        with organization_scope(alice.organization):
            lead.member.teams.set(mona.member.teams.all())
        make_team("Evening", tom)
        return lead

    @pytest.fixture
    def little(self, alice, bob, tom):
        """A role that the lead may give, of somebody in the team and somebody in another."""
        with organization_scope(alice.organization):
            role = Role.objects.create(
                organization=alice.organization, key="little", name="Little", stored_reach="team",
                stored_permissions=["customers.view"],
            )  # fmt: skip
            Member.objects.filter(pk__in=[bob.member.pk, tom.member.pk]).update(role=role)
        return role

    def test_a_role_is_given_to_people_of_ones_own_teams_only(self, alice, bob, tom, lead, little):
        path = "/api/v1/admin/users"
        for person, status in ((bob, 200), (tom, 403)):
            answer = lead.api.patch(f"{path}/{person.user.pk}", {"role": lead.member.role.key}, format="json")
            assert answer.status_code == status, answer.content
        assert "teams that you don’t belong to" in answer.json()["errors"][0]["detail"]

    def test_a_role_gets_more_only_where_all_who_have_it_are_of_ones_own_teams(self, alice, bob, tom, lead, little):
        path, more = f"/api/v1/admin/roles/{little.pk}", {"permissions": ["customers.view", "customers.edit"]}
        assert lead.api.patch(path, more, format="json").status_code == 403
        assert lead.api.patch(path, {"permissions": []}, format="json").status_code == 200, "less is no gift"
        with organization_scope(alice.organization):
            tom.member.teams.clear()
        assert lead.api.patch(path, more, format="json").status_code == 200

    def test_a_role_reaches_no_further_for_others(self, alice, bob, tom, lead, little):
        path = f"/api/v1/admin/roles/{little.pk}"
        with organization_scope(alice.organization):
            Role.objects.filter(pk=little.pk).update(stored_reach="assigned")
        assert lead.api.patch(path, {"reach": "team"}, format="json").status_code == 403
        assert lead.api.patch(path, {"name": "Small"}, format="json").status_code == 200

    def test_nor_by_the_successor_of_a_deleted_one(self, alice, bob, tom, lead, little):
        path = f"/api/v1/admin/roles/{little.pk}?successor={lead.member.role_id}"
        assert lead.api.delete(path).status_code == 403
        with organization_scope(alice.organization):
            tom.member.teams.clear()
        assert lead.api.delete(path).status_code == 204

    def test_who_does_more_is_moved_by_nobody_who_may_less(self, alice, mona, tom, lead):
        """In another team they would do that with its records."""
        office = hire(alice, {"users.view", "users.edit", "customers.view"}, name="Olga")
        with organization_scope(alice.organization):
            evening = Team.objects.get(name="Evening")
            desk = Team.objects.exclude(pk=evening.pk).get()
        for path, body in (
            (f"/api/v1/admin/teams/{evening.pk}", {"members": [str(tom.user.pk), str(mona.user.pk)]}),
            (f"/api/v1/admin/teams/{desk.pk}", {"members": []}),
        ):
            assert office.api.patch(path, body, format="json").status_code == 403
        assert office.api.post(
            "/api/v1/admin/teams", {"name": "New", "members": [str(mona.user.pk)]}, format="json"
        ).status_code == 403  # fmt: skip
        assert office.api.delete(f"/api/v1/admin/teams/{desk.pk}").status_code == 403
        assert office.api.patch(f"/api/v1/admin/teams/{desk.pk}", {"name": "Front"}, format="json").status_code == 200
