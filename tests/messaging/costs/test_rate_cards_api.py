"""`/rate-cards`: rows, their limits, import, and what a message says it cost."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from activity.models import Event
from core.tenancy import organization_scope
from customers.data.tables.limits import Limits
from messaging.costs import imports
from messaging.costs import services as costs
from messaging.delivery import sending
from messaging.models import RateCard

pytestmark = pytest.mark.django_db

API = "/api/v1/rate-cards"
RATE: dict[str, Any] = {
    "channel_kind": "whatsapp", "market": "gb", "category": "utility", "price": "0.0382", "currency": "gbp",
    "valid_from": "2026-10-01", "free_allowance": 100,
}  # fmt: skip


def table(text: str, name: str = "rates.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def upload(person: Any, text: str, **fields: str) -> Any:
    return person.api.post(f"{API}/import", {"file": table(text), **fields}, format="multipart")


def test_made_read_changed_and_deleted(alice, inside):
    made = alice.api.post(API, RATE)
    assert made.status_code == 201
    body = made.json()
    assert {name: body[name] for name in RATE} == {**RATE, "market": "GB", "currency": "GBP", "price": "0.038200"}
    path = f"{API}/{body['id']}"
    changed = alice.api.patch(path, {"price": "0.04"}, headers={"If-Match": made.headers["ETag"]})
    assert changed.json()["price"] == "0.040000"
    assert alice.api.patch(path, {"price": "0.05"}, headers={"If-Match": made.headers["ETag"]}).status_code == 412
    put = alice.api.put(path, {name: RATE[name] for name in RATE if name not in ("category", "free_allowance")})
    assert (put.json()["category"], put.json()["free_allowance"]) == ("", 0)
    assert alice.api.delete(path).status_code == 204
    assert alice.api.get(path).status_code == 404
    assert list(Event.objects.filter(type__startswith="rate_card.").order_by("id").values_list("type", flat=True)) == [
        "rate_card.created", "rate_card.changed", "rate_card.changed", "rate_card.deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel_kind": "web"}, "channel_kind"),
        ({"channel_kind": "pigeon"}, "channel_kind"),
        ({"market": "XX"}, "market"),
        ({"market": ""}, "market"),
        ({"market": "GBR"}, "market"),
        ({"category": "sms"}, "category"),
        ({"category": "other"}, "category"),
        ({"price": "-1"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": "0.1234567"}, "price"),
        ({"price": "100001"}, "price"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "€"}, "currency"),
        ({"valid_from": "2014-12-31"}, "valid_from"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"free_allowance": -1}, "free_allowance"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_value_is_a_400_that_names_the_field(alice, change, field):
    answer = alice.api.post(API, {**RATE, **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


def test_one_rate_a_day(alice):
    first = alice.api.post(API, RATE).json()
    assert alice.api.post(API, RATE).status_code == 409
    other = alice.api.post(API, {**RATE, "valid_from": "2026-11-01"}).json()
    assert alice.api.patch(f"{API}/{other['id']}", {"valid_from": first["valid_from"]}).status_code == 409


def test_filters_and_constant_queries(alice, make_rate, django_assert_max_num_queries):
    for market in ("GB", "DE", "FR", "ES"):
        make_rate(market=market)
    make_rate(channel_kind="sms", market="GB")
    with django_assert_max_num_queries(7):
        assert alice.api.get(API).json()["count"] == 5
    assert alice.api.get(API, {"channel_kind": "sms"}).json()["count"] == 1
    assert alice.api.get(API, {"market": "gb"}).json()["count"] == 2
    assert alice.api.get(API, {"market": "gb", "category": "utility"}).json()["count"] == 0


def test_who_may(alice, bob, charlie, make_rate):
    pk = make_rate().pk
    assert bob.api.post(API, RATE).status_code == 403
    assert bob.api.delete(f"{API}/{pk}").status_code == 403
    assert upload(bob, "market,price\nGB,1").status_code == 403
    for call in (charlie.api.get, charlie.api.delete):
        assert call(f"{API}/{pk}").status_code == 404
    assert charlie.api.patch(f"{API}/{pk}", {"price": "1"}).status_code == 404
    assert charlie.api.get(API).json()["count"] == 0


class TestImport:
    def test_a_row_for_each_rate(self, alice, inside):
        head = "Channel;Country;Category;Price;Currency;Valid from;Free"
        text = f"{head}\nsms;GB;;0,0412;GBP;2026-10-01;50\nsms;*;mms;0.2;;;\n"
        answer = upload(alice, text, currency="EUR", valid_from="2026-01-01")
        assert answer.json() == {"created": 2, "updated": 0}
        rows = {(row.market, row.category): row for row in RateCard.objects.all()}
        assert str(rows["GB", ""].price) == "0.041200"
        assert (rows["GB", ""].currency, rows["GB", ""].free_allowance) == ("GBP", 50)
        assert (rows["*", "mms"].currency, str(rows["*", "mms"].valid_from)) == ("EUR", "2026-01-01")

    def test_a_column_for_each_category(self, alice, inside):
        head = "Market,Currency,Marketing,Utility,Authentication,Service,Authentication-International"
        text = f"{head}\nGB,USD,$0.0529,0.022,0.022,n/a,0.1\nOther,USD,0.0604,0.0077,,0,-\n"
        assert upload(alice, text).json() == {"created": 6, "updated": 0}
        assert RateCard.objects.filter(market="*").count() == 3
        assert str(RateCard.objects.get(market="GB", category="marketing").price) == "0.052900"

    def test_codes_go_before_names_of_countries(self, alice, inside):
        text = "ISO,Country,Price\nDE,Germany,0.07450000\nFR,France,n/a\n"
        assert upload(alice, text).json() == {"created": 1, "updated": 0}
        assert str(RateCard.objects.get().price) == "0.074500"

    def test_again_it_writes_over(self, alice, inside):
        upload(alice, "market,price\nGB,0.1\nDE,0.2", valid_from="2026-01-01")
        answer = upload(alice, "market,price\nGB,0.1\nDE,0.3\nFR,0.4", valid_from="2026-01-01")
        assert answer.json() == {"created": 1, "updated": 1}
        assert str(RateCard.objects.get(market="DE").price) == "0.300000"

    @pytest.mark.parametrize(
        "text",
        [
            "", "market\nGB", "price\n1", "market,price\n", "market,price\nGB,cheap", "market,price\nXX,1",
            "market,price\nGB,-1", "market,price,valid_from\nGB,1,tomorrow", "market,price,free\nGB,1,many",
            "market,price,category\nGB,1,sms", "market,utility\nGB,n/a", "market,price\nGB,1\nDE,1e9",
            "market,price,channel\nGB,1,pigeon", "market,price\nGB,1_0",
            'market,price\nGB,"1,000"', "market,price\nGB,1e2",
        ],
    )  # fmt: skip
    def test_a_table_that_is_wrong_writes_nothing(self, alice, inside, text):
        answer = upload(alice, text)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] in ("file", "price")
        assert not RateCard.objects.exists()

    def test_the_rows_that_are_wrong_are_named(self, alice):
        answer = upload(alice, "market,price\nGB,1\nXX,1\nDE,cheap")
        detail = answer.json()["errors"][0]["detail"]
        assert "Row 3, market" in detail
        assert "Row 4, price" in detail

    def test_a_large_file_is_refused(self, alice, monkeypatch):
        monkeypatch.setattr(imports, "MAX_ROWS", 2)
        assert upload(alice, "market,price\nGB,1\nDE,1\nFR,1").status_code == 413

    def test_no_more_than_the_organization_may_have(self, alice, inside, monkeypatch):
        monkeypatch.setattr(costs, "MAX_RATES", 2)
        assert upload(alice, "market,price\nGB,1\nDE,1\nFR,1").status_code == 409
        assert not RateCard.objects.exists()

    def test_rows_of_any_kind_end_in_words(self, alice):
        limits = Limits(imports.MAX_BYTES, imports.MAX_ROWS)
        assert limits.most_rows >= 5000
        for content in (b"\x00\x01\x02", b"PK\x03\x04broken", b"%PDF-1.7"):
            file = SimpleUploadedFile("x.csv", BytesIO(content).read())
            assert alice.api.post(f"{API}/import", {"file": file}, format="multipart").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_message_says_what_it_cost(alice, queue: Any, twilio, make_rate):
    make_rate("0.0375", currency="USD")
    message = queue()
    path = f"/api/v1/outbound-messages/{message.pk}"
    before = alice.api.get(path).json()
    assert {before[name] for name in ("category", "cost", "cost_currency", "cost_source")} == {None}
    sending.deliver_due()
    after = alice.api.get(path).json()
    assert (after["category"], after["cost"]) == ("service", "0.037500")
    assert (after["cost_currency"], after["cost_source"]) == ("USD", "rate_card")
    with organization_scope(alice.organization):
        RateCard.objects.all().delete()
    assert alice.api.get(path).json()["cost"] == "0.037500"
