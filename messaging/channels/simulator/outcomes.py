"""The outcomes that the simulator can be set to: a table, so that a page can offer them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from messaging.channels.base import AGAIN, Account, ErrorMeaning, LaterStatus, Retry

EVERYBODY: Final = "*"
MAX_DELAY_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way that a message can go. The statuses come at a share of the delay; the last at the whole of it."""

    key: str
    label: str
    statuses: Sequence[tuple[float, str]] = ()
    error_code: str = ""  # of a refusal at once, or of the failed status later
    is_unconfirmed: bool = False
    has_arrived: bool = True

    def later(self, delay: timedelta) -> list[LaterStatus]:
        return [
            LaterStatus(delay * share, status, self.error_code if status == "failed" else "")
            for share, status in self.statuses
        ]


@dataclass(frozen=True, slots=True)
class Behaviour:
    outcome: Outcome
    delay: timedelta


OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        outcome.key: outcome
        for outcome in (
            Outcome("read", "Delivered, then read", ((0.5, "delivered"), (1.0, "read"))),
            Outcome("delivered", "Delivered, not read", ((1.0, "delivered"),)),
            Outcome("sent", "Sent, then silence"),
            Outcome("undelivered", "Sent, then not delivered", ((1.0, "failed"),), "unreachable", has_arrived=False),
            Outcome("refused", "Refused at once", error_code="refused", has_arrived=False),
            Outcome("rate_limited", "Refused: too fast", error_code="rate_limited", has_arrived=False),
            Outcome("timeout_arrived", "No answer, but it arrived", is_unconfirmed=True),
            Outcome("timeout_lost", "No answer, and it is lost", is_unconfirmed=True, has_arrived=False),
        )
    }
)

MEANINGS: Final[Mapping[str, ErrorMeaning]] = MappingProxyType(
    {
        "unreachable": ErrorMeaning(
            Retry.NEVER, "The simulated phone could not be reached. Choose another outcome for it."
        ),
        "refused": ErrorMeaning(
            Retry.NEVER, "The simulator refused the message. Choose another outcome for this person."
        ),
        "rate_limited": ErrorMeaning(Retry.BACKOFF, f"The simulator asks us to go slower. {AGAIN}"),
        "disk": ErrorMeaning(Retry.LATER, f"The mail could not be written to the disk. {AGAIN}"),
    }
)
DEFAULT: Final = Behaviour(OUTCOMES["read"], timedelta(seconds=1))


def behaviour_for(account: Account, address: str) -> Behaviour:
    """The behaviour for an address, else for everybody, else "read after a second". Invalid settings are ignored."""
    behaviours = account.settings.get("behaviours")
    if not isinstance(behaviours, Mapping):
        return DEFAULT
    for key in (address, EVERYBODY):
        if (result := _read(behaviours.get(key))) is not None:
            return result
    return DEFAULT


def _read(value: object) -> Behaviour | None:
    if not isinstance(value, Mapping) or (outcome := OUTCOMES.get(str(value.get("outcome")))) is None:
        return None
    try:
        seconds = float(value.get("delay_seconds", 1.0))
    except (TypeError, ValueError):
        return None
    if not 0 <= seconds <= MAX_DELAY_SECONDS:
        return None
    return Behaviour(outcome, timedelta(seconds=seconds))
