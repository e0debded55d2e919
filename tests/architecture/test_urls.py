"""Every page demands a permission, every API call says who may call it; what does not stands here with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.views import APIView

from accounts.permissions import MEMBERSHIP

METHODS = ("post", "put", "patch", "delete")
# Pages that nobody needs a permission for, by their route.
OPEN_PAGES = {
    "files/<str:token>/<str:name>": "a provider fetches a file that is to be sent: the signed address expires",
    "unsubscribe/<str:token>": "the recipient of an automatic message ends them: the signed address is the permission",
    "": "leads to the sign-in or to the home page of the last organization, and shows nothing",
    "gallery/": "the shared pieces without anybody's data, and only where DEBUG is on",
    "health": "a load balancer asks, and learns that the process answers",
    "metrics": "Prometheus asks with METRICS_TOKEN; without one set there is no such page",
    "health/ready": "a load balancer asks, and learns the names of the parts that fail",
    "sign-in/": "before signing in",
    "sign-in/code/": "before signing in: who has shown the password is asked for the second factor",
    "sign-in/code/passkey/": "before signing in: who has shown the password is asked for the second factor",
    "sign-in/passkey/": "before signing in",
    "sign-in/provider/": "before signing in: asks for the address of an organization",
    "sign-in/provider/<uuid:pk>/callback/": "back from a provider: the state in the session is the permission, once",
    "sign-in/to/<slug:organization>/": "before signing in: the button to an organization’s provider",
    "sign-in/to/<slug:organization>/start/": "before signing in: the way to an organization’s provider",
    "account/provider/<slug:organization>/": "about oneself: whoever is signed in and has just confirmed it",
    "account/passkeys/new/": "about oneself: whoever is signed in and has just confirmed it",
    "account/confirm/": "whoever is signed in shows again who they are",
    "account/new-password/": "about oneself: whoever is signed in with a password that somebody else chose",
    "account/authenticator-app/": "about oneself: whoever is signed in and has just confirmed it",
    "account/recovery-codes/": "about oneself: whoever is signed in and has just confirmed it",
    "account/recovery-codes/new/": "about oneself: whoever is signed in and has just confirmed it",
    "sign-out/": "everybody may leave",
    "sign-up/": "before signing in; SIGN_UP_ENABLED closes it",
    "switch/": "only to organizations one is a member of",
    "forgotten-password/": "before signing in; answers the same whether the address is known or not",
    "forgotten-password/sent/": "before signing in",
    "forgotten-password/done/": "before signing in",
    "forgotten-password/<uidb64>/<token>/": "the mailed token is the permission",
    "invitation/<str:token>/": "the mailed token is the permission; wrong ones are slowed down",
    "calendar/<str:token>.ics": "a calendar reads it: the long random token in the address is the permission",
    "webhooks/twilio/whatsapp": "the provider's signature is the permission",
    "webhooks/twilio/sms": "the provider's signature is the permission",
    "webhooks/twilio/status": "the provider's signature is the permission",
    "webhooks/<slug:provider>/<slug:hook>": "the provider's signature is the permission",
    **{
        f"scim/v2/{path}": "no page: a directory calls, and its connection's token is the permission"
        for path in (
            "ServiceProviderConfig", "ResourceTypes", "ResourceTypes/<str:name>", "Schemas", "Schemas/<str:name>", "Me",
            "Bulk", ".search", "Users", "Users/.search", "Users/<str:pk>", "Groups", "Groups/.search",
            "Groups/<str:pk>", "^.*$",
        )
    },
}  # fmt: skip
# API calls without credentials.
OPEN_CALLS = {
    "api/v1/health": "a load balancer asks",
    "api/v1/openapi.json": "the contract is no secret",
    "api/v1/docs": "the contract is no secret",
    "api/v1/^.*$": "everything that is no call: 404 in the contract's shape",
    "api/v1/auth/register": "before there are credentials; SIGN_UP_ENABLED closes it",
    "api/v1/auth/login": "before there are credentials",
    "api/v1/auth/invitations/<str:token>/accept": "the mailed token is the permission; wrong ones are slowed down",
    "api/v1/auth/refresh": "the refresh token is the permission",
    "api/v1/auth/logout": "the refresh token is the permission",
}
# API calls that anybody signed in may make, whatever the role.
OWN_CALLS = {
    "api/v1/auth/me": "about oneself",
    "api/v1/auth/switch": "only to organizations one is a member of",
    "api/v1/auth/impersonation": "ends the one whose token calls",
}
# Pages and API calls that every member may open, whatever the role, each with what limits it.
EVERY_MEMBERS = {
    "o/<slug:organization>/": "each section asks for its own permission and reach",
    "o/<slug:organization>/palette/": "each source asks for its own permission and reach",
    "o/<slug:organization>/jobs/<uuid:pk>/": "one's own jobs, and everybody's for who sees the settings",
    "o/<slug:organization>/jobs/<uuid:pk>/cancel/": "one's own jobs, and everybody's for who sees the settings",
    "o/<slug:organization>/viewing/stop/": "views as oneself again",
    "o/<slug:organization>/impersonation/stop/": "is oneself again: the browser's own, whoever asks",
    "o/<slug:organization>/account/devices/impersonations/<uuid:pk>/end/": "one's own: looked up among the member's",
    "o/<slug:organization>/account/": "one's own",
    "o/<slug:organization>/account/notifications/": "one's own",
    "o/<slug:organization>/notifications/": "one's own, about what the role and the reach still show",
    "o/<slug:organization>/notifications/bell/": "one's own, about what the role and the reach still show",
    "o/<slug:organization>/notifications/read/": "one's own, about what the role and the reach still show",
    "o/<slug:organization>/notifications/<uuid:pk>/": "one's own: looked up among the member's",
    "o/<slug:organization>/notifications/<uuid:pk>/read/": "one's own: looked up among the member's",
    "o/<slug:organization>/settings/": "of the pages only those that the role permits; none: 403",
    "o/<slug:organization>/logo/": "every page shows it",
    "o/<slug:organization>/account/photo/": "one's own",
    "o/<slug:organization>/account/photo/remove/": "one's own",
    "o/<slug:organization>/people/<uuid:pk>/photo/": "colleagues' faces, of this organization's members only",
    "o/<slug:organization>/account/password/": "one's own",
    "o/<slug:organization>/account/security/": "one's own",
    "o/<slug:organization>/account/security/app/remove/": "one's own",
    "o/<slug:organization>/account/security/passkeys/<uuid:pk>/remove/": "one's own: looked up among the user's",
    "o/<slug:organization>/account/security/browsers/<uuid:pk>/forget/": "one's own: looked up among the user's",
    "o/<slug:organization>/account/security/provider/disconnect/": "one's own",
    "o/<slug:organization>/account/devices/": "one's own",
    "o/<slug:organization>/account/devices/<uuid:pk>/end/": "one's own: looked up among the user's",
    "o/<slug:organization>/account/devices/apps/<uuid:pk>/end/": "one's own: looked up among the user's",
    "o/<slug:organization>/account/devices/end-others/": "one's own",
    "api/v1/jobs/<uuid:pk>": "one's own jobs, and everybody's for who sees the settings",
    "api/v1/jobs/<uuid:pk>/cancel": "one's own jobs, and everybody's for who sees the settings",
    "api/v1/notifications": "one's own, about what the role and the reach still show",
    "api/v1/notifications/preferences": "one's own",
    "api/v1/notifications/read-all": "one's own, about what the role and the reach still show",
    "api/v1/notifications/<uuid:pk>/read": "one's own: looked up among the member's",
}


@dataclass(frozen=True)
class Address:
    route: str
    view: Any

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def is_admin(self) -> bool:
        return self.route.startswith("admin/")

    @property
    def api_view(self) -> type[APIView]:
        return self.view.cls


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[Address]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield Address(route, pattern.callback)


ADDRESSES = list(walk(get_resolver().url_patterns))
PAGES = [address for address in ADDRESSES if not address.is_api and not address.is_admin]
PAGES_OF_MEMBERS = [page for page in PAGES if page.route not in OPEN_PAGES]
CALLS = [address for address in ADDRESSES if address.is_api and address.route not in OPEN_CALLS]


def test_a_page_demands_a_permission(subtests):
    for address in PAGES_OF_MEMBERS:
        with subtests.test(address.route):
            assert getattr(address.view, "permission", ""), (
                f"{address.route} is open: @requires, or a reason in OPEN_PAGES."
            )
            assert address.route.startswith("o/<slug:organization>/"), "a page of an organization lives under its name"
            assert address.view.permission != MEMBERSHIP or address.route in EVERY_MEMBERS, address.route


def test_an_api_call_declares_who_may_call_it(subtests):
    for address in CALLS:
        with subtests.test(address.route):
            view = address.api_view
            assert AllowAny not in view.permission_classes
            if address.route in OWN_CALLS:
                assert IsAuthenticated in view.permission_classes
            else:
                actions = set(address.view.actions.values())
                assert actions <= set(view.permissions), view
                needed = {view.permissions[action] for action in actions}
                assert needed
                assert MEMBERSHIP not in needed or address.route in EVERY_MEMBERS, view


def test_a_resource_names_permissions_for_what_it_offers_only():
    offered: dict[type[APIView], set[str]] = {}
    for address in CALLS:
        offered.setdefault(address.api_view, set()).update(address.view.actions.values())
    assert len(offered) > 5
    for view, actions in offered.items():
        assert actions == set(view.permissions), view


def test_the_lists_of_exceptions_hold_nothing_that_is_gone():
    routes = {address.route for address in ADDRESSES}
    assert {*OPEN_PAGES, *OPEN_CALLS, *OWN_CALLS, *EVERY_MEMBERS} <= routes


def test_api_calls_have_no_slash_at_their_end_and_pages_have_one():
    for address in ADDRESSES:
        if address.is_api:
            assert not address.route.endswith("/"), address.route
        elif address.route.startswith("o/"):
            assert address.route.endswith("/"), address.route


# A value for each kind of part of an address.
PARTS = {
    "uuid": "01980000-0000-7000-8000-000000000000",
    "slug": "nowhere",
    "str": "nothing",
    "int": "1",
    "path": "no/thing",
    "": "nothing",
}


def filled(address: Address) -> str:
    """An address with something for each of its parts, whatever they are called."""
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda part: PARTS[part[1] or ""], address.route)
    assert "<" not in path, f"{address.route}: say in PARTS what stands for its parts."
    return f"/{path}"


def test_every_page_sends_a_stranger_to_the_sign_in(client, db, subtests):
    for address in PAGES_OF_MEMBERS:
        with subtests.test(address.route):
            for method in (client.get, client.post):
                response = method(filled(address))
                # A stream can't follow to a page: 401.
                assert response.status_code in (302, 401, 405), response.status_code
                if response.status_code == 302:
                    assert response.headers["Location"].startswith("/sign-in/")


def test_every_api_call_asks_a_stranger_for_credentials(client, db, subtests):
    for address in CALLS:
        with subtests.test(address.route):
            answers = [getattr(client, method)(filled(address), content_type="application/json") for method in METHODS]
            answers.append(client.get(filled(address)))
            assert {answer.status_code for answer in answers} <= {401, 405}
            refused = [answer for answer in answers if answer.status_code == 401]
            assert refused
            assert all(answer.headers["WWW-Authenticate"] for answer in refused)
