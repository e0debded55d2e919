from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from messaging.channels.base import Account, Kind, LaterStatus, OutgoingMessage, Retry, SendError, SendUnconfirmed
from messaging.channels.registry import provider
from messaging.channels.simulator.outcomes import DEFAULT, MEANINGS, OUTCOMES, behaviour_for

simulator = provider("simulator")
MESSAGE = OutgoingMessage(id="0190a0a0-0000-7000-8000-000000000001", to="+15005550101", body="Hello")
NOW = datetime.now(UTC)


def phone(behaviours: object = None) -> Account:
    settings = {} if behaviours is None else {"behaviours": behaviours}
    return Account("c", Kind.WHATSAPP, "+15005550006", "Clinic", settings=settings)


def mailbox(behaviours: object = None) -> Account:
    return replace(phone(behaviours), kind=Kind.EMAIL, address="desk@clinic.example")


def told(outcome: str, delay: float = 4.0) -> list[LaterStatus]:
    return list(simulator.send(phone({MESSAGE.to: {"outcome": outcome, "delay_seconds": delay}}), MESSAGE).later)


def test_a_message_is_read_after_a_second_when_nothing_is_set():
    result = simulator.send(phone(), MESSAGE)
    assert result.status == "sent"
    assert result.later == [
        LaterStatus(timedelta(seconds=0.5), "delivered"),
        LaterStatus(timedelta(seconds=1), "read"),
    ]


def test_the_outcomes_that_report_by_themselves():
    assert told("read") == [LaterStatus(timedelta(seconds=2), "delivered"), LaterStatus(timedelta(seconds=4), "read")]
    assert told("delivered") == [LaterStatus(timedelta(seconds=4), "delivered")]
    assert told("sent") == []
    assert told("undelivered") == [LaterStatus(timedelta(seconds=4), "failed", "unreachable")]
    assert simulator.explain("unreachable").retry is Retry.NEVER


@pytest.mark.parametrize(
    ("outcome", "retry", "after"), [("refused", Retry.NEVER, None), ("rate_limited", Retry.BACKOFF, 4)]
)
def test_the_outcomes_that_refuse(outcome, retry, after):
    with pytest.raises(SendError) as caught:
        told(outcome)
    assert caught.value.retry is retry
    assert caught.value.retry_after == (timedelta(seconds=after) if after else None)


@pytest.mark.parametrize(("outcome", "arrived"), [("timeout_arrived", True), ("timeout_lost", False)])
def test_the_outcomes_that_leave_it_open(outcome, arrived):
    account = phone({"*": {"outcome": outcome}})
    with pytest.raises(SendUnconfirmed):
        simulator.send(account, MESSAGE)
    found = simulator.find_sent(account, MESSAGE, since=NOW) or []
    assert [(one.to, one.body) for one in found] == ([(MESSAGE.to, MESSAGE.body)] if arrived else [])


def test_what_was_found_has_the_id_that_an_answer_would_have_had():
    [found] = simulator.find_sent(phone({"*": {"outcome": "timeout_arrived"}}), MESSAGE, since=NOW) or []
    assert found.provider_message_id == simulator.send(phone(), MESSAGE).provider_message_id


def test_a_send_whose_answer_nobody_received_did_not_happen():
    assert simulator.find_sent(phone(), MESSAGE, since=NOW) == []


def test_an_address_of_its_own_goes_before_everybody():
    account = phone({"*": {"outcome": "refused"}, MESSAGE.to: {"outcome": "sent"}})
    assert behaviour_for(account, MESSAGE.to).outcome.key == "sent"
    assert behaviour_for(account, "+15005550102").outcome.key == "refused"


@pytest.mark.parametrize(
    "behaviours",
    [
        [],
        {"*": "read"},
        {"*": {"outcome": "fly"}},
        {"*": {"outcome": "sent", "delay_seconds": "soon"}},
        {"*": {"outcome": "sent", "delay_seconds": -1}},
        {"*": {"outcome": "sent", "delay_seconds": float("nan")}},
        {"*": {"outcome": ["sent"]}},
    ],
)
def test_what_makes_no_sense_counts_as_not_set(behaviours):
    assert behaviour_for(phone(behaviours), MESSAGE.to) == DEFAULT


def test_every_outcome_has_a_label_and_every_code_a_meaning():
    assert len({outcome.label for outcome in OUTCOMES.values()}) == len(OUTCOMES) == 8
    assert {outcome.error_code for outcome in OUTCOMES.values()} - {""} <= set(MEANINGS)


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(SendError) as caught:
        simulator.send(phone(), replace(MESSAGE, body="x" * 1601))
    assert caught.value.retry is Retry.FIX


class TestMail:
    MAIL = replace(MESSAGE, to="ada@example.com", subject="Besuch")

    @pytest.fixture(autouse=True)
    def folder(self, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        return tmp_path / "mail"

    def test_a_mail_is_written_to_a_file(self, folder):
        result = simulator.send(mailbox(), self.MAIL)
        [file] = folder.iterdir()
        assert file.name == f"{MESSAGE.id}.eml"
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert (mail["Subject"], mail["Message-ID"]) == ("Besuch", result.provider_message_id)
        assert mail.get_body(("plain",)).get_content().splitlines() == ["Hello"]

    def test_the_same_mail_is_the_same_file(self, folder):
        assert simulator.send(mailbox(), self.MAIL) == simulator.send(mailbox(), self.MAIL)
        assert len(list(folder.iterdir())) == 1

    @pytest.mark.parametrize(
        ("outcome", "files"), [("timeout_arrived", 1), ("timeout_lost", 0), ("refused", 0), ("undelivered", 0)]
    )
    def test_what_did_not_arrive_leaves_no_file(self, folder, outcome, files):
        account = mailbox({"*": {"outcome": outcome}})
        if outcome == "undelivered":
            simulator.send(account, self.MAIL)
        else:
            with pytest.raises((SendError, SendUnconfirmed)):
                simulator.send(account, self.MAIL)
        assert len(list(folder.iterdir()) if folder.exists() else []) == files

    def test_a_strange_id_stays_in_the_folder(self, folder):
        simulator.send(mailbox(), replace(self.MAIL, id="../../etc/x"))
        assert [file.name for file in folder.iterdir()] == ["______etc_x.eml"]

    def test_a_folder_that_cannot_be_written_is_reported(self, folder):
        folder.parent.joinpath("mail").write_text("in the way")
        with pytest.raises(SendError) as caught:
            simulator.send(mailbox(), self.MAIL)
        assert (caught.value.code, caught.value.retry) == ("disk", Retry.LATER)
        assert [problem.code for problem in simulator.check(mailbox())] == ["disk"]


def test_a_phone_is_always_well():
    assert simulator.check(phone()) == []
