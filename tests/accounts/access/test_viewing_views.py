"""Viewing as a role: what it would see, nothing beyond one's own, and nothing is changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Role
from activity.models import Event
from core.tenancy import organization_scope
from customers.models import Customer
from customers.page.customer import views as customer_views
from messaging.inbox import context as inbox_context
from messaging.models import Conversation
from tests.architecture.test_urls import PAGES

pytestmark = pytest.mark.django_db


def role(person, key):
    with organization_scope(person.organization):
        return Role.objects.get(key=key)


def begin(person, key="counselor"):
    browser = person.client
    answer = browser.post(person.url(f"settings/roles/{role(person, key).pk}/view/"))
    assert answer.status_code == 302
    return browser


def recorded(person):
    with organization_scope(person.organization):
        rows = Event.objects.filter(type__startswith="role.view_").order_by("pk")
        return [(row.type, row.payload.get("how")) for row in rows]


def test_the_pages_are_those_of_the_role(alice, bob, make_customer):
    make_customer(alice, name="Own Person")
    hidden = make_customer(bob, name="Hidden Person")
    browser = begin(alice)
    shown = browser.get(alice.url("customers/")).content.decode()
    assert "Own Person" in shown
    assert "Hidden" not in shown
    assert "You view as the role <b>Counselor</b>" in shown
    assert browser.get(alice.url(f"customers/{hidden.pk}/")).status_code == 404
    assert browser.get(alice.url("settings/people/")).status_code == 403
    assert browser.get("/api/v1/customers").json()["count"] == 1
    assert alice.client.get(alice.url(f"customers/{hidden.pk}/")).status_code == 200, "another browser is as before"


def test_nothing_is_changed(alice, make_customer):
    customer = make_customer(alice, name="Own Person")
    browser = begin(alice, "manager")
    for path in (f"customers/{customer.pk}/edit/", "customers/new/", f"settings/roles/{role(alice, 'admin').pk}/view/"):
        answer = browser.post(alice.url(path), {"name": "Other"})
        assert answer.status_code == 403
        assert "viewing as a role" in answer.content.decode()
    assert browser.post("/switch/", {"organization": alice.organization.slug}).status_code == 403
    called = browser.patch(f"/api/v1/customers/{customer.pk}", {"name": "Other"}, content_type="application/json")
    assert (called.status_code, called.json()["errors"][0]["code"]) == (403, "read_only_view")
    customer.refresh_from_db()
    assert customer.name == "Own Person"


def test_what_a_page_writes_on_the_way_is_not_written(alice, make_customer, monkeypatch):
    customer = make_customer(alice)
    browser = begin(alice, "manager")
    field_context = customer_views.field_context

    def writes(request, found):
        Customer.objects.filter(pk=found.pk).update(name="Read")
        return field_context(request, found)

    monkeypatch.setattr(customer_views, "field_context", writes)
    answer = browser.get(alice.url(f"customers/{customer.pk}/"))
    assert answer.status_code == 200
    assert "recent" not in answer.cookies
    customer.refresh_from_db()
    assert customer.name != "Read"


def test_nothing_leaves_as_a_file(alice, make_customer):
    make_customer(alice)
    browser = begin(alice, "manager")
    assert browser.get(alice.url("customers/export/")).status_code == 200
    assert browser.get(alice.url("customers/export/file/")).status_code == 403
    assert browser.get(alice.url("live/")).status_code == 403


def test_it_ends_by_the_button_by_leaving_and_by_itself(alice):
    browser = begin(alice)
    assert browser.post(alice.url("viewing/stop/")).status_code == 302
    assert browser.get(alice.url("settings/people/")).status_code == 200
    begin(alice).post("/sign-out/")
    browser = begin(alice)
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        assert browser.get(alice.url("settings/people/")).status_code == 200
        assert browser.post(alice.url(f"settings/roles/{role(alice, 'manager').pk}/view/")).status_code == 302
    began = ("role.view_began", None)
    ended = [("role.view_ended", how) for how in ("button", "sign_out", "time")]
    assert recorded(alice) == [began, ended[0], began, ended[1], began, ended[2], began]


def test_nobody_sees_further_than_themselves(alice, bob, mona, make_customer):
    hidden = make_customer(alice, name="Hidden Person")
    with organization_scope(alice.organization):
        wide = Role.objects.create(
            organization=alice.organization, key="wide", name="Wide", stored_reach="all", stored_permissions=[]
        )
        near = Role.objects.create(
            organization=alice.organization, key="near", name="Near", stored_reach="team",
            stored_permissions=["customers.view", "settings.view", "users.edit"],
        )  # fmt: skip
    browser = mona.client
    browser.post(mona.url(f"settings/roles/{wide.pk}/view/"))
    assert "until" not in browser.get(mona.url("")).content.decode().split("<main")[0]
    assert mona.client.post(mona.url(f"settings/roles/{near.pk}/view/")).status_code == 403, "roles are not hers to see"
    assert browser.get(mona.url(f"customers/{hidden.pk}/")).status_code == 404
    assert bob.client.post(bob.url(f"settings/roles/{near.pk}/view/")).status_code == 403
    with organization_scope(alice.organization):
        Role.objects.filter(pk=near.pk).update(stored_permissions=["users.view", "roles.view", "customers.view"])
        type(mona.member).objects.filter(pk=mona.member.pk).update(role=near)
        other = Role.objects.create(
            organization=alice.organization, key="other", name="Other", stored_reach="assigned",
            stored_permissions=["settings.view", "customers.view"],
        )  # fmt: skip
    browser = begin(mona, "other")
    assert browser.get(mona.url("customers/")).status_code == 200
    assert browser.get(mona.url("settings/fields/")).status_code == 403, "the role permits it, and Mona’s own does not"
    with organization_scope(alice.organization):
        Role.objects.filter(pk=other.pk).update(stored_reach="all")
    assert "until" not in browser.get(mona.url("")).content.decode().split("<main")[0], "it reaches further by now"


def test_it_is_offered_on_a_role(alice):
    path = alice.url(f"settings/roles/{role(alice, 'counselor').pk}/")
    assert "View as this role" in alice.client.get(path).content.decode()
    own = alice.url(f"settings/roles/{role(alice, 'admin').pk}/")
    assert "View as this role" not in alice.client.get(own).content.decode()


def test_a_token_is_not_the_browsers(alice, make_customer):
    customer = make_customer(alice)
    begin(alice)
    answer = alice.api.patch(f"/api/v1/customers/{customer.pk}", {"name": "Other"}, format="json")
    assert answer.status_code == 200


# Questions whose body may be long: a POST that changes nothing, open to who only looks.
QUESTIONS = {
    "o/<slug:organization>/inbox/changes/",
    "o/<slug:organization>/templates/preview/",
    "o/<slug:organization>/pipeline/changes/",
    "o/<slug:organization>/deals/changes/",
}


def test_only_what_is_named_here_is_asked_by_a_post():
    assert {address.route for address in PAGES if getattr(address.view, "only_reads", False)} == QUESTIONS


@pytest.mark.parametrize("path", sorted(QUESTIONS))
def test_what_only_asks_is_answered_as_to_the_role(alice, path):
    browser = begin(alice, "manager")
    path = alice.url(path.removeprefix("o/<slug:organization>/"))
    assert browser.post(f"{path}?filter=all&all=1", {"conversations": "", "ids": ""}).status_code == 200


def test_the_inbox_goes_on_by_itself_and_reads_nothing(alice, make_conversation):
    """The page asks for what changed every few seconds: refused, it would load itself anew for ever."""
    conversation = make_conversation(alice)
    path = alice.url(f"inbox/{conversation.pk}/")
    assert "data-read-url" in alice.client.get(path).content.decode()
    with organization_scope(alice.organization):
        Conversation.objects.filter(pk=conversation.pk).update(unread_count=3)
    browser = begin(alice, "manager")
    page = browser.get(path).content.decode()
    assert "data-read-url" not in page
    assert f"{conversation.pk}/read/" not in page
    assert 'class="composer__box" inert' in page
    assert "You only look" in page
    changes = browser.post(alice.url(f"inbox/changes/?filter=all&open={conversation.pk}"), {"conversations": ""})
    assert changes.status_code == 200
    assert 'data-unread="' in changes.content.decode()
    conversation.refresh_from_db()
    assert conversation.unread_count == 3


def test_what_a_question_writes_on_the_way_is_not_written(alice, make_conversation, monkeypatch):
    conversation = make_conversation(alice)
    list_context = inbox_context.list_context

    def writes(request, **given):
        Conversation.objects.filter(pk=conversation.pk).update(unread_count=7)
        return list_context(request, **given)

    monkeypatch.setattr(inbox_context, "list_context", writes)
    browser = begin(alice, "manager")
    assert browser.post(alice.url("inbox/changes/?filter=all"), {"conversations": ""}).status_code == 200
    conversation.refresh_from_db()
    assert conversation.unread_count != 7
