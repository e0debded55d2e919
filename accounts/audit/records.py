"""What entries of the audit log are about: apps register how their records are named, linked and found.

A record is linked only where the viewer may see it; an entry that is about something else shows its id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from accounts.models import Member
from activity.models import Event
from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Record:
    """A record that the viewer may see."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Kind:
    """`subject_type` as events write it. `find` gives the records of these ids that the member may see, by id, in a
    constant number of queries; `search` the ids of those that a text finds."""

    subject_type: str
    find: Callable[[Member, Collection[str]], dict[str, Record]]
    search: Callable[[Member, str], list[str]] | None = None


KINDS: Registry[Kind] = Registry("Records of the audit log", name=lambda kind: kind.subject_type)
# Every event of a customer's says so apart from its subject.
CUSTOMER = "customers.customer"


def records_of(member: Member, events: Iterable[Event]) -> dict[tuple[str, str], Record]:
    """The records that these events are about and that the member may see, by subject type and id."""
    wanted: dict[str, set[str]] = {}
    for event in events:
        wanted.setdefault(event.subject_type, set()).add(event.subject_id)
        if event.customer_id:
            wanted.setdefault(CUSTOMER, set()).add(str(event.customer_id))
    results: dict[tuple[str, str], Record] = {}
    for kind in KINDS:
        if ids := wanted.get(kind.subject_type):
            found = kind.find(member, sorted(ids))
            results |= {(kind.subject_type, key): record for key, record in found.items()}
    return results


def search(member: Member, text: str) -> dict[str, list[str]]:
    """The ids that a text finds, by subject type."""
    return {kind.subject_type: kind.search(member, text) for kind in KINDS if kind.search is not None}
