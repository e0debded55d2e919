"""Settings → Rate cards, and the places where a cost is shown before it is spent."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity import jobs
from activity.models import Job
from core.tenancy import organization_scope
from messaging.costs import jobs as cost_jobs
from messaging.delivery import queue as outbound
from messaging.models import AllowanceUse, Message, MessageCost, RateCard, Template
from tests.messaging.conftest import open_thread

pytestmark = pytest.mark.django_db

PAGE = "rate-cards/"
FORM = {"channel_kind": "whatsapp", "market": "de", "category": "marketing", "price": "0.1131", "currency": "EUR",
        "valid_from": "2026-10-01", "free_allowance": ""}  # fmt: skip


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_rate_is_typed_in_corrected_and_deleted(alice, inside):
    answer = alice.client.post(alice.url(f"{PAGE}new/"), FORM)
    assert answer.status_code == 302
    rate = RateCard.objects.get()
    assert (rate.market, str(rate.price), rate.free_allowance) == ("DE", "0.113100", 0)
    page = alice.client.get(alice.url(f"{PAGE}{rate.pk}/"))
    snapshot = page.context["form"].snapshot
    answer = alice.client.post(alice.url(f"{PAGE}{rate.pk}/"), {**FORM, "price": "0.12", "snapshot": snapshot})
    assert answer.status_code == 302
    rate.refresh_from_db()
    assert str(rate.price) == "0.120000"
    assert "Delete this rate?" in text(alice.client.get(alice.url(f"{PAGE}{rate.pk}/delete/")))
    alice.client.post(alice.url(f"{PAGE}{rate.pk}/delete/"))
    assert not RateCard.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"market": "XX"}, "two letters"), ({"price": ""}, "required"), ({"category": "sms"}, "Use one of these"),
        ({"currency": "EU"}, "Three letters"), ({"valid_from": "2014-01-01"}, "after 2014"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field(alice, inside, change, words):
    answer = alice.client.post(alice.url(f"{PAGE}new/"), {**FORM, **change})
    assert answer.status_code == 422
    assert words in text(answer)
    assert not RateCard.objects.exists()


def test_the_list_says_which_counts(alice, make_rate):
    make_rate("0.01", market="GB", valid_from=date(2025, 1, 1))
    make_rate("0.02", market="GB", valid_from=date(2026, 1, 1))
    make_rate("0.03", market="GB", valid_from=timezone.now().date() + timedelta(days=40))
    make_rate("0.04", market="FR", channel_kind="sms")
    page = text(alice.client.get(alice.url(PAGE)))
    assert "0.01 EUR" not in page
    assert "0.02 EUR" in page
    assert "Not yet" in page
    assert "Replaced" in text(alice.client.get(alice.url(f"{PAGE}?old=on")))
    narrowed = text(alice.client.get(alice.url(f"{PAGE}?channel=sms")))
    assert "0.04 EUR" in narrowed
    assert "0.02 EUR" not in narrowed
    assert "No such rate" in text(alice.client.get(alice.url(f"{PAGE}?market=ES")))


def test_the_list_takes_the_same_queries(alice, make_rate):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            alice.client.get(alice.url(f"{PAGE}?old=on"))
        return len(queries)

    make_rate()
    count()
    few = count()
    for day in range(40):
        make_rate(valid_from=date(2026, 1, 1) + timedelta(days=day))
    assert count() == few


def test_without_any_it_says_what_to_do(alice):
    assert "No rate yet" in text(alice.client.get(alice.url(PAGE)))


def test_a_table_is_imported_whole_or_not_at_all(alice, inside):
    fields = {"channel_kind": "whatsapp", "currency": "EUR", "valid_from": "2026-01-01"}
    wrong = SimpleUploadedFile("r.csv", b"market,price\nGB,1\nXX,1")
    answer = alice.client.post(alice.url(f"{PAGE}import/"), {**fields, "file": wrong})
    assert answer.status_code == 422
    assert "Row 3, market" in text(answer)
    right = SimpleUploadedFile("r.csv", b"market,utility,marketing\nGB,0.02,0.05")
    assert alice.client.post(alice.url(f"{PAGE}import/"), {**fields, "file": right}).status_code == 302
    assert RateCard.objects.count() == 2


@pytest.mark.parametrize(("price", "shown"), [("10", "10"), ("100.5", "100.5"), ("0.0745", "0.0745"), ("0", "0")])
def test_a_price_is_shown_as_it_is_written(alice, make_rate, price, shown):
    rate = make_rate(price)
    page = alice.client.get(alice.url(f"{PAGE}{rate.pk}/"))
    assert page.context["form"]["price"].value() == shown


def test_who_may(alice, bob, charlie, make_rate):
    pk = make_rate().pk
    for path in ("new/", "import/", f"{pk}/", f"{pk}/delete/"):
        assert bob.client.get(bob.url(f"{PAGE}{path}")).status_code == 403
    assert bob.client.post(bob.url(f"{PAGE}work-out/")).status_code == 403
    assert charlie.client.get(charlie.url(f"{PAGE}{pk}/")).status_code == 404


def test_a_free_allowance_is_shown_as_it_is_used(alice, inside, make_rate, whatsapp_channel):
    rate = make_rate(free_allowance=1000)
    AllowanceUse.objects.create(
        organization=alice.organization, market="*", category="", channel=whatsapp_channel, units=412,
        month=timezone.localtime(timezone.now(), alice.organization.zone).date().replace(day=1),
    )  # fmt: skip
    assert "has used 412 of them" in text(alice.client.get(alice.url(f"{PAGE}{rate.pk}/")))


class TestEarlierMessages:
    def sent(self, alice: Any, thread: Any, count: int, days: int) -> list[Message]:
        with organization_scope(alice.organization):
            rows = [outbound.queue_message(conversation=thread, body="Hello", actor=alice.actor) for _ in range(count)]
            at = timezone.now() - timedelta(days=days)
            ids = [row.pk for row in rows]
            Message.objects.filter(pk__in=ids).update(status="sent", due_at=None, sent_at=at, created_at=at)
        return rows

    def test_are_worked_out_by_the_rate_of_their_day(self, alice, thread, make_rate, monkeypatch, inside):
        monkeypatch.setattr(cost_jobs, "STEP", 2)
        today = timezone.now().date()
        old, new = self.sent(alice, thread, 3, days=20), self.sent(alice, thread, 2, days=2)
        before_all = self.sent(alice, thread, 1, days=60)
        make_rate("0.01", valid_from=today - timedelta(days=30), free_allowance=1)
        make_rate("0.02", valid_from=today - timedelta(days=10))
        answer = alice.client.post(alice.url(f"{PAGE}work-out/"))
        assert answer.status_code == 302
        jobs.run_due()
        amounts = dict(MessageCost.objects.values_list("message", "amount"))
        assert sorted(amounts[row.pk] for row in old) == [Decimal(0), Decimal("0.01"), Decimal("0.01")]
        assert {amounts[row.pk] for row in new} == {Decimal("0.02")}
        assert before_all[0].pk not in amounts
        assert "The cost of 5 messages is known now." in text(alice.client.get(answer.url))
        # What is known stays as it is, and takes no allowance a second time.
        alice.client.post(alice.url(f"{PAGE}work-out/"))
        jobs.run_due()
        assert dict(MessageCost.objects.values_list("message", "amount")) == amounts
        assert AllowanceUse.objects.get().units == 1

    def test_a_price_of_the_provider_stays(self, alice, thread, make_rate, inside):
        (row,) = self.sent(alice, thread, 1, days=2)
        MessageCost.objects.create(
            organization=alice.organization, message=row, amount=Decimal("0.5"), currency="USD", source="provider"
        )
        make_rate("0.01")
        alice.client.post(alice.url(f"{PAGE}work-out/"))
        jobs.run_due()
        assert MessageCost.objects.get().amount == Decimal("0.5")

    def test_one_at_a_time(self, alice, thread, make_rate, inside):
        make_rate("0.01")
        alice.client.post(alice.url(f"{PAGE}work-out/"))
        answer = alice.client.post(alice.url(f"{PAGE}work-out/"), follow=True)
        assert "being worked out already" in text(answer)
        assert Job.objects.filter(kind=cost_jobs.KIND).count() == 1

    def test_without_a_rate_for_them_they_stay_unknown(self, alice, thread, make_rate, inside):
        self.sent(alice, thread, 2, days=2)
        make_rate("0.01", market="FR")
        answer = alice.client.post(alice.url(f"{PAGE}work-out/"))
        jobs.run_due()
        assert "For 2 there is no rate." in text(alice.client.get(answer.url))


class TestWhereItIsWritten:
    def draft(self, person: Any, thread: Any, body: str, mode: str = "reply", version: int = 0) -> Any:
        path = person.url(f"inbox/{thread.pk}/draft/{mode}/")
        return person.client.post(path, {"body": body, "version": version}).json()

    def test_a_reply(self, alice, thread, make_rate):
        assert self.draft(alice, thread, "Hello")["cost"]["text"] == "cost unknown"
        make_rate("0.0375")
        cost = self.draft(alice, thread, "Hello again", version=1)["cost"]
        assert cost["text"] == "about 0.0375 EUR"
        assert "By the rate card: WhatsApp to other countries, service." in cost["reason"]

    def test_a_note_costs_nothing(self, alice, thread, make_rate):
        make_rate()
        assert self.draft(alice, thread, "Only for us", mode="note")["cost"] is None

    def test_an_sms_with_its_segments(self, alice, sms, make_customer, make_rate):
        thread = open_thread(sms, make_customer(phone="+447700900555"))
        assert self.draft(alice, thread, "a" * 161)["cost"]["text"] == "2 segments · cost unknown"
        make_rate("0.04", channel_kind="sms", market="GB")
        assert self.draft(alice, thread, "a" * 400, version=1)["cost"]["text"] == "3 segments · about 0.12 EUR"

    def test_a_saved_draft_has_it_when_the_page_opens(self, alice, thread, make_rate):
        make_rate("0.0375")
        self.draft(alice, thread, "Hello")
        assert "about 0.0375 EUR" in text(alice.client.get(alice.url(f"inbox/{thread.pk}/")))

    def test_within_the_allowance_it_is_free(self, alice, thread, make_rate):
        make_rate("0.05", free_allowance=1)
        assert self.draft(alice, thread, "Hello")["cost"]["text"] == "free by the monthly allowance"


def test_a_template_says_what_it_costs(alice, make_rate, make_customer, inside):
    make_customer(phone="+447700900123")
    make_rate("0.04", channel_kind="sms", market="GB")
    form = {"name": "Reminder", "channel": "sms", "language": "und", "body": "Tomorrow at nine", "sharing": "everybody"}
    assert alice.client.post(alice.url("templates/new/"), form).status_code == 302
    template = Template.objects.get(name="Reminder")
    assert "1 segment · about 0.04 EUR" in text(alice.client.get(alice.url(f"templates/{template.pk}/")))
