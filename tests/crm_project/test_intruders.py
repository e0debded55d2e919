"""Intruders at every door: nobody, who belongs elsewhere, who was shut out, whose key or reach ends before it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import get_resolver
from rest_framework.test import APIClient

from accounts.credentials import api_keys, tokens
from accounts.members import services as members
from accounts.permissions import CATALOG, MEMBERSHIP, SCOPES
from activity.models import Event
from core.ids import uuid7
from core.tenancy import organization_scope
from customers.people.segments import services as segments
from tests.conftest import join

pytestmark = pytest.mark.django_db
API_WITHOUT_CREDENTIALS = {"health", "openapi.json", "docs"}


def routes(prefix: str) -> list[str]:
    """Every route below a prefix, as Django writes them."""

    def walk(patterns: Any, before: str) -> list[str]:
        found = []
        for pattern in patterns:
            route = before + str(pattern.pattern)
            found += walk(pattern.url_patterns, route) if hasattr(pattern, "url_patterns") else [route]
        return found

    return sorted({route for route in walk(get_resolver().url_patterns, "") if route.startswith(prefix)})


PAGES = routes("o/<slug:organization>/")
CALLS = [
    route.removeprefix("api/v1/")
    for route in routes("api/v1/")
    if "^" not in route
    and route.removeprefix("api/v1/") not in API_WITHOUT_CREDENTIALS | {"auth/"}
    and not route.startswith("api/v1/auth/")
]


def family(route: str) -> str:
    """What a route is about: its first word below the organization or the API."""
    return route.removeprefix("o/<slug:organization>/").split("/")[0]


def groups(routes: Iterable[str]) -> list[Any]:
    """The routes in parts of some 40, families together: a part is walked on one preparation, which costs more than
    asking a route. Named for its first and last family."""
    parts, part = [], list[str]()
    ordered = sorted(routes, key=family)
    for number, route in enumerate(ordered):
        part.append(route)
        is_last = number + 1 == len(ordered)
        if is_last or (len(part) >= 40 and family(ordered[number + 1]) != family(route)):
            parts.append(pytest.param(part, id=f"{family(part[0])}-{family(route)}"))
            part = []
    return parts


def address(route: str, pk: UUID, slug: str = "") -> str:
    route = route.replace("<slug:organization>", slug).replace("<str:channel>", "email").replace("<str:mode>", "note")
    return "/" + re.sub(r"<uuid:\w+>", str(pk), route)


def addresses(route: str, pks: Iterable[UUID], slug: str = "") -> list[str]:
    """One for each id, or the one of a route without an id."""
    return list(dict.fromkeys(address(route, pk, slug) for pk in pks))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def test_the_walk_finds_the_doors():
    assert len(PAGES) > 20
    assert len(CALLS) > 30
    assert not [route for route in PAGES + CALLS if "<" in address(route, uuid7(), "x")]


@pytest.mark.parametrize("part", groups(PAGES))
def test_pages(alice, bob, charlie, make_conversation, subtests, part):
    conversation = make_conversation(owner=alice, name="Hidden Person")
    slug = alice.organization.slug
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    bob.user.refresh_from_db()  # signed in again: the sessions of before are over
    stranger, outsiders = Client(), (charlie.client, bob.client)
    for route in part:
        with subtests.test(route):
            is_stream = route.endswith("live/")
            for url in addresses(route, (conversation.pk, conversation.customer_id), slug):
                for method in ("get", "post"):
                    nobody = getattr(stranger, method)(url)
                    assert nobody.status_code == (401 if is_stream else 302)
                    if not is_stream:
                        assert nobody["Location"].startswith("/sign-in/?next=")
                    for outsider in outsiders:
                        answer = getattr(outsider, method)(url)
                        assert answer.status_code == 404
                        assert b"Hidden" not in answer.content
    assert charlie.client.get(charlie.url("customers/")).status_code == 200, "Charlie is still somebody elsewhere"


# Questions that have a body: they read, and nothing else.
QUESTIONS = {"templates/<uuid:pk>/preview", "templates/preview"}


def test_a_key_that_may_only_look_writes_nothing(alice, make_conversation):
    """Every write has a permission of its own, which no permission to look at things brings along."""
    conversation = make_conversation(owner=alice)
    views = sorted(permission for permission in CATALOG if permission.endswith(".view"))
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(member=alice.member, name="looks", actor=alice.actor, scopes=views)
        before = Event.objects.count()
    key = APIClient(headers={"X-API-Key": secret})
    written = {}
    for route in CALLS:
        # A key's jobs are those that it started, and this one starts none.
        refused = {404, 405} if route.startswith("jobs/") else {403, 405}
        for url in addresses(route, (conversation.pk, conversation.customer_id)):
            for method in ("post", "put", "patch", "delete"):
                answer = getattr(key, method)("/api/v1" + url, {}, format="json")
                if route not in QUESTIONS and answer.status_code not in refused:
                    written[f"{method} {route}"] = answer.status_code
    assert written == {}
    with organization_scope(alice.organization):
        assert Event.objects.count() == before


def permissions_of_calls() -> dict[tuple[str, str], str]:
    """What each call asks for, by route and method, as its class says."""

    def walk(patterns: Any, before: str) -> Iterable[tuple[str, Any]]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            elif hasattr(getattr(pattern.callback, "cls", None), "permissions"):
                yield route.removeprefix("api/v1/"), pattern.callback

    return {
        (route, method): view.cls.permissions[action]
        for route, view in walk(get_resolver().url_patterns, "")
        if route in CALLS
        for method, action in view.actions.items()
        if action in view.cls.permissions and method != "head"
    }


def test_a_key_with_one_scope_reaches_the_calls_that_ask_for_it_and_no_other(alice):
    """Each call is open to the key of its permission alone, and closed to a key of everything else; the calls that
    decide over people are closed to every key."""
    calls = permissions_of_calls()
    assert len(calls) > 100
    refusal = b'"detail":"Your role does not permit this."'
    with organization_scope(alice.organization):
        given = {
            scope: APIClient(headers={"X-API-Key": api_keys.issue(
                member=alice.member, name=scope, actor=alice.actor, scopes=scopes
            )[1]})
            for permission in sorted(set(calls.values()) & SCOPES)
            for scope, scopes in ((permission, [permission]), (f"not {permission}", SCOPES - {permission}))
        }  # fmt: skip
        everything = APIClient(
            headers={"X-API-Key": api_keys.issue(member=alice.member, name="all", actor=alice.actor)[1]}
        )
    wrong = []
    for (route, method), permission in calls.items():
        if permission == MEMBERSHIP:
            continue
        callers = [(given[permission], True), (given[f"not {permission}"], False)] if permission in SCOPES else []
        for caller, is_open in callers or [(everything, False)]:
            answer = getattr(caller, method)("/api/v1" + address(route, uuid7()), {"no such field": 1}, format="json")
            if (answer.status_code == 403 and refusal in content(answer)) is is_open:
                wrong.append((method, route, permission, is_open, answer.status_code))
    assert wrong == []


def test_a_keys_scopes_hold_wherever_the_member_is_asked(alice):
    """Also inside a service that asks the member: an administrator's narrow key is no administrator."""
    with organization_scope(alice.organization):
        shared = segments.create(member=alice.member, actor=alice.actor, name="Everybody's", is_shared=True)
        colleague = join(alice, "nora@harbour.example", "Nora", "admin")
        scopes = ["customers.view", "segments.edit", "segments.delete"]
        _, secret = api_keys.issue(member=colleague.member, name="narrow", actor=colleague.actor, scopes=scopes)
    key = APIClient(headers={"X-API-Key": secret})
    assert key.patch(f"/api/v1/segments/{shared.pk}", {"name": "Mine"}, format="json").status_code == 403
    assert key.delete(f"/api/v1/segments/{shared.pk}").status_code == 403
    assert colleague.api.patch(f"/api/v1/segments/{shared.pk}", {"name": "Ours"}, format="json").status_code == 200


@pytest.mark.parametrize("part", groups(CALLS))
def test_calls(alice, bob, charlie, make_conversation, subtests, part):
    conversation = make_conversation(owner=alice, name="Hidden Person")
    gone = bob.api
    with organization_scope(alice.organization):
        _, narrow = api_keys.issue(member=alice.member, name="narrow", actor=alice.actor, scopes=["reports.view"])
        key, revoked = api_keys.issue(member=alice.member, name="revoked", actor=alice.actor)
        api_keys.revoke(key=key, actor=alice.actor)
        members.deactivate(member=bob.member, actor=alice.actor)
    body = {"stage": "new", "tag": "x", "assigned_to": None, "body": "x", "customer_id": str(conversation.customer_id)}
    nobodies = [APIClient(), gone, APIClient(headers={"X-API-Key": revoked})]
    narrow_key, elsewhere = APIClient(headers={"X-API-Key": narrow}), charlie.api
    for route in part:
        # Jobs are for every member, and a key with scopes sees those that it started.
        refused = {404, 405} if route.startswith("jobs/") else {403, 405}
        callers = [*((client, {401}) for client in nobodies), (narrow_key, refused)]
        with subtests.test(route):
            for url in (f"/api/v1{path}" for path in addresses(route, (conversation.pk, conversation.customer_id))):
                for method in ("get", "post", "patch", "delete"):
                    for client, expected in callers:
                        answer = getattr(client, method)(url, body if method != "get" else None, format="json")
                        assert answer.status_code in expected, (method, url, answer.content)
                    answer = getattr(elsewhere, method)(url, body if method != "get" else None, format="json")
                    assert b"Hidden" not in content(answer)
                    if "<uuid:pk>" in route:
                        assert answer.status_code in (404, 405), (method, url, answer.content)
    assert elsewhere.get("/api/v1/customers").status_code == 200, "Charlie is still somebody elsewhere"


def test_a_forged_or_wrong_token_is_none(alice):
    import jwt

    pair = tokens.begin(member=alice.member)
    claims = jwt.decode(pair.access_token, options={"verify_signature": False})
    for token in (
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, "another key, as long as it has to be" * 2, algorithm="HS256"),
        pair.refresh_token,
        pair.access_token[:-2],
        "ÿ",
        "",
    ):
        assert APIClient().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert APIClient().post("/api/v1/auth/refresh", {"refresh_token": pair.access_token}).status_code == 401


def test_a_key_does_not_do_by_a_side_door_what_its_scopes_leave_out(alice, bob, make_conversation):
    conversation = make_conversation(owner=alice)
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(
            member=alice.member, name="k", actor=alice.actor, scopes=["conversations.edit", "conversations.view"]
        )
    key = APIClient(headers={"X-API-Key": secret})
    url = f"/api/v1/conversations/{conversation.pk}"
    assert key.patch(url, {"priority": "high"}).status_code == 200
    assert key.patch(url, {"assigned_to": str(bob.user.pk)}).status_code == 403
    assert alice.api.patch(url, {"assigned_to": str(bob.user.pk)}).status_code == 200


def test_a_key_tells_of_its_own_organization_and_scopes_only(alice, charlie):
    with organization_scope(charlie.organization):
        from accounts.organizations import services as organizations

        organizations.add_member(
            organization=charlie.organization, user=alice.user, role_key="manager", actor=charlie.actor
        )
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(member=alice.member, name="k", actor=alice.actor, scopes=["customers.view"])
    told = APIClient(headers={"X-API-Key": secret}).get("/api/v1/auth/me").json()
    assert told["permissions"] == ["customers.view"]
    assert [m["organization"]["slug"] for m in told["memberships"]] == ["harbour-clinic"]
    assert len(alice.api.get("/api/v1/auth/me").json()["memberships"]) == 2


def test_who_gives_a_record_away_sees_what_they_did(alice, bob, make_conversation):
    conversation = make_conversation(owner=bob)
    for path in (f"conversations/{conversation.pk}", f"customers/{make_conversation(owner=bob).customer_id}"):
        answer = bob.api.patch(f"/api/v1/{path}", {"assigned_to": str(alice.user.pk)})
        assert (answer.status_code, answer.json()["assigned_to"]) == (200, str(alice.user.pk))
        assert bob.api.get(f"/api/v1/{path}").status_code == 404


def test_who_sees_only_their_own_sees_what_they_made(alice, bob):
    made = bob.api.post("/api/v1/customers", {"name": "New one"}).json()
    assert made["assigned_to"] == str(bob.user.pk)
    assert bob.api.get(f"/api/v1/customers/{made['id']}").status_code == 200
    assert alice.api.post("/api/v1/customers", {"name": "New two"}).json()["assigned_to"] is None


@pytest.mark.parametrize("path", ["auth/login", "customers", "webhooks/whatsapp"])
def test_a_body_too_deep_or_too_large_is_refused(alice, settings, path):
    def post(body: str) -> int:
        return alice.api.generic("POST", f"/api/v1/{path}", body, content_type="application/json").status_code

    assert post("[" * 100_000) == 400
    assert post('{"a":' * 50_000) == 400
    assert post('{"settings":' + "[" * 900 + "]" * 900 + "}") == 400
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert post(json.dumps({"name": "x" * 1000})) == 413


@pytest.mark.parametrize(
    "inside",
    [
        json.dumps(["0001-01-01T00:00:00+14:00", str(UUID(int=0))]),
        json.dumps(["9999-12-31T23:59:59-14:00", str(UUID(int=0))]),
        "[" * 3000,
        "[1, 2]",
        '"x"',
    ],
)
def test_a_cursor_made_by_hand_is_refused(alice, make_conversation, inside):
    cursor = base64.urlsafe_b64encode(inside.encode()).decode()
    conversation = make_conversation(owner=alice)
    assert alice.api.get("/api/v1/conversations", {"cursor": cursor}).status_code == 400
    assert alice.client.get(alice.url("inbox/"), {"after": cursor}).status_code == 404
    assert alice.client.get(alice.url(f"inbox/{conversation.pk}/"), {"before": cursor}).status_code == 404


@pytest.mark.parametrize("cursor", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_changes_since_the_end_of_the_calendar(alice, make_conversation, cursor):
    shown = {"open": str(make_conversation(owner=alice).pk), "cursor": cursor}
    assert alice.client.get(alice.url("inbox/changes/"), shown).status_code == 200


@pytest.mark.parametrize("path", ["customers", "conversations", "inbox/customers"])
def test_more_tags_than_a_database_joins_are_refused(alice, path):
    assert alice.api.get(f"/api/v1/{path}", {"tag": [f"t{n}" for n in range(10)]}).status_code == 200
    answer = alice.api.get(f"/api/v1/{path}", {"tag": [f"t{n}" for n in range(80)]})
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "tag")
