"""What a mail server's answers ask for: reply codes of RFC 5321, with the enhanced codes of RFC 3463 where given."""

from __future__ import annotations

import re
from typing import Final

from messaging.channels.base import AGAIN, ErrorMeaning, Retry, SendError
from messaging.channels.text import clean

_MAX_TEXT_LENGTH: Final = 10_000
_NO_MAILBOX: Final = "There is no such mailbox. Check the address, or reach the person another way."
_LOGIN: Final = (
    "The mail server did not accept the user name and password (or token). Tell the administrators to enter them again."
)
_POLICY: Final = (
    "The mail server refuses this message by its rules (sender, relaying or content). "
    "Tell the administrators: they find the reason in the server's words."
)

# Subject and detail of an enhanced code whose class is 5, permanent.
_NEVER: Final = ("1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "2.0", "2.1", "4.4")
_NEVER_REPLIES: Final = ("550", "551", "553")
_LOGIN_REPLIES: Final = ("530", "534", "535", "538")

_CODE = re.compile(r"(?P<reply>[245][0-9]{2})(?: (?P<enhanced>[245]\.[0-9]{1,3}\.[0-9]{1,3}))?")
_ENHANCED = re.compile(r"\s*(?P<code>[245]\.[0-9]{1,3}\.[0-9]{1,3})\b")


def code_of(reply: int, text: bytes | str) -> str:
    """The reply code, with the enhanced code that the text begins with: `550 5.1.1`."""
    enhanced = _ENHANCED.match(_decoded(text))
    return f"{reply} {enhanced['code']}" if enhanced else str(reply)


def explain(code: str) -> ErrorMeaning:
    """The meaning of a code: 4xx is temporary, 5xx is final or for somebody to correct."""
    match = _CODE.fullmatch(code.strip())
    if match is None:
        return ErrorMeaning(Retry.LATER, f"The mail could not be delivered. {AGAIN}")
    reply, enhanced = match["reply"], match["enhanced"] or ""
    if reply.startswith("4"):
        return ErrorMeaning(Retry.LATER, f"The mail server can't take the message now. {AGAIN}")
    if reply in _LOGIN_REPLIES:
        return ErrorMeaning(Retry.FIX, _LOGIN)
    if reply == "552" or enhanced[2:] == "2.2":
        return ErrorMeaning(
            Retry.FIX, "The mailbox is full or the message too large. Reach the person another way, or later."
        )
    is_never = enhanced[2:] in _NEVER if enhanced else reply in _NEVER_REPLIES
    return ErrorMeaning(Retry.NEVER, _NO_MAILBOX) if is_never else ErrorMeaning(Retry.FIX, _POLICY)


def refusal(reply: int, text: bytes | str, *, hidden: tuple[str, ...]) -> SendError:
    """The exception for a server's refusal, with its words but without the addresses and the user name in them."""
    code = code_of(reply, text)
    meaning = explain(code)
    return SendError(
        code, f"{meaning.message} The server said: {reply_text(reply, text, hidden=hidden)}", meaning.retry
    )


def reply_text(reply: int, text: bytes | str, *, hidden: tuple[str, ...]) -> str:
    """A server's reply on one line, shortened, without the hidden values."""
    return f"{reply} {words(text, hidden=hidden)}".strip()


def words(text: bytes | str, *, hidden: tuple[str, ...]) -> str:
    """The same without a reply code."""
    cleaned = " ".join(clean(_decoded(text)[:_MAX_TEXT_LENGTH]).split())
    for secret in filter(None, hidden):
        cleaned = re.sub(re.escape(secret), "…", cleaned, flags=re.IGNORECASE)
    return cleaned[:200]


def _decoded(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
