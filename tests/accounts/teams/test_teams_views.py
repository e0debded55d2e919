"""Settings → Teams."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Member, Team
from accounts.roles import services as roles
from accounts.teams import services as teams
from core.tenancy import organization_scope
from tests.accounts.roles.test_roles_views import form_in
from tests.conftest import Person, join

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(alice: Person, bob: Person, mona: Person) -> Team:
    with organization_scope(alice.organization):
        return teams.create(
            organization=alice.organization,
            by=alice.member,
            actor=alice.actor,
            name="Evening",
            members=[bob.member, mona.member],
        )


@pytest.fixture
def url(alice: Person, team: Team) -> str:
    return alice.url(f"settings/teams/{team.pk}/")


def names_in(team: Team) -> set[str]:
    with organization_scope(team.organization):
        return {member.user.name for member in Member.objects.filter(teams=team).select_related("user")}


def test_a_team_is_made_with_its_members(alice: Person, tom: Person) -> None:
    url = alice.url("settings/teams/new/")
    data = form_in(alice.client.get(url)).data(name="Night", members=[str(tom.member.pk)])
    assert b"is there" in alice.client.post(url, data, follow=True).content
    with organization_scope(alice.organization):
        team = Team.objects.select_related("organization").get(name="Night")
    assert names_in(team) == {"Tom Okafor"}


def test_who_manages_it_stands_there_in_words(alice: Person, url: str) -> None:
    page = alice.client.get(url).content.decode()
    assert "Mona Lind sees the records of everybody in this team: the role “Manager”" in page
    assert "Bob Reyes sees" not in page
    assert "Mona Lind" in alice.client.get(alice.url("settings/teams/")).content.decode()


def test_members_come_and_go(alice: Person, tom: Person, bob: Person, team: Team, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(members=[str(tom.member.pk), str(bob.member.pk)])
    assert alice.client.post(f"{url}edit/", data).status_code == 302
    assert names_in(team) == {"Tom Okafor", "Bob Reyes"}


def test_who_came_in_meanwhile_is_not_put_out_unseen(
    alice: Person, tom: Person, bob: Person, mona: Person, team: Team, url: str
) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(members=[str(bob.member.pk)])
    with organization_scope(alice.organization):
        everybody = [person.member for person in (bob, mona, tom)]
        teams.update(team=team, by=alice.member, actor=alice.actor, changes={"members": everybody})
    answer = alice.client.post(f"{url}edit/", data)
    assert answer.status_code == 422
    assert b"changed by somebody else" in answer.content
    assert len(names_in(team)) == 3


def test_a_name_changes_and_who_came_in_meanwhile_stays(alice: Person, tom: Person, team: Team, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(name="Late")
    with organization_scope(alice.organization):
        teams.update(team=team, by=alice.member, actor=alice.actor, changes={"members": [tom.member]})
    assert alice.client.post(f"{url}edit/", data).status_code == 302
    assert names_in(team) == {"Tom Okafor"}


def test_a_deactivated_member_stays_so_when_something_else_is_saved(
    alice: Person, bob: Person, tom: Person, mona: Person, team: Team, url: str
) -> None:
    with organization_scope(alice.organization):
        Member.objects.filter(pk=bob.member.pk).update(is_active=False)
    page = form_in(alice.client.get(f"{url}edit/"))
    members = [str(person.member.pk) for person in (bob, mona, tom)]
    assert alice.client.post(f"{url}edit/", page.data(name="Late", members=members)).status_code == 302
    assert names_in(team) == {"Bob Reyes", "Mona Lind", "Tom Okafor"}
    assert b"Shut out" in alice.client.get(url).content


@pytest.mark.parametrize(
    "sent", [{"name": ""}, {"name": "x" * 81}, {"name": "Evening"}, {"name": "N", "members": ["x"]}]
)
def test_what_is_wrong_is_shown(alice: Person, team: Team, sent: Any) -> None:
    assert alice.client.post(alice.url("settings/teams/new/"), sent).status_code == 422


def test_deleting_asks_once_and_names_who_sees_less(alice: Person, url: str) -> None:
    page = alice.client.get(f"{url}delete/")
    assert b"Mona Lind will no longer see the records of the others" in page.content
    assert alice.client.post(f"{url}delete/").status_code == 302
    assert alice.client.get(url).status_code == 404


def test_only_who_sees_every_record_changes_teams(alice: Person, mona: Person, team: Team, url: str) -> None:
    with organization_scope(alice.organization):
        roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="near",
            permissions=["users.view", "users.edit"], reach="team",
        )  # fmt: skip
    near = join(alice, "near@harbour.example", "Nea", "near")
    for person in (mona, near):
        page = person.client.get(url)
        assert page.status_code == 200
        assert b"edit/" not in page.content
        for path in (f"{url}edit/", f"{url}delete/", alice.url("settings/teams/new/")):
            assert person.client.get(path).status_code == 403
            assert person.client.post(path, {"name": "Mine"}).status_code == 403
    assert names_in(team) == {"Bob Reyes", "Mona Lind"}


def test_who_may_not_see_teams_has_no_way_to_them(alice: Person, bob: Person, charlie: Person, url: str) -> None:
    assert b"settings/teams/" not in bob.client.get(bob.url("")).content
    assert bob.client.get(url).status_code == 403
    assert charlie.client.get(url.replace("harbour-clinic", charlie.organization.slug)).status_code == 404
    assert b"No teams yet" in charlie.client.get(charlie.url("settings/teams/")).content


@pytest.mark.parametrize("rows", [1, 15])
def test_pages_take_the_same_queries_for_any_number(
    alice: Person, team: Team, url: str, rows: int, django_assert_max_num_queries: Any
) -> None:
    people = [join(alice, f"p{number}@harbour.example", f"P {number}", "manager").member for number in range(rows)]
    with organization_scope(alice.organization):
        teams.update(team=team, by=alice.member, actor=alice.actor, changes={"members": people})
        for number in range(rows):
            teams.create(
                organization=alice.organization, by=alice.member, actor=alice.actor, name=f"T {number}", members=people
            )
    browser = alice.client
    for address in (alice.url("settings/teams/"), url, f"{url}edit/", f"{url}delete/"):
        with django_assert_max_num_queries(8):
            assert browser.get(address).status_code == 200
