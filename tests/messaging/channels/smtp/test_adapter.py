from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from messaging.channels.base import Account, Kind, OutgoingMessage, Retry, SendError, SendUnconfirmed
from messaging.channels.registry import provider
from tests.fakes.smtp import (
    CLOSE,
    END_OF_DATA,
    GREETING,
    PASSWORD,
    SILENCE,
    USERNAME,
    mail_server,
    scripted_mail_server,
)

smtp = provider("smtp")
MAIL = OutgoingMessage(id="0190a0a0-0000-7000-8000-000000000001", to="ada@example.com", body="Hello", subject="Visit")


def account(to_port: int | str, **credentials) -> Account:
    given = {"host": "127.0.0.1", "port": to_port, "use_starttls": False, **credentials}
    return Account("c", Kind.EMAIL, "desk@clinic.example", "Clinic", credentials=given)


def refused(one: Account, message: OutgoingMessage = MAIL) -> SendError:
    with pytest.raises(SendError) as caught:
        smtp.send(one, message)
    return caught.value


class TestSending:
    def test_a_mail_arrives_as_it_was_written(self):
        with mail_server() as server:
            result = smtp.send(account(server.port), replace(MAIL, body="one\n.two\n.\n..three\n", in_reply_to="<a@x>"))
        [received] = server.received
        assert (received.sender, received.recipients) == ("desk@clinic.example", ["ada@example.com"])
        assert received.mail.get_body(("plain",)).get_content().splitlines() == ["one", ".two", ".", "..three"]
        assert received.mail["In-Reply-To"] == "<a@x>"
        assert result.provider_message_id == received.mail["Message-ID"] == f"<{MAIL.id}@clinic.example>"
        assert result.status == "sent"

    def test_letters_beyond_ascii_in_an_address(self):
        with mail_server() as server:
            smtp.send(account(server.port), replace(MAIL, to="zoë@bücher.example"))
        assert server.received[0].recipients == ["zoë@xn--bcher-kva.example"]

    def test_a_server_that_cannot_take_such_an_address(self):
        with scripted_mail_server({}) as server:
            assert refused(account(server.port), replace(MAIL, to="zoë@example.com")).code == "smtputf8"

    @pytest.mark.parametrize("how", ["use_starttls", "use_ssl"])
    def test_signed_in_over_tls(self, tls_context, trusted, how):
        server_side = {"starttls": tls_context} if how == "use_starttls" else {"tls": tls_context}
        given = {"use_starttls": "false", how: "true", "username": USERNAME, "password": PASSWORD}
        with mail_server(**server_side, has_sign_in=how == "use_starttls") as server:
            if how == "use_ssl":
                given |= {"username": "", "password": ""}
            smtp.send(account(str(server.port), **given), MAIL)
        assert len(server.received) == 1

    def test_a_wrong_password_is_for_the_administrators(self, tls_context, trusted):
        with mail_server(starttls=tls_context, has_sign_in=True) as server:
            one = account(server.port, use_starttls=True, username=USERNAME, password="wrong")
            error = refused(one)
        assert error.code.startswith("535")
        assert error.retry is Retry.FIX
        assert "administrators" in error.message
        assert "wrong" not in error.message


class TestSafety:
    @pytest.mark.parametrize("how", ["use_starttls", "use_ssl"])
    def test_a_certificate_of_nobody_is_refused_before_the_password(self, tls_context, how):
        server_side = {"starttls": tls_context} if how == "use_starttls" else {"tls": tls_context}
        with mail_server(**server_side) as server:
            error = refused(account(server.port, **{how: True}, username=USERNAME, password=PASSWORD))
        assert (error.code, error.retry) == ("certificate", Retry.FIX)
        assert server.received == []

    def test_a_server_without_starttls_gets_no_password(self):
        with scripted_mail_server({}) as server:
            error = refused(account(server.port, use_starttls=True, username=USERNAME, password=PASSWORD))
        assert (error.code, error.retry) == ("tls", Retry.FIX)
        assert not any(command.startswith("AUTH") for command in server.commands)

    def test_tls_is_the_rule_when_nothing_is_chosen(self):
        with scripted_mail_server({}) as server:
            one = Account("c", Kind.EMAIL, "desk@clinic.example", "", {"host": "127.0.0.1", "port": server.port})
            assert refused(one).code == "tls"

    def test_a_password_does_not_cross_the_network_in_the_clear(self):
        error = refused(account(25, host="mail.example.com", username=USERNAME, password=PASSWORD))
        assert (error.code, error.retry) == ("use_starttls", Retry.FIX)

    def test_plain_tls_on_a_port_that_speaks_none(self):
        with scripted_mail_server({}) as server:
            assert refused(account(server.port, use_ssl=True)).code == "tls"

    @pytest.mark.parametrize(
        ("credentials", "code"),
        [
            ({"host": ""}, "host"),
            ({"port": "many"}, "port"),
            ({"port": 70000}, "port"),
            ({"use_ssl": True, "use_starttls": True}, "use_ssl"),
            ({"host": "a" * 70 + ".example"}, "host"),
        ],
    )
    def test_wrong_settings_are_named(self, credentials, code):
        assert refused(account(25, **credentials)).code == code

    def test_a_line_end_in_an_address_reaches_no_server(self):
        with scripted_mail_server({}) as server:
            assert refused(account(server.port), replace(MAIL, to="a@b.c>\r\nRCPT TO:<x@y.z")).code == "address"
        assert server.commands == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("step", "reply", "code", "retry"),
        [
            (GREETING, "554 5.7.1 not you", "554 5.7.1", Retry.FIX),
            (GREETING, "421 4.3.2 closing", "421 4.3.2", Retry.LATER),
            ("MAIL", "550 5.7.1 not this sender", "550 5.7.1", Retry.FIX),
            ("MAIL", "550 no such sender", "550", Retry.FIX),
            ("MAIL", "530 5.7.0 sign in first", "530 5.7.0", Retry.FIX),
            ("RCPT", "550 5.1.1 no such user", "550 5.1.1", Retry.NEVER),
            ("RCPT", "550 no such user", "550", Retry.NEVER),
            ("RCPT", "553 mailbox name", "553", Retry.NEVER),
            ("RCPT", "550 5.7.1 relaying denied", "550 5.7.1", Retry.FIX),
            ("RCPT", "554 5.7.1 relaying denied", "554 5.7.1", Retry.FIX),
            ("RCPT", "552 5.2.2 full", "552 5.2.2", Retry.FIX),
            ("RCPT", "450 4.2.0 greylisted", "450 4.2.0", Retry.LATER),
            ("DATA", "451 4.3.0 not now", "451 4.3.0", Retry.LATER),
            (END_OF_DATA, "554 5.6.0 content refused", "554 5.6.0", Retry.FIX),
            (END_OF_DATA, "452 4.3.1 disk full", "452 4.3.1", Retry.LATER),
        ],
    )
    def test_a_reply_has_its_class(self, step, reply, code, retry):
        with scripted_mail_server({step: reply}) as server:
            error = refused(account(server.port))
        assert (error.code, error.retry) == (code, retry)
        assert smtp.explain(code).retry in {retry, Retry.NEVER}

    def test_the_servers_words_are_reported_without_the_address(self):
        with scripted_mail_server({"RCPT": "550 5.1.1 <ADA@example.com>: user unknown\x1b[2J"}) as server:
            error = refused(account(server.port))
        assert "user unknown" in error.message
        assert "ada@" not in error.message.lower()
        assert "\x1b" not in error.message

    def test_a_refused_connection_is_tried_again_later(self):
        with scripted_mail_server({}) as server:
            port = server.port
        error = refused(account(port))
        assert (error.code, error.retry) == ("connection", Retry.LATER)

    @pytest.mark.parametrize("step", [GREETING, "EHLO", "MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("how", [CLOSE, SILENCE])
    def test_lost_before_the_text_left_is_tried_again_later(self, settings, step, how):
        settings.PROVIDER_TIMEOUT_SECONDS = 0.2
        replies = {step: how, "HELO": how} if step == "EHLO" else {step: how}
        with scripted_mail_server(replies) as server:
            error = refused(account(server.port))
        assert (error.code, error.retry) == ("connection", Retry.LATER)
        assert server.content == b""

    @pytest.mark.parametrize("reply", [CLOSE, SILENCE, "nonsense", "299"])
    def test_lost_after_the_text_left_is_unconfirmed(self, settings, reply):
        settings.PROVIDER_TIMEOUT_SECONDS = 0.2
        with scripted_mail_server({END_OF_DATA: reply}) as server:
            if reply == "299":
                smtp.send(account(server.port), MAIL)
            else:
                with pytest.raises(SendUnconfirmed):
                    smtp.send(account(server.port), MAIL)
        assert b"Hello" in server.content

    def test_a_server_that_does_not_say_goodbye_costs_a_second(self):
        with scripted_mail_server({"QUIT": SILENCE}) as server:
            started = time.monotonic()
            smtp.send(account(server.port), MAIL)
        assert time.monotonic() - started < 1.9


def test_a_mail_server_cannot_be_asked_what_it_took():
    assert smtp.find_sent(account(25), MAIL, since=datetime.now(UTC)) is None


class TestCheck:
    def test_a_server_that_is_well(self, tls_context, trusted):
        with mail_server(starttls=tls_context, has_sign_in=True) as server:
            one = account(server.port, use_starttls=True, username=USERNAME, password=PASSWORD)
            assert smtp.check(one) == []
        assert server.received == []

    @pytest.mark.parametrize(
        ("replies", "code"),
        [({GREETING: "421 4.3.2 closing"}, "421 4.3.2"), ({"EHLO": CLOSE, "HELO": CLOSE}, "connection")],
    )
    def test_what_is_wrong_is_reported_with_the_next_step(self, replies, code):
        with scripted_mail_server(replies) as server:
            [problem] = smtp.check(account(server.port))
        assert problem.code == code
        assert "tried again by itself" not in problem.detail

    def test_a_channel_without_an_address(self):
        [problem] = smtp.check(replace(account(25), address="desk"))
        assert problem.code == "address"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "::1", "::ffff:10.0.0.7", "0.0.0.0"]
)
def test_a_server_in_a_private_network_is_refused_unless_it_is_allowed(settings, host):
    settings.MAIL_ALLOWED_HOSTS = []
    with mail_server() as server:
        refusal = refused(account(server.port, host=host))
        [problem] = smtp.check(account(server.port, host=host))
        assert server.received == []
    assert (refusal.code, refusal.retry) == ("host", Retry.FIX)
    assert "MAIL_ALLOWED_HOSTS" in refusal.message
    assert problem.code == "host"


def test_an_allowed_server_may_be_in_a_private_network(settings):
    settings.MAIL_ALLOWED_HOSTS = ["127.0.0.1"]
    with mail_server() as server:
        smtp.send(account(server.port), MAIL)
        assert len(server.received) == 1
