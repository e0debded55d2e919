"""What was missed comes in after all, exactly once, in whatever order it and its webhook come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from messaging.delivery import sending
from messaging.files import fetching
from messaging.intake import backfill, processing
from messaging.models import Arrival, Attachment, Channel, Conversation, Message, Reconciliation
from tests.fakes.twilio import FakeTwilio, File, Step, inbound_webhook
from tests.fakes.twilio.store import ACCOUNT_SID
from tests.fakes.twilio.store import Message as Held
from tests.messaging.conftest import (
    OUR_NUMBER,
    THEIR_NUMBER,
    all_of,
    ask_provider,
    current,
    make_due,
    only,
    picture,
    status_params,
)

API = "/api/v1"
OURS, THEIRS = f"whatsapp:{OUR_NUMBER}", f"whatsapp:{THEIR_NUMBER}"


def ago(**given: float) -> datetime:
    return timezone.now() - timedelta(**given)


def catch_up(channel: Channel, alice: Any, **given: Any) -> Reconciliation:
    """Ask, and let workers do the rest."""
    with organization_scope(channel.organization):
        row = backfill.request_backfill(channel=channel, actor=alice.actor, **given)
    backfill.catch_up_due()
    processing.process_due()
    with every_organization("the test looks at what it asked for"):
        return Reconciliation.objects.get(pk=row.pk)


def told(row: Reconciliation) -> tuple[int, ...]:
    return (
        row.inbound_listed, row.inbound_found, row.outbound_listed, row.statuses_found, row.elsewhere_found,
    )  # fmt: skip


def sent_elsewhere(twilio: FakeTwilio, to: str = THEIRS, body: str = "From the console", **more: Any) -> Held:
    at = more.pop("at", ago(hours=2))
    held = Held(
        ACCOUNT_SID, to, OURS, body, status=more.pop("status", "delivered"), created_at=at, sent_at=at, updated_at=at,
        **more,
    )  # fmt: skip
    return twilio.store.keep(held)


class TestInbound:
    def missed(self, twilio: FakeTwilio, count: int = 3) -> list[Held]:
        return [twilio.receive(sender=THEIRS, to=OURS, body=f"missed {n}", at=ago(hours=5 - n)) for n in range(count)]

    def test_hours_of_lost_webhooks_come_in(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        held = self.missed(twilio)
        row = catch_up(whatsapp, alice)
        assert (row.state, row.error, told(row)) == ("done", "", (3, 3, 0, 0, 0))
        assert [one["kind"] for one in row.found] == ["inbound"] * 3
        got = all_of(Message)
        assert [message.body for message in sorted(got, key=lambda message: message.created_at)] == [
            "missed 0", "missed 1", "missed 2",
        ]  # fmt: skip
        assert {message.provider_message_id for message in got} == {one.sid for one in held}
        assert abs((only(Message, body="missed 0").created_at - held[0].created_at).total_seconds()) < 1
        thread = only(Conversation)
        assert (thread.unread_count, thread.last_message_preview) == (3, "missed 2")

    def test_the_webhook_that_comes_later_after_all_is_the_same(
        self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, webhooks: Any
    ):
        held = self.missed(twilio)
        catch_up(whatsapp, alice)
        for one in held:
            assert webhooks.whatsapp(inbound_webhook(one, ProfileName="Ada")).status_code == 200
        processing.process_due()
        assert (len(all_of(Message)), Arrival.objects.count()) == (3, 3)

    @pytest.mark.parametrize("is_processed", [True, False])
    def test_the_webhook_that_came_before_is_the_same(
        self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, webhooks: Any, is_processed: bool
    ):
        held = self.missed(twilio)
        webhooks.whatsapp(inbound_webhook(held[1], ProfileName="Ada"))
        if is_processed:
            processing.process_due()
        row = catch_up(whatsapp, alice)
        assert told(row)[:2] == (3, 2)
        assert (len(all_of(Message)), Arrival.objects.count()) == (3, 3)

    def test_asking_twice_finds_nothing_twice(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        self.missed(twilio)
        catch_up(whatsapp, alice)
        again = catch_up(whatsapp, alice, since=ago(days=1))
        assert told(again) == (3, 0, 0, 0, 0)
        assert len(all_of(Message)) == 3

    def test_files_of_what_was_missed_are_fetched(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, disk: Any):
        twilio.receive(sender=THEIRS, to=OURS, body="", files=[File(picture(), "image/png")], at=ago(hours=3))
        catch_up(whatsapp, alice)
        fetching.fetch_due()
        assert (only(Attachment).state, only(Attachment).content_type) == ("stored", "image/png")

    def test_what_is_older_than_the_range_is_left(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        twilio.receive(sender=THEIRS, to=OURS, body="old", at=ago(days=4))
        twilio.receive(sender=THEIRS, to=OURS, body="new", at=ago(hours=4))
        assert told(catch_up(whatsapp, alice))[:2] == (1, 1)
        assert told(catch_up(whatsapp, alice, since=ago(days=5)))[:2] == (2, 1)

    def test_a_message_to_another_number_is_not_ours(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        twilio.receive(sender=THEIRS, to="whatsapp:+15005550099", at=ago(hours=1))
        twilio.receive(sender=THEIR_NUMBER, to=OUR_NUMBER, at=ago(hours=1))
        assert told(catch_up(whatsapp, alice)) == (0, 0, 0, 0, 0)
        assert all_of(Message) == []

    def test_the_reply_window_counts_from_when_they_wrote(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        twilio.receive(sender=THEIRS, to=OURS, body="Hello", at=ago(hours=23, minutes=30))
        catch_up(whatsapp, alice)
        left = only(Conversation).last_inbound_at + timedelta(hours=24) - timezone.now()
        assert timedelta(minutes=25) < left < timedelta(minutes=31)


class TestOutbound:
    def test_a_status_that_was_missed(self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel):
        twilio.plan(Step(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        twilio.store.all()[0].become("read")
        row = catch_up(whatsapp, alice, since=ago(hours=1))
        assert (current(message).status, told(row)) == ("read", (0, 0, 1, 1, 0))
        assert told(catch_up(whatsapp, alice, since=ago(hours=1)))[3] == 0

    def test_and_its_callback_that_comes_later(
        self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel, webhooks: Any, settings: Any
    ):
        settings.TWILIO_WEBHOOK_BASE_URL = ""
        twilio.plan(Step(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        (held,) = twilio.store.all()
        held.become("delivered")
        catch_up(whatsapp, alice, since=ago(hours=1))
        settings.TWILIO_WEBHOOK_BASE_URL = "http://testserver"
        webhooks.status(status_params(held.sid, "delivered"), message=message)
        processing.process_due()
        assert current(message).status == "delivered"

    def test_a_failure_that_was_missed(self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel):
        twilio.plan(Step(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        twilio.store.all()[0].become("undelivered", 63024)
        catch_up(whatsapp, alice, since=ago(hours=1))
        assert (current(message).status, current(message).error_code) == ("failed", "63024")

    def test_what_failed_is_not_called_news_again_and_again(
        self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel
    ):
        twilio.plan(Step(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        twilio.store.all()[0].become("delivered")
        with organization_scope(alice.organization):
            Message.objects.filter(pk=message.pk).update(status="failed")
        assert told(catch_up(whatsapp, alice, since=ago(hours=1)))[3] == 0
        assert current(message).status == "failed"


class TestSentElsewhere:
    def test_it_stands_in_the_thread(self, alice: Any, twilio: FakeTwilio, thread: Any, whatsapp: Channel):
        held = sent_elsewhere(twilio)
        row = catch_up(whatsapp, alice)
        assert told(row) == (0, 0, 1, 0, 1)
        message = only(Message)
        assert (message.body, message.origin, message.status) == ("From the console", "elsewhere", "delivered")
        assert (message.conversation_id, message.provider_message_id) == (thread.pk, held.sid)
        answer = alice.client.get(alice.url(f"inbox/{thread.pk}/"))
        assert "From the console" in answer.content.decode()
        assert told(catch_up(whatsapp, alice, since=ago(days=1)))[4] == 0
        assert len(all_of(Message)) == 1

    def test_it_answers_who_was_waiting(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        twilio.receive(sender=THEIRS, to=OURS, body="Anybody?", at=ago(hours=4))
        catch_up(whatsapp, alice)
        assert only(Conversation).waiting_since is not None
        sent_elsewhere(twilio, at=ago(hours=2))
        catch_up(whatsapp, alice, since=ago(days=1))
        assert only(Conversation).waiting_since is None

    def test_nobody_becomes_a_customer_by_it(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        sent_elsewhere(twilio, to="whatsapp:+15005550199")
        assert told(catch_up(whatsapp, alice)) == (0, 0, 1, 0, 0)
        assert (all_of(Message), all_of(Customer)) == ([], [])

    def test_what_left_a_moment_ago_may_be_on_its_way_through_us(
        self, alice: Any, twilio: FakeTwilio, thread: Any, whatsapp: Channel
    ):
        sent_elsewhere(twilio, at=ago(minutes=5))
        assert told(catch_up(whatsapp, alice))[4] == 0
        with time_machine.travel(timezone.now() + timedelta(minutes=20)):
            assert told(catch_up(whatsapp, alice))[4] == 1

    def test_one_of_ours_that_is_not_confirmed_is_not_doubled(
        self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel
    ):
        twilio.plan(Step.dropped(statuses=()))
        message = queue("Hello")
        sending.deliver_due()
        assert current(message).status == "unconfirmed"
        with time_machine.travel(timezone.now() + timedelta(hours=1)):
            assert told(catch_up(whatsapp, alice)) == (0, 0, 1, 0, 0)
            assert only(Message).pk == message.pk
            ask_provider()
        assert current(message).status == "sent"
        assert len(all_of(Message)) == 1

    def test_an_earlier_attempt_of_ours_is_not_another_message(
        self, alice: Any, twilio: FakeTwilio, queue: Any, whatsapp: Channel, thread: Any
    ):
        held = sent_elsewhere(twilio, body="Hello", at=ago(hours=2), status="failed")
        message = queue("Hello")
        with organization_scope(alice.organization):
            Message.objects.filter(pk=message.pk).update(extra={"earlier_ids": [held.sid]}, created_at=ago(hours=3))
        assert told(catch_up(whatsapp, alice))[4] == 0


class TestAsking:
    def test_one_at_a_time(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        with organization_scope(alice.organization):
            backfill.request_backfill(channel=whatsapp, actor=alice.actor)
            with pytest.raises(backfill.CannotBackfill, match="being asked already"):
                backfill.request_backfill(channel=whatsapp, actor=alice.actor)

    def test_a_range_has_a_beginning_before_its_end(self, alice: Any, whatsapp: Channel):
        with organization_scope(alice.organization), pytest.raises(backfill.CannotBackfill, match="range is empty"):
            backfill.request_backfill(channel=whatsapp, actor=alice.actor, since=ago(hours=1), until=ago(hours=2))

    def test_each_time_it_overlaps_the_last(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        first = catch_up(whatsapp, alice)
        second = catch_up(whatsapp, alice)
        assert second.since == first.until - backfill.OVERLAP

    def test_a_provider_that_is_away_is_asked_again(
        self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, settings: Any
    ):
        settings.TWILIO_API_BASE_URL = "http://127.0.0.1:1"
        twilio.receive(sender=THEIRS, to=OURS, at=ago(hours=1))
        row = catch_up(whatsapp, alice)
        assert (row.state, bool(row.error), row.due_at is not None) == ("waiting", True, True)
        settings.TWILIO_API_BASE_URL = twilio.url
        make_due(Reconciliation)
        backfill.catch_up_due()
        processing.process_due()
        assert (only(Reconciliation).state, only(Reconciliation).error) == ("done", "")
        assert len(all_of(Message)) == 1

    def test_wrong_credentials_end_it_with_words(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        twilio.tokens.update(dict.fromkeys(list(twilio.tokens), "another"))
        row = catch_up(whatsapp, alice)
        assert (row.state, row.finished_at is not None, "dministrator" in row.error) == ("failed", True, True)

    def test_who_dies_in_the_middle_leaves_it_to_the_next(
        self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, monkeypatch: Any
    ):
        class Killed(BaseException):
            pass

        for n in range(5):
            twilio.receive(sender=THEIRS, to=OURS, body=f"missed {n}", at=ago(hours=6 - n))
        monkeypatch.setattr(backfill, "CHUNK", 2)
        real = backfill._take
        chunks: list[int] = []

        def die(*args: Any) -> None:
            real(*args)
            chunks.append(1)
            if len(chunks) == 2:
                raise Killed

        monkeypatch.setattr(backfill, "_take", die)
        with pytest.raises(Killed):
            catch_up(whatsapp, alice)
        assert Arrival.objects.count() == 4
        assert backfill.catch_up_due() == 0, "the lease is not over"
        make_due(Reconciliation)
        backfill.catch_up_due()
        processing.process_due()
        row = only(Reconciliation)
        assert (row.state, row.inbound_listed) == ("done", 5)
        assert len(all_of(Message)) == 5

    def test_every_channel_is_asked_once_a_day(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel, charlie: Any):
        assert backfill.request_daily() == 0, "it is new"
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=5)):
            assert backfill.request_daily() == 1
            assert backfill.request_daily() == 0
            backfill.catch_up_due()
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert backfill.request_daily() == 1
            backfill.catch_up_due()
        assert {row.channel_id for row in all_of(Reconciliation)} == {whatsapp.pk}
        with organization_scope(alice.organization):
            Channel.objects.update(is_enabled=False)
        with time_machine.travel(timezone.now() + timedelta(days=3)):
            assert backfill.request_daily() == 0


class TestReach:
    def test_by_api(self, alice: Any, bob: Any, charlie: Any, twilio: FakeTwilio, whatsapp: Channel):
        url = f"{API}/channels/{whatsapp.pk}/reconciliations"
        assert bob.api.post(url).status_code == 403
        assert charlie.api.post(url).status_code == 404
        assert charlie.api.get(url).status_code == 404
        asked = alice.api.post(url)
        assert (asked.status_code, asked.data["state"]) == (202, "waiting")
        assert alice.api.post(url).status_code == 409
        backfill.catch_up_due()
        (row,) = alice.api.get(url).data["results"]
        assert (row["id"], row["state"]) == (asked.data["id"], "done")
        with organization_scope(alice.organization):
            simulator = Channel.objects.filter(provider="simulator", kind="sms").get()
        assert alice.api.post(f"{API}/channels/{simulator.pk}/reconciliations").status_code == 409

    def test_by_page(self, alice: Any, bob: Any, charlie: Any, twilio: FakeTwilio, whatsapp: Channel):
        path = f"channels/{whatsapp.pk}/catch-up/"
        assert bob.client.post(bob.url(path)).status_code == 403
        assert charlie.client.get(charlie.url(path)).status_code == 404
        assert charlie.client.post(charlie.url(path)).status_code == 404
        assert all_of(Reconciliation) == []
        assert alice.client.post(alice.url(path)).status_code == 302
        assert only(Reconciliation).asked_by_id == alice.user.pk
        assert alice.client.get(alice.url(path)).status_code == 200
