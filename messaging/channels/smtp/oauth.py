"""Signing in with a token of OAuth 2.0 in place of a password, as SMTP and IMAP have it alike (SASL)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

_MAX_QUESTIONS: Final = 2


class NoMechanism(Exception):
    """The server takes no tokens."""


class TooManyQuestions(OSError):
    """The server sends more challenges than the mechanism has."""


def mechanism_of(offered: Iterable[str]) -> str:
    """OAUTHBEARER (RFC 7628), else XOAUTH2 (Google's and Microsoft's own). Raises NoMechanism."""
    names = {name.upper() for name in offered}
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        if mechanism in names:
            return mechanism
    raise NoMechanism


def answers(mechanism: str, *, username: str, token: str, host: str, port: int) -> Callable[[bytes | None], str]:
    """The client's answers: the first, then the acknowledgement of a refusal, for which the server waits."""
    if mechanism == "OAUTHBEARER":
        name = username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, section 4
        replies = [f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01", "\x01"]
    else:
        replies = [f"user={username}\x01auth=Bearer {token}\x01\x01", ""]
    turn = iter(replies[:_MAX_QUESTIONS])

    def answer(question: bytes | None = None, /) -> str:
        try:
            return next(turn)
        except StopIteration:
            raise TooManyQuestions("the server asks again and again") from None

    return answer
