from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.models import Conversation
from messaging.threads import services as conversations

API = "/api/v1"


@pytest.fixture
def url(write_in):
    return f"{API}/conversations/{write_in().conversation_id}"


def test_a_conversation_tells_its_window_and_who_waits(alice, url):
    body = alice.api.get(url).json()
    assert body["status"] == "open"
    assert body["unread_count"] == 1
    assert body["waiting_since"] is not None
    assert body["window_expires_at"] > body["last_message_at"]


def test_status_owner_and_priority_are_changed(alice, bob, url):
    answer = alice.api.patch(url, {"assigned_to": str(bob.user.pk), "priority": "high", "status": "pending"})
    body = answer.json()
    assert (body["assigned_to"], body["priority"], body["status"]) == (str(bob.user.pk), "high", "pending")
    assert bob.api.get(url).status_code == 200


def test_resolve_reopen_snooze_and_read(alice, url, write_in):
    api = alice.api
    assert api.post(f"{url}/read").json()["unread_count"] == 0
    assert api.post(f"{url}/resolve").json()["status"] == "resolved"
    assert api.post(f"{url}/reopen").json()["status"] == "open"
    until = (timezone.now() + timedelta(hours=2)).isoformat()
    assert api.post(f"{url}/snooze", {"snoozed_until": until}).json()["status"] == "snoozed"
    write_in("I am back")
    assert api.get(url).json()["status"] == "open"


def test_a_snooze_ends_by_itself(alice, url):
    api = alice.api
    api.post(f"{url}/snooze", {"snoozed_until": (timezone.now() + timedelta(hours=2)).isoformat()})
    assert conversations.end_snoozes() == 0
    with organization_scope(alice.organization):
        Conversation.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert conversations.end_snoozes() == 1
    body = api.get(url).json()
    assert (body["status"], body["snoozed_until"]) == ("open", None)
    assert conversations.end_snoozes() == 0


def test_a_snooze_into_the_past_is_a_400(alice, url):
    answer = alice.api.post(f"{url}/snooze", {"snoozed_until": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "snoozed_until"


def test_a_note_is_private_and_never_queued(alice, url):
    answer = alice.api.post(f"{url}/messages", {"body": "Careful: allergic to latex", "private": True})
    assert answer.status_code == 201
    assert (answer.json()["private"], answer.json()["status"]) == (True, "note")
    assert alice.api.get(f"{API}/outbound-messages").json()["results"] == []


def test_a_reply_can_quote_a_message_of_the_same_conversation_only(alice, url, write_in):
    first = alice.api.get(f"{url}/messages").json()["results"][0]["id"]
    assert alice.api.post(f"{url}/messages", {"body": "Yes", "reply_to": first}).json()["reply_to"] == first
    other = write_in("Other", sender="+447700900999")
    assert alice.api.post(f"{url}/messages", {"body": "No", "reply_to": str(other.pk)}).status_code == 400


@pytest.mark.parametrize(
    ("query", "count"),
    [("status=open", 1), ("status=resolved", 0), ("bucket=open", 1), ("channel=whatsapp", 1), ("channel=sms", 0),
     ("unread=true", 1), ("unread=false", 0), ("assigned_to=none", 1), ("assigned_to=me", 0),
     ("tag=whatsapp", 1), ("q=+44770", 1)],
)  # fmt: skip
def test_filters(alice, write_in, query, count):
    write_in()
    assert len(alice.api.get(f"{API}/conversations?{query}").json()["results"]) == count


@pytest.mark.parametrize("query", ["status=x", "bucket=x", "channel=x", "colour=x", "cursor=nonsense", "page_size=0"])
def test_an_unknown_filter_is_a_400(alice, query):
    answer = alice.api.get(f"{API}/conversations?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == query.split("=")[0]


@pytest.mark.parametrize("path", ["", "/messages", "/read", "/resolve", "/reopen", "/snooze"])
def test_strangers_get_a_404(bob, charlie, url, path):
    for stranger in (bob, charlie):
        answer = stranger.api.get(url + path) if path in ("", "/messages") else stranger.api.post(url + path, {})
        assert answer.status_code == 404


def test_a_message_received_twice_is_one(alice, write_in):
    with organization_scope(alice.organization):
        first = write_in("once")
        assert Conversation.objects.get(pk=first.conversation_id).messages.count() == 1
