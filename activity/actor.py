"""Who made a change: a user, an API key, a workflow, a directory by SCIM or the system.

With a user's impersonator and the request's id.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Actors stand below the accounts; for the checker only.
    from accounts.models import User


class ActorKind(StrEnum):
    USER = "user"
    API_KEY = "api_key"
    WORKFLOW = "workflow"
    SCIM = "scim"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` is the user's, key's, workflow's or connection's; `depth` counts the workflows that led here."""

    kind: ActorKind
    id: str = ""
    label: str = ""
    impersonator_id: str = ""
    request_id: str = ""
    depth: int = 0

    @property
    def user_id(self) -> str | None:
        """The acting user's id, where it is one."""
        return self.id if self.kind == ActorKind.USER else None

    def acted_for_by(self, name: str, user_id: str) -> Actor:
        """The same actor, in whose name somebody else acts: both are named wherever one reads who did it."""
        return replace(self, label=f"{self.label} (by {name})", impersonator_id=user_id)

    def as_headers(self) -> dict[str, Any]:
        """For a job's row; `from_headers` gives the same actor back."""
        return asdict(self)

    @classmethod
    def from_headers(cls, headers: dict[str, Any]) -> Actor:
        return cls(**{**headers, "kind": ActorKind(headers["kind"])})

    @classmethod
    def for_user(cls, user: User, **more: Any) -> Actor:
        """An actor for this user, acting as themselves unless an impersonator is given."""
        return cls(ActorKind.USER, str(user.pk), user.get_short_name(), **more)


SYSTEM = Actor(ActorKind.SYSTEM, label="Parley")

_current: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current_actor() -> Actor:
    """The actor of this context; the system where none was set."""
    return _current.get()


@contextmanager
def acting_as(actor: Actor) -> Generator[Actor]:
    """Set the actor of everything inside; the request's id is taken over where the new actor has none."""
    if not actor.request_id:
        actor = replace(actor, request_id=_current.get().request_id)
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
