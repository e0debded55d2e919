"""Every address as an impersonator: what is closed is written down here, so that a new one is decided about."""

from __future__ import annotations

import pytest
from django.urls import ResolverMatch, resolve

from accounts.access import acting
from accounts.models import APIKey, Impersonation, Invitation, Member, Role, Team, TokenFamily, User
from accounts.permissions import CATALOG, MEMBERSHIP, NEVER_BY_IMPERSONATION, NEVER_BY_KEY
from core.tenancy import every_organization
from tests.accounts.impersonation.conftest import act_as, caller, token_of
from tests.architecture.test_urls import ADDRESSES, OPEN_CALLS, Address, filled
from tests.conftest import Person, join

# Of everybody's pages those that are the organization's work, for who acts for somebody as well.
EVERYBODYS = {
    "o/<slug:organization>/": "what there is to do",
    "o/<slug:organization>/palette/": "each source asks for its own permission and reach",
    "o/<slug:organization>/jobs/<uuid:pk>/": "what they started",
    "o/<slug:organization>/jobs/<uuid:pk>/cancel/": "what they started",
    "o/<slug:organization>/viewing/stop/": "nobody views meanwhile",
    "o/<slug:organization>/impersonation/stop/": "the way out",
    "o/<slug:organization>/settings/": "of the pages only those that the role permits",
    "o/<slug:organization>/logo/": "every page shows it",
    "o/<slug:organization>/people/<uuid:pk>/photo/": "colleagues' faces",
    "api/v1/jobs/<uuid:pk>": "what they started",
    "api/v1/jobs/<uuid:pk>/cancel": "what they started",
    "o/<slug:organization>/notifications/": "what there is to do",
    "o/<slug:organization>/notifications/bell/": "how much there is to do",
    "o/<slug:organization>/notifications/read/": "as opening a conversation reads it",
    "o/<slug:organization>/notifications/<uuid:pk>/": "the way to what there is to do",
    "o/<slug:organization>/notifications/<uuid:pk>/read/": "as opening a conversation reads it",
    "api/v1/notifications": "what there is to do",
    "api/v1/notifications/read-all": "as opening a conversation reads it",
    "api/v1/notifications/<uuid:pk>/read": "as opening a conversation reads it",
    "api/v1/auth/me": "who it is, with who acts",
    "api/v1/auth/impersonation": "the way out",
}
# Outside of every organization.
OUTSIDE = {"", "health", "health/ready", "sign-out/"}


def match_of(address: Address) -> ResolverMatch:
    return resolve(filled(address).replace("//", "/"))


def permissions_of(address: Address) -> dict[str, str]:
    """The permission of each method that the address takes."""
    if address.is_api:
        given = getattr(getattr(address.view, "cls", None), "permissions", {})
        return {method: given.get(action, "") for method, action in getattr(address.view, "actions", {}).items()}
    return dict.fromkeys(("get", "post"), getattr(address.view, "permission", ""))


def open_ways(address: Address) -> set[str]:
    """The methods that are open to who acts for somebody with every permission."""
    match = match_of(address)
    return {
        method
        for method, permission in permissions_of(address).items()
        if not acting.is_closed(match, method.upper()) and permission not in NEVER_BY_IMPERSONATION
    }


def test_what_is_everybodys_is_closed_unless_it_is_named(subtests):
    for address in ADDRESSES:
        with subtests.test(address.route):
            if address.is_admin or (not address.is_api and not address.route.startswith("o/")):
                assert acting.is_closed(match_of(address), "GET") == (address.route not in OUTSIDE - {"sign-out/"})
                continue
            permissions = permissions_of(address)
            everybodys = {method for method in open_ways(address) if permissions[method] in (MEMBERSHIP, "")}
            assert not everybodys or address.route in EVERYBODYS, f"{address.route}: close it, or say why it is open."


def test_the_list_holds_nothing_that_is_closed():
    closed = {address.route for address in ADDRESSES if not open_ways(address)}
    assert {*EVERYBODYS} & closed == {"o/<slug:organization>/viewing/stop/"} & closed


def test_the_names_of_what_is_closed_are_those_of_addresses():
    names = {match_of(address).view_name for address in ADDRESSES if not address.is_admin}
    assert names >= acting.PERSONAL | acting.OPEN | acting.OUT


def test_what_nobody_does_in_anothers_name():
    assert NEVER_BY_KEY < NEVER_BY_IMPERSONATION < CATALOG
    assert {one for one in CATALOG if one.endswith(".export")} < NEVER_BY_IMPERSONATION
    assert {"settings.edit", "users.impersonate", "api_keys.view", "channels.edit"} < NEVER_BY_IMPERSONATION
    assert {"customers.edit", "conversations.edit", "users.view", "tasks.delete"} <= CATALOG - NEVER_BY_IMPERSONATION


def state() -> dict[str, list[dict[str, object]]]:
    """All that says who comes in and what they may do."""
    with every_organization("compares"):
        return {
            model.__name__: [
                {name: value for name, value in row.items() if name != "last_seen_at"}
                for row in model._base_manager.order_by("pk").values()
            ]
            for model in (APIKey, Impersonation, Invitation, Member, Role, Team, TokenFamily, User)
        }


def strongest(alice: Person) -> Person:
    """Somebody who may do everything but act as others, and so can be acted for."""
    person = join(alice, "wide@harbour.example", "Wanda Wide", "counselor")
    with every_organization("prepares"):
        role = Role.objects.create(
            organization=alice.organization, key="wide", name="Wide", stored_reach="all",
            stored_permissions=sorted(CATALOG - {"users.impersonate"}),
        )  # fmt: skip
        Member.objects.filter(pk=person.member.pk).update(role=role)
    return person


@pytest.mark.django_db
def test_no_address_changes_who_comes_in_or_what_they_may_do(alice, bob, mona):
    """As somebody with every permission, every address of members, roles, keys, settings and accounts, each method."""
    person = strongest(alice)
    browser, client = act_as(person, alice), caller(token_of(person, alice))
    before = state()
    ids = {"member": bob.member.pk, "user": bob.user.pk, "team": bob.member.teams.first}
    tried = 0
    for address in ADDRESSES:
        if not address.route.startswith((*acting.PERSONAL_ROUTES, *acting.READ_ONLY_ROUTES)):
            continue
        path = filled(address).replace("/nowhere/", f"/{alice.organization.slug}/")
        path = path.replace("01980000-0000-7000-8000-000000000000", str(ids["user" if address.is_api else "member"]))
        for method in ("post", "put", "patch", "delete"):
            answers = [getattr(browser, method)(path, {}, content_type="application/json")]
            if address.is_api and address.route not in OPEN_CALLS:
                answers.append(getattr(client, method)(path, {}, format="json"))
            if address.route == "api/v1/auth/impersonation" and method == "delete":
                client = caller(token_of(person, alice))
                before = {**before, "Impersonation": state()["Impersonation"]}
                continue
            for answer in answers:
                tried += 1
                is_open = address.route in ("api/v1/auth/me", "api/v1/auth/impersonation")
                assert answer.status_code in ((403, 405, 404) if is_open else (403,)), (
                    method,
                    path,
                    answer.status_code,
                )
    assert tried > 300
    after = state()
    for name in before:
        assert after[name] == before[name] or name == "TokenFamily", name
