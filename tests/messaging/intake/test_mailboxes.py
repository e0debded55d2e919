"""Mailboxes on a real IMAP server: each mail is read once, whoever dies over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.utils import timezone

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from messaging import alerts
from messaging.channels.smtp import imap
from messaging.intake import mailboxes, processing
from messaging.models import Arrival, Channel, Mailbox, Message
from messaging.settings import services as channels
from tests.fakes.dovecot import PASSWORD, Dovecot, dovecot
from tests.messaging.conftest import all_of, in_threads, make_due, make_mailbox, only, raw_mail


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def user(request: Any) -> str:
    return re.sub(r"\W", "-", str(request.node.name))[:40]


@pytest.fixture
def mailbox(alice: Any, server: Dovecot, user: str, settings: Any, disk: Any) -> Channel:
    """A channel with a mailbox that has one old mail in it."""
    settings.PROVIDER_TIMEOUT_SECONDS = 2
    with server.user(user) as box:
        box.append(letter(0), dt=timezone.now() - timedelta(hours=1))
    return make_mailbox(alice, credentials=reading(server, user))


def reading(server: Dovecot, user: str, **more: str) -> dict[str, str]:
    return {
        "imap_host": "127.0.0.1", "imap_port": str(server.port), "imap_username": user, "imap_password": PASSWORD,
        "imap_use_ssl": "false", **more,
    }  # fmt: skip


def letter(number: int, **headers: str) -> bytes:
    return raw_mail(f"mail {number}", Message_ID=f"<{number}@example.com>", **headers)


def read(channel: Channel) -> Mailbox:
    """What a worker does when the mailbox is due, and then with what arrived."""
    make_due(Mailbox)
    mailboxes.read_due()
    processing.process_due()
    return only(Mailbox, channel=channel)


def bodies() -> list[str]:
    with every_organization("the test looks at all"):
        return list(Message.objects.order_by("created_at", "pk").values_list("body", flat=True))


class Killed(BaseException):
    """The worker is gone: nothing in it catches this."""


class TestReading:
    def test_the_first_look_takes_nothing_old(self, mailbox: Channel, server: Dovecot, user: str):
        box = read(mailbox)
        assert (box.uidvalidity is not None, box.last_uid, bodies()) == (True, 1, [])
        assert (box.failures, box.last_error, box.claim_token) == (0, "", None)
        assert box.due_at is not None

    def test_what_is_new_comes_in_order_and_once(self, mailbox: Channel, server: Dovecot, user: str):
        read(mailbox)
        server.deliver(user, *[letter(number) for number in (1, 2, 3)])
        assert read(mailbox).last_uid == 4
        assert bodies() == ["mail 1", "mail 2", "mail 3"]
        read(mailbox)
        assert len(bodies()) == 3
        server.deliver(user, letter(4))
        read(mailbox)
        assert bodies()[-1] == "mail 4"

    def test_it_leaves_no_trace_in_the_mailbox(self, mailbox: Channel, server: Dovecot, user: str):
        read(mailbox)
        server.deliver(user, letter(1))
        read(mailbox)
        with server.user(user) as box:
            assert [mail.flags for mail in box.fetch(mark_seen=False) if r"\Seen" in mail.flags] == []

    def test_many_are_taken_in_several_goes(self, mailbox: Channel, server: Dovecot, user: str, monkeypatch: Any):
        monkeypatch.setattr(mailboxes, "AT_ONCE", 2)
        read(mailbox)
        server.deliver(user, *[letter(number) for number in range(1, 6)])
        make_due(Mailbox)
        mailboxes.read_due()
        processing.process_due()
        assert bodies() == [f"mail {number}" for number in range(1, 6)]

    def test_a_mail_that_is_too_large_is_set_aside(self, mailbox: Channel, server: Dovecot, user: str, settings: Any):
        settings.MAIL_MAX_BYTES = 2000
        read(mailbox)
        large = raw_mail("x" * 5000, Message_ID="<large@example.com>")
        server.deliver(user, letter(1), large, letter(2))
        read(mailbox)
        assert bodies() == ["mail 1", "mail 2"]
        (aside,) = Arrival.objects.filter(state="set_aside")
        assert "Read it there" in aside.last_error
        assert b"large@example.com" in bytes(aside.body)
        # Its head alone is no mail: there is nothing to process again.
        assert not processing.replay(aside)
        assert Arrival.objects.filter(state="set_aside").exists()

    def test_a_poison_mail_is_set_aside_and_the_next_is_read(self, mailbox: Channel, server: Dovecot, user: str):
        read(mailbox)
        server.deliver(user, b"Subject: nobody wrote this\r\n\r\nx\r\n", letter(1))
        read(mailbox)
        assert bodies() == ["mail 1"]
        assert Arrival.objects.get(state="set_aside").last_error.startswith("From:")

    def test_a_mail_in_two_mailboxes_is_one(self, alice: Any, mailbox: Channel, server: Dovecot, user: str):
        other = f"{user}-sales"
        server.deliver(other, letter(90))
        sales = make_mailbox(alice, address="sales@harbour.example", credentials=reading(server, other))
        make_due(Mailbox)
        mailboxes.read_due()
        server.deliver(user, b"Received: by a\r\n" + letter(1))
        server.deliver(other, b"Received: by b\r\n" + letter(1))
        make_due(Mailbox)
        mailboxes.read_due()
        processing.process_due()
        assert bodies() == ["mail 1"]
        assert only(Mailbox, channel=sales).last_uid == 2

    def test_a_channel_that_is_switched_off_is_not_read(self, alice: Any, mailbox: Channel, server: Dovecot, user: str):
        read(mailbox)
        with organization_scope(alice.organization):
            channels.update(channel=mailbox, actor=alice.actor, changes={"is_enabled": False})
        server.deliver(user, letter(1))
        assert read(mailbox).due_at is None
        assert bodies() == []
        with organization_scope(alice.organization):
            channels.update(channel=mailbox, actor=alice.actor, changes={"is_enabled": True})
        read(mailbox)
        assert bodies() == ["mail 1"]


class TestUidvalidity:
    def test_nothing_comes_twice_and_nothing_is_lost(self, mailbox: Channel, server: Dovecot, user: str):
        read(mailbox)
        server.deliver(user, letter(1), letter(2))
        first = read(mailbox).uidvalidity
        with every_organization("Dovecot makes it of the time, in seconds"):
            Mailbox.objects.update(uidvalidity=first - 100)
        server.deliver(user, letter(3))
        box = read(mailbox)
        assert (box.uidvalidity, box.last_uid) == (first, 4)
        assert bodies() == ["mail 1", "mail 2", "mail 3"]

    def test_what_lay_there_before_parley_stays_there(self, mailbox: Channel, server: Dovecot, user: str):
        with server.user(user) as box:
            box.append(letter(50), dt=datetime(2020, 1, 1, tzinfo=UTC))
        first = read(mailbox).uidvalidity
        with every_organization("as above"):
            Mailbox.objects.update(uidvalidity=first - 100)
        read(mailbox)
        assert "mail 50" not in bodies()


class TestTroubles:
    def test_a_wrong_password_is_reported_to_the_administrators_once(
        self, alice: Any, mailbox: Channel, server: Dovecot, user: str, django_capture_on_commit_callbacks: Any
    ):
        read(mailbox)
        wrong = {"credentials": {"imap_password": "not this"}}
        with organization_scope(alice.organization):
            channels.update(channel=mailbox, actor=alice.actor, changes=wrong)
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(3):
                box = read(mailbox)
        assert (box.failures, bool(box.last_error), box.due_at > timezone.now()) == (3, True, True)
        assert "not this" not in box.last_error
        (told,) = outbox.outbox
        assert told.to == ["alice@harbour.example"]
        with organization_scope(alice.organization):
            assert Channel.objects.get(pk=mailbox.pk).last_error.startswith("Reading mail: ")
            assert Event.objects.filter(type="channel.troubled").count() == 1
            channels.update(
                channel=Channel.objects.get(pk=mailbox.pk), actor=alice.actor,
                changes={"credentials": {"imap_password": PASSWORD}},
            )  # fmt: skip
        server.deliver(user, letter(1))
        box = read(mailbox)
        assert (box.failures, box.last_error, bodies()) == (0, "", ["mail 1"])
        with organization_scope(alice.organization):
            assert Channel.objects.get(pk=mailbox.pk).last_error == ""

    def test_a_server_that_is_away_is_asked_less_and_less_often(
        self, alice: Any, mailbox: Channel, django_capture_on_commit_callbacks: Any
    ):
        with organization_scope(alice.organization):
            # Another port is another server: the password is given again with it.
            elsewhere = {"imap_port": "1", "imap_password": PASSWORD}
            channels.update(channel=mailbox, actor=alice.actor, changes={"credentials": elsewhere})
        pauses = []
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(7):
                box = read(mailbox)
                pauses.append(round((box.due_at - timezone.now()).total_seconds()))
        assert pauses == sorted(pauses)
        assert pauses[0] < 35
        assert pauses[-1] <= mailboxes.MAX_PAUSE.total_seconds()
        assert len(outbox.outbox) == 1, "told when it went on, and once"

    def test_sending_and_reading_that_fail_in_turn_are_each_reported_once(
        self, alice: Any, mailbox: Channel, django_capture_on_commit_callbacks: Any
    ):
        with organization_scope(alice.organization), django_capture_on_commit_callbacks(execute=True):
            told = [
                alerts.raise_alert(mailbox, code=code, text="Wrong password.", subject=subject)
                for code, subject in [("535", ""), ("login", "imap"), ("535", ""), ("login", "imap"), ("host", "imap")]
            ]
        assert told == [True, True, False, False, True]
        assert len(outbox.outbox) == 3


class TestKilled:
    def test_between_two_mails(self, mailbox: Channel, server: Dovecot, user: str, monkeypatch: Any):
        read(mailbox)
        server.deliver(user, letter(1), letter(2), letter(3))
        real = mailboxes._keep
        kept: list[int] = []

        def dies_later(box: Mailbox, mail: imap.FetchedMail) -> None:
            if len(kept) == 2:
                raise Killed
            kept.append(mail.uid)
            real(box, mail)

        monkeypatch.setattr(mailboxes, "_keep", dies_later)
        make_due(Mailbox)
        with pytest.raises(Killed):
            mailboxes.read_due()
        monkeypatch.undo()
        box = only(Mailbox, channel=mailbox)
        assert (box.last_uid, Arrival.objects.count()) == (3, 2)
        assert mailboxes.read_due() == 0, "the lease is not over"
        assert read(mailbox).last_uid == 4
        assert bodies() == ["mail 1", "mail 2", "mail 3"]

    @pytest.mark.parametrize("place", ["before the mail is kept", "before the cursor moves", "after both"])
    def test_within_one(self, mailbox: Channel, server: Dovecot, user: str, monkeypatch: Any, place: str):
        read(mailbox)
        server.deliver(user, letter(1), letter(2))
        owner, name, is_after = {
            "before the mail is kept": (mailboxes, "store", False),
            "before the cursor moves": (mailboxes, "_move", False),
            "after both": (mailboxes, "_keep", True),
        }[place]
        real = getattr(owner, name)

        def die(*args: Any, **given: Any) -> None:
            if is_after:
                real(*args, **given)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, die)
            make_due(Mailbox)
            with pytest.raises(Killed):
                mailboxes.read_due()
        kept = int(is_after)
        assert (only(Mailbox, channel=mailbox).last_uid, Arrival.objects.count()) == (1 + kept, kept)
        read(mailbox)
        assert bodies() == ["mail 1", "mail 2"]

    def test_who_lost_the_mailbox_keeps_nothing_more(
        self, mailbox: Channel, server: Dovecot, user: str, monkeypatch: Any
    ):
        read(mailbox)
        server.deliver(user, letter(1), letter(2))
        real = mailboxes._keep
        is_inside: list[bool] = []

        def slow(box: Mailbox, mail: imap.FetchedMail) -> None:
            if not is_inside:
                is_inside.append(True)
                make_due(Mailbox)
                assert mailboxes.read_due() == 1
            real(box, mail)

        monkeypatch.setattr(mailboxes, "_keep", slow)
        make_due(Mailbox)
        mailboxes.read_due()
        processing.process_due()
        assert bodies() == ["mail 1", "mail 2"]
        assert Arrival.objects.count() == 2
        assert only(Mailbox, channel=mailbox).last_uid == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_read_each_mail_once(alice: Any, server: Dovecot, user: str, settings: Any, disk: Any):
    settings.PROVIDER_TIMEOUT_SECONDS = 2
    boxes = []
    for number in range(3):
        name = f"{user}-{number}"
        server.deliver(name, letter(900 + number))
        boxes.append(make_mailbox(alice, address=f"d{number}@harbour.example", credentials=reading(server, name)))
    mailboxes.read_due()
    for number in range(3):
        name = f"{user}-{number}"
        to = f"d{number}@harbour.example"
        server.deliver(name, *[letter(100 * number + count, To=to) for count in range(1, 8)])
    make_due(Mailbox)
    in_threads(lambda _: mailboxes.read_due(), 2)
    in_threads(lambda _: processing.process_due(), 2)
    assert sorted(bodies()) == sorted(f"mail {100 * n + count}" for n in range(3) for count in range(1, 8))
    assert {box.last_uid for box in all_of(Mailbox)} == {8}
