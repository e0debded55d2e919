"""What the failures of our requests to Twilio mean, for a send and for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twilio.base.exceptions import TwilioException
from twilio.base.page import Page

from messaging.channels.base import AGAIN, Retry, SendError, SendUnconfirmed
from messaging.channels.twilio import errors
from messaging.channels.twilio.http import NoAnswer, NotConnected, NotTrusted, Refused, Unsendable

# The last one is for JSON that is nested without end.
UNREADABLE = (TwilioException, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@contextmanager
def asking() -> Iterator[None]:
    """Every failure of a question that changes nothing as a SendError."""
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
    """Every failure of a send as a SendError when nothing left or Twilio refused, else as SendUnconfirmed."""
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


def pages(first: Page, *, most: int) -> Iterator[Page]:
    """A list's pages, each asked for when it is wanted. Raises ValueError when there are more than `most`.

    The limit is against a list whose pages point at each other, which would never end.
    """
    page: Page | None = first
    for _ in range(most):
        if page is None:
            return
        yield page
        page = page.next_page()
    if page is not None:
        raise ValueError(f"The list has more than {most} pages.")


def _not_connected() -> SendError:
    return SendError("connection", f"Twilio could not be reached. {AGAIN}", Retry.LATER)


def _not_trusted() -> SendError:
    message = "Twilio's certificate is not valid from here. Ask an administrator to check the server's clock and proxy."
    return SendError("certificate", message, Retry.FIX)
