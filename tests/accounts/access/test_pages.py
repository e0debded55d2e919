"""The doors: every page of an organization, for each of the cast."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.access import pages
from accounts.models import Member
from accounts.permissions import ADMIN, CATALOG, COUNSELOR, MANAGER, Reach
from core.tenancy import ScopeError, organization_scope
from customers.models import Customer

PAGES = ["inbox/", "inbox/changes/", "customers/", "customers/new/", "customers/tag-names/", "simulator/"]


@pytest.mark.parametrize("path", PAGES)
def test_charlie_finds_no_page_of_the_clinic(alice, charlie, path):
    assert charlie.client.get(alice.url(path)).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_alice_opens_every_page(alice, path):
    assert alice.client.get(alice.url(path)).status_code == 200


def test_bob_may_not_open_what_his_role_does_not_permit(bob):
    assert bob.client.get(bob.url("simulator/")).status_code == 403


def test_roles_are_as_the_rules_say():
    assert ADMIN.permissions == CATALOG
    assert ADMIN.reach is Reach.ALL
    assert MANAGER.reach is Reach.TEAM
    assert COUNSELOR.reach is Reach.ASSIGNED
    assert not {"customers.delete", "customers.export", "channels.edit", "users.view"} & COUNSELOR.permissions
    assert not {"users.edit", "roles.edit", "settings.edit", "api_keys.create"} & MANAGER.permissions


def test_an_unscoped_query_raises(alice):
    with pytest.raises(ScopeError):
        Customer.objects.count()


def test_reach_is_all_for_alice_the_team_for_mona_the_assigned_for_bob(alice, mona, bob, charlie, make_customer):
    mine, his, nobodys, hers = make_customer(alice), make_customer(bob), make_customer(), make_customer(mona)
    with organization_scope(alice.organization):
        assert set(Customer.objects.visible_to(alice.member)) == {mine, his, nobodys, hers}
        assert set(Customer.objects.visible_to(mona.member)) == {his, nobodys, hers}
        assert set(Customer.objects.visible_to(bob.member)) == {his}
    with organization_scope(charlie.organization):
        assert not Customer.objects.visible_to(charlie.member).exists()


def test_who_has_a_page_open_is_seen_to_be_here_once_in_a_while(alice, rf):
    def visit() -> Member:
        request = rf.get("/")
        request.user, request.session = alice.user, alice.client.session
        assert pages._signed_in(request, alice.organization.slug) is not None
        with organization_scope(alice.organization):
            return Member.objects.get(pk=alice.member.pk)

    first = visit().last_seen_at
    assert first is not None
    assert visit().last_seen_at == first
    with organization_scope(alice.organization):
        Member.objects.update(last_seen_at=first - timedelta(minutes=11))
    assert visit().last_seen_at > first
