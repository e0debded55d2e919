"""Closed by default: without an organization every query raises, and reach decides about the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from activity.models import Receipt
from core.tenancy import ScopeError, TenantModel, organization_scope
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Message
from tests.messaging.conftest import in_threads

TENANTS = [model for model in apps.get_models() if issubclass(model, TenantModel)] + [Receipt]


@pytest.mark.django_db
@pytest.mark.parametrize("model", TENANTS, ids=lambda model: model._meta.label)
class TestWithoutAnOrganization:
    def test_a_query_raises(self, model: type[models.Model]):
        manager: Any = model.objects
        questions: list[Callable[[], Any]] = [
            lambda: list(manager.all()),
            lambda: manager.filter(pk=None),
            lambda: manager.exclude(pk=None).exists(),
            lambda: manager.select_related().exists(),
            lambda: list(manager.exclude(pk=None)),
            lambda: manager.get(pk=None),
            lambda: manager.values("pk"),
            lambda: manager.update(id=None),
            lambda: manager.in_bulk([1]),
            lambda: manager.contains(model()),
            lambda: manager.explain(),
            lambda: manager.distinct().count(),
            manager.count,
            manager.first,
            manager.exists,
        ]
        for ask in questions:
            with pytest.raises(ScopeError):
                ask()

    def test_inside_one_it_asks_for_that_one_only(self, model: type[models.Model], charlie: Any):
        with organization_scope(charlie.organization):
            sql = str(model.objects.all().query)
        assert "organization_id" in sql.partition("WHERE")[2]


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_no_organization_is_no_scope(nothing: Any):
    with pytest.raises(ScopeError), organization_scope(nothing):
        pass


def test_there_are_tenants():
    assert {model._meta.label for model in TENANTS} >= {"messaging.Message", "customers.Customer", "activity.Event"}


@pytest.fixture
def conversations(alice: Any, bob: Any, mona: Any, make_conversation: Any) -> dict[str, Conversation]:
    made = {name: make_conversation(owner) for name, owner in
            (("of bob", bob), ("of alice", alice), ("of mona", mona), ("of nobody", None))}  # fmt: skip
    with organization_scope(alice.organization):
        for conversation in made.values():
            outbound.add_note(conversation=conversation, body="A note.", actor=alice.actor, author=alice.user)
    return made


EVERYTHING = {"of bob", "of alice", "of mona", "of nobody"}


@pytest.mark.parametrize(
    ("who", "sees"),
    [("alice", EVERYTHING), ("mona", {"of bob", "of mona", "of nobody"}), ("bob", {"of bob"}), ("charlie", set())],
)
@pytest.mark.parametrize("model", [Conversation, Message])
def test_reach(
    who: str, sees: set[str], model: Any, request: Any, conversations: dict[str, Conversation], charlie: Any
):
    person = request.getfixturevalue(who)
    names = {conversation.pk: name for name, conversation in conversations.items()}
    with organization_scope(person.organization):
        rows = model.objects.visible_to(person.member)
        found = {names[row.pk if model is Conversation else row.conversation_id] for row in rows}
    assert found == sees


def test_somebody_elses_conversation_is_not_there(conversations: dict[str, Conversation], bob: Any, charlie: Any):
    theirs = conversations["of alice"]
    assert bob.client.get(bob.url(f"inbox/{theirs.pk}/")).status_code == 404
    assert charlie.client.get(charlie.url(f"inbox/{theirs.pk}/")).status_code == 404
    assert charlie.client.get(bob.url(f"inbox/{theirs.pk}/")).status_code in (403, 404)
    assert charlie.api.get(f"/api/v1/conversations/{theirs.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_24_customers_at_once_get_24_codes(alice: Any):
    from customers.people.customers import services as customers

    def make(number: int) -> str:
        with organization_scope(alice.organization):
            created = customers.create(
                organization=alice.organization, actor=alice.actor, name=f"N {number}", phone=f"+4477009{number:05d}"
            )
        return created.code

    codes = in_threads(make, 24)
    assert sorted(codes) == [f"C{number:03d}" for number in range(1, 25)]
