"""Any sequence of changes by anybody: nobody comes to what nobody who had it gave them, and an administrator stays.

After each step the test compares what everybody may do with what they might before it. Whatever somebody gained,
whoever made the step had; so by induction a chain of grants leads from it to somebody who had it in the beginning.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.api_keys import services as keys
from accounts.impersonation import services as impersonation
from accounts.invitations import accepting
from accounts.invitations import services as invitations
from accounts.members import services as members
from accounts.models import Member, Role, User
from accounts.permissions import NEVER_BY_IMPERSONATION, NEVER_BY_KEY, Reach
from accounts.roles import services as roles
from accounts.teams import services as teams
from activity.actor import SYSTEM, Actor, acting_as, current_actor
from core.refused import Refused
from core.tenancy import organization_scope
from tests.conftest import Person, join

pytestmark = pytest.mark.django_db

# Few, so that sequences meet: rights to manage, and some that one may want.
SOME = [
    "roles.view", "roles.create", "roles.edit", "roles.delete", "users.view", "users.edit", "customers.view",
    "customers.export", "audit.view", "users.create", "users.impersonate", "api_keys.create",
]  # fmt: skip
KINDS = [
    "create", "update", "update", "assign", "assign", "assign", "delete", "deactivate", "team", "invite", "key",
    "impersonate", "impersonate",
]  # fmt: skip
STEPS, SEQUENCES = 16, 25
Powers = frozenset[str]
MANAGING = frozenset({"roles.create", "roles.edit", "roles.delete", "users.edit", "users.create"})


def powers_of(role: Role) -> Powers:
    """What a role permits, and how far: each reach is one more power, and holds the narrower ones."""
    return frozenset(role.permissions) | {f"reach.{reach}" for reach in Reach if role.reach.includes(reach)}


@dataclass(frozen=True)
class State:
    """What every role gives, and every member has."""

    roles: dict[UUID, Powers]
    members: dict[UUID, Powers]

    @classmethod
    def read(cls) -> State:
        given = {role.pk: powers_of(role) for role in Role.objects.all()}
        active = Member.objects.select_related("role")
        return cls(given, {one.pk: given[one.role_id] if one.is_active else frozenset() for one in active})


def compare(before: State, after: State, kind: str, by: UUID) -> None:
    """Raises AssertionError for a gain that nobody could give, or a loss that was not theirs to cause."""
    had = before.members[by]
    for was, now in ((before.roles, after.roles), (before.members, after.members)):
        for pk, powers in now.items():
            gained, lost = powers - was.get(pk, frozenset()), was.get(pk, frozenset()) - powers
            assert gained <= had, f"{kind}: {sorted(gained - had)} came from nobody"
            # Who is shut out is so by the system here.
            assert kind == "deactivate" or not lost or was[pk] <= had, f"{kind}: {sorted(lost)} was not theirs to take"
    assert before == after or kind == "deactivate" or had & MANAGING, f"{kind} by somebody who manages nothing"
    assert Member.objects.active().filter(role__key="admin", role__is_system=True).exists()


def take_as(kind: str, by: Person, everybody: list[Person], choice: Random) -> None:
    """One change of another sort by whoever acts for somebody: nobody comes to more, whoever it seems to be."""
    target = choice.choice([one for one in everybody if one is not by])
    row = impersonation.begin(member=target.member, by=by.member, actor=by.actor, reason="A test")
    found = impersonation.find(row.pk)
    assert found is not None
    acting = impersonation.acting_member(found)
    now = Member.objects.with_access().get(pk=by.member.pk)
    assert powers_of(acting.role) <= powers_of(now.role), "upward"
    assert acting.permissions <= now.permissions - NEVER_BY_IMPERSONATION
    before = State.read()
    with suppress(Refused), acting_as(impersonation.actor_of(acting)), transaction.atomic():
        take(kind, Person(acting.user, acting), everybody, choice)
    assert State.read() == before, f"{kind} in another's name"


def take_key(by: Person, permissions: list[str], actor: Actor) -> None:
    """A key, which may do what its owner may and no key is forbidden, whatever its scopes are."""
    key, _secret = keys.issue(owner=by.member, by=by.member, actor=actor, name="A key", scopes=permissions)
    now = Member.objects.with_access().get(pk=by.member.pk)
    assert key.permitted & now.role.permissions <= now.role.permissions - NEVER_BY_KEY
    assert key.permitted <= now.role.permissions


def take_invitation(by: Person, role: Role, actor: Actor, choice: Random) -> None:
    """Somebody new, who comes in by the link: with nothing that the inviter lacks."""
    email = f"invited{choice.random()}@harbour.example"
    (result,) = invitations.invite(
        organization=by.organization, emails=[email], role=role, teams=[], actor=actor, days=7
    )
    assert result.invitation is not None
    user = User.objects.create_user(email)
    member = accepting.join(invitation=result.invitation, user=user)
    now = Member.objects.with_access().get(pk=by.member.pk)
    assert powers_of(member.role) <= powers_of(now.role)


def take(kind: str, by: Person, everybody: list[Person], choice: Random) -> None:
    """One change by that member, who is as they were in the beginning: as a page that was opened long ago has them."""
    # Own roles twice: of the system's there is little to change.
    own, system = (list(Role.objects.filter(is_system=is_system).order_by("pk")) for is_system in (False, True))
    actor = current_actor() if current_actor().impersonator_id else by.actor
    given: dict[str, Any] = {"by": by.member, "actor": actor}
    target = choice.choice([by, by, *everybody]).member
    role, other = (choice.choice([*own, *own, *system]) for _ in range(2))
    permissions, reach = choice.sample(SOME, choice.randrange(1, 6)), choice.choice(list(Reach))
    if kind == "create":
        name = f"Role {choice.random()}"
        roles.create(organization=by.organization, name=name, permissions=permissions, reach=reach, **given)
    elif kind == "update":
        both: list[dict[str, Any]] = [{"permissions": permissions}, {"reach": reach}]
        roles.update(role=role, changes=choice.choice(both), accepts_own_loss=True, **given)
    elif kind == "assign":
        members.change(member=target, role=role, actor=actor)
    elif kind == "delete":
        roles.delete(role=role, successor=choice.choice([other, None]), accepts_own_loss=True, **given)
    elif kind == "invite":
        take_invitation(by, role, actor, choice)
    elif kind == "key":
        take_key(by, permissions, actor)
    elif kind == "impersonate":
        take_as(choice.choice(["create", "update", "assign", "delete", "team", "invite", "key"]), by, everybody, choice)
    elif kind == "deactivate":
        members.deactivate(member=target, actor=SYSTEM)
    else:
        teams.create(organization=by.organization, name=f"Team {choice.random()}", members=[target], **given)


@pytest.fixture
def everybody(alice: Person, bob: Person, mona: Person) -> list[Person]:
    """Administrator, counselor, manager, and three with own roles, more and less."""
    with organization_scope(alice.organization):
        kinds = {
            "keeper": SOME,
            "maker": [*SOME[:4], "users.edit"],
            "giver": ["users.view", "users.edit", "customers.view"],
        }
        for number, (name, permissions) in enumerate(kinds.items()):
            roles.create(
                organization=alice.organization, by=alice.member, actor=alice.actor, name=name,
                permissions=permissions, reach=list(Reach)[number],
            )  # fmt: skip
        # Nothing, but far: that it permits no more is not enough to give it.
        roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Far",
            permissions=[], reach="all",
        )  # fmt: skip
    return [alice, bob, mona, *(join(alice, f"{name}@harbour.example", name, name) for name in kinds)]


def test_nobody_ends_with_what_no_chain_of_grants_explains(everybody: list[Person]) -> None:
    done: set[str] = set()

    @settings(
        max_examples=SEQUENCES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(choice=st.randoms(use_true_random=True))
    def any_sequence(choice: Random) -> None:
        with transaction.atomic(), organization_scope(everybody[0].organization):
            after = State.read()
            for _ in range(STEPS):
                # Who manages something and not everything is who might come to more.
                kind, by = choice.choice(KINDS), choice.choice([*everybody, *everybody[3:], *everybody[3:]])
                before = after
                try:
                    with transaction.atomic():
                        take(kind, by, everybody, choice)
                    done.add(kind)
                except Refused:
                    assert State.read() == before
                after = State.read()
                compare(before, after, kind, by.member.pk)
            # The next sequence finds everybody as they were.
            transaction.set_rollback(True)

    any_sequence()
    assert done == set(KINDS), "the sequences do something"
