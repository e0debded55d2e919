"""What a real server does not do when it is asked to: refuse, lie, break off, talk nonsense."""

from __future__ import annotations

import base64
import time
from contextlib import contextmanager
from datetime import date

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from messaging.channels.base import Account, Kind, Retry, SendError
from messaging.channels.smtp import imap, servers
from messaging.channels.smtp.imap import open_mailbox
from tests.fakes.imap import CLOSE, ENCRYPT, GREETING, LISTEN, SILENCE, scripted_mailbox

TOKEN = "ya29.a0-token"
SIZES = b'* 1 FETCH (UID 1 RFC822.SIZE %d INTERNALDATE " 1-Nov-2026 10:00:00 +0200")\r\n%%(tag)s OK done\r\n'


def account(port: int, **credentials) -> Account:
    given = {
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_use_ssl": False,
        "username": "desk",
        "password": "secret",
        **credentials,
    }
    return Account("c", Kind.EMAIL, "desk@clinic.example", "Clinic", credentials=given)


def refused(one: Account) -> SendError:
    with pytest.raises(SendError) as caught, open_mailbox(one) as mailbox:
        list(mailbox.fetch_after(0, limit=10, largest=1000))
    assert TOKEN not in caught.value.message
    assert "secret" not in caught.value.message
    return caught.value


@contextmanager
def sequence(*replies: bytes):
    """A server whose FETCHes are answered one after another."""

    class InTurn(list):
        def __iter__(self):
            return iter([self.pop(0)] if len(self) > 1 else list.copy(self))

    with scripted_mailbox(
        {"UID SEARCH": [b"* SEARCH 1\r\n%(tag)s OK done\r\n"], "UID FETCH": InTurn(replies)}
    ) as server:
        yield server


class TestToken:
    CAPABILITY = b"* CAPABILITY IMAP4rev1 AUTH=%s\r\n%%(tag)s OK done\r\n"

    @pytest.mark.parametrize(
        ("mechanism", "expected"),
        [
            (b"XOAUTH2", "user=desk\x01auth=Bearer {token}\x01\x01"),
            (b"OAUTHBEARER", "n,a=desk,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer {token}\x01\x01"),
        ],
    )
    def test_it_signs_in(self, mechanism, expected):
        replies = {
            "CAPABILITY": [self.CAPABILITY % mechanism],
            "AUTHENTICATE": [b"+ \r\n", LISTEN, b"%(tag)s OK welcome\r\n"],
        }
        with scripted_mailbox(replies) as server, open_mailbox(account(server.port, oauth_token=TOKEN)) as mailbox:
            assert mailbox.uidvalidity == 7
        said = server.lines[server.lines.index(next(line for line in server.lines if "AUTHENTICATE" in line)) + 1]
        assert base64.b64decode(said).decode() == expected.format(token=TOKEN, port=server.port)

    def test_one_that_is_refused(self):
        replies = {
            "CAPABILITY": [self.CAPABILITY % b"XOAUTH2"],
            "AUTHENTICATE": [
                b"+ \r\n",
                LISTEN,
                b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n",
                LISTEN,
                b"%(tag)s NO " + TOKEN.encode(),
            ],
        }
        replies["AUTHENTICATE"][-1] += b" is old\r\n"
        with scripted_mailbox(replies) as server:
            error = refused(account(server.port, oauth_token=TOKEN))
        assert (error.code, error.retry) == ("imap_login", Retry.FIX)

    def test_a_server_that_takes_none(self):
        with scripted_mailbox({}) as server:
            assert refused(account(server.port, oauth_token=TOKEN)).code == "oauth_token"

    def test_one_that_asks_for_ever(self):
        replies = {
            "CAPABILITY": [self.CAPABILITY % b"XOAUTH2"],
            "AUTHENTICATE": [b"+ \r\n", LISTEN] * 50,
        }
        with scripted_mailbox(replies) as server:
            assert refused(account(server.port, oauth_token=TOKEN)).retry is Retry.LATER

    def test_an_own_password_goes_before_it(self):
        with scripted_mailbox({}) as server, open_mailbox(account(server.port, oauth_token=TOKEN, imap_password="own")):
            pass
        assert any('LOGIN "desk" "own"' in line for line in server.lines)


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "code", "retry"),
        [
            (b"[AUTHENTICATIONFAILED] no", "imap_login", Retry.FIX),
            (b"no", "imap_login", Retry.FIX),
            (b"[UNAVAILABLE] the directory sleeps", "imap_busy", Retry.LATER),
            (b"[ALERT] Too many simultaneous connections", "imap_busy", Retry.LATER),
        ],
    )
    def test_signing_in(self, words, code, retry):
        with scripted_mailbox({"LOGIN": [b"%(tag)s NO " + words + b"\r\n"]}) as server:
            error = refused(account(server.port))
        assert (error.code, error.retry) == (code, retry)

    @pytest.mark.parametrize(
        ("step", "reply", "code", "retry"),
        [
            (GREETING, [b"* BYE too many connections\r\n"], "imap_busy", Retry.LATER),
            (GREETING, [CLOSE], "imap_connection", Retry.LATER),
            (GREETING, [SILENCE], "imap_connection", Retry.LATER),
            (GREETING, [b"220 mail.example.com ESMTP\r\n"], "imap_connection", Retry.LATER),
            ("LOGIN", [CLOSE], "imap_connection", Retry.LATER),
            ("EXAMINE", [b"%(tag)s NO [NONEXISTENT] no such folder\r\n"], "imap_folder", Retry.FIX),
            ("EXAMINE", [b"%(tag)s NO [INUSE] locked\r\n"], "imap_busy", Retry.LATER),
            ("EXAMINE", [b"* 1 EXISTS\r\n%(tag)s OK open\r\n"], "imap_busy", Retry.LATER),
            ("UID SEARCH", [b"%(tag)s NO not now\r\n"], "imap_busy", Retry.LATER),
            ("UID SEARCH", [b"* SEARCH one two\r\n%(tag)s OK done\r\n"], "imap_answer", Retry.LATER),
            ("UID FETCH", [b"%(tag)s NO corrupted\r\n"], "imap_fetch", Retry.LATER),
            ("UID FETCH", [b"* 1 FETCH (UID 1 BODY[] {999999999999}\r\n"], "imap_connection", Retry.LATER),
            ("UID FETCH", [b"* 1 FETCH (UID 1 BODY[] {10}\r\nhal", CLOSE], "imap_connection", Retry.LATER),
            ("UID FETCH", [b"* OK more\r\n" * 200_000 + b"%(tag)s OK done\r\n"], "imap_connection", Retry.LATER),
        ],
    )
    def test_whatever_fails_is_reported(self, settings, step, reply, code, retry):
        settings.PROVIDER_TIMEOUT_SECONDS = 0.4
        with scripted_mailbox({step: reply}) as server:
            error = refused(account(server.port))
        assert (error.code, error.retry) == (code, retry)


class TestStarttls:
    CAPABILITY = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%(tag)s OK done\r\n"

    @pytest.fixture(autouse=True)
    def elsewhere(self, monkeypatch):
        """To our eyes the server is not on this machine."""
        monkeypatch.setattr(servers, "is_loopback", lambda host: False)

    def test_a_server_without_it_gets_no_password(self):
        with scripted_mailbox({}) as server:
            error = refused(account(server.port))
        assert (error.code, error.retry) == ("imap_tls", Retry.FIX)
        assert not any("LOGIN" in line for line in server.lines)

    def test_one_that_refuses_it_gets_no_password(self):
        with scripted_mailbox({"CAPABILITY": [self.CAPABILITY], "STARTTLS": [b"%(tag)s NO no\r\n"]}) as server:
            assert refused(account(server.port)).code == "imap_tls"
        assert not any("LOGIN" in line for line in server.lines)

    def test_one_that_claims_to_know_us_already_gets_no_password(self):
        replies = {GREETING: [b"* PREAUTH welcome\r\n"], "CAPABILITY": [self.CAPABILITY]}
        with scripted_mailbox(replies) as server:
            assert refused(account(server.port)).code in {"imap_tls", "imap_connection"}
        assert not any("LOGIN" in line for line in server.lines)

    def test_what_was_slipped_in_before_tls_is_not_believed(self, trusted, tls_context):
        """Somebody on the way adds lines to the server's last one in the clear."""
        slipped = b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 IDLE SLIPPED\r\n"
        replies = {"CAPABILITY": [self.CAPABILITY], "STARTTLS": [b"%(tag)s OK go\r\n" + slipped, ENCRYPT]}
        with scripted_mailbox(replies, tls=tls_context) as server, open_mailbox(account(server.port)) as mailbox:
            assert "SLIPPED" not in mailbox._client.capabilities
            assert mailbox.uidnext == 4


class TestFetching:
    def test_a_mail_larger_than_the_server_says(self):
        body, headers = b"Subject: x\r\n\r\n" + b"y" * 987, b"Subject: x\r\n\r\n"
        with (
            sequence(
                SIZES % 10,
                b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%s)\r\n%%(tag)s OK done\r\n" % (len(body), body),
                b"* 1 FETCH (BODY[HEADER]<0> {%d}\r\n%s UID 1)\r\n%%(tag)s OK done\r\n" % (len(headers), headers),
            ) as server,
            open_mailbox(account(server.port)) as mailbox,
        ):
            [mail] = mailbox.fetch_after(0, limit=10, largest=1000)
        assert mail.raw is None
        assert mail.headers == headers
        assert mail.received_at.isoformat() == "2026-11-01T08:00:00+00:00"
        assert any("BODY.PEEK[]<0.1001>" in line for line in server.lines)

    @pytest.mark.parametrize(("said", "expected"), [(b'"a\\"b"', b'a"b'), (b'""', b""), (b"NIL", b"")])
    def test_a_short_one_without_a_length(self, said, expected):
        reply = b"* 1 FETCH (UID 1 BODY[]<0> " + said + b")\r\n%(tag)s OK done\r\n"
        with sequence(SIZES % 3, reply) as server, open_mailbox(account(server.port)) as mailbox:
            [mail] = mailbox.fetch_after(0, limit=10, largest=1000)
        assert mail.raw == expected

    def test_one_that_disappears_meanwhile_is_passed_over(self):
        reply = b"* 1 EXPUNGE\r\n%(tag)s OK done\r\n"
        searches = [b"* SEARCH 1\r\n%(tag)s OK done\r\n", b"* SEARCH\r\n%(tag)s OK done\r\n"]
        with (
            in_turn({}, [SIZES % 3, reply], searches=searches) as server,
            open_mailbox(account(server.port)) as mailbox,
        ):
            assert list(mailbox.fetch_after(0, limit=10, largest=1000)) == []

    def test_news_of_flags_between_are_not_taken_for_a_mail(self):
        news = b"* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n"
        body = b"* 1 FETCH (BODY[]<0> {3}\r\nabc UID 1)\r\n%(tag)s OK done\r\n"
        with sequence(news + SIZES % 3, news + body) as server, open_mailbox(account(server.port)) as mailbox:
            assert [mail.raw for mail in mailbox.fetch_after(0, limit=10, largest=1000)] == [b"abc"]

    def test_a_server_that_says_no_numbers_when_it_opens_is_asked(self):
        replies = {
            "EXAMINE": [b"* 1 EXISTS\r\n%(tag)s OK open\r\n"],
            "STATUS": [b'* STATUS "INBOX" (UIDVALIDITY 9 UIDNEXT 5)\r\n%(tag)s OK done\r\n'],
        }
        with scripted_mailbox(replies) as server, open_mailbox(account(server.port)) as mailbox:
            assert (mailbox.uidvalidity, mailbox.uidnext) == (9, 5)


class TestWaiting:
    @pytest.mark.parametrize(
        ("reply", "seconds", "expected"),
        [
            ([b"+ idling\r\n* 4 EXISTS\r\n", LISTEN, b"%(tag)s OK done\r\n"], 5, True),
            ([b"* 4 EXISTS\r\n+ idling\r\n", LISTEN, b"%(tag)s OK done\r\n"], 5, True),
            ([b"+ idling\r\n* OK still here\r\n* 2 EXPUNGE\r\n", LISTEN, b"%(tag)s OK done\r\n"], 0.2, False),
            ([b"+ idling\r\n", LISTEN, b"* 4 EXISTS\r\n%(tag)s OK done\r\n"], 0.2, True),
            ([b"%(tag)s NO not today\r\n"], 5, False),
        ],
    )
    def test_a_mail_is_noticed_however_it_arrives(self, reply, seconds, expected):
        with scripted_mailbox({"IDLE": reply}) as server, open_mailbox(account(server.port)) as mailbox:
            started = time.monotonic()
            assert mailbox.wait(seconds) is expected
            assert time.monotonic() - started < 2

    def test_one_that_was_announced_while_others_were_fetched(self):
        replies = {
            "UID SEARCH": [b"* SEARCH 1\r\n%(tag)s OK done\r\n"],
            "UID FETCH": [b"* 1 FETCH (UID 1 RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)\r\n* 4 EXISTS\r\n%(tag)s OK done\r\n"],
        }
        with scripted_mailbox(replies) as server, open_mailbox(account(server.port)) as mailbox:
            list(mailbox.fetch_after(0, limit=10, largest=1000))
            assert mailbox.wait(5)

    def test_a_server_without_idle(self):
        replies = {"CAPABILITY": [b"* CAPABILITY IMAP4rev1\r\n%(tag)s OK done\r\n"]}
        with scripted_mailbox(replies) as server, open_mailbox(account(server.port)) as mailbox:
            assert not mailbox.wait(5)

    @pytest.mark.parametrize("reply", [[b"+ idling\r\n", CLOSE], [b"+ idling\r\n* BYE\r\n", CLOSE], [SILENCE]])
    def test_a_server_that_goes_away(self, settings, reply):
        settings.PROVIDER_TIMEOUT_SECONDS = 0.3
        with (
            scripted_mailbox({"IDLE": reply}) as server,
            open_mailbox(account(server.port)) as mailbox,
            pytest.raises(SendError) as caught,
        ):
            mailbox.wait(0.2)
        assert (caught.value.code, caught.value.retry) == ("imap_connection", Retry.LATER)


@given(
    step=st.sampled_from([GREETING, "CAPABILITY", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH", "IDLE"]),
    reply=st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    b"* ",
                    b"+ ",
                    b"%(tag)s ",
                    b"OK ",
                    b"NO ",
                    b"BYE ",
                    b"1 ",
                    b"FETCH ",
                    b"SEARCH ",
                    b"(UID 1 ",
                    b"BODY[] ",
                    b"RFC822.SIZE 9",
                    b"{3}\r\n",
                    b"{",
                    b'"',
                    b")",
                    b"[UIDNEXT x] ",
                    b"EXISTS",
                    b"\r\n",
                    b"\xff",
                    b"\x00",
                ]
            ),
            max_size=12,
        ).map(b"".join),
    ),
)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_server_says_nothing_else_is_raised(settings, step, reply):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.3
    with scripted_mailbox({step: [reply + b"\r\n", CLOSE]}) as server:
        try:
            with open_mailbox(account(server.port)) as mailbox:
                list(mailbox.fetch_after(0, limit=10, largest=1000))
                mailbox.since(imap.date(2026, 11, 21))
                mailbox.wait(0)
        except SendError:
            pass


class TestNothingIsSkipped:
    """A mail that the server lists and does not give is asked for again; one that it no longer lists is passed over."""

    LISTED = b"* SEARCH 1 2\r\n%(tag)s OK done\r\n"
    SIZES = b"* 1 FETCH (UID 1 RFC822.SIZE 9)\r\n* 2 FETCH (UID 2 RFC822.SIZE 9)\r\n%(tag)s OK done\r\n"
    SECOND = b"* 2 FETCH (UID 2 BODY[]<0> {9}\r\nA: b\r\n\r\nc)\r\n%(tag)s OK done\r\n"
    NOTHING = b"%(tag)s OK done\r\n"

    @pytest.mark.parametrize(
        "answers",
        [
            [NOTHING, SECOND],  # no sizes
            [b"* 2 FETCH (UID 2 RFC822.SIZE 9)\r\n%(tag)s OK done\r\n", SECOND],  # one size of two
            [SIZES, NOTHING, SECOND],
            [SIZES, b"* 1 FETCH (FLAGS (\\Seen))\r\n%(tag)s OK done\r\n", SECOND],
            [SIZES, b"* 7 FETCH (UID 7 BODY[]<0> {1}\r\nx)\r\n%(tag)s OK done\r\n", SECOND],
        ],
    )
    def test_what_is_listed_and_not_given(self, answers):
        with in_turn({"UID SEARCH": [self.LISTED]}, answers) as server:
            assert refused(account(server.port)).retry == Retry.LATER

    def test_what_is_gone_meanwhile(self):
        gone = b"* SEARCH 2\r\n%(tag)s OK done\r\n"
        with (
            in_turn({}, [self.SIZES, self.NOTHING, self.SECOND], searches=[self.LISTED, gone]) as server,
            open_mailbox(account(server.port)) as mailbox,
        ):
            assert [mail.uid for mail in mailbox.fetch_after(0, limit=10, largest=1000)] == [2]

    @pytest.mark.parametrize("answer", [b"* SEARCH\r\n%(tag)s OK done\r\n", NOTHING])
    def test_a_search_that_is_not_answered_has_not_found_nothing(self, answer):
        with scripted_mailbox({"UID SEARCH": [answer]}) as server, open_mailbox(account(server.port)) as mailbox:
            if answer == self.NOTHING:
                with pytest.raises(SendError):
                    mailbox.since(date(2026, 11, 1))
            else:
                assert mailbox.since(date(2026, 11, 1)) == []


@contextmanager
def in_turn(replies, fetches, *, searches=()):
    class InTurn(list):
        def __iter__(self):
            return iter([self.pop(0)] if len(self) > 1 else list.copy(self))

    with scripted_mailbox(
        {**({"UID SEARCH": InTurn(searches)} if searches else {}), **replies, "UID FETCH": InTurn(fetches)}
    ) as server:
        yield server
