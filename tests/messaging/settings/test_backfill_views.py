"""What was missed: asking for it, what was found as far as one may see it, and what was set aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.models import Arrival, Channel, Conversation, Message, Reconciliation
from messaging.threads import services as conversations
from tests.messaging.conftest import make_channel

pytestmark = pytest.mark.django_db


def page(answer: Any) -> str:
    return str(answer.content.decode())


def asked(channel: Channel, *, found: list[dict[str, Any]] | None = None, **more: Any) -> Reconciliation:
    now = timezone.now()
    entries = found or []
    counts = {"inbound_found": len(entries), "inbound_listed": len(entries) + 3}
    with organization_scope(channel.organization):
        return Reconciliation.objects.create(
            organization=channel.organization,
            channel=channel,
            since=now - timedelta(days=1),
            until=now,
            **{"state": "done", "found": entries, "finished_at": now, **counts, **more},
        )


def entry(sid: str, other: str = "+15005550199", kind: str = "inbound") -> dict[str, Any]:
    return {"kind": kind, "id": sid, "other": other, "at": timezone.now().isoformat(), "status": ""}


def message(channel: Channel, customer: Any, sid: str) -> Message:
    with organization_scope(channel.organization):
        found = Conversation.objects.filter(customer=customer, channel=channel).first()
        conversation = found or conversations.begin(customer=customer, channel=channel)
        return Message.objects.create(
            organization=channel.organization, conversation=conversation, customer=customer, channel=channel,
            direction="inbound", status="received", body="Hello", provider_message_id=sid,
        )  # fmt: skip


def aside(of: Channel, key: str = "one", **more: Any) -> Arrival:
    given = {"organization": of.organization, "channel": of, "state": "set_aside", "last_error": "No sender.", **more}
    return Arrival.objects.create(key=key, provider=of.provider, kind=of.kind, type="message", body=b"{}", **given)


def test_it_is_asked_now_with_and_without_a_script(alice, whatsapp):
    url = alice.url(f"channels/{whatsapp.pk}/catch-up/")
    assert "Not asked yet" in page(alice.client.get(url))
    assert alice.client.post(url, {}).status_code == 302
    with organization_scope(alice.organization):
        row = Reconciliation.objects.get()
    assert row.asked_by == alice.user
    waiting = page(alice.client.get(url))
    assert "Waiting for the answer" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    again = alice.htmx.post(url, {}, headers={"HX-Target": "catch-up"})
    assert again.status_code == 422
    assert "is being asked already" in page(again)
    assert "<html" not in page(again)
    part = page(alice.htmx.get(url, headers={"HX-Target": "catch-up-results"}))
    assert part.lstrip().startswith("<section")
    with organization_scope(alice.organization):
        Reconciliation.objects.update(state="done", due_at=None)
    assert "every 2s" not in page(alice.htmx.get(url, headers={"HX-Target": "catch-up-results"}))
    good = alice.htmx.post(
        url, {"since": "2026-01-02T09:30", "until": "2026-01-03T09:30"}, headers={"HX-Target": "catch-up"}
    )
    assert "Waiting for the answer" in page(good)
    with organization_scope(alice.organization):
        newest = Reconciliation.objects.first()
    assert newest.until - newest.since == timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-03T09:30", "until": "2026-01-02T09:30"}, "until"),
        ({"until": "9999999"}, "until"),
    ],
)
def test_a_wrong_range_is_reported_at_its_field(alice, whatsapp, given, field):
    answer = alice.client.post(alice.url(f"channels/{whatsapp.pk}/catch-up/"), given)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in page(answer)


def test_a_beginning_in_the_future_is_an_empty_range(alice, whatsapp):
    later = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    answer = alice.client.post(alice.url(f"channels/{whatsapp.pk}/catch-up/"), {"since": later})
    assert answer.status_code == 422
    assert "The range is empty" in page(answer)


def test_what_was_found_leads_to_its_conversation_for_who_may_see_it(alice, bob, make_customer, whatsapp):
    mine, hidden = make_customer(bob, name="Ann Lee"), make_customer(name="Zebulon Quist")
    first, second = message(whatsapp, mine, "SM1"), message(whatsapp, hidden, "SM2")
    asked(whatsapp, found=[entry("SM1"), entry("SM2", hidden.phone), entry("SM3", "+15005550177")])
    url = f"channels/{whatsapp.pk}/catch-up/"
    shown = page(alice.client.get(alice.url(url)))
    for one in (first, second):
        assert alice.url(f"inbox/{one.conversation_id}/") in shown
    assert "+15005550177" in shown
    assert "not taken in yet" in shown
    assert "of 6 listed" in shown
    seen = page(bob.client.get(bob.url(url)))
    assert "Ann Lee" in seen
    for secret in ("Zebulon", hidden.phone, "+15005550177", str(second.conversation_id)):
        assert secret not in seen
    assert "2 more are not shown" in seen
    assert "Ask now" not in seen
    assert bob.client.post(bob.url(url)).status_code == 403


def test_a_failure_says_why(alice, whatsapp):
    asked(whatsapp, state="failed", error="The account is suspended.")
    assert "The account is suspended." in page(alice.client.get(alice.url(f"channels/{whatsapp.pk}/catch-up/")))
    assert "The account is suspended." in page(alice.client.get(alice.url(f"channels/{whatsapp.pk}/")))


def test_what_was_set_aside_is_processed_again(alice, whatsapp):
    arrival = aside(whatsapp)
    url = alice.url(f"channels/{whatsapp.pk}/")
    assert "could not be worked on" in page(alice.client.get(url))
    shown = page(alice.client.get(f"{url}catch-up/"))
    assert "No sender." in shown
    part = alice.htmx.post(f"{url}arrivals/{arrival.pk}/again/")
    assert "No sender." not in page(part)
    assert "being processed again" in part.headers["HX-Trigger"]
    arrival.refresh_from_db()
    assert arrival.state == "pending"
    assert alice.client.post(f"{url}arrivals/{arrival.pk}/again/").status_code == 404
    other = aside(whatsapp, "two")
    assert alice.client.post(f"{url}arrivals/{other.pk}/again/").status_code == 302


def test_arrivals_are_of_the_channel_and_its_organization_only(alice, bob, charlie, whatsapp):
    theirs = make_channel(charlie.organization, "whatsapp", address="+15005550007")
    aside(theirs, "theirs", last_error="Of somebody else.")
    aside(make_channel(alice.organization, "sms"), "sms", last_error="Of another channel.")
    nobodys = aside(whatsapp, "nobody", organization=None, channel=None, state="unroutable", last_error="Nobody’s.")
    # A row whose channel and organization disagree is not shown either.
    odd = aside(whatsapp, "odd", organization=charlie.organization, last_error="Odd.")
    own = aside(whatsapp, "own", last_error="Our own.")
    url = f"channels/{whatsapp.pk}/"
    shown = page(alice.client.get(alice.url(f"{url}catch-up/")))
    assert "Our own." in shown
    for text in ("Of somebody else.", "Of another channel.", "Nobody’s.", "Odd."):
        assert text not in shown
    for arrival in (nobodys, odd):
        assert alice.client.post(alice.url(f"{url}arrivals/{arrival.pk}/again/")).status_code == 404
    assert "Our own." not in page(bob.client.get(bob.url(f"{url}catch-up/")))
    assert bob.client.post(bob.url(f"{url}arrivals/{own.pk}/again/")).status_code == 403
    assert charlie.client.post(charlie.url(f"{url}arrivals/{own.pk}/again/")).status_code == 404


def test_a_provider_without_a_list_can_not_be_asked(alice):
    with organization_scope(alice.organization):
        channel = Channel.objects.filter(provider="simulator").first()
    url = alice.url(f"channels/{channel.pk}/catch-up/")
    assert "Ask now" not in page(alice.client.get(url))
    assert alice.client.post(url, {}).status_code == 422


@pytest.mark.parametrize("rows", [1, 8])
def test_the_same_queries_for_any_number(alice, whatsapp, make_customer, rows):
    for number in range(rows):
        message(whatsapp, make_customer(), f"SM{number}")
        asked(whatsapp, found=[entry(f"SM{number}") for _ in range(rows)], asked_by=alice.user)
        aside(whatsapp, f"aside{number}")
    browser, url = alice.client, alice.url(f"channels/{whatsapp.pk}/catch-up/")
    browser.get(url)
    with CaptureQueriesContext(connection) as queries:
        browser.get(url)
    assert len(queries) <= 11, [query["sql"][:90] for query in queries]
