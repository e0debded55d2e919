from __future__ import annotations

import base64
import logging
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from messaging.channels.base import Account, Kind, OutgoingFile, OutgoingMessage, Retry, SendError, SendUnconfirmed
from messaging.channels.registry import provider
from tests.fakes.smtp import CLOSE, END_OF_DATA, GREETING, mail_server, scripted_mail_server

smtp = provider("smtp")
MAIL = OutgoingMessage(
    id="m-1", to="ada@example.com", body="Hello", subject="Visit", cc=["bob@example.com", "eve@x.example"]
)
TOKEN = "ya29.a0-token"


def account(port: int, **credentials) -> Account:
    given = {"host": "127.0.0.1", "port": port, "use_starttls": False, **credentials}
    return Account("c", Kind.EMAIL, "desk@clinic.example", "Clinic", credentials=given)


def refused(one: Account, message: OutgoingMessage = MAIL) -> SendError:
    with pytest.raises(SendError) as caught:
        smtp.send(one, message)
    return caught.value


class TestCopies:
    def test_everybody_gets_it(self):
        with mail_server() as server:
            smtp.send(account(server.port), MAIL)
        [received] = server.received
        assert received.recipients == ["ada@example.com", "bob@example.com", "eve@x.example"]
        assert received.mail["Cc"] == "bob@example.com, eve@x.example"

    def test_one_that_is_refused_does_not_keep_it_from_the_others(self, caplog):
        replies = {"RCPT": ["250 ok", "550 5.1.1 <bob@example.com> nobody", "250 ok"]}
        with scripted_mail_server(replies) as server, caplog.at_level(logging.WARNING):
            smtp.send(account(server.port), MAIL)
        assert b"Hello" in server.content
        assert "refused 1 of 2 copies of a mail: 550 5.1.1." in caplog.text
        assert "bob" not in caplog.text

    def test_a_refused_recipient_is_a_refusal(self):
        with scripted_mail_server({"RCPT": ["550 5.1.1 nobody", "250 ok"]}) as server:
            assert refused(account(server.port)).retry is Retry.NEVER
        assert server.content == b""

    def test_a_server_that_closes_at_a_copy(self):
        with scripted_mail_server({"RCPT": ["250 ok", "421 4.7.0 enough"]}) as server:
            assert refused(account(server.port)).retry is Retry.LATER
        assert server.content == b""


class TestSize:
    def test_a_mail_too_large_for_the_server_does_not_travel(self):
        with scripted_mail_server({"EHLO": "250-mail.example.com\r\n250 SIZE 1000"}) as server:
            error = refused(account(server.port), replace(MAIL, body="x" * 1000))
        assert (error.code, error.retry) == ("size", Retry.FIX)
        assert "0.0 MB" in error.message
        assert not any(command.startswith("MAIL") for command in server.commands)

    @pytest.mark.parametrize("said", ["SIZE", "SIZE 0", "SIZE lots"])
    def test_a_server_that_says_no_number_takes_any(self, said):
        with scripted_mail_server({"EHLO": f"250-mail.example.com\r\n250 {said}"}) as server:
            smtp.send(account(server.port), MAIL)
        assert any("SIZE=" in command for command in server.commands)

    def test_a_large_file_arrives(self):
        content = bytes(range(256)) * 16_000
        file = OutgoingFile("a.bin", "application/zip", len(content), "", lambda: BytesIO(content))
        with mail_server() as server:
            smtp.send(account(server.port), replace(MAIL, files=[file]))
        [part] = server.received[0].mail.iter_attachments()
        assert part.get_content() == content

    def test_one_that_the_server_refuses_for_its_size(self):
        with scripted_mail_server({"MAIL": "552 5.3.4 too big"}) as server:
            assert refused(account(server.port)).retry is Retry.FIX


def test_a_connection_lost_before_the_end_of_the_text_is_tried_again():
    """Without its end no server takes a mail, so that nothing is unconfirmed."""
    content = bytes(8_000_000)
    file = OutgoingFile("a.bin", "application/zip", len(content), "", lambda: BytesIO(content))
    with scripted_mail_server({"DATA": ["354 go on"], END_OF_DATA: CLOSE}) as server:
        server.hangs_up_in_text = True
        error = refused(account(server.port), replace(MAIL, files=[file]))
    assert (error.code, error.retry) == ("connection", Retry.LATER)


class TestToken:
    @staticmethod
    def said(server) -> str:
        [command] = [command for command in server.commands if command.startswith("AUTH")]
        return base64.b64decode(command.split()[2]).decode()

    def test_xoauth2(self):
        with scripted_mail_server(
            {"EHLO": "250-mail.example\r\n250 AUTH PLAIN XOAUTH2", "AUTH": "235 welcome"}
        ) as server:
            smtp.send(account(server.port, oauth_token=TOKEN, password="unused", username="me@x.example"), MAIL)
        assert self.said(server) == f"user=me@x.example\x01auth=Bearer {TOKEN}\x01\x01"

    def test_oauthbearer_is_the_standard(self):
        with scripted_mail_server(
            {"EHLO": "250-mail.example\r\n250 AUTH XOAUTH2 OAUTHBEARER", "AUTH": "235 welcome"}
        ) as server:
            smtp.send(account(server.port, oauth_token=TOKEN), MAIL)
        assert self.said(server) == (
            f"n,a=desk@clinic.example,\x01host=127.0.0.1\x01port={server.port}\x01auth=Bearer {TOKEN}\x01\x01"
        )

    @pytest.mark.parametrize(("mechanism", "acknowledged"), [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
    def test_a_token_that_is_refused_is_for_the_administrators(self, mechanism, acknowledged):
        replies = {
            "EHLO": f"250-mail.example\r\n250 AUTH {mechanism}",
            "AUTH": "334 eyJzdGF0dXMiOiI0MDEifQ==",
            acknowledged: f"535 5.7.8 {TOKEN} is old",
        }
        with scripted_mail_server(replies) as server:
            error = refused(account(server.port, oauth_token=TOKEN))
        assert (error.code, error.retry) == ("535 5.7.8", Retry.FIX)
        assert TOKEN not in error.message

    def test_a_server_that_takes_none(self):
        with scripted_mail_server({"EHLO": "250-mail.example\r\n250 AUTH PLAIN"}) as server:
            error = refused(account(server.port, oauth_token=TOKEN))
        assert (error.code, error.retry) == ("oauth_token", Retry.FIX)

    def test_one_that_asks_for_ever(self):
        replies = {"EHLO": "250-mail.example\r\n250 AUTH XOAUTH2", "AUTH": "334 e30=", "": "334 e30="}
        with scripted_mail_server(replies) as server:
            assert refused(account(server.port, oauth_token=TOKEN)).code == "connection"

    def test_it_does_not_cross_the_network_in_the_clear(self):
        assert refused(account(25, host="mail.example.com", oauth_token=TOKEN)).code == "use_starttls"

    @pytest.mark.parametrize("token", ["a\x01auth=Bearer b", "a b", "tökén", "a\r\nQUIT"])
    def test_what_is_no_token(self, token):
        assert refused(account(25, oauth_token=token)).code == "oauth_token"

    def test_it_is_a_secret(self):
        [field] = [one for one in smtp.credential_fields(Kind.EMAIL) if one.key == "oauth_token"]
        assert field.is_secret
        assert not field.is_required


def test_a_server_that_never_stops_talking_is_left():
    with scripted_mail_server({"EHLO": "\r\n".join([*["250-more"] * 20_000, "250 done"])}) as server:
        error = refused(account(server.port))
    assert (error.code, error.retry) == ("connection", Retry.LATER)


@given(
    step=st.sampled_from([GREETING, "EHLO", "AUTH", "RSET", "MAIL", "RCPT", "DATA", END_OF_DATA]),
    reply=st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30),
        st.sampled_from(
            ["250", "250-", "354", "334 =", "334 e30=", "999 x", "-1 x", "250 SIZE 9", "250-AUTH\r\n250 AUTH="]
        ),
    ),
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_server_says_nothing_else_is_raised(settings, step, reply):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.05
    ehlo = {"EHLO": "250-mail.example\r\n250 AUTH PLAIN LOGIN CRAM-MD5", "AUTH": "235 welcome"}
    with scripted_mail_server(ehlo | {step: reply}) as server:
        for _ in range(2):
            with suppress(SendError, SendUnconfirmed):
                smtp.send(account(server.port, username="desk", password="secret"), MAIL)
