"""What sent messages cost: by the rate card at once, by the provider's own price later."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from core import clock
from core.tenancy import every_organization, organization_scope
from messaging.costs import provider_prices, records
from messaging.costs import services as costs
from messaging.costs.provider_prices import RETRIES
from messaging.delivery import confirmation, sending
from messaging.delivery import queue as outbound
from messaging.models import AllowanceUse, Message, MessageCost
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import Webhooks, current, make_due, open_thread, status_params, work

pytestmark = pytest.mark.django_db(transaction=True)


def cost_of(message: Message) -> Any:
    with every_organization("the test looks at a row that it made itself"):
        return MessageCost.objects.filter(message=message).first()


def read_prices() -> None:
    make_due(MessageCost)
    provider_prices.read_due()


def test_by_the_rate_card_when_it_is_sent(queue: Any, twilio: FakeTwilio, make_rate: Any):
    make_rate("0.0375", market="US", category="service")
    message = queue()
    assert cost_of(message) is None
    sending.deliver_due()
    row = cost_of(message)
    assert (row.amount, row.currency, row.source, row.free_units) == (Decimal("0.0375"), "EUR", "rate_card", 0)
    assert (row.category, row.market, row.units) == ("service", "US", 1)


def test_without_a_rate_it_is_unknown(queue: Any, twilio: FakeTwilio):
    message = queue()
    sending.deliver_due()
    row = cost_of(message)
    assert (row.amount, row.currency, row.source, row.category) == (None, "", "", "service")


def test_an_sms_costs_its_segments(alice, queue: Any, sms, make_customer, twilio: FakeTwilio, make_rate: Any):
    make_rate("0.04", channel_kind="sms")
    thread = open_thread(sms, make_customer(phone="+447700900555"))
    message = queue("a" * 400, conversation=thread)
    sending.deliver_due()
    row = cost_of(message)
    assert (row.units, row.amount) == (3, Decimal("0.12"))


def test_what_is_not_delivered_by_whatsapp_costs_nothing(
    queue: Any, twilio: FakeTwilio, webhooks: Webhooks, make_rate: Any
):
    make_rate("0.05", free_allowance=1)
    message = queue()
    sending.deliver_due()
    row = cost_of(message)
    assert (row.amount, row.free_units) == (0, 1)
    sid = current(message).provider_message_id
    webhooks.status(status_params(sid, "undelivered", ErrorCode="63024"), message=message)
    work()
    assert current(message).status == "failed"
    row = cost_of(message)
    assert (row.amount, row.free_units, row.source) == (0, 0, "rate_card")
    with every_organization("a look"):
        assert AllowanceUse.objects.get().units == 0


def test_an_sms_that_was_not_delivered_was_billed(
    queue: Any, sms, make_customer, twilio: FakeTwilio, webhooks: Webhooks, make_rate: Any
):
    make_rate("0.04", channel_kind="sms")
    thread = open_thread(sms, make_customer(phone="+447700900555"))
    message = queue("Hello", conversation=thread)
    sending.deliver_due()
    sid = current(message).provider_message_id
    webhooks.status(status_params(sid, "undelivered", ErrorCode="30006", From=sms.address, To="+447700900555"),
                    message=message)  # fmt: skip
    work()
    row = cost_of(message)
    assert current(message).status == "failed"
    assert row.amount == Decimal("0.04")


def test_what_the_provider_charged_stays_when_it_fails_later(
    queue: Any, twilio: FakeTwilio, webhooks: Webhooks, make_rate: Any
):
    make_rate("0.05")
    message = queue()
    sending.deliver_due()
    provider = twilio.store.all()[0]
    provider.price, provider.price_unit = "-0.01", "USD"
    read_prices()
    webhooks.status(status_params(provider.sid, "undelivered", ErrorCode="63024"), message=message)
    work()
    assert current(message).status == "failed"
    assert cost_of(message).amount == Decimal("0.01")


def test_a_rate_that_is_deleted_takes_nothing_along(alice, queue: Any, twilio: FakeTwilio, make_rate: Any):
    rate = make_rate("0.05", free_allowance=1)
    first, second = queue("one"), queue("two")
    sending.deliver_due()
    with organization_scope(alice.organization):
        costs.delete(rate=rate, actor=alice.actor)
    assert {cost_of(first).amount, cost_of(second).amount} == {Decimal(0), Decimal("0.05")}


def test_that_it_left_is_kept_where_its_cost_can_not_be_written(
    queue: Any, twilio: FakeTwilio, make_rate: Any, monkeypatch: pytest.MonkeyPatch
):
    make_rate("0.05")

    def fail(*args: object, **more: object) -> None:
        raise DatabaseError("no")

    monkeypatch.setattr(records, "write", fail)
    message = queue()
    sending.deliver_due()
    assert current(message).status == "sent"
    assert cost_of(message) is None


def test_one_that_is_unconfirmed_again_gives_back_what_was_free(alice, queue: Any, twilio: FakeTwilio, make_rate: Any):
    make_rate("0.05", free_allowance=5)
    message = queue()
    sending.deliver_due()
    with organization_scope(alice.organization), transaction.atomic():
        records.withdraw(current(message))
        assert AllowanceUse.objects.get().units == 0
    assert cost_of(message) is None


def test_a_message_that_a_person_marks_as_sent_has_a_cost(alice, queue: Any, twilio: FakeTwilio, make_rate: Any):
    make_rate("0.05")
    twilio.plan(Step.dropped(statuses=()))
    message = queue()
    sending.deliver_due()
    assert current(message).status == "unconfirmed"
    with organization_scope(alice.organization):
        confirmation.mark_as_sent(message=current(message), actor=alice.actor)
    row = cost_of(message)
    assert row.amount == Decimal("0.05")


class TestPricesOfTheProvider:
    def test_it_takes_the_place_of_the_rate_cards(self, queue: Any, twilio: FakeTwilio, make_rate: Any):
        make_rate("0.05")
        message = queue()
        sending.deliver_due()
        provider = twilio.store.all()[0]
        provider.price, provider.price_unit, provider.num_segments = "-0.00750", "usd", "2"
        read_prices()
        row = cost_of(message)
        assert (row.amount, row.currency, row.source, row.units) == (Decimal("0.0075"), "USD", "provider", 2)
        assert row.due_at is None

    def test_it_is_asked_again_until_it_is_there(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        sending.deliver_due()
        for _ in RETRIES:
            read_prices()
            row = cost_of(message)
            assert row.amount is None
            assert row.due_at is not None
            assert row.due_at > clock.now() + timedelta(minutes=10)
        twilio.store.all()[0].price, twilio.store.all()[0].price_unit = "-0.01", "USD"
        read_prices()
        row = cost_of(message)
        assert row.amount == Decimal("0.01")

    def test_at_last_it_is_not_asked_for_any_more(self, queue: Any, twilio: FakeTwilio, make_rate: Any):
        make_rate("0.05")
        message = queue()
        sending.deliver_due()
        for _ in range(len(RETRIES) + 1):
            read_prices()
        row = cost_of(message)
        assert (row.due_at, row.amount, row.source) == (None, Decimal("0.05"), "rate_card")

    @pytest.mark.parametrize(("price", "unit"), [("abc", "USD"), ("-0.01", None), ("-0.01", "US"), ("NaN", "USD"),
                                                 ("1e30", "USD"), ("", "USD")])  # fmt: skip
    def test_what_is_no_price_changes_nothing(self, price, unit, queue: Any, twilio: FakeTwilio, make_rate: Any):
        make_rate("0.05")
        message = queue()
        sending.deliver_due()
        twilio.store.all()[0].price, twilio.store.all()[0].price_unit = price, unit
        read_prices()
        row = cost_of(message)
        assert (row.amount, row.source) == (Decimal("0.05"), "rate_card")
        assert row.due_at is not None
        assert row.last_error

    def test_the_first_look_is_not_at_once(self, queue: Any, twilio: FakeTwilio):
        message = queue()
        sending.deliver_due()
        row = cost_of(message)
        assert row.due_at is not None
        assert row.due_at > clock.now() + timedelta(minutes=9)
        assert provider_prices.read_due() == 0

    def test_a_simulator_has_none(self, alice, make_conversation):
        conversation = make_conversation(kind="email", email="ada@example.com")
        with organization_scope(alice.organization):
            message = outbound.queue_message(conversation=conversation, body="Hello", actor=alice.actor)
        sending.deliver_due()
        row = cost_of(message)
        assert current(message).status in ("sent", "delivered", "read")
        assert row.due_at is None


def test_a_callback_that_is_quicker_writes_the_cost_once(
    alice, queue: Any, twilio: FakeTwilio, webhooks: Webhooks, make_rate: Any
):
    make_rate("0.05", free_allowance=10)
    message = queue()
    sending.deliver_due()
    sid = current(message).provider_message_id
    for status in ("delivered", "read", "delivered"):
        webhooks.status(status_params(sid, status), message=message)
    work()
    with every_organization("a look"):
        assert MessageCost.objects.filter(message=message).count() == 1
        assert AllowanceUse.objects.get().units == 1
