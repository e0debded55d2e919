"""The stream: who gets which signal, and nobody more than they may see."""

from __future__ import annotations

import asyncio

import pytest

from accounts.services import members
from activity.live import MISSED, QUEUE_SIZE, Feed, Signal
from core.tenancy import organization_scope
from messaging.views.live import allowed_signals


def signal(conversation, event_type="message.received") -> Signal:
    return Signal(
        "e", str(conversation.organization_id), event_type, "s", str(conversation.customer_id), str(conversation.pk)
    )


def allowed(who, *signals):
    return allowed_signals(who.member.pk, who.member.organization_id, list(signals))


def conversations(rows):
    return [row for row in rows or [] if "conversation" in row]


def test_a_customer_reaches_the_lists_of_those_who_see_them(alice, bob, charlie, make_customer):
    his, hers = make_customer(bob), make_customer(alice)
    signals = [Signal("e", str(c.organization_id), "customer.updated", "s", str(c.pk), "") for c in (his, hers)]
    told = lambda who: [set(row["customers"]) for row in allowed(who, *signals)]  # noqa: E731
    assert told(alice) == [{str(his.pk), str(hers.pk)}]
    assert told(bob) == [{str(his.pk)}]
    assert told(charlie) == []


def test_a_signal_reaches_those_who_may_see_the_conversation(alice, mona, bob, charlie, make_conversation):
    his, hers = make_conversation(bob), make_conversation(alice)
    told = lambda who: {r["conversation"] for r in conversations(allowed(who, signal(his), signal(hers)))}  # noqa: E731
    assert told(alice) == {str(his.pk), str(hers.pk)}
    assert told(mona) == {str(his.pk)}
    assert told(bob) == {str(his.pk)}
    assert told(charlie) == set()


def test_the_stream_of_a_deactivated_member_ends(alice, bob, make_conversation):
    conversation = make_conversation(bob)
    assert allowed(bob, signal(conversation)) != []
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert allowed(bob, signal(conversation)) is None
    assert allowed(bob) is None


def test_who_lost_a_customer_looks_anew_and_is_told_no_id(alice, bob, make_conversation):
    conversation = make_conversation(alice)
    assert allowed(bob, signal(conversation, "customer.assigned")) == [{"all": True}]
    assert allowed(bob, signal(conversation, "message.received")) == []


def test_several_signals_about_a_conversation_are_one(alice, make_conversation):
    conversation = make_conversation(alice)
    rows = allowed(alice, signal(conversation, "customer.tag_added"), signal(conversation), signal(conversation, "x"))
    assert [row["type"] for row in conversations(rows)] == ["message.received"]


def test_after_a_gap_everything_is_looked_at_anew(alice):
    assert allowed(alice, Signal("", str(alice.member.organization_id), MISSED, "", "", "")) == [{"all": True}]


@pytest.mark.parametrize("path", ["live/"])
def test_the_stream_is_for_members(alice, charlie, client, path):
    assert client.get(alice.url(path)).status_code == 401
    assert charlie.client.get(alice.url(path)).status_code == 404


def test_a_listener_too_slow_to_read_is_told_that_it_missed_something():
    async def overflow() -> list[str]:
        ear = Feed()
        queue: asyncio.Queue[Signal] = asyncio.Queue(maxsize=QUEUE_SIZE)
        ear._queues["o"].add(queue)
        for number in range(QUEUE_SIZE + 1):
            ear._pass_on(Signal(str(number), "o", "message.received", "", "", ""))
        return [queue.get_nowait().type for _ in range(queue.qsize())]

    assert asyncio.run(overflow()) == [MISSED]


def test_a_change_of_source_is_told_and_the_first_is_not():
    async def change() -> int:
        ear = Feed()
        queue: asyncio.Queue[Signal] = asyncio.Queue()
        ear._queues["o"].add(queue)
        ear._hears()
        assert queue.empty()
        ear._hears()
        return queue.qsize()

    assert asyncio.run(change()) == 1
