from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from messaging.channels.base import Account, Kind, OutgoingMessage, Retry, SendError, SendUnconfirmed
from messaging.channels.registry import provider
from messaging.channels.smtp import pool
from tests.fakes.smtp import CLOSE, END_OF_DATA, SILENCE, mail_server, scripted_mail_server

smtp = provider("smtp")
MAIL = OutgoingMessage(id="m-0", to="ada@example.com", body="Hello", subject="Visit")


def account(port: int, channel: str = "c", **credentials) -> Account:
    given = {"host": "127.0.0.1", "port": port, "use_starttls": False, **credentials}
    return Account(channel, Kind.EMAIL, "desk@clinic.example", "Clinic", credentials=given)


def send(one: Account, times: int = 1) -> None:
    for number in range(times):
        smtp.send(one, replace(MAIL, id=f"m-{number}"))


def test_twenty_mails_go_over_one_connection():
    with mail_server() as server:
        send(account(server.port), 20)
    assert len(server.received) == 20
    assert server.connections == 1


def test_two_accounts_never_share_one():
    with mail_server() as server:
        for one in (account(server.port), account(server.port, "d"), account(server.port)):
            send(one)
    assert server.connections == 2


def test_other_settings_take_another_connection():
    with mail_server() as server:
        send(account(server.port))
        send(account(server.port, host="localhost"))
    assert server.connections == 2


def test_two_threads_get_two():
    with mail_server() as server:
        one = account(server.port)
        with pool.borrowed(one) as first, pool.borrowed(one) as second:
            assert first.smtp is not second.smtp
        assert pool.idle_connections() == 2
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(send, [one] * 2, [10] * 2))
    assert len(server.received) == 20
    assert server.connections <= 2


def test_four_wait_at_most():
    with mail_server() as server:
        one = account(server.port)
        with pool.borrowed(one), pool.borrowed(one), pool.borrowed(one), pool.borrowed(one), pool.borrowed(one):
            pass
        assert pool.idle_connections() == pool.MAX_IDLE == 4


def test_a_connection_is_given_up_after_its_mails_and_its_time(monkeypatch):
    monkeypatch.setattr(pool, "MAX_MAILS", 3)
    with mail_server() as server:
        send(account(server.port), 7)
        assert server.connections == 3
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0)
        send(account(server.port), 2)
    assert server.connections == 5


def test_what_waits_is_closed_by_itself(monkeypatch):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.05)
    with mail_server() as server:
        send(account(server.port))
        timer = pool._pool.sweeper
        assert timer is not None
        timer.join(2)
        while pool._pool.sweeper is not None:  # it came a moment too early, and comes again
            pool._pool.sweeper.join(2)
        assert pool.idle_connections() == 0


@pytest.mark.parametrize("hung_up", [CLOSE, "421 4.4.2 you were silent", "502 5.5.1 what?"])
def test_a_server_that_hung_up_in_between_costs_nothing(hung_up):
    with scripted_mail_server({"RSET": hung_up}) as server:
        send(account(server.port), 2)
    assert server.connections == 2
    assert server.content.count(b"Message-ID") == 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
@pytest.mark.parametrize("how", [CLOSE, "421 4.7.0 enough"])
def test_one_that_hangs_up_before_the_text_is_replaced_once(step, how):
    first = {"MAIL": "250 ok", "RCPT": "250 ok"}[step]
    with scripted_mail_server({step: [first, how, first]}) as server:
        send(account(server.port), 2)
    assert server.connections == 2
    assert server.content.count(b"Message-ID") == 2


def test_a_new_connection_is_not_replaced():
    with scripted_mail_server({"MAIL": "421 4.7.0 enough"}) as server, pytest.raises(SendError) as caught:
        send(account(server.port))
    assert (caught.value.code, caught.value.retry) == ("421 4.7.0", Retry.LATER)
    assert server.connections == 1


@pytest.mark.parametrize("how", [CLOSE, SILENCE])
def test_nothing_is_sent_twice_once_the_text_left(settings, how):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.3
    with scripted_mail_server({END_OF_DATA: ["250 taken", how]}) as server:
        send(account(server.port))
        with pytest.raises(SendUnconfirmed):
            send(account(server.port))
        assert server.content.count(b"Message-ID") == 2
        assert pool.idle_connections() == 0


def test_after_a_refusal_the_connection_is_closed():
    with scripted_mail_server({"RCPT": ["550 5.1.1 nobody", "250 ok"]}) as server:
        with pytest.raises(SendError):
            send(account(server.port))
        assert pool.idle_connections() == 0
        send(account(server.port))
        assert pool.idle_connections() == 1


def test_a_forked_process_leaves_the_parents_connection_alone():
    with mail_server() as server:
        send(account(server.port))
        child = os.fork()
        if child == 0:
            os._exit(pool.idle_connections())
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        send(account(server.port))
    assert server.connections == 1


def test_closing_says_goodbye():
    with scripted_mail_server({}) as server:
        send(account(server.port))
        pool.close_all()
        assert pool.idle_connections() == 0
        send(account(server.port))
    assert server.commands.count("QUIT") >= 1
