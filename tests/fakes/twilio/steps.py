"""What the stand-in does with one request to create a message: data, so that it can come over HTTP too."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any, Self

EVERYBODY = "*"
KINDS = ("accept", "refuse", "drop", "garbage")


@dataclass(frozen=True)
class Step:
    """One answer. `times` says how often it is given before the next step's turn; 0 is for ever."""

    kind: str = "accept"  # drop: the connection closes without an answer; garbage: a 201 that nobody can read
    stored: bool | None = None  # whether the message exists afterwards; by default unless refused
    http: int = 400
    code: int | None = None
    retry_after: str = ""
    seconds: float = 0.0  # before the answer, beside the delay of every request
    statuses: Sequence[str] = ("sent", "delivered")  # what becomes of the message, in this order
    error_code: int | None = None  # of a status failed or undelivered
    gap: float = 0.02  # seconds before each status
    callbacks_first: bool = False  # the statuses are told before the answer to the request
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}.")

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        unknown = set(data) - {one.name for one in fields(cls)}
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: no part of a step.")
        return cls(**data)

    @property
    def is_stored(self) -> bool:
        return self.kind != "refuse" if self.stored is None else self.stored

    @classmethod
    def rate_limited(cls, retry_after: str = "2", **more: Any) -> Self:
        return cls(kind="refuse", http=429, code=20429, retry_after=retry_after, **more)

    @classmethod
    def refused(cls, code: int, http: int = 400, **more: Any) -> Self:
        return cls(kind="refuse", http=http, code=code, **more)

    @classmethod
    def broken(cls, http: int = 500, code: int | None = 20500, **more: Any) -> Self:
        return cls(kind="refuse", http=http, code=code, **more)

    @classmethod
    def slow(cls, seconds: float, **more: Any) -> Self:
        return cls(seconds=seconds, **more)

    @classmethod
    def dropped(cls, **more: Any) -> Self:
        """Accepted, then the connection closes without an answer."""
        return cls(kind="drop", **more)

    @classmethod
    def lost(cls, **more: Any) -> Self:
        """The connection closes without an answer, and the message never existed."""
        return cls(kind="drop", stored=False, **more)

    @classmethod
    def failing(cls, error_code: int, status: str = "undelivered", **more: Any) -> Self:
        """Accepted, and not delivered in the end."""
        return cls(statuses=("sent", status), error_code=error_code, **more)

    @classmethod
    def backwards(cls, **more: Any) -> Self:
        """The statuses come in the wrong order."""
        return cls(statuses=("read", "delivered", "sent"), **more)


@dataclass
class Script:
    """The steps that wait for each recipient, and those that wait for anybody; then `default`, again and again."""

    default: Step = field(default_factory=Step)
    _queues: dict[str, deque[Step]] = field(default_factory=lambda: defaultdict(deque))
    _lock: Lock = field(default_factory=Lock)

    def add(self, to: str, steps: Iterable[Step]) -> None:
        with self._lock:
            self._queues[to].extend(steps)

    def next_for(self, to: str) -> Step:
        with self._lock:
            for name in (to, EVERYBODY):
                queue = self._queues.get(name)
                if queue:
                    return self._use(queue)
            return self.default

    def clear(self) -> None:
        with self._lock:
            self._queues.clear()

    @staticmethod
    def _use(queue: deque[Step]) -> Step:
        step = queue[0]
        if step.times == 1:
            queue.popleft()
        elif step.times > 1:
            queue[0] = replace(step, times=step.times - 1)
        return step
