"""Which rate counts, and what is left of a free allowance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.tenancy import organization_scope
from messaging.costs import rates
from messaging.costs.billing import Billed, billed, market_of
from messaging.costs.estimates import Estimator
from messaging.costs.rates import Rates
from messaging.models import AllowanceUse, RateCard

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 15)
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


def price(what: Billed, day: date = DAY) -> Decimal | None:
    rate = Rates.load().rate_for(what, day)
    return None if rate is None else rate.price


def whatsapp(market: str = "GB", category: str = "utility") -> Billed:
    return Billed("whatsapp", market, category)


def test_the_country_goes_before_the_category(inside, make_rate):
    make_rate("0.09")
    assert price(whatsapp()) == Decimal("0.09")
    make_rate("0.08", category="utility")
    assert price(whatsapp()) == Decimal("0.08")
    make_rate("0.07", market="GB")
    assert price(whatsapp()) == Decimal("0.07")
    make_rate("0.06", market="GB", category="utility")
    assert price(whatsapp()) == Decimal("0.06")
    assert price(whatsapp("GB", "marketing")) == Decimal("0.07")
    assert price(whatsapp("DE", "utility")) == Decimal("0.08")
    assert price(whatsapp("DE", "marketing")) == Decimal("0.09")


def test_the_newest_that_has_begun_counts(inside, make_rate):
    make_rate("0.01", valid_from=date(2026, 1, 1))
    make_rate("0.02", valid_from=date(2026, 11, 15))
    make_rate("0.03", valid_from=date(2026, 11, 16))
    assert price(whatsapp(), date(2026, 11, 14)) == Decimal("0.01")
    assert price(whatsapp(), date(2026, 11, 15)) == Decimal("0.02")
    assert price(whatsapp(), date(2026, 11, 16)) == Decimal("0.03")


def test_without_a_rate_it_is_unknown_and_not_zero(alice, inside, make_rate, whatsapp_channel):
    make_rate("0.01", valid_from=date(2026, 11, 16))
    make_rate("0.02", channel_kind="sms")
    estimate = Estimator(alice.organization).estimate(whatsapp(), channel_id=whatsapp_channel.pk, at=NOON)
    assert estimate.amount is None
    assert estimate.currency == ""


def test_a_price_of_zero_is_known(alice, inside, make_rate, whatsapp_channel):
    make_rate("0")
    estimate = Estimator(alice.organization).estimate(whatsapp(), channel_id=whatsapp_channel.pk)
    assert (estimate.amount, estimate.currency) == (Decimal(0), "EUR")


def test_the_day_is_that_of_the_organization(alice, inside):
    alice.organization.timezone = "Pacific/Auckland"
    assert rates.day_of(datetime(2026, 10, 31, 12, tzinfo=UTC), alice.organization) == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("address", "market"),
    [
        ("+447700900123", "GB"), ("+4917012345678", "DE"), ("+14155552671", "US"), ("+14165550123", "CA"),
        ("US.1234567890", "US"), ("ada@example.com", ""), ("JO.smith@example.com", ""),
        ("XX.123", ""), ("", ""), ("12345", ""), ("+999", ""), ("+", ""),
    ],
)  # fmt: skip
def test_the_market_is_read_from_the_address(address, market):
    assert market_of(address) == market


def test_sms_counts_segments_and_files_make_an_mms():
    assert billed(kind="sms", address="+447700900123", body="a" * 200) == Billed("sms", "GB", "sms", 2)
    assert billed(kind="sms", address="+447700900123", body="a" * 200, has_files=True) == Billed("sms", "GB", "mms", 1)
    assert billed(kind="whatsapp", address="+447700900123", body="a" * 900) == Billed("whatsapp", "GB", "service", 1)


class TestAllowance:
    def test_the_first_units_are_free(self, alice, inside, make_rate, whatsapp_channel):
        rate = make_rate("0.10", free_allowance=5)
        month = date(2026, 11, 1)
        assert rates.take_allowance(rate, whatsapp_channel.pk, month, 3)[1] == 3
        assert rates.take_allowance(rate, whatsapp_channel.pk, month, 3)[1] == 2
        assert rates.take_allowance(rate, whatsapp_channel.pk, month, 3) == (None, 0)
        assert rates.take_allowance(rate, whatsapp_channel.pk, date(2026, 12, 1), 3)[1] == 3

    def test_a_later_rate_of_the_same_goes_on_counting(self, alice, inside, make_rate, whatsapp_channel):
        month = date(2026, 11, 1)
        first = make_rate("0.10", free_allowance=5)
        second = make_rate("0.12", free_allowance=5, valid_from=date(2026, 11, 15))
        assert rates.take_allowance(first, whatsapp_channel.pk, month, 4)[1] == 4
        assert rates.take_allowance(second, whatsapp_channel.pk, month, 4)[1] == 1

    def test_an_estimate_takes_nothing(self, alice, inside, make_rate, whatsapp_channel, django_assert_num_queries):
        make_rate("0.10", free_allowance=2)
        estimator = Estimator(alice.organization)
        for _ in range(3):
            assert estimator.estimate(whatsapp(), channel_id=whatsapp_channel.pk, at=NOON).amount == 0
        assert not AllowanceUse.objects.exists()

    def test_many_share_it(self, alice, inside, make_rate, whatsapp_channel, django_assert_num_queries):
        rate = make_rate("0.10", free_allowance=4)
        rates.take_allowance(rate, whatsapp_channel.pk, date(2026, 11, 1), 2)
        with django_assert_num_queries(2):
            estimator = Estimator(alice.organization)
            amounts = [estimator.spend(whatsapp(), channel_id=whatsapp_channel.pk, at=NOON).amount for _ in range(10)]
        assert amounts == [Decimal(0)] * 2 + [Decimal("0.10")] * 8

    def test_given_back(self, alice, inside, make_rate, whatsapp_channel):
        rate, month = make_rate("0.10", free_allowance=2), date(2026, 11, 1)
        use, _free = rates.take_allowance(rate, whatsapp_channel.pk, month, 2)
        assert use is not None
        rates.give_back_allowance(use, 1)
        assert rates.used_units(rate, whatsapp_channel.pk, month) == 1
        rates.give_back_allowance(use, 5)
        assert rates.used_units(rate, whatsapp_channel.pk, month) == 0


def test_another_organizations_rates_count_for_nobody_here(alice, charlie, make_rate):
    make_rate("0.10")
    with organization_scope(charlie.organization):
        assert Rates.load().rate_for(whatsapp(), DAY) is None
        assert not RateCard.objects.exists()
