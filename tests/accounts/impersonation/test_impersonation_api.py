"""Acting as a member by calls: a token that is asked for freshly, of one person and one organization, and ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from accounts.credentials import api_keys, tokens
from accounts.impersonation.tokens import token_for
from accounts.models import IdempotentCall, User
from accounts.organizations import life
from activity.actor import SYSTEM
from core.tenancy import organization_scope
from tests.accounts import factors
from tests.accounts.hiring import hire
from tests.accounts.impersonation.conftest import act_as, caller, change, recorded, rows, token_of
from tests.accounts.impersonation.test_walk_impersonation import strongest
from tests.conftest import PASSWORD
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

BODY = {"reason": "A question of hers", "password": PASSWORD}


def path_of(person):
    return f"/api/v1/admin/users/{person.user.pk}/impersonate"


def codes(answer):
    return [(error["code"], error["attr"]) for error in answer.json()["errors"]]


def test_the_token_is_theirs_for_half_an_hour(alice, bob, make_customer):
    own = make_customer(bob)
    hidden = make_customer(alice)
    answer = alice.api.post(path_of(bob), BODY, format="json")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json()) == {"impersonation_token", "expires_at"}
    left = parse_datetime(answer.json()["expires_at"]) - timezone.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    client = caller(answer.json()["impersonation_token"])
    assert [one["id"] for one in client.get("/api/v1/customers").json()["results"]] == [str(own.pk)]
    assert client.get(f"/api/v1/customers/{hidden.pk}").status_code == 404
    me = client.get("/api/v1/auth/me").json()
    assert (me["user"]["email"], me["impersonator"]["email"]) == (bob.user.email, alice.user.email)
    assert bob.api.get("/api/v1/auth/me").json()["impersonator"] is None
    assert client.patch(f"/api/v1/customers/{own.pk}", {"name": "Renamed"}, format="json").status_code == 200
    [changed] = recorded(alice, "customer.updated")
    assert (changed.actor_id, changed.impersonator_id) == (str(bob.user.pk), str(alice.user.pk))
    assert changed.actor_label == "Bob Reyes (by Alice Hart)"
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
        assert client.get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize("missing", ["reason", "password"])
def test_it_asks_why_and_who(alice, bob, missing):
    answer = alice.api.post(path_of(bob), {**BODY, missing: ""}, format="json")
    assert answer.status_code in (400, 403)
    answer = alice.api.post(
        path_of(bob), {name: value for name, value in BODY.items() if name != missing}, format="json"
    )
    assert answer.status_code in (400, 403)
    assert missing in str(answer.json()["errors"])
    assert alice.api.post(path_of(bob), {**BODY, "password": "wrong"}, format="json").status_code == 401
    assert rows(alice) == []


def test_a_second_factor_is_asked_again(alice, bob):
    factors.set_up(alice)
    assert codes(alice.api.post(path_of(bob), BODY, format="json")) == [("confirmation_required", None)]
    body = {"reason": "Help", "code": factors.code_of(alice)}
    assert alice.api.post(path_of(bob), body, format="json").status_code == 201
    assert alice.api.post(path_of(bob), body, format="json").status_code == 401, "a code is good once"


def test_guesses_are_counted_whatever_key_they_are_sent_with(alice, bob):
    codes_of = [
        alice.api.post(
            path_of(bob), {**BODY, "password": f"guess {n}"}, format="json", headers={"Idempotency-Key": f"guess-{n}"}
        ).status_code
        for n in range(7)
    ]
    assert codes_of == [401] * 5 + [429] * 2


def test_the_token_is_kept_nowhere(alice, bob):
    answer = alice.api.post(path_of(bob), BODY, format="json", headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201
    with organization_scope(alice.organization):
        assert not IdempotentCall.objects.exists()


def test_no_key_and_no_recent_session_calls_it(alice, bob):
    with organization_scope(alice.organization):
        _key, secret = api_keys.issue(member=alice.member, name="All", actor=alice.actor)
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=secret)
    assert client.post(path_of(bob), BODY, format="json").status_code == 403
    browser = factors.recently(alice)
    assert browser.post(path_of(bob), {"reason": "Help"}, content_type="application/json").status_code == 403
    assert bob.api.post(path_of(alice), BODY, format="json").status_code == 403
    assert rows(alice) == []


def test_nobody_is_whom_they_may_not_be(alice, bob, charlie):
    helper = hire(alice, {"users.view", "users.impersonate"}, name="Hana")
    assert alice.api.post(path_of(charlie), BODY, format="json").status_code == 404
    for person in (alice, helper):
        assert codes(alice.api.post(path_of(person), BODY, format="json")) == [("not_impersonable", None)]
    assert codes(helper.api.post(path_of(bob), BODY, format="json")) == [("not_impersonable", None)]


def test_what_is_closed(alice, bob, mona):
    client = caller(token_of(mona, alice))
    assert client.get("/api/v1/admin/users").status_code == 200
    for call in (
        client.post(path_of(bob), BODY, format="json"),
        client.post("/api/v1/auth/switch", {"organization": "x"}, format="json"),
        client.patch(f"/api/v1/admin/users/{bob.user.pk}", {"name": "x"}, format="json"),
        client.post("/api/v1/admin/integrations/api-keys", {}, format="json"),
    ):
        assert (call.status_code, codes(call)[0][0]) == (403, "closed_while_impersonating")
    assert client.get("/api/v1/customers/export").status_code == 403


@pytest.mark.parametrize("name", ["customers", "leads"])
def test_nobody_is_erased_in_anothers_name(alice, mona, make_customer, name):
    """What nobody can take back is done in one's own name; deleting, which hides for 30 days, may be done."""
    customer = make_customer(mona)
    client = caller(token_of(mona, alice))
    path = f"/api/v1/{name}/{customer.pk}"
    erased = client.post(f"{path}/personal-data/erase", {"confirm": customer.code}, format="json")
    assert (erased.status_code, codes(erased)[0][0]) == (403, "closed_while_impersonating")
    browser = act_as(mona, alice)
    for answer in (
        browser.get(alice.url(f"customers/{customer.pk}/erase/")),
        browser.post(alice.url(f"customers/{customer.pk}/erase/"), {"confirm": customer.code}),
    ):
        assert answer.status_code == 403
    own, theirs = (one.get(alice.url(f"customers/{customer.pk}/")) for one in (mona.client, browser))
    assert "Erase the person" in own.content.decode()
    assert "Erase the person" not in theirs.content.decode()
    assert client.delete(path).status_code == 204


def test_no_rule_is_made_or_changed(alice):
    """It would act long after the half hour, and its pages are closed as all settings are."""
    client = caller(token_of(strongest(alice), alice))
    with organization_scope(alice.organization):
        rule = Workflow.objects.first()
        before = list(Workflow.objects.order_by("pk").values())
    body = {"name": "Mine", "trigger_event": "message.received", "conditions": {}, "actions": []}
    for call in (
        client.post("/api/v1/workflows", {**body, "is_enabled": True}, format="json"),
        client.patch(f"/api/v1/workflows/{rule.pk}", {"is_enabled": True}, format="json"),
        client.delete(f"/api/v1/workflows/{rule.pk}"),
        client.post("/api/v1/workflows/order", {}, format="json"),
    ):
        assert (call.status_code, codes(call)[0][0]) == (403, "closed_while_impersonating")
    assert client.get("/api/v1/workflows").status_code == 200
    with organization_scope(alice.organization):
        assert list(Workflow.objects.order_by("pk").values()) == before


def test_in_a_suspended_organization_the_call_says_so(alice, bob):
    client = caller(token_of(bob, alice))
    life.suspend(organization=alice.organization, actor=SYSTEM, reason="The bill")
    for _again in range(2):
        answer = client.get("/api/v1/customers")
        assert (answer.status_code, codes(answer)[0][0]) == (403, "organization_suspended")
    life.resume(organization=alice.organization, actor=SYSTEM)
    assert client.get("/api/v1/customers").status_code == 401, "it ended"


def test_who_signs_out_everywhere_acts_as_nobody(alice, bob):
    client, browser = caller(token_of(bob, alice)), alice.client
    assert browser.post(alice.url("account/devices/end-others/")).status_code == 302
    assert client.get("/api/v1/customers").status_code == 401
    assert [row.ended_how for row in rows(alice)] == ["sign_out"]


def test_signing_an_app_out_ends_it(alice, bob):
    pair = tokens.begin(member=alice.member)
    client, other = caller(token_of(bob, alice)), caller(token_of(bob, alice))
    answer = APIClient().post("/api/v1/auth/logout", {"refresh_token": pair.refresh_token}, format="json")
    assert answer.status_code == 204
    assert {one.get("/api/v1/customers").status_code for one in (client, other)} == {401}


def test_it_is_no_other_token(alice, bob):
    token = token_of(bob, alice)
    answer = APIClient().post("/api/v1/auth/refresh", {"refresh_token": token}, format="json")
    assert answer.status_code == 401
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=token)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_it_ends_by_a_call(alice, bob):
    client = caller(token_of(bob, alice))
    assert alice.api.delete("/api/v1/auth/impersonation").status_code == 404
    assert client.delete("/api/v1/auth/impersonation").status_code == 204
    assert client.get("/api/v1/auth/me").status_code == 401
    [row] = rows(alice)
    assert row.ended_how == "button"
    [over] = recorded(alice, "impersonation.ended")
    assert (over.actor_id, over.impersonator_id) == (str(alice.user.pk), "")


def test_it_ends_with_what_it_rests_on(alice, bob):
    client = caller(token_of(bob, alice))
    User.objects.filter(pk=alice.user.pk).update(password="!another")
    assert client.get("/api/v1/customers").status_code == 401
    assert [row.ended_how for row in rows(alice)] == ["changed"]
    User.objects.filter(pk=alice.user.pk).update(password=alice.user.password)
    client = caller(token_of(bob, alice))
    change(bob, is_active=False)
    assert client.get("/api/v1/customers").status_code == 401


def test_a_browsers_is_no_token(alice, bob, acting):
    """The id of one that was begun in a browser makes no token good."""
    [row] = rows(alice)
    with organization_scope(alice.organization):
        row.member = bob.member
    assert caller(token_for(row)).get("/api/v1/auth/me").status_code == 401
