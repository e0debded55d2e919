"""Reading from a real Dovecot."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Timer

import pytest

from messaging.channels.base import Account, Kind, Retry, SendError
from messaging.channels.registry import provider
from messaging.channels.smtp import imap_client, servers
from messaging.channels.smtp.imap import FetchedMail, open_mailbox
from tests.fakes.dovecot import PASSWORD, Dovecot, dovecot
from tests.fakes.smtp import mail_server

LARGEST = 10_000

Build = Callable[..., Account]


def mail(number: int, *, length: int = 10) -> bytes:
    return f"Subject: mail {number}\r\nFrom: ada@example.com\r\n\r\n{'x' * length}\r\n".encode()


@pytest.fixture
def user(request) -> str:
    return str(request.node.name).replace("[", "-").replace("]", "")


@pytest.fixture
def account(real_mailbox: Dovecot, user: str) -> Build:
    def build(**credentials) -> Account:
        given = {
            "imap_host": "127.0.0.1",
            "imap_port": real_mailbox.port,
            "imap_username": user,
            "imap_password": PASSWORD,
            "imap_use_ssl": False,
            **credentials,
        }
        return Account("c", Kind.EMAIL, "desk@clinic.example", "Clinic", credentials=given)

    return build


def fetched(one: Account, uid: int = 0, *, limit: int = 100, largest: int = LARGEST) -> list[FetchedMail]:
    with open_mailbox(one) as mailbox:
        return list(mailbox.fetch_after(uid, limit=limit, largest=largest))


def refused(one: Account) -> SendError:
    with pytest.raises(SendError) as caught, open_mailbox(one):
        pass
    assert PASSWORD not in caught.value.message
    return caught.value


def test_what_is_new_comes_oldest_first(real_mailbox, account, user):
    real_mailbox.deliver(user, mail(1), mail(2), mail(3))
    with open_mailbox(account()) as mailbox:
        assert mailbox.uidvalidity > 0
        assert mailbox.uidnext == 4
        first, second = mailbox.fetch_after(1, limit=10, largest=LARGEST)
    assert (first.uid, second.uid) == (2, 3)
    assert first.raw == mail(2)
    assert first.size == len(mail(2))
    assert abs(first.received_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_nothing_new_is_nothing(real_mailbox, account, user):
    """Dovecot, as every server, answers `UID 3:*` with the last mail although its UID is 2."""
    real_mailbox.deliver(user, mail(1), mail(2))
    assert fetched(account(), 2) == []
    assert fetched(account(), 7) == []
    with real_mailbox.user(user) as box:
        assert box.uids("UID 3:*") == ["2"]


def test_so_many_at_once(real_mailbox, account, user):
    real_mailbox.deliver(user, *map(mail, range(5)))
    assert [one.uid for one in fetched(account(), 1, limit=2)] == [2, 3]
    assert fetched(account(), limit=0) == []


def test_an_empty_folder(account):
    assert fetched(account()) == []


def test_no_trace_is_left(real_mailbox, account, user):
    real_mailbox.deliver(user, mail(1), mail(2, length=LARGEST))
    assert len(fetched(account())) == 2
    with real_mailbox.user(user) as box:
        assert [one.flags for one in box.fetch(mark_seen=False)] == [(), ()]
        assert box.folder.status(options=["UNSEEN"]) == {"UNSEEN": 2}


def test_of_a_large_mail_only_the_headers_come(real_mailbox, account, user):
    real_mailbox.deliver(user, mail(1, length=LARGEST), mail(2))
    large, small = fetched(account())
    assert large.raw is None
    assert large.headers == b"Subject: mail 1\r\nFrom: ada@example.com\r\n\r\n"
    assert large.size == len(mail(1, length=LARGEST))
    assert small.raw == mail(2)
    assert small.headers == b""


def test_a_mail_of_exactly_the_size_comes_whole(real_mailbox, account, user):
    real_mailbox.deliver(user, mail(1))
    [one] = fetched(account(), largest=len(mail(1)))
    assert one.raw == mail(1)
    assert fetched(account(), largest=len(mail(1)) - 1)[0].raw is None


def test_a_folder_made_again_has_another_validity(real_mailbox, account, user):
    with real_mailbox.user(user) as box:
        box.folder.create("Desk")
    real_mailbox.deliver(user, mail(1), mail(2), folder="Desk")
    with open_mailbox(account(imap_folder="Desk")) as mailbox:
        before = mailbox.uidvalidity
    with real_mailbox.user(user) as box:
        box.folder.delete("Desk")
        box.folder.create("Desk")
    real_mailbox.deliver(user, mail(3), folder="Desk")
    with open_mailbox(account(imap_folder="Desk")) as mailbox:
        assert mailbox.uidvalidity != before
        assert mailbox.since(datetime.now(UTC).date() - timedelta(days=1)) == [1]
        assert mailbox.since(date(2099, 1, 1)) == []


def test_a_folder_with_a_name_beyond_ascii(real_mailbox, account, user):
    with real_mailbox.user(user) as box:
        box.folder.create('Büro & "Empfang" 受付')
    real_mailbox.deliver(user, mail(1), folder='Büro & "Empfang" 受付')
    assert [one.raw for one in fetched(account(imap_folder='Büro & "Empfang" 受付'))] == [mail(1)]


def test_waiting_ends_when_a_mail_comes(real_mailbox, account, user):
    with open_mailbox(account()) as mailbox:
        assert list(mailbox.fetch_after(0, limit=10, largest=LARGEST)) == []
        delivery = Timer(0.2, real_mailbox.deliver, [user, mail(1)])
        delivery.start()
        started = time.monotonic()
        assert mailbox.wait(10)
        assert time.monotonic() - started < 5
        delivery.join()
        assert [one.raw for one in mailbox.fetch_after(0, limit=10, largest=LARGEST)] == [mail(1)]
        assert not mailbox.wait(0.1)


def test_waiting_ends_after_its_time(real_mailbox, account, user):
    real_mailbox.deliver(user, mail(1))
    with open_mailbox(account()) as mailbox:
        started = time.monotonic()
        assert not mailbox.wait(0.3)
        assert 0.25 < time.monotonic() - started < 2
        assert len(list(mailbox.fetch_after(0, limit=10, largest=LARGEST))) == 1


def test_a_server_that_goes_away_in_the_middle(user):
    with dovecot() as server:
        server.deliver(user, mail(1), mail(2))
        one = Account(
            "c",
            Kind.EMAIL,
            "desk@clinic.example",
            "",
            {
                "imap_host": "127.0.0.1",
                "imap_port": server.port,
                "username": user,
                "password": PASSWORD,
                "imap_use_ssl": "false",
            },
        )
        with pytest.raises(SendError) as caught, open_mailbox(one) as mailbox:
            mails = mailbox.fetch_after(0, limit=10, largest=LARGEST)
            assert next(mails).raw == mail(1)
            server.stop()
            next(mails)
        assert (caught.value.code, caught.value.retry) == ("imap_connection", Retry.LATER)
        assert refused(one).retry is Retry.LATER


class TestSigningIn:
    def test_tls_from_the_start_is_the_rule(self, real_mailbox, account, user, trusted):
        real_mailbox.deliver(user, mail(1))
        assert len(fetched(account(imap_port=real_mailbox.tls_port, imap_use_ssl=None))) == 1

    def test_starttls(self, real_mailbox, account, user, trusted, monkeypatch):
        monkeypatch.setattr(servers, "is_loopback", lambda host: False)
        real_mailbox.deliver(user, mail(1))
        assert len(fetched(account())) == 1

    @pytest.mark.parametrize("is_from_the_start", [True, False])
    def test_a_certificate_of_nobody(self, real_mailbox, account, monkeypatch, is_from_the_start):
        monkeypatch.setattr(servers, "is_loopback", lambda host: False)
        port = real_mailbox.tls_port if is_from_the_start else real_mailbox.port
        error = refused(account(imap_port=port, imap_use_ssl=is_from_the_start))
        assert (error.code, error.retry) == ("imap_certificate", Retry.FIX)

    def test_tls_on_a_port_that_speaks_none(self, real_mailbox, account):
        error = refused(account(imap_use_ssl=True))
        assert (error.code, error.retry) == ("imap_tls", Retry.FIX)

    @pytest.mark.parametrize("password", ["wrong", "fälsch", 'a"b\\c'])
    def test_a_wrong_password(self, account, password):
        error = refused(account(imap_password=password))
        assert (error.code, error.retry) == ("imap_login", Retry.FIX)
        assert "app password" in error.message
        assert password not in error.message

    def test_a_folder_that_is_not_there(self, account):
        error = refused(account(imap_folder="Dësk"))
        assert (error.code, error.retry) == ("imap_folder", Retry.FIX)
        assert "«Dësk»" in error.message

    @pytest.mark.parametrize(
        ("credentials", "code"),
        [
            ({"imap_host": ""}, "imap_host"),
            ({"imap_host": "a" * 70 + ".example"}, "imap_host"),
            ({"imap_port": "many"}, "imap_port"),
            ({"imap_folder": "a\r\nx LOGOUT"}, "imap_folder"),
            ({"imap_password": "a\r\nx LOGOUT"}, "imap_username"),
            ({"imap_username": "a\x00b"}, "imap_username"),
            ({"imap_password": "", "oauth_token": "a b"}, "oauth_token"),
        ],
    )
    def test_wrong_settings_are_named(self, account, credentials, code):
        error = refused(account(**credentials))
        assert (error.code, error.retry) == (code, Retry.FIX)

    def test_a_private_network_is_refused_unless_it_is_allowed(self, settings, account):
        settings.MAIL_ALLOWED_HOSTS = []
        error = refused(account())
        assert (error.code, error.retry) == ("imap_host", Retry.FIX)
        assert "MAIL_ALLOWED_HOSTS" in error.message


class TestCheck:
    def test_both_servers_are_tried(self, account):
        with mail_server() as server:
            outgoing = {"host": "127.0.0.1", "port": server.port, "use_starttls": False}
            assert provider("smtp").check(account(**outgoing)) == []
            [problem] = provider("smtp").check(account(**outgoing, imap_folder="Nowhere"))
        assert problem.code == "imap_folder"
        codes = [one.code for one in provider("smtp").check(account(**outgoing, imap_port=1))]
        assert codes == ["connection", "imap_connection"]

    def test_the_next_step_is_reported(self, account):
        problems = provider("smtp").check(account(host="127.0.0.1", port=1, use_starttls=False, imap_port=1))
        assert not any("tried again by itself" in problem.detail for problem in problems)


def test_the_own_port_follows_the_way_of_tls(account):
    assert imap_client.IncomingServer.of(account(imap_port="", imap_use_ssl=None)).port == 993
    assert imap_client.IncomingServer.of(account(imap_port=None, imap_use_ssl="false")).port == 143
