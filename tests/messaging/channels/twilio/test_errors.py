from __future__ import annotations

from datetime import timedelta

import pytest

from messaging.channels.base import Retry, SendError, SendUnconfirmed
from messaging.channels.twilio.errors import MEANINGS, explain, refusal
from tests.fakes.documents import document


def test_every_code_of_the_catalogue_has_its_class():
    catalogue = {str(entry["code"]): entry["retry"] for entry in document("error-codes.json")["codes"]}
    assert {code: MEANINGS[code].retry.value for code in catalogue if code in MEANINGS} == catalogue


def test_every_message_is_a_sentence_for_people():
    for code, meaning in MEANINGS.items():
        assert meaning.message[0].isupper(), code
        assert meaning.message.endswith("."), code
        assert 30 < len(meaning.message) < 140, code


def test_an_unknown_code_of_a_status_is_tried_again_and_named():
    assert explain("39999").retry is Retry.LATER
    assert "39999" in explain("39999").message
    assert explain("").retry is Retry.LATER


@pytest.mark.parametrize(
    ("status", "code"), [(500, "20500"), (503, "20503"), (502, "502"), (504, "21211"), (408, "408")]
)
def test_a_server_error_leaves_it_open_whether_the_message_was_taken(status, code):
    assert isinstance(refusal(status, code, None), SendUnconfirmed)


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (400, "21211", Retry.NEVER),
        (400, "21610", Retry.SUPPRESS),
        (400, "63016", Retry.TEMPLATE),
        (401, "20003", Retry.FIX),
        (429, "20429", Retry.BACKOFF),
        (429, "429", Retry.BACKOFF),
        (429, "21611", Retry.LATER),
        (400, "29999", Retry.FIX),
        (403, "403", Retry.FIX),
        (302, "302", Retry.FIX),
    ],
)
def test_a_refusal_has_the_class_of_its_code(status, code, retry):
    error = refusal(status, code, timedelta(seconds=3))
    assert isinstance(error, SendError)
    assert (error.code, error.retry, error.retry_after) == (code, retry, timedelta(seconds=3))
