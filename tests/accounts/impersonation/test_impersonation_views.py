"""Acting as a member in a browser: who may, what bears both names, what stays closed, and what ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import events
from accounts.credentials import notices, passwords
from accounts.impersonation import services as impersonation
from accounts.models import Member, Organization, Role, User
from accounts.permissions import Reach
from activity.actor import SYSTEM, acting_as
from activity.ledger import record
from activity.models import Event, Job
from core.tenancy import organization_scope
from messaging.delivery import statuses
from messaging.models import Message
from tests.accounts import factors
from tests.accounts.hiring import hire
from tests.accounts.impersonation.conftest import act_as, change, recorded, rows
from tests.conftest import PASSWORD, Person, join, make_team

pytestmark = pytest.mark.django_db


def page_of(person: Person, by: Person) -> str:
    return by.url(f"settings/people/{person.member.pk}/impersonate/")


def ended(person: Person) -> list[str]:
    return [row.ended_how for row in rows(person)]


def test_the_pages_are_theirs_with_a_bar_that_names_both(alice, bob, acting, make_customer):
    own = make_customer(bob, name="Bobs Person")
    hidden = make_customer(alice, name="Hidden Person")
    shown = acting.get(alice.url("customers/")).content.decode()
    assert "Bobs Person" in shown
    assert "Hidden Person" not in shown
    bar = shown.split('class="view-bar', 1)[1].split("</div>", 1)[0]
    assert "Bob Reyes" in bar
    assert "Alice Hart" in bar
    assert alice.url("impersonation/stop/") in bar
    assert acting.get(alice.url(f"customers/{hidden.pk}/")).status_code == 404
    assert acting.get("/api/v1/customers").json()["results"][0]["id"] == str(own.pk)
    me = acting.get("/api/v1/auth/me").json()
    assert (me["user"]["email"], me["impersonator"]["email"]) == (bob.user.email, alice.user.email)
    assert alice.client.get(alice.url(f"customers/{hidden.pk}/")).status_code == 200, "another browser is as before"


def test_whatever_is_done_bears_both_names(alice, bob, acting, make_conversation):
    conversation = make_conversation(bob, kind="sms")
    answer = acting.post(
        alice.url(f"inbox/{conversation.pk}/reply/"), {"mode": "reply", "body": "We are open until six."}
    )
    assert answer.status_code in (200, 302)
    [queued] = recorded(alice, "message.queued")
    assert (queued.actor_id, queued.impersonator_id) == (str(bob.user.pk), str(alice.user.pk))
    assert queued.actor_label == "Bob Reyes (by Alice Hart)"
    with organization_scope(alice.organization):
        message = Message.objects.get(direction="outbound")
        assert message.author == bob.user
        # The worker sends it later, in nobody's name, and by whom it was written is known still.
        statuses.advance(message_id=message.pk, status="sent", provider_message_id="p-1")
    [sent] = recorded(alice, "message.sent")
    assert (sent.actor_kind, sent.impersonator_id) == ("system", str(alice.user.pk))
    for path in (f"inbox/{conversation.pk}/", f"customers/{conversation.customer_id}/"):
        assert "Bob Reyes (by Alice Hart)" in bob.client.get(bob.url(path)).content.decode(), path
    log = alice.client.get(alice.url("settings/audit/")).content.decode()
    assert "Bob Reyes (by Alice Hart)" in log
    entry = alice.client.get(alice.url(f"settings/audit/{queued.pk}/")).content.decode()
    assert "<dt>Impersonated by</dt><dd>Alice Hart</dd>" in entry
    for person in (alice, bob):
        found = alice.client.get(f"/api/v1/admin/audit-logs?action=message.queued&user_id={person.user.pk}").json()
        assert len(found["results"]) == 1, "what she did in his name is hers and his"


def test_what_is_done_by_itself_meanwhile_names_who_acted(alice, bob, acting, make_customer):
    customer = make_customer(bob)
    with organization_scope(alice.organization):
        before = set(Event.objects.values_list("pk", flat=True))
    body = {"title": "Call back"}
    assert (
        acting.post(f"/api/v1/customers/{customer.pk}/tasks", body, content_type="application/json").status_code < 300
    )
    with organization_scope(alice.organization):
        since = Event.objects.exclude(pk__in=before)
        assert since.exists()
        assert {row.impersonator_id for row in since} == {str(alice.user.pk)}
        # Whatever actor a service names.
        row = impersonation.find(rows(alice)[0].pk)
        with acting_as(impersonation.actor_of(impersonation.acting_member(row))):
            by_itself = record(events.MEMBER_VIEW_BEGAN, subject=bob.member, actor=SYSTEM)
            as_bob = record(events.MEMBER_VIEW_BEGAN, subject=bob.member, actor=bob.actor)
        assert (by_itself.actor_label, by_itself.impersonator_id) == ("Parley", str(alice.user.pk))
        assert (as_bob.actor_label, as_bob.impersonator_id) == ("Bob Reyes (by Alice Hart)", str(alice.user.pk))


def test_work_that_is_done_later_bears_both_names(alice, bob):
    with organization_scope(alice.organization):
        row = impersonation.begin(member=bob.member, by=alice.member, actor=alice.actor, reason="Help")
        actor = impersonation.actor_of(impersonation.acting_member(impersonation.find(row.pk)))
        kept = Job(actor=actor.as_headers()).actor
    again = type(actor).from_headers(kept)
    assert (again.impersonator_id, again.label) == (str(alice.user.pk), "Bob Reyes (by Alice Hart)")


def test_the_member_is_notified_and_can_end_it(alice, bob, acting):
    notices.send_due()
    [told] = [one for one in mail.outbox if one.to == [bob.user.email]]
    for words in ("Alice Hart", "A question of hers", "Harbour Clinic"):
        assert words in told.body
    assert "forgotten-password" not in told.body
    [began] = recorded(alice, "impersonation.began")
    assert (began.actor_id, began.subject_id) == (str(alice.user.pk), str(bob.member.pk))
    assert began.payload["reason"] == "A question of hers"
    [row] = rows(alice)
    assert row.ends_at - row.began_at == timedelta(minutes=30)
    shown = bob.client.get(bob.url("account/devices/")).content.decode()
    assert "Alice Hart" in shown
    assert "A question of hers" in shown
    path = bob.url(f"account/devices/impersonations/{row.pk}/end/")
    assert alice.client.post(path).status_code == 404, "not hers to end as the person"
    assert bob.client.post(path).status_code == 302
    assert ended(alice) == ["person"]
    assert acting.get(alice.url("")).status_code == 302


def test_who_it_is_is_asked_freshly(alice, bob):
    browser = factors.recently(alice)
    path = page_of(bob, alice)
    assert "Your password" in browser.get(path).content.decode()
    for data in ({"reason": "Help"}, {"reason": "Help", "password": "wrong"}, {"password": PASSWORD}):
        answer = browser.post(path, data)
        assert answer.status_code == 200
    assert rows(alice) == []
    factors.set_up(alice)
    browser = alice.client
    assert 'name="password"' not in browser.get(path).content.decode()
    assert browser.post(path, {"reason": "Help", "password": PASSWORD}).status_code == 200, "the password is no factor"
    assert rows(alice) == []
    assert browser.post(path, {"reason": "Help", "code": factors.code_of(alice)}).status_code == 302
    assert len(rows(alice)) == 1


def test_who_signs_in_by_a_provider_confirms_there_for_this(alice, bob, monkeypatch):
    """Nothing of one's own to show: what counts is what was confirmed since the page asked."""
    User.objects.filter(pk=alice.user.pk).update(password="!")
    browser = Client()
    browser.force_login(User.objects.get(pk=alice.user.pk))
    session = browser.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    path = page_of(bob, alice)
    assert 'name="reason"' not in browser.get(path).content.decode(), "confirmed before, and for something else"
    assert browser.post(path, {"reason": "Help"}).status_code == 200
    session = browser.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    assert 'name="reason"' in browser.get(path).content.decode()
    assert browser.post(path, {"reason": "Help"}).status_code == 302
    assert browser.post(alice.url("impersonation/stop/")).status_code == 302
    assert 'name="reason"' not in browser.get(path).content.decode(), "good once"


def test_it_is_never_upward_and_never_sideways(alice, bob, mona, tom, charlie):
    with organization_scope(alice.organization):
        other = Person(*_second_administrator(alice))
    service = hire(alice, {"customers.view"}, name="Sven")
    User.objects.filter(pk=service.user.pk).update(is_service=True)
    operator = hire(alice, {"customers.view"}, name="Olga")
    User.objects.filter(pk=operator.user.pk).update(is_staff=True)
    helper = hire(alice, {"users.view", "users.impersonate", "customers.view"}, name="Hana")
    gone = hire(alice, {"customers.view"}, name="Gina")
    change(gone, is_active=False)
    browser = alice.client
    for person in (alice, other, service, operator, helper, gone):
        assert browser.post(page_of(person, alice), {"reason": "Help", "password": PASSWORD}).status_code != 302
    assert browser.post(page_of(charlie, alice), {"reason": "Help", "password": PASSWORD}).status_code == 404
    for person in (mona, bob):
        assert person.client.post(page_of(tom, person), {"reason": "x", "password": PASSWORD}).status_code == 403
    # Hana may impersonate, and Bob may edit customers, which she may not.
    assert helper.client.post(page_of(bob, helper), {"reason": "x", "password": PASSWORD}).status_code == 200
    assert rows(alice) == []


def _second_administrator(alice):
    person = join(alice, "adam@harbour.example", "Adam", "admin")
    return person.user, person.member


def test_who_sees_a_team_acts_as_nobody_of_another(alice, bob, tom):
    with organization_scope(alice.organization):
        counselor = Role.objects.get(key="counselor")
    lead = hire(alice, {*counselor.permissions, "users.impersonate", "users.view"}, reach=Reach.TEAM, name="Lena")
    data = {"reason": "Help", "password": PASSWORD}
    assert lead.client.post(page_of(bob, lead), data).status_code == 200, "no team with him"
    make_team("Desk", lead, bob)
    make_team("Attic", bob)
    assert lead.client.post(page_of(bob, lead), data).status_code == 200, "a team of his that is not hers"
    with organization_scope(alice.organization):
        bob.member.teams.set(lead.member.teams.all())
    assert lead.client.post(page_of(bob, lead), data).status_code == 302
    assert lead.client.post(page_of(tom, lead), data).status_code == 200


def test_another_organization_of_theirs_does_not_exist(alice, bob, charlie, acting):
    with organization_scope(charlie.organization):
        role = Role.objects.get(key="admin")
        Member.objects.create(organization=charlie.organization, user=bob.user, role=role)
    assert acting.get(charlie.url("")).status_code == 404
    assert acting.get(charlie.url("live/")).status_code == 404
    assert acting.post("/switch/", {"organization": charlie.organization.slug}).status_code == 403
    assert acting.get("/switch/").status_code == 403
    me = acting.get("/api/v1/auth/me").json()
    assert [one["slug"] if "slug" in one else one["organization"]["slug"] for one in me["memberships"]] == [
        alice.organization.slug
    ]
    assert charlie.organization.name not in acting.get(alice.url("")).content.decode()


def test_nobody_acts_as_a_third(alice, bob, mona, tom):
    browser = act_as(mona, alice)
    assert browser.post(page_of(tom, alice), {"reason": "x", "password": PASSWORD}).status_code == 403
    assert browser.post(alice.url(f"settings/people/{tom.member.pk}/view/")).status_code == 403
    assert len(rows(alice)) == 1


def test_what_is_the_persons_own_is_closed_in_clear_words(alice, acting):
    for path in ("account/", "account/password/", "account/security/", "account/devices/", "tasks/feed/"):
        answer = acting.get(alice.url(path))
        assert answer.status_code == 403, path
        assert "You are acting as Bob Reyes" in answer.content.decode()
        assert alice.url("impersonation/stop/") in answer.content.decode(), "the bar stands on every page"
    missing = acting.get(alice.url(f"customers/{alice.member.pk}/"))
    assert (missing.status_code, alice.url("impersonation/stop/") in missing.content.decode()) == (404, True)
    assert acting.get("/account/confirm/").status_code == 403
    refused = acting.post(alice.url("settings/organization/"), {"name": "x"})
    assert (refused.status_code, "acting as Bob" in refused.content.decode()) == (403, True)
    called = acting.post("/api/v1/auth/switch", {"organization": "x"}, content_type="application/json")
    assert called.json()["errors"][0]["code"] == "closed_while_impersonating"


def test_they_are_not_here_meanwhile(alice, bob, acting):
    before = [(one.session_key, one.user_id) for one in bob.user.browser_sessions.all()]
    for path in ("", "customers/", "live/", "inbox/"):
        acting.get(alice.url(path))
    with organization_scope(alice.organization):
        assert Member.objects.get(pk=bob.member.pk).last_seen_at == bob.member.last_seen_at
    assert [(one.session_key, one.user_id) for one in bob.user.browser_sessions.all()] == before
    assert "recent" not in acting.cookies


@pytest.mark.parametrize("path", ["", "customers/", "live/"])
def test_it_ends_by_itself(alice, bob, acting, path):
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        acting.get(alice.url(path))
        assert ended(alice) == ["time"]
        shown = acting.get(alice.url("settings/people/"))
        assert shown.status_code == 200, "she is herself again"
        assert "No longer" not in shown.content.decode()
    [over] = recorded(alice, "impersonation.ended")
    assert (over.actor_id, over.impersonator_id, over.payload["how"]) == (str(alice.user.pk), "", "time")


def test_what_was_meant_for_another_is_not_done_as_oneself(alice, bob, acting, make_customer):
    customer = make_customer(bob, name="Before")
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        answer = acting.patch(f"/api/v1/customers/{customer.pk}", {"name": "After"}, content_type="application/json")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "impersonation_over")
    customer.refresh_from_db()
    assert customer.name == "Before"


def test_it_ends_by_the_button_and_by_signing_out(alice, bob):
    browser = act_as(bob, alice)
    assert browser.post(alice.url("impersonation/stop/")).status_code == 302
    assert browser.get(alice.url("settings/people/")).status_code == 200
    browser = act_as(bob, alice)
    browser.post("/sign-out/")
    assert not browser.session.get("_auth_user_id")
    assert sorted(ended(alice)) == ["button", "sign_out"]
    [out] = recorded(alice, "user.signed_out")
    assert (out.actor_id, out.impersonator_id) == (str(alice.user.pk), ""), "Bob did not sign out"


CHANGES = {
    "the member is deactivated": lambda alice, bob: change(bob, is_active=False),
    "the impersonator is deactivated": lambda alice, bob: change(alice, is_active=False),
    "the member comes to be an administrator": lambda alice, bob: change(bob, role=alice.member.role),
    "the impersonator loses the role": lambda alice, bob: change(alice, role=bob.member.role),
    "the organization forbids it": lambda alice, bob: Organization.objects.update(allows_impersonation=False),
    "the impersonator’s password changes": lambda alice, bob: passwords.set_own(
        user=User.objects.get(pk=alice.user.pk), password="another calm harbour"
    ),
    "the impersonator’s second factor changes": lambda alice, bob: factors.set_up(alice),
    "the member comes to be the installation’s": lambda alice, bob: User.objects.filter(pk=bob.user.pk).update(
        is_superuser=True
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_ends_with_what_it_rests_on(alice, bob, acting, what):
    assert acting.get(alice.url("customers/")).status_code == 200
    CHANGES[what](alice, bob)
    assert acting.get(alice.url("customers/")).status_code == 302
    assert acting.get("/api/v1/auth/me").json().get("user", {}).get("email") != bob.user.email


def test_the_organization_can_forbid_it(alice, bob):
    browser = alice.client
    body = {"allows_impersonation": False}
    assert browser.patch("/api/v1/admin/settings", body, content_type="application/json").status_code == 200
    assert "Act as" not in browser.get(alice.url(f"settings/people/{bob.member.pk}/")).content.decode()
    answer = browser.post(page_of(bob, alice), {"reason": "Help", "password": PASSWORD})
    assert "does not allow" in answer.content.decode()
    assert rows(alice) == []


def test_what_nobody_came_back_to_is_ended_by_a_sweep(alice, bob, acting):
    assert impersonation.end_overdue() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        assert impersonation.end_overdue() == 1
        assert impersonation.end_overdue() == 0
    [row] = rows(alice)
    assert (row.ended_how, row.ended_at) == ("time", row.ends_at)


def test_the_session_alone_is_nothing(alice, bob, mona, acting):
    """The id in somebody else's session is worth nothing."""
    [row] = rows(alice)
    browser = mona.client
    session = browser.session
    session[impersonation.KEY] = str(row.pk)
    session.save()
    assert browser.get(mona.url("customers/")).status_code == 302
    assert "view-bar" not in browser.get(mona.url("customers/")).content.decode()
    assert Session.objects.count() >= 2
    assert ended(alice) == [""], "and Alice's goes on"


def test_a_page_takes_one_query_more_than_theirs(alice, bob, acting):
    browser = bob.client
    for one in (browser, acting):
        one.get(alice.url("customers/"))
    with CaptureQueriesContext(connection) as theirs:
        browser.get(alice.url("customers/"))
    with CaptureQueriesContext(connection) as acted:
        acting.get(alice.url("customers/"))
    assert len(acted) == len(theirs) + 1


def test_it_is_offered_where_it_is_possible(alice, bob, mona):
    assert "Act as" in alice.client.get(alice.url(f"settings/people/{bob.member.pk}/")).content.decode()
    assert "Act as" not in alice.client.get(alice.url(f"settings/people/{alice.member.pk}/")).content.decode()
    assert "Act as" not in mona.client.get(mona.url(f"settings/people/{bob.member.pk}/")).content.decode()
