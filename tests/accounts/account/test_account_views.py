"""Your account: password, security, devices."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.credentials import browser_sessions, recent, tokens, trusted_browsers
from accounts.credentials.devices import Device
from accounts.models import BrowserSession, TrustedBrowser, User
from activity.models import Event
from core.tenancy import organization_scope
from messaging.inbox import live_updates
from tests.accounts.factors import begin_sign_in, code_of, recently, set_up
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PASSWORD_PAGE, SECURITY, DEVICES = "account/password/", "account/security/", "account/devices/"
LAPTOP = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


def elsewhere(person) -> Client:
    return begin_sign_in(person, Client(headers=LAPTOP, REMOTE_ADDR="192.0.2.7"))


class TestThePassword:
    def test_another_one_ends_every_sign_in_but_this(self, bob):
        here, other, pair = recently(bob), elsewhere(bob), tokens.begin(member=bob.member)
        answer = here.post(bob.url(PASSWORD_PAGE), {"password": "another calm day"})
        assert answer.url == bob.url(PASSWORD_PAGE)
        assert here.get(bob.url("inbox/")).status_code == 200
        assert other.get(bob.url("inbox/")).status_code == 302
        with pytest.raises(tokens.InvalidToken):
            tokens.member_of(pair.access_token)
        assert [row.session_key for row in browser_sessions.open_of(bob.user)] == [here.session.session_key]

    def test_it_is_not_the_one_of_before_and_no_weak_one(self, bob):
        browser = recently(bob)
        for password in (PASSWORD, "short", "1234567890"):
            assert browser.post(bob.url(PASSWORD_PAGE), {"password": password}).context["form"].errors["password"]
        assert User.objects.get(pk=bob.user.pk).check_password(PASSWORD)

    def test_who_it_is_is_asked_after_fifteen_minutes(self, bob):
        browser = recently(bob)
        session = browser.session
        session[recent.KEY] -= recent.WITHIN.total_seconds() + 1
        session.save()
        for answer in (
            browser.get(bob.url(PASSWORD_PAGE)),
            browser.post(bob.url(PASSWORD_PAGE), {"password": "another calm day"}),
        ):
            assert answer.url.startswith("/account/confirm/?next=")
        assert User.objects.get(pk=bob.user.pk).check_password(PASSWORD)


class TestSecurity:
    def test_it_says_what_there_is(self, bob):
        browser = recently(bob)
        assert "Whoever has your password alone" in browser.get(bob.url(SECURITY)).content.decode()
        set_up(bob)
        page = browser.get(bob.url(SECURITY))
        assert page.context["codes_left"] == 10
        assert page.context["app"] is not None

    def test_the_app_is_removed_after_a_question(self, bob):
        browser = recently(bob)
        set_up(bob)
        assert "Remove your authenticator app?" in browser.get(bob.url(f"{SECURITY}app/remove/")).content.decode()
        assert browser.post(bob.url(f"{SECURITY}app/remove/")).url == bob.url(SECURITY)
        assert not User.objects.get(pk=bob.user.pk).has_second_factor
        assert bob.client.post(bob.url(f"{SECURITY}app/remove/")).url.startswith("/account/confirm/")

    def test_a_trusted_browser_is_forgotten_by_its_owner_only(self, bob, alice):
        set_up(bob)
        browser = begin_sign_in(bob)
        browser.post("/sign-in/code/", {"code": code_of(bob), "trust": "on"})
        row = trusted_browsers.of(bob.user).get()
        alice.client.post(alice.url(f"{SECURITY}browsers/{row.pk}/forget/"))
        assert TrustedBrowser.objects.count() == 1
        browser.post(bob.url(f"{SECURITY}browsers/{row.pk}/forget/"))
        assert not TrustedBrowser.objects.exists()


class TestDevices:
    def test_they_are_listed_and_this_one_is_marked(self, bob):
        elsewhere(bob)
        tokens.begin(member=bob.member, device=Device("sync/3", "192.0.2.8"))
        page = recently(bob).get(bob.url(DEVICES))
        sessions = [(one["label"], one["row"].address, one["is_this"]) for one in page.context["sessions"]]
        assert sessions == [("Unknown device", "127.0.0.1", True), ("Firefox on Linux", "192.0.2.7", False)]
        assert [one["label"] for one in page.context["families"]] == ["sync/3"]

    def test_one_is_ended_at_once_with_its_open_pages(self, bob):
        here, other = recently(bob), elsewhere(bob)
        row = BrowserSession.objects.get(session_key=other.session.session_key)
        with organization_scope(bob.organization):
            before = Event.objects.count()
        watcher = live_updates.Credentials(
            bob.member.pk, bob.organization.pk, other.session.session_key, bob.user.get_session_auth_hash()
        )
        assert live_updates.look(bob.organization.pk, [watcher], []) == [""]
        here.post(bob.url(f"{DEVICES}{row.pk}/end/"))
        assert other.get(bob.url("inbox/")).status_code == 302
        assert live_updates.look(bob.organization.pk, [watcher], []) == [None]
        with organization_scope(bob.organization):
            # The signal by which open streams look now, and not at the next heartbeat.
            assert Event.objects.order_by("-pk").first().type == "user.sessions_ended"
            assert Event.objects.count() == before + 1
        assert here.get(bob.url("inbox/")).status_code == 200

    def test_nobody_ends_anothers(self, bob, alice):
        other = elsewhere(alice)
        row = BrowserSession.objects.get(session_key=other.session.session_key)
        recently(bob).post(bob.url(f"{DEVICES}{row.pk}/end/"))
        assert other.get(alice.url("inbox/")).status_code == 200
        family = tokens.begin(member=alice.member)
        pk = tokens.open_of(alice.user)[0].pk
        recently(bob).post(bob.url(f"{DEVICES}apps/{pk}/end/"))
        assert tokens.member_of(family.access_token)

    def test_all_others_end_together(self, bob):
        here, other, pair = recently(bob), elsewhere(bob), tokens.begin(member=bob.member)
        here.post(bob.url(f"{DEVICES}end-others/"))
        assert other.get(bob.url("inbox/")).status_code == 302
        assert here.get(bob.url("inbox/")).status_code == 200
        with pytest.raises(tokens.InvalidToken):
            tokens.member_of(pair.access_token)

    def test_a_session_that_is_over_is_on_no_list(self, bob):
        here, other = recently(bob), elsewhere(bob)
        Session.objects.filter(session_key=other.session.session_key).delete()
        assert len(here.get(bob.url(DEVICES)).context["sessions"]) == 1
        assert browser_sessions.purge_old() == 1
        here.post("/sign-out/")
        assert not BrowserSession.objects.exists()

    def test_the_same_queries_for_any_number(self, bob):
        here = recently(bob)
        here.get(bob.url(DEVICES))
        with CaptureQueriesContext(
            connection,
        ) as one:
            here.get(bob.url(DEVICES))
        for _ in range(3):
            elsewhere(bob)
            tokens.begin(member=bob.member)
        with CaptureQueriesContext(connection) as many:
            here.get(bob.url(DEVICES))
        assert len(many) == len(one)


def test_members_who_must_set_it_up_have_no_stream(bob, alice):
    browser = recently(bob)
    watcher = live_updates.Credentials(
        bob.member.pk, bob.organization.pk, browser.session.session_key, bob.user.get_session_auth_hash()
    )
    assert live_updates.look(bob.organization.pk, [watcher], []) == [""]
    type(alice.organization).objects.update(requires_second_factor=True)
    assert live_updates.look(bob.organization.pk, [watcher], []) == [None]
