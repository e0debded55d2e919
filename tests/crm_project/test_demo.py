"""The demo: believable, the same for the same seed, and in every column what the services would have written."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Member, Organization, User
from activity import registry
from activity.models import Event
from core.phones import match_key, parse
from core.tenancy import organization_scope
from crm_project.demo import loader
from crm_project.demo.talking import Talks
from customers.models import (
    Customer,
    CustomerCounter,
    CustomField,
    Deal,
    DuplicatePair,
    Identity,
    Interaction,
    Outcome,
    Process,
    Stage,
    StageChange,
    Task,
    TaskReminder,
)
from customers.people.custom_fields import services as custom_fields
from customers.people.keys import KEYS, set_keys
from messaging.models import Conversation, Message
from messaging.threads.services import preview

SIZE = 150
Status = Conversation.Status


@pytest.fixture(scope="module")
def clinic(django_db_setup: Any, django_db_blocker: Any) -> Any:
    """The demo, once for all that only look at it."""
    with django_db_blocker.unblock():
        from django.db import transaction

        # As on one's own machine; in production the demo has other passwords and administers nothing.
        with transaction.atomic(), override_settings(DEBUG=True):
            organization = loader.load(size=SIZE)
            assert organization is not None
            with organization_scope(organization):
                yield organization
            transaction.set_rollback(True)


@pytest.fixture
def looked_at(clinic: Any, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield clinic


# Marked, so that there is a database in a run of this file alone; it comes before those that look at the demo.
@pytest.mark.django_db
def test_a_second_load_changes_nothing():
    organization = loader.load(size=5)
    with organization_scope(organization):
        before = Customer.objects.count()
        assert loader.load(size=50) is None
        assert Customer.objects.count() == before


def generated(organization: Organization) -> Any:
    """Those that were not told by the services."""
    return Customer.objects.filter(code_number__lte=SIZE).select_related("stage", "organization")


def test_it_has_the_same_sign_ins_as_ever(looked_at):
    assert looked_at.slug == "harbour-clinic"
    roles = dict(Member.objects.values_list("user__email", "role__key"))
    assert roles == {
        "alice@parley.example": "admin", "mona@parley.example": "manager", "bob@parley.example": "counselor",
    }  # fmt: skip
    assert User.objects.get(email="alice@parley.example").is_superuser


def test_there_is_something_of_everything(looked_at):
    now = timezone.now()
    assert {stage.key for stage in Stage.objects.all() if stage.customers.exists()} == {
        "new", "engaged", "contacted", "consult_booked", "deposit_paid", "treatment_done", "lost",
    }  # fmt: skip
    for model in (StageChange, Deal, Outcome, Interaction, Process, Conversation, Message, TaskReminder, DuplicatePair):
        assert model.objects.exists(), f"no {model.__name__}"
    assert set(Deal.objects.values_list("status", flat=True)) == {"open", "won", "lost"}
    assert Task.objects.overdue(now).exists()
    assert Task.objects.open().filter(due_at__gt=now).exists()
    assert Task.objects.filter(status="done", completed_at__isnull=False).exists()
    assert Task.objects.exclude(repeat_unit="").exists()
    day = now + timedelta(days=1)
    assert Customer.objects.filter(next_follow_up_at__lt=now).exists()
    assert Customer.objects.filter(next_follow_up_at__gt=day).exists()
    assert Customer.objects.filter(assigned_to=None).exists()
    assert any(customer.is_overdue for customer in Customer.objects.select_related("stage"))
    assert Customer.objects.exclude(custom_fields={}).exists()


def test_its_events_carry_what_they_declare(looked_at):
    """Also those that no service recorded."""
    rows = list(Event.objects.only("type", "payload"))
    assert sum(row.type == "customer.created" for row in rows) >= SIZE
    wrong = {(row.type, text) for row in rows for text in registry.require_declared(row.type).mismatches(row.payload)}
    assert wrong == set()


def test_they_write_in_several_languages(looked_at):
    written = set(Customer.objects.filter(conversations__isnull=False).values_list("language", flat=True))
    assert {"", "de", "fr", "es", "pl"} <= written
    assert {"en", "de", "fr", "es", "pl", "pt", "ar", "it"} <= set(Talks().by_language)


def test_half_a_year_and_no_moment_in_the_future(looked_at):
    now = timezone.now()
    oldest = Customer.objects.order_by("created_at").first()
    assert timedelta(days=150) < now - oldest.created_at < timedelta(days=190)
    for model, fields in (
        (Customer, ("created_at", "updated_at", "last_activity_at", "stage_since")), (StageChange, ("changed_at",)),
        (Message, ("created_at",)), (Interaction, ("occurred_at",)), (Outcome, ("occurred_at",)),
        (Deal, ("created_at", "closed_at")), (Task, ("created_at", "completed_at")), (Conversation, ("created_at",)),
    ):  # fmt: skip
        for name in fields:
            assert not model.objects.filter(**{f"{name}__gt": now}).exists(), f"{model.__name__}.{name}"


def test_codes_follow_the_days_on_which_they_came(looked_at):
    rows = list(generated(looked_at).order_by("code_number").values_list("code", "created_at"))
    assert [code for code, _ in rows] == [f"C{number:03d}" for number in range(1, SIZE + 1)]
    assert [at for _, at in rows] == sorted(at for _, at in rows)
    assert CustomerCounter.objects.get().last_number == Customer.objects.count()


def test_keys_and_identities_are_the_services(looked_at):
    for customer in Customer.objects.select_related("organization"):
        before = [getattr(customer, name) for name in KEYS]
        owned = {(row.kind, row.value): row for row in customer.identities.all()}
        set_keys(customer, addresses=[row.value for row in owned.values()])
        customer.is_duplicate_check_due = False  # looked through by the load
        assert [getattr(customer, name) for name in KEYS] == before
        for kind, value in (("phone", customer.phone), ("email", customer.email)):
            assert not value or owned[kind, value].is_primary
    for row in Identity.objects.filter(kind="phone"):
        assert (parse(row.value), match_key(row.value)) == (row.value, row.match_key)


def test_addresses_lead_nowhere(looked_at):
    for customer in generated(looked_at):
        assert not customer.email or customer.email.endswith(".example")
        assert not customer.phone or re.match(
            r"\+(44(7700900|1632960|207946|1\d\d49[68]0|292018)|3363998|3319900|3326191|3335301|3346571|49)",
            customer.phone,
        )  # fmt: skip


def test_the_history_leads_to_where_they_stand(looked_at):
    for customer in generated(looked_at):
        moves = list(customer.stage_changes.select_related("from_stage", "to_stage").order_by("changed_at", "id"))
        at, since = "new", customer.created_at
        for move in moves:
            assert (move.from_stage.key, move.since) == (at, since)
            assert (move.from_name, move.to_name) == (move.from_stage.name, move.to_stage.name)
            assert move.changed_at >= since
            assert bool(move.reason) == (move.to_stage.key == "lost")
            at, since = move.to_stage.key, move.changed_at
        assert (at, since) == (customer.stage.key, customer.stage_since)


def test_the_stories_happened_when_they_wrote(looked_at):
    for customer in Customer.objects.filter(code_number__gt=SIZE).select_related("stage"):
        written = list(customer.messages.order_by("created_at").values_list("created_at", flat=True))
        moves = list(customer.stage_changes.select_related("from_stage", "to_stage").order_by("changed_at", "id"))
        assert abs(customer.created_at - written[0]) < timedelta(seconds=30)
        assert abs(customer.last_activity_at - written[-1]) < timedelta(seconds=30)
        since = customer.created_at
        for move in moves:
            assert (move.since, move.changed_at >= since) == (since, True)
            since = move.changed_at
        assert customer.stage_since == since


def test_the_sums_are_those_of_the_rows(looked_at):
    for customer in generated(looked_at):
        deals = list(customer.deals.select_related("stage"))
        opened = sum((deal.amount for deal in deals if deal.status == "open"), Decimal(0))
        assert customer.open_value == opened
        for deal in deals:
            assert deal.status == deal.stage.kind
            assert (deal.closed_at is None) == (deal.status == "open")
        moments = [customer.created_at]
        moments += customer.stage_changes.values_list("changed_at", flat=True)
        moments += customer.messages.values_list("created_at", flat=True)
        moments += customer.interactions.values_list("occurred_at", flat=True)
        moments += customer.outcomes.values_list("occurred_at", flat=True)
        moments += [at for deal in deals for at in (deal.created_at, deal.updated_at)]
        moments += [at for task in customer.tasks.all() for at in (task.created_at, task.completed_at) if at]
        assert customer.last_activity_at == max(moments)


def test_conversations_are_what_their_messages_add_up_to(looked_at):
    for conversation in Conversation.objects.filter(customer__code_number__lte=SIZE).select_related("last_message"):
        messages = list(conversation.messages.order_by("created_at", "id"))
        last = messages[-1]
        inbound = [m.created_at for m in messages if m.direction == "inbound"]
        outbound = [m.created_at for m in messages if m.direction == "outbound"]
        since = [at for at in inbound if not outbound or at > max(outbound)]
        assert conversation.last_message_id == last.pk
        assert conversation.last_message_preview == preview(last)
        shown = (conversation.last_message_at, conversation.last_message_direction, conversation.last_message_status)
        assert shown == (last.created_at, last.direction, last.status)
        assert conversation.last_inbound_at == max(inbound)
        assert conversation.last_outbound_at == (max(outbound) if outbound else None)
        assert conversation.waiting_since == (min(since) if since else None)
        assert conversation.unread_count == (0 if conversation.status == Status.RESOLVED else len(since))
        assert not any("{" in message.body for message in messages)


def test_processes_are_one_each_and_due_when_their_customer_is(looked_at):
    open_ones = Process.objects.filter(status="active", customer__code_number__lte=SIZE)
    assert max(Counter(open_ones.values_list("customer", flat=True)).values()) == 1
    for process in open_ones.select_related("customer", "last_action"):
        assert process.next_follow_up_at == process.customer.next_follow_up_at
        assert process.last_action_at == process.last_action.occurred_at


def test_custom_fields_hold_what_their_kind_allows(looked_at):
    for entity, rows in (
        (CustomField.Entity.CUSTOMER, Customer.objects.all()),
        (CustomField.Entity.DEAL, Deal.objects.all()),
    ):
        fields = custom_fields.definitions(entity)
        for row in rows:
            assert custom_fields.clean(entity, row.custom_fields, fields=fields) == row.custom_fields


def test_every_page_shows_it(looked_at):
    browser = Client()
    browser.force_login(User.objects.get(email="alice@parley.example"))
    for path in ("customers/", "inbox/", "customers/duplicates/"):
        assert browser.get(f"/o/harbour-clinic/{path}").status_code == 200
    for customer in Customer.objects.order_by("?")[:8]:
        assert browser.get(f"/o/harbour-clinic/customers/{customer.pk}/").status_code == 200
