"""`/inbox` and `/outbound-messages`: the calls that HiClinic's README makes, in its order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer
from messaging.delivery import sending
from messaging.models import Conversation, Message

API = "/api/v1"


def test_a_lead_that_wrote_is_listed_answered_and_followed_up(alice, write_in):
    message = write_in("How much is a crown?", sender_name="Maya")
    (row,) = alice.api.get(f"{API}/inbox/customers?bucket=open").json()["results"]
    assert row["id"] == str(message.customer_id)
    assert (row["name"], row["bucket"], row["unread_count"], row["stage"]) == ("Maya", "open", 1, "new")
    assert row["tags"] == ["new_lead", "whatsapp"]
    assert row["last_message"]["preview"] == "How much is a crown?"
    base = f"{API}/inbox/customers/{row['id']}"

    sent = alice.api.post(f"{base}/send-text", {"body": "From £450."})
    assert sent.status_code == 201
    assert (sent.json()["status"], sent.json()["channel"], sent.json()["origin"]) == ("queued", "whatsapp", "person")
    sending.deliver_due()
    assert alice.api.get(f"{API}/outbound-messages/{sent.json()['id']}").json()["status"] == "sent"
    assert alice.api.get(f"{API}/inbox/customers?bucket=waiting").json()["count"] == 1

    thread = alice.api.get(f"{base}/thread").json()["results"]
    assert [(m["direction"], m["body"]) for m in thread] == [
        ("outbound", "From £450."),
        ("inbound", "How much is a crown?"),
    ]

    assert alice.api.post(f"{base}/stage", {"stage": "contacted"}).json()["stage"] == "contacted"
    assert alice.api.post(f"{base}/tags/add", {"tag": "crown"}).json()["tags"] == ["crown", "new_lead", "whatsapp"]
    assert alice.api.post(f"{base}/tags/remove", {"tag": "crown"}).json()["tags"] == ["new_lead", "whatsapp"]
    assert alice.api.post(f"{base}/followup", {"minutes_from_now": 60}).json()["next_follow_up_at"] is not None
    assert alice.api.post(f"{base}/followup", {}).json()["next_follow_up_at"] is None


def test_the_first_bucket_that_fits_is_a_customers(alice, write_in):
    message = write_in()
    api, pk = alice.api, message.customer_id
    where = lambda: [  # noqa: E731
        bucket
        for bucket in ("followup_due", "open", "waiting", "closed")
        if api.get(f"{API}/inbox/customers?bucket={bucket}").json()["count"]
    ]
    assert where() == ["open"]
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=pk).update(next_follow_up_at=timezone.now() - timedelta(minutes=1))
    assert where() == ["followup_due"]
    api.post(f"{API}/customers/{pk}/stage", {"stage": "lost"})
    assert where() == ["closed"]


def test_a_queued_message_does_not_count_as_sent(alice, write_in):
    message = write_in()
    alice.api.post(f"{API}/inbox/customers/{message.customer_id}/send-text", {"body": "Soon", "delay_minutes": 60})
    assert alice.api.get(f"{API}/inbox/counts").json()["open"] == 1


def test_counts_and_rows_agree_for_everybody(alice, mona, bob, charlie, write_in, make_customer):
    write_in(sender="+447700900301")
    his = write_in(sender="+447700900302")
    alice.api.post(f"{API}/customers/{his.customer_id}/assign", {"assigned_to": str(bob.user.pk)})
    for who, total in ((alice, 2), (mona, 2), (bob, 1), (charlie, 0)):
        counts = who.api.get(f"{API}/inbox/counts").json()
        assert counts["open"] == counts["unread"] == total
        assert who.api.get(f"{API}/inbox/customers").json()["count"] == total
    assert bob.api.get(f"{API}/inbox/counts").json()["mine"] == 1


def test_one_row_a_customer_whatever_channels_they_use(alice, write_in):
    write_in("By WhatsApp", kind="whatsapp")
    write_in("By SMS", kind="sms")
    (row,) = alice.api.get(f"{API}/inbox/customers").json()["results"]
    assert (row["channel"], row["last_message"]["preview"]) == ("sms", "By SMS")
    thread = alice.api.get(f"{API}/inbox/customers/{row['id']}/thread").json()["results"]
    assert {message["channel"] for message in thread} == {"whatsapp", "sms"}
    assert alice.api.get(f"{API}/inbox/counts").json()["open"] == 1


def test_outside_the_window_free_text_is_a_409_and_nothing_is_queued(alice, write_in, make_customer):
    customer = make_customer()
    answer = alice.api.post(
        f"{API}/outbound-messages", {"customer_id": str(customer.pk), "channel": "whatsapp", "body": "Hello"}
    )
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "window_closed"
    with organization_scope(alice.organization):
        assert not Message.objects.exists()


def test_a_delay_past_the_windows_end_is_a_409(alice, write_in):
    message = write_in()
    body = {"customer_id": str(message.customer_id), "channel": "whatsapp", "body": "Hello"}
    assert alice.api.post(f"{API}/outbound-messages", {**body, "delay_minutes": 25 * 60}).status_code == 409
    assert alice.api.post(f"{API}/outbound-messages", {**body, "delay_minutes": 60}).status_code == 201


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda c: Customer.objects.filter(pk=c.pk).update(do_not_contact=True), "do_not_contact"),
        (
            lambda c: Conversation.objects.get(customer=c).channel.__class__.objects.update(is_enabled=False),
            "channel_disabled",
        ),
    ],
)
def test_what_may_not_go_out_is_a_403_with_its_reason(alice, write_in, prepare, code):
    message = write_in()
    with organization_scope(alice.organization):
        prepare(message.customer)
    answer = alice.api.post(f"{API}/inbox/customers/{message.customer_id}/send-text", {"body": "Hello"})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == code


def test_after_stop_sends_are_refused_until_start(alice, write_in):
    message = write_in()
    url = f"{API}/inbox/customers/{message.customer_id}/send-text"
    write_in("STOP")
    refused = alice.api.post(url, {"body": "Hello"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "opted_out")
    write_in("Start")
    assert alice.api.post(url, {"body": "Hello"}).status_code == 201


def test_cancel_only_while_queued_and_retry_only_after_a_failure(alice, write_in):
    message = write_in()
    sent = alice.api.post(
        f"{API}/inbox/customers/{message.customer_id}/send-text", {"body": "Hello", "delay_minutes": 5}
    )
    url = f"{API}/outbound-messages/{sent.json()['id']}"
    assert alice.api.post(f"{url}/retry").status_code == 409
    assert alice.api.post(f"{url}/cancel").json()["status"] == "cancelled"
    assert alice.api.post(f"{url}/cancel").status_code == 409
    with organization_scope(alice.organization):
        Message.objects.filter(pk=sent.json()["id"]).update(status="failed")
    assert alice.api.post(f"{url}/retry").json()["status"] == "queued"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"body": "  "}, "body"),
        ({"body": "x" * 1601}, "body"),
        ({"body": "x", "channel": "pigeon"}, "channel"),
        ({"body": "x", "delay_minutes": -1}, "delay_minutes"),
        ({"body": "x", "delay_minutes": 1, "not_before_at": "2027-01-01T00:00:00Z"}, "delay_minutes"),
        ({"body": "x", "not_before_at": "soon"}, "not_before_at"),
        ({"body": "x", "colour": "blue"}, "colour"),
    ],
)
def test_bad_texts_are_a_400_that_names_the_field(alice, write_in, body, field):
    message = write_in()
    answer = alice.api.post(f"{API}/inbox/customers/{message.customer_id}/send-text", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


@pytest.mark.parametrize(
    "body", [{"minutes_from_now": 0}, {"minutes_from_now": 43_201}, {"next_follow_up_at": "soon"}, []]
)
def test_a_follow_up_outside_its_range_is_a_400(alice, write_in, body):
    message = write_in()
    assert alice.api.post(f"{API}/inbox/customers/{message.customer_id}/followup", body).status_code == 400


@pytest.mark.parametrize("path", ["thread", "stage", "followup", "tags/add", "tags/remove", "send-text"])
def test_strangers_get_a_404_for_every_call(alice, bob, charlie, write_in, path):
    message = write_in()
    for stranger in (bob, charlie):
        url = f"{API}/inbox/customers/{message.customer_id}/{path}"
        answer = (
            stranger.api.get(url)
            if path == "thread"
            else stranger.api.post(url, {"body": "x", "stage": "lost", "tag": "x"})
        )
        assert answer.status_code == 404


def test_strangers_get_a_404_for_messages(alice, bob, charlie, write_in):
    message = write_in()
    sent = alice.api.post(f"{API}/inbox/customers/{message.customer_id}/send-text", {"body": "Hello"}).json()
    for stranger in (bob, charlie):
        assert stranger.api.get(f"{API}/outbound-messages/{sent['id']}").status_code == 404
        assert stranger.api.post(f"{API}/outbound-messages/{sent['id']}/cancel").status_code == 404
        assert stranger.api.get(f"{API}/outbound-messages").json()["results"] == []
        body = {"customer_id": str(message.customer_id), "channel": "whatsapp", "body": "x"}
        assert stranger.api.post(f"{API}/outbound-messages", body).status_code == 400


def test_the_queue_pages_by_cursor(alice, write_in):
    message = write_in()
    for number in range(5):
        alice.api.post(f"{API}/inbox/customers/{message.customer_id}/send-text", {"body": f"text {number}"})
    seen, url = [], f"{API}/outbound-messages?page_size=2&status=queued"
    while url:
        page = alice.api.get(url).json()
        assert "count" not in page
        seen += [row["body"] for row in page["results"]]
        url = page["next"]
    assert seen == [f"text {number}" for number in reversed(range(5))]
