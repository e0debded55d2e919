"""Teams: who may change them, who sees what by them, and what the ledger knows."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.grants import BeyondOwn, Gone, NotPermitted
from accounts.members import services as members
from accounts.models import Member, Team
from accounts.roles import services as roles
from accounts.teams import services as teams
from accounts.teams.queries import managers_of, teams_of
from activity.models import Event
from core.tenancy import organization_scope
from messaging.models import Template
from messaging.texts.templates import services as templates
from tests.conftest import MakeCustomer, Person, join

pytestmark = pytest.mark.django_db


def make(by: Person, name: str = "Night desk", *people: Person) -> Team:
    with organization_scope(by.organization):
        return teams.create(
            organization=by.organization,
            by=by.member,
            actor=by.actor,
            name=name,
            members=[person.member for person in people],
        )


def change(team: Team, by: Person, **changes: Any) -> Team:
    return teams.update(team=team, by=by.member, actor=by.actor, changes=changes)


def recorded(number: int) -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, event.payload) for event in reversed(Event.objects.order_by("-pk")[:number])]


def test_a_team_is_made_changed_and_deleted_and_the_ledger_knows_it(alice: Person, tom: Person, inside: Any) -> None:
    team = make(alice, " Night\tdesk ", alice)
    created = {"name": "Night desk", "members": [str(alice.member.pk)]}
    joined = {"changes": {"teams": {"from": [], "to": ["Night desk"]}}}
    assert recorded(2) == [("team.created", created), ("member.changed", joined)]
    change(team, alice, name="Day desk", members=[tom.member])
    updated, *moved = recorded(3)
    assert updated == (
        "team.updated",
        {
            "changes": {"name": {"from": "Night desk", "to": "Day desk"}},
            "added": [str(tom.member.pk)],
            "removed": [str(alice.member.pk)],
        },
    )
    assert [kind for kind, _ in moved] == ["member.changed", "member.changed"]
    assert list(Member.objects.filter(teams=team)) == [tom.member]
    count = Event.objects.count()
    change(team, alice, name="Day desk", members=[tom.member])
    assert Event.objects.count() == count
    teams.delete(team=team, by=alice.member, actor=alice.actor)
    assert recorded(2)[0] == ("team.deleted", {"name": "Day desk", "members": [str(tom.member.pk)]})
    assert not Team.objects.filter(pk=team.pk).exists()


def test_what_somebody_deleted_meanwhile_is_gone(alice: Person, inside: Any) -> None:
    team = make(alice)
    teams.delete(team=make(alice, "Other"), by=alice.member, actor=alice.actor)
    Team.objects.filter(pk=team.pk).delete()
    with pytest.raises(Gone):
        teams.delete(team=team, by=alice.member, actor=alice.actor)
    with pytest.raises(Gone):
        change(team, alice, name="Again")


def test_a_manager_sees_the_records_of_who_comes_in_at_once(
    alice: Person, mona: Person, tom: Person, make_customer: MakeCustomer, inside: Any
) -> None:
    url, caller = f"/api/v1/customers/{make_customer(owner=tom).pk}", mona.api
    assert caller.get(url).status_code == 404
    team = make(alice, "Evening", mona, tom)
    assert caller.get(url).status_code == 200
    change(team, alice, members=[mona.member])
    assert caller.get(url).status_code == 404


def test_managers_are_those_whose_role_reaches_their_teams(
    alice: Person, bob: Person, mona: Person, inside: Any
) -> None:
    team = make(alice, "Evening", alice, mona, bob)
    assert managers_of(teams_of(alice.member).get(pk=team.pk)) == [mona.member]
    Member.objects.filter(pk=mona.member.pk).update(is_active=False)
    assert managers_of(teams_of(alice.member).get(pk=team.pk)) == []


@pytest.mark.parametrize("name", ["", " \n", "x" * 81, "FRONT DESK"])
def test_what_is_no_name_is_refused(alice: Person, mona: Person, inside: Any, name: str) -> None:
    with pytest.raises(teams.InvalidTeam) as refused:
        make(alice, name)
    assert refused.value.field == "name"


def test_members_are_of_the_organization(alice: Person, charlie: Person, inside: Any) -> None:
    with pytest.raises(teams.InvalidTeam) as refused:
        make(alice, "Ours", charlie)
    assert refused.value.field == "members"
    with pytest.raises(teams.InvalidTeam):
        change(make(alice), alice, members=[charlie.member])


def test_there_is_an_end_to_teams(alice: Person, inside: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(teams, "MAX_TEAMS", 1)
    make(alice)
    with pytest.raises(teams.TooManyTeams):
        make(alice, "One more")


def test_nobody_widens_what_they_see_by_a_team(alice: Person, mona: Person, tom: Person, inside: Any) -> None:
    """Who may edit members and sees only their team's records would see everybody's, in a team with them."""
    may = ["users.view", "users.edit", "customers.view"]
    for key, reach in (("near", "team"), ("far", "all")):
        roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name=key, permissions=may, reach=reach
        )
    near, far = (join(alice, f"{key}@harbour.example", key, key) for key in ("near", "far"))
    team = make(far, "Evening", near)
    with pytest.raises(BeyondOwn):
        change(team, near, members=[near.member, tom.member])
    with pytest.raises(BeyondOwn):
        make(near, "Mine", near, tom)
    with pytest.raises(BeyondOwn):
        teams.delete(team=team, by=near.member, actor=near.actor)
    with pytest.raises(NotPermitted):
        change(team, mona, name="Mine")


def test_what_a_deleted_team_shared_is_lost_to_nobody(alice: Person, inside: Any) -> None:
    team, other = make(alice), make(alice, "Other")

    def share(name: str, by: Team) -> Template:
        return templates.create(
            organization=alice.organization, actor=alice.actor, name=name, channel="whatsapp", body="Hello",
            sharing="team", team=by,
        )  # fmt: skip

    own, packs, kept = share("Own", team), share("Of the pack", team), share("Kept", other)
    Template.objects.filter(pk=packs.pk).update(created_by=None)
    teams.delete(team=team, by=alice.member, actor=alice.actor)
    after = dict(Template.objects.values_list("pk", "sharing"))
    assert (after[own.pk], after[packs.pk], after[kept.pk]) == ("author", "everybody", "team")


def test_who_was_removed_is_in_no_team_and_comes_back_to_none(alice: Person, bob: Person, inside: Any) -> None:
    team = teams.create(organization=alice.organization, by=alice.member, actor=alice.actor, name="Own")
    members.remove(member=bob.member, actor=alice.actor)
    removed = Member.objects.get(pk=bob.member.pk)
    with pytest.raises(teams.InvalidTeam):
        teams.update(team=team, by=alice.member, actor=alice.actor, changes={"members": [removed]})
    answer = alice.api.patch(f"/api/v1/admin/teams/{team.pk}", {"members": [str(bob.user.pk)]}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "members")
    removed.teams.add(team)  # whatever put it there
    members.add(organization=alice.organization, user=bob.user, role=removed.role, actor=alice.actor)
    assert not removed.teams.exists()
