"""Members change and go, and nobody gives or takes more than they have."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import grants
from accounts.credentials import api_keys, tokens
from accounts.members import authority
from accounts.members import services as members
from accounts.models import APIKey, Member, Role, Team, User
from accounts.permissions import Reach
from activity.actor import Actor, ActorKind
from activity.models import Event
from core.refused import Invalid
from core.tenancy import organization_scope
from customers.models import CalendarFeed
from customers.work.calendar import feeds
from tests.accounts.hiring import hire
from tests.conftest import PASSWORD, Person, join, make_team
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db


def role(person: Person, key: str) -> Role:
    return Role.objects.get(organization=person.organization, key=key)


def now(person: Person) -> Member:
    return Member.objects.select_related("role").get(pk=person.member.pk)


def events_of(person: Person) -> list[tuple[str, str]]:
    rows = Event.objects.filter(subject_id=str(person.member.pk), type__startswith="member.").order_by("pk")
    return [(row.type, row.actor_label) for row in rows]


def test_a_role_and_teams_change_and_are_recorded_once(alice, bob, inside):
    night = Team.objects.create(organization=inside, name="Night desk")
    for _ in range(2):
        members.change(member=bob.member, actor=alice.actor, role=role(alice, "manager"), teams=[night])
    assert (now(bob).role.key, list(now(bob).teams.all())) == ("manager", [night])
    event = Event.objects.get(type="member.changed", subject_id=str(bob.member.pk))
    assert event.payload["changes"]["role"] == {"from": "counselor", "to": "manager"}
    assert event.payload["changes"]["teams"]["to"] == ["Night desk"]


def test_who_is_shut_out_leaves_nothing_to_come_back_by(alice, bob, inside):
    browser, caller, pair = bob.client, bob.api, tokens.begin(member=bob.member)
    _, secret = api_keys.issue(member=bob.member, name="k", actor=bob.actor)
    key, feed = APIClient(headers={"X-API-Key": secret}), feeds.issue(member=bob.member, actor=bob.actor)

    def answers() -> list[int]:
        refresh = APIClient().post("/api/v1/auth/refresh", {"refresh_token": pair.refresh_token})
        reads = (caller.get("/api/v1/auth/me"), key.get("/api/v1/customers"), Client().get(f"/calendar/{feed}.ics"))
        return [browser.get(bob.url("inbox/")).status_code, refresh.status_code, *(one.status_code for one in reads)]

    members.deactivate(member=bob.member, actor=alice.actor)
    assert answers() == [302, 401, 401, 401, 404]
    members.reactivate(member=bob.member, actor=alice.actor)
    assert answers() == [302, 401, 401, 401, 404], "nothing of before is good again"
    assert not CalendarFeed.objects.exists()
    assert APIKey.objects.get().revoked_at is not None
    again = Client()
    again.post("/sign-in/", {"email": bob.user.email, "password": PASSWORD})
    assert again.get(bob.url("inbox/")).status_code == 200
    expected = [
        ("member.added", "Alice Hart"),
        ("member.deactivated", "Alice Hart"),
        ("member.reactivated", "Alice Hart"),
    ]
    assert events_of(bob) == expected


def test_a_browser_stays_signed_in_where_its_user_belongs_elsewhere_too(alice, bob, charlie):
    with organization_scope(charlie.organization):
        members.add(
            organization=charlie.organization, user=bob.user, role=role(charlie, "counselor"), actor=charlie.actor
        )
    browser = bob.client
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert browser.get(bob.url("inbox/")).status_code == 404
    assert browser.get(charlie.url("inbox/")).status_code == 200


def test_who_was_removed_is_on_no_list_and_comes_back_as_the_same_member(alice, bob, mona, inside):
    members.remove(member=bob.member, actor=alice.actor)
    members.remove(member=bob.member, actor=alice.actor)
    assert (now(bob).is_active, now(bob).teams.count()) == (False, 0)
    assert not Member.objects.present().filter(pk=bob.member.pk).exists()
    for service in (members.reactivate, members.change):
        with pytest.raises(members.Removed):
            service(member=bob.member, actor=alice.actor)
    back = members.add(organization=inside, user=bob.user, role=role(alice, "manager"), actor=alice.actor)
    assert (back.pk, now(bob).is_active, now(bob).removed_at) == (bob.member.pk, True, None)
    with pytest.raises(members.AlreadyMember):
        members.add(organization=inside, user=bob.user, role=role(alice, "manager"), actor=alice.actor)
    assert [kind for kind, _ in events_of(bob)].count("member.removed") == 1


class TestNobodyGivesWhatTheyDoNotHave:
    @pytest.mark.parametrize("permission", ["users.view", "users.create"])
    def test_without_the_permission_nobody_is_changed(self, alice, bob, inside, permission):
        hana, low = hire(alice, {permission}), hire(alice, set(), name="Lou")
        for service in (members.change, members.deactivate, members.reactivate, members.remove):
            with pytest.raises(grants.NotPermitted):
                service(member=low.member, actor=hana.actor)

    def test_a_role_with_more_permissions(self, alice, bob, inside):
        hana = hire(alice, {"users.view", "users.edit", "customers.view"})
        with pytest.raises(grants.BeyondOwn):
            members.change(member=hana.member, actor=hana.actor, role=role(alice, "admin"))
        assert now(hana).role.key == "of-hana"

    def test_a_role_that_reaches_further(self, alice, bob, inside):
        wide = hire(alice, {"customers.view"}, Reach.ALL, "Wim")
        hana = hire(alice, {"users.edit", "customers.view"}, Reach.TEAM)
        low = hire(alice, {"customers.view"}, Reach.ASSIGNED, "Lou")
        with pytest.raises(grants.BeyondOwn):
            members.change(member=low.member, actor=hana.actor, role=wide.member.role)

    def test_a_team_that_they_are_not_in(self, alice, bob, mona, inside):
        hana, low = (
            hire(alice, {"users.edit"}, Reach.TEAM),
            hire(alice, {"users.edit"}, Reach.ASSIGNED, "Lou"),
        )
        front = Team.objects.get(name="Front desk")
        for one in (hana, low):
            with pytest.raises(authority.OtherTeams):
                members.change(member=one.member, actor=hana.actor, teams=[front])
        own = make_team("Own", hana)
        members.change(member=low.member, actor=hana.actor, teams=[own])
        members.change(member=low.member, actor=alice.actor, teams=[own, front])
        with pytest.raises(authority.OtherTeams):
            members.change(member=low.member, actor=hana.actor, teams=[own])

    def test_a_key_changes_no_member(self, alice, bob, inside):
        key, _ = api_keys.issue(member=alice.member, name="k", actor=alice.actor)
        actor = Actor(ActorKind.API_KEY, str(key.pk), key.name)
        with pytest.raises(grants.NotPermitted):
            members.change(member=hire(alice, set()).member, actor=actor, role=role(alice, "manager"))
        api_keys.revoke(key=key, actor=alice.actor)
        with pytest.raises(authority.NotYours):
            members.change(member=bob.member, actor=actor, teams=[])

    def test_who_stands_above_is_not_changed(self, alice, bob, mona, inside):
        hana = hire(alice, {"users.edit", "users.delete"})
        for service in (members.change, members.deactivate, members.remove):
            with pytest.raises(authority.Above):
                service(member=mona.member, actor=hana.actor)
        members.deactivate(member=mona.member, actor=alice.actor)
        with pytest.raises(grants.BeyondOwn):
            members.reactivate(member=mona.member, actor=hana.actor)

    def test_who_lost_it_meanwhile_gives_it_no_more(self, alice, bob, inside):
        nora = join(alice, "nora@harbour.example", "Nora", "admin")
        members.change(member=nora.member, actor=alice.actor, role=role(alice, "counselor"))
        with pytest.raises(grants.NotPermitted):
            members.change(member=alice.member, actor=nora.actor, role=role(alice, "counselor"))
        members.deactivate(member=nora.member, actor=alice.actor)
        with pytest.raises(authority.NotYours):
            members.deactivate(member=bob.member, actor=nora.actor)


def test_nobody_shuts_themselves_out(alice, bob, inside):
    join(alice, "nora@harbour.example", "Nora", "admin")
    for superuser in (False, True):
        User.objects.filter(pk=alice.user.pk).update(is_superuser=superuser)
        for service in (members.deactivate, members.remove):
            with pytest.raises(members.Oneself):
                service(member=alice.member, actor=alice.actor)


def test_the_last_administrator_is_neither_lowered_nor_taken_out(alice, bob, inside):
    idle = join(alice, "nora@harbour.example", "Nora", "admin")
    members.deactivate(member=idle.member, actor=alice.actor)
    for call in (
        lambda: members.change(member=alice.member, actor=alice.actor, role=role(alice, "manager")),
        lambda: members.deactivate(member=alice.member, actor=alice.actor),
        lambda: members.remove(member=alice.member, actor=alice.actor),
    ):
        with pytest.raises(members.LastAdministrator):
            call()


def test_a_role_or_team_of_another_organization_is_none(alice, bob, charlie, inside):
    with organization_scope(charlie.organization):
        other, team = role(charlie, "counselor"), Team.objects.create(organization=charlie.organization, name="T")
    for changes in ({"role": other}, {"teams": [team]}):
        with pytest.raises(Invalid):
            members.change(member=bob.member, actor=alice.actor, **changes)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_at_once_do_not_take_each_other_out(alice):
    nora = join(alice, "nora@harbour.example", "Nora", "admin")
    pairs = [(alice, nora), (nora, alice)]

    def go(number: int) -> Any:
        actor, target = pairs[number]
        with organization_scope(alice.organization):
            try:
                members.deactivate(member=target.member, actor=actor.actor)
            except (members.LastAdministrator, authority.NotYours, grants.NotPermitted):
                return False
            return True

    assert sorted(in_threads(go, 2)) == [False, True]
    with organization_scope(alice.organization):
        assert Member.objects.active().filter(role__key="admin").count() == 1
