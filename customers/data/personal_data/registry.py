"""The registry of personal data: each app registers parts that can be exported and erased."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import Organization
from activity.actor import Actor
from core.registry import Registry, path_of
from customers.models import Customer
from customers.people.files.downloads import StoredFile


@dataclass(frozen=True, slots=True)
class PartData:
    """Rows of plain values, and the files that go with them."""

    rows: Sequence[Mapping[str, object]]
    files: Sequence[StoredFile] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of record that is held on a customer.

    `erase` is called in the transaction of the erasure; the files that it returns are deleted at its end. Rows that
    something is counted by stay, without the person in them.
    """

    name: str
    title: str
    position: int
    export: Callable[[Customer], PartData]
    erase: Callable[[Customer, Actor], Iterable[StoredFile]]


_parts: Registry[Part] = Registry(
    "Parts of personal data",
    name=lambda part: part.name,
    order=lambda part: part.position,
    describe=lambda part: part.title,
)


def register(part: Part) -> None:
    """Register a part, to be exported and erased with the others. Raises RegisteredTwice."""
    _parts.register(part)


def parts() -> Sequence[Part]:
    """Every part, in the order in which a reader wants them."""
    return tuple(_parts)


# Loses what mentions one of the words in an organization and belongs to no customer's record; the files to delete.
Sweep = Callable[[Organization, Collection[str]], Iterable[StoredFile]]

_sweeps: Registry[Sweep] = Registry("Looked through in each erasure", name=path_of)


def register_sweep(sweep: Sweep) -> None:
    """Register a sweep: called in each erasure, with the organization and the person's names and addresses."""
    _sweeps.register(sweep)


def sweeps() -> Sequence[Sweep]:
    """The sweeps: they remove traces of a person outside of their own records."""
    return tuple(_sweeps)
