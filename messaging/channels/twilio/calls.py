"""Translating failures of requests to Twilio, for a send and for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException
from twilio.base.page import Page

from messaging.channels.base import AGAIN, Retry, SendError, SendUnconfirmed
from messaging.channels.twilio import errors
from messaging.channels.twilio.http import NoAnswer, NotConnected, NotTrusted, Refused, Unsendable

# The last one is for JSON that is nested without end.
UNREADABLE = (TwilioException, ValueError, LookupError, TypeError, AttributeError, RecursionError)


Record = TypeVar("Record")


@contextmanager
def reading() -> Iterator[None]:
    """Translate every failure of a request that only reads into a SendError."""
    try:
        yield
    except Refused as refused:
        refusal = errors.refusal(refused.status, refused.code, refused.retry_after)
        if isinstance(refusal, SendError):
            raise refusal from refused
        raise SendError(refused.code, "Twilio has a trouble of its own. Try again later.", Retry.LATER) from refused
    except NotTrusted as error:
        raise _not_trusted() from error
    except (NotConnected, NoAnswer) as error:
        raise _not_connected() from error
    except (Unsendable, *UNREADABLE) as error:
        raise SendError("unreadable", "Twilio's answer could not be read. Try again later.", Retry.LATER) from error


@contextmanager
def sending() -> Iterator[None]:
    """Translate failures of a send: SendError when nothing left or Twilio refused, else SendUnconfirmed."""
    try:
        yield
    except Refused as refused:
        raise errors.refusal(refused.status, refused.code, refused.retry_after) from refused
    except NotTrusted as error:
        raise _not_trusted() from error
    except NotConnected as error:
        raise _not_connected() from error
    except Unsendable as error:
        message = "The text holds characters that can't be sent. Remove them and send it again."
        raise SendError("text", message, Retry.FIX) from error
    except NoAnswer as error:
        raise SendUnconfirmed("Twilio did not answer in time; it may have taken the message.") from error
    except UNREADABLE as error:
        raise SendUnconfirmed("Twilio's answer could not be read; it may have taken the message.") from error


def pages(first: Page, key: str, *, most: int, required: tuple[str, ...] = ("sid",)) -> Iterator[Page]:
    """A list's pages, each requested when it is needed; the list stands in the answers under `key`.

    Raises ValueError where an answer is not such a list, or one of its records lacks a text that is `required`: half a
    list must never count as all of it. Also where there are more pages than `most`, against pages that point at each
    other.
    """
    page: Page | None = first
    for _ in range(most):
        if page is None:
            return
        _require_list(page._payload, key, required)
        yield page
        page = page.next_page()
    if page is not None:
        raise ValueError(f"The list has more than {most} pages.")


def records(first: Page, key: str, *, most: int, required: tuple[str, ...] = ("sid",)) -> Iterator[Any]:
    """The records of all pages; raises as `pages` does."""
    for page in pages(first, key, most=most, required=required):
        yield from page


def complete(record: Record, *required: str) -> Record:
    """The record, checked to be whole. Raises ValueError where a required field is missing."""
    for name in ("sid", *required):
        if not isinstance(getattr(record, name, None), str):
            raise ValueError(f"The answer has no {name}.")
    return record


def _require_list(answer: Any, key: str, required: tuple[str, ...]) -> None:
    """Raise ValueError where an answer is not the list under `key`, or does not say whether there are more pages."""
    rows = answer.get(key) if isinstance(answer, Mapping) else None
    if not isinstance(rows, list):
        raise ValueError(f"The answer has no list of {key}.")
    for row in rows:
        if not isinstance(row, Mapping) or not all(isinstance(row.get(name), str) and row[name] for name in required):
            raise ValueError(f"A record of {key} is not whole.")
    meta = answer.get("meta")
    if isinstance(meta, Mapping) and meta.get("key") == key:
        following = meta.get("next_page_url", False)
    else:
        following = answer.get("next_page_uri", False)
    if not (following is None or isinstance(following, str)):
        raise ValueError(f"The answer does not say whether there are more {key}.")


def _not_connected() -> SendError:
    return SendError("connection", f"Twilio could not be reached. {AGAIN}", Retry.LATER)


def _not_trusted() -> SendError:
    message = "Twilio's certificate is not valid from here. Ask an administrator to check the server's clock and proxy."
    return SendError("certificate", message, Retry.FIX)
