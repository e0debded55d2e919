"""Logs: one event a line with its fields, JSON in production; never what was written, to whom, or with which secret.

Code says `logging.getLogger(__name__).info("message_sent", extra={"message_id": …})`: a name for the event and ids
beside it. Addresses and tokens in texts of libraries and errors are removed here, before a line is written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

import structlog

Event = MutableMapping[str, object]

BLOT = "[…]"

_SECRET_NAMES = re.compile(
    r"authori[sz]ation|cookie|credential|password|secret|signature|token$|api_?key|^(body|content|text|subject|address|email|phone)$",
    re.IGNORECASE,
)
_SECRET_VALUES = re.compile(
    r"""
      [A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+     # an e-mail address
    | (?<![\w.])(?:\+|%2B)\d{7,15}(?!\d)                                    # a phone number
    | \b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}                            # an Authorization header
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9._-]+                                # a JSON web token
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                                        # a password in an address
    """,
    re.VERBOSE,
)


def blot_out(text: str) -> str:
    """The text without addresses, phone numbers and tokens."""
    return _SECRET_VALUES.sub(BLOT, text)


def _without_secrets(_logger: object, _method: str, event: Event) -> Event:
    for name, value in event.items():
        if name.startswith("_"):
            continue
        if _SECRET_NAMES.search(name):
            event[name] = BLOT
        else:
            event[name] = _clean(value)
    return event


def _without_repetition(_logger: object, _method: str, event: Event) -> Event:
    """Celery and uvicorn put beside their lines what the lines say; Django the request, with what was searched for."""
    event.pop("color_message", None)
    if str(event.get("logger", "")).startswith("django."):
        event.pop("request", None)
    if str(event.get("logger", "")).startswith("celery."):
        event.pop("data", None)
    return event


def _clean(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {key: BLOT if _SECRET_NAMES.search(str(key)) else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return blot_out(str(value))


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, through structlog's processors."""
    shared: list[object] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_repetition,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    renderer: object = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }
    quiet = {
        # They log every request with its headers and query, or every tick of the beat.
        "twilio": "WARNING",
        "urllib3": "WARNING",
        "httpx": "WARNING",
        "httpcore": "WARNING",
        "celery.app.trace": "WARNING",
        "celery.worker.strategy": "WARNING",
        "celery.beat": "WARNING",
        "django_celery_beat": "WARNING",
        "kombu": "WARNING",
        "uvicorn.access": "WARNING",
        # The access line has it already, with the request's id.
        "django.request": "ERROR",
        "django.server": "WARNING",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{
                name: {"handlers": [], "level": level, "propagate": True}
                for name in ("django", "uvicorn", "uvicorn.error", "celery")
            },
            **{
                name: {"handlers": [], "level": quietest(level, least), "propagate": True}
                for name, least in quiet.items()
            },
        },
    }


def quietest(level: str, least: str) -> str:
    """The less talkative of two levels."""
    names = logging.getLevelNamesMapping()
    return max(level, least, key=lambda name: names[name])


def bound(**fields: str) -> AbstractContextManager[None]:
    """Add these fields to every line logged inside the block."""
    return structlog.contextvars.bound_contextvars(**fields)


def current_request_id() -> str:
    """The id of the request that is being served, or for which a task works; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
