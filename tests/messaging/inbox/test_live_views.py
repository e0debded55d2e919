"""The stream: who gets which signal, and nobody more than they may see."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.members import services as members
from accounts.models import Member, Team
from activity.live import LOOK_BACK, MISSED, QUEUE_SIZE, Feed, Signal
from core.tenancy import organization_scope
from customers.models import Customer
from customers.models.querysets import owners_in_reach
from messaging.inbox import live_updates, live_views
from messaging.inbox.live_updates import EVERYTHING, MAX_PAGE_AGE, Credentials, Rooms, Watcher, look
from tests.ledger import change_unsealed
from workflows.models import Notification


def signal(conversation, event_type="message.received") -> Signal:
    return Signal(
        "e", str(conversation.organization_id), event_type, "s", str(conversation.customer_id), str(conversation.pk)
    )


def credentials(who, client=None) -> Credentials:
    """Those of somebody who has signed in just now."""
    client = client or who.client
    return Credentials(
        who.member.pk, who.member.organization_id, client.session.session_key, who.user.get_session_auth_hash()
    )


def rows_of(text):
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def allowed(who, *signals, watchers=None):
    """The rows that somebody is sent; None when their stream ends."""
    [text] = look(who.member.organization_id, watchers or [credentials(who)], list(signals))
    return None if text is None else rows_of(text)


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
    assert allowed(bob) == []
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert allowed(bob, signal(conversation)) is None
    assert allowed(bob) is None


def test_who_lost_a_customer_looks_again_and_learns_no_id(alice, bob, make_conversation):
    conversation = make_conversation(alice)
    assert allowed(bob, signal(conversation, "customer.assigned")) == [{"all": True}]
    assert allowed(bob, signal(conversation, "message.received")) == []


def test_several_signals_about_a_conversation_are_one(alice, make_conversation):
    conversation = make_conversation(alice)
    rows = allowed(alice, signal(conversation, "customer.tag_added"), signal(conversation), signal(conversation, "x"))
    assert [row["type"] for row in conversations(rows)] == ["message.received"]


def test_what_is_ones_own_reaches_nobody_else(alice, bob, make_conversation):
    conversation = make_conversation(alice)
    own = Signal("x", str(bob.organization.pk), "notifications", "", "", "", str(bob.member.pk))
    assert allowed(bob, own, own) == [{"name": "notifications"}]
    assert allowed(alice, own) == []
    assert conversations(allowed(alice, own, signal(conversation))) != []


def test_after_a_gap_everything_is_looked_at_again(alice):
    assert allowed(alice, Signal("", str(alice.member.organization_id), MISSED, "", "", "")) == [{"all": True}]


@pytest.mark.parametrize("path", ["live/"])
def test_the_stream_is_for_members(alice, charlie, client, path):
    assert client.get(alice.url(path)).status_code == 401
    assert charlie.client.get(alice.url(path)).status_code == 404


def test_a_listener_too_slow_to_read_learns_that_it_missed_something():
    async def overflow() -> list[str]:
        ear = Feed()
        queue: asyncio.Queue[Signal] = asyncio.Queue(maxsize=QUEUE_SIZE)
        ear._queues["o"].add(queue)
        for number in range(QUEUE_SIZE + 1):
            ear._pass_on(Signal(str(number), "o", "message.received", "", "", ""))
        return [queue.get_nowait().type for _ in range(queue.qsize())]

    assert asyncio.run(overflow()) == [MISSED]


def test_a_change_of_source_is_reported_and_the_first_is_not():
    async def change() -> int:
        ear = Feed()
        queue: asyncio.Queue[Signal] = asyncio.Queue()
        ear._queues["o"].add(queue)
        ear._note_alive()
        assert queue.empty()
        ear._note_alive()
        return queue.qsize()

    assert asyncio.run(change()) == 1


def test_the_stream_of_a_session_that_ended_ends(alice):
    client = alice.client
    watching = credentials(alice, client)
    assert allowed(alice, watchers=[watching]) == []
    client.logout()
    assert allowed(alice, watchers=[watching]) is None


def test_the_stream_of_a_changed_password_ends(alice):
    watching = credentials(alice)
    alice.user.set_password(get_random_string(20))
    alice.user.save()
    assert allowed(alice, watchers=[watching]) is None


def test_one_session_that_ended_leaves_the_same_members_other_stream(alice):
    gone, stays = alice.client, alice.client
    watching = [credentials(alice, gone), credentials(alice, stays)]
    gone.logout()
    assert look(alice.member.organization_id, watching, []) == [None, ""]


def test_an_organizations_look_knows_nobody_of_another(alice, charlie, make_conversation):
    conversation = make_conversation(alice)
    assert look(alice.member.organization_id, [credentials(charlie)], [signal(conversation)]) == [None]


def test_a_look_reaches_exactly_what_the_querysets_reach(alice, bob, mona, make_customer):
    """Two teams, members of both, of one and of none; owners of every kind, and nobody."""
    from tests.conftest import join

    others = [
        join(alice, f"m{n}@harbour.example", f"M{n}", role) for n, role in enumerate(["manager", "counselor"] * 2)
    ]
    with organization_scope(alice.organization):
        second = Team.objects.create(organization=alice.organization, name="Ward")
        second.members.set([others[0].member, others[1].member])
        third = Team.objects.create(organization=alice.organization, name="Both")
        third.members.set([mona.member, others[1].member])
        for owner in [None, alice, bob, mona, *others]:
            make_customer(owner)
        everyone = list(Member.objects.with_access().filter(organization=alice.organization))
        reaches = owners_in_reach(everyone)
        for member in everyone:
            by_rule = set(Customer.objects.visible_to(member).values_list("pk", flat=True))
            by_look = {
                pk for pk, owner in Customer.objects.values_list("pk", "assigned_to") if owner in reaches[member.pk]
            }
            assert by_look == by_rule, member


@pytest.mark.parametrize("watchers", [1, 50])
def test_a_look_costs_the_same_for_any_number_of_watchers(
    alice, bob, mona, make_conversation, watchers, django_assert_num_queries
):
    conversation = make_conversation(bob)
    signed_in = [credentials(who) for who in (mona, alice, bob)]
    watching = [signed_in[number % 3] for number in range(watchers)]
    with django_assert_num_queries(5):
        texts = look(alice.member.organization_id, watching, [signal(conversation)] * 3)
    assert len(texts) == watchers
    assert all(row["conversation"] == str(conversation.pk) for text in texts for row in conversations(rows_of(text)))


def test_a_watcher_too_slow_to_read_looks_at_everything_and_still_ends():
    async def overflow(last):
        watcher = Watcher(Credentials(None, None, "", ""))
        for number in range(live_updates.MAX_WAITING):
            watcher.send(f"{number}")
        watcher.send(last)
        return [watcher.queue.get_nowait() for _ in range(watcher.queue.qsize())]

    assert asyncio.run(overflow("x")) == [EVERYTHING]
    assert asyncio.run(overflow(None)) == [None]


@pytest.mark.django_db(transaction=True)
def test_a_failed_look_pauses_the_stream_and_the_next_one_heals_it(alice, monkeypatch):
    """Whatever a look raises, the stream stays: the page is told that it is cut off, then to look at everything."""
    monkeypatch.setattr(live_updates, "RETRY_SECONDS", 0.01)
    really, failures = live_updates.look, iter([RuntimeError("one"), OSError("two")])

    def fails_twice(*args):
        if (error := next(failures, None)) is not None:
            raise error
        return really(*args)

    monkeypatch.setattr(live_updates, "look", fails_twice)
    watching = credentials(alice)

    async def watch():
        room = live_updates.rooms()
        async with room.watching(watching) as queue:
            from activity.live import feed

            feed()._pass_on(Signal("e", str(alice.member.organization_id), "customer.updated", "s", "", ""))
            return [await asyncio.wait_for(queue.get(), 20) for _ in range(3)]

    assert asyncio.run(watch()) == [live_updates.PAUSED, live_updates.PAUSED, EVERYTHING + live_updates.HEARTBEAT]


def missed(who, rendered_at, watching=None):
    """The rows that a stream begins with, of what a page rendered then does not show; EVERYTHING as it is."""
    text = asyncio.run(Rooms().missed(watching or credentials(who), rendered_at))
    return text if text in (None, EVERYTHING) else rows_of(text)


@pytest.mark.django_db(transaction=True)
def test_a_stream_begins_with_what_its_page_does_not_show(alice, bob, make_customer):
    his, hers = make_customer(bob), make_customer(alice)
    began = timezone.now()
    with organization_scope(alice.organization):
        # They were welcomed long ago.
        Notification.objects.update(changed_at=began - 2 * LOOK_BACK)
    assert [set(row["customers"]) for row in missed(alice, began)] == [{str(his.pk), str(hers.pk)}]
    assert [set(row["customers"]) for row in missed(bob, began)] == [{str(his.pk)}]
    # What was committed well before the page was rendered stands in it.
    with organization_scope(alice.organization):
        change_unsealed(occurred_at=began - 2 * LOOK_BACK)
    assert missed(alice, began) == []


@pytest.mark.django_db(transaction=True)
def test_a_page_of_an_unknown_or_old_time_asks_for_everything(alice):
    assert missed(alice, None) == EVERYTHING
    assert missed(alice, timezone.now() - 2 * MAX_PAGE_AGE) == EVERYTHING


@pytest.mark.django_db(transaction=True)
def test_a_stream_of_who_was_shut_out_does_not_begin(alice, make_customer):
    make_customer(alice)
    client = alice.client
    watching = credentials(alice, client)
    client.logout()
    assert missed(alice, timezone.now(), watching) is None


@pytest.mark.parametrize(("text", "is_time"), [
    ("1764504000123", True), ("", False), ("yesterday", False), ("-1", False), ("9" * 20, False), ("²", False),
])  # fmt: skip
def test_the_time_of_a_page_is_milliseconds(text, is_time):
    assert (live_views._moment(text) is not None) is is_time
