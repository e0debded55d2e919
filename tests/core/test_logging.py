import io
import json
import logging
import logging.config

import pytest

from core.logging import BLOT, blot_out, bound, logging_config


@pytest.fixture
def log():
    """A logger with production's format, and a function that gives the lines written."""
    config = logging_config(level="INFO", as_json=True)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    formatter = dict(config["formatters"]["structured"])
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("parley.test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    return logger


def test_a_line_is_json_with_its_fields_and_the_requests_id(log):
    with bound(request_id="r-1"):
        log.info("message_sent", extra={"message_id": "m-1", "attempts": 2})
    (line,) = log.lines()
    assert line["event"] == "message_sent"
    assert line["level"] == "info"
    assert (line["message_id"], line["attempts"], line["request_id"]) == ("m-1", 2, "r-1")
    assert line["timestamp"].endswith("Z")


def test_text_address_and_token_do_not_come_into_a_line(log):
    log.info(
        "message_sent to +447700900123",
        extra={
            "body": "Are you open today?",
            "address": "+447700900123",
            "auth_token": "s3cret",
            "detail": {"email": "ann@example.com", "reason": "mail to ann@example.com bounced"},
            "url": "redis://user:pa55@cache:6379/0",
            "header": "Bearer eyJhbGciOi.eyJzdWIi.abc",
        },
    )
    (line,) = log.lines()
    text = json.dumps(line)
    for secret in ("447700900123", "open today", "s3cret", "ann@example.com", "pa55", "eyJ"):
        assert secret not in text
    assert line["body"] == BLOT
    assert line["detail"]["reason"] == f"mail to {BLOT} bounced"


def test_what_was_searched_for_does_not_come_into_a_line_of_django(log, rf, monkeypatch):
    monkeypatch.setattr(log, "name", "django.request")
    log.error("Internal Server Error", extra={"request": rf.get("/o/x/inbox/?q=Jane+Doe"), "status_code": 500})
    assert "Jane" not in json.dumps(log.lines())


def test_a_traceback_is_reported_without_addresses(log):
    try:
        raise ValueError("Key (address)=(+447700900123) already exists: ann@example.com")
    except ValueError:
        log.exception("failed")
    (line,) = log.lines()
    assert "ValueError" in line["exception"]
    assert "447700900123" not in line["exception"]
    assert "ann@" not in line["exception"]


@pytest.mark.parametrize(
    "text",
    ["took 447700900 ns", "2026-11-21T12:57:08", "id 0190c2a0-7d3e-7000-8000-000000000001", "a+b=4", "v1.2@main"],
)
def test_what_is_no_secret_stays(text):
    assert blot_out(text) == text


def test_libraries_that_tell_every_request_are_quiet():
    loggers = logging_config(level="DEBUG", as_json=True)["loggers"]
    assert loggers["twilio"]["level"] == "WARNING"
    assert loggers["httpx"]["level"] == "WARNING"
    assert logging_config(level="ERROR", as_json=True)["loggers"]["twilio"]["level"] == "ERROR"


def test_each_configuration_is_one_that_logging_takes():
    for as_json in (True, False):
        config = logging_config(level="INFO", as_json=as_json)
        assert logging.config.DictConfigurator(config).configure_formatter(dict(config["formatters"]["structured"]))
