"""Rows of a file become customers: some hundreds at a time, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Member
from activity.actor import Actor
from customers.data.imports.changes import Writer
from customers.data.imports.values import Problem, Row, RowReader
from customers.models import ChangeSet, Customer, CustomerImport, Identity
from customers.models.querysets import owned_within_reach

ROWS_AT_ONCE = 500
# Somebody else may take an address between the look and the write; then the rows are looked at again.
TRIES = 5
OnDuplicate = CustomerImport.OnDuplicate
Key = tuple[str, str]
# A customer of the database by id, or the row of this file that makes one, by its number.
OwnerKey = str | int


@dataclass(slots=True)
class Outcome:
    """The result of some rows. `seen` maps the addresses of a dry run's rows to the customers that would own them."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: list[Row] = field(default_factory=list)
    seen: dict[Key, OwnerKey] = field(default_factory=dict)


class Importer:
    """Imports rows. A dry run decides the same and writes nothing; `seen` then has the result of its earlier steps."""

    def __init__(
        self,
        *,
        reader: RowReader,
        member: Member,
        actor: Actor,
        on_duplicate: str,
        change_set: ChangeSet | None,
        upload: CustomerImport,
        begun_at: datetime | None = None,
        seen: dict[Key, OwnerKey] | None = None,
    ) -> None:
        self.reader = reader
        self.member = member
        self.on_duplicate = on_duplicate
        self.is_dry = change_set is None
        self.begun_at = begun_at or timezone.now()
        self._seen = seen if seen is not None else {}
        self._writer = (
            Writer(reader=reader, actor=actor, change_set=change_set, upload=upload) if change_set is not None else None
        )

    def work(self, rows: Iterable[tuple[int, list[str]]]) -> Outcome:
        """Decide on each row and write all of them, in the caller's transaction."""
        chunk = list(rows)
        for tried in range(1, TRIES + 1):
            read = [self.reader.read(number, list(cells)) for number, cells in chunk]
            try:
                with transaction.atomic():
                    outcome = self._decide(read)
            except IntegrityError:
                if tried == TRIES:
                    raise
            else:
                self._seen.update(outcome.seen)
                return outcome
        raise AssertionError("unreachable")

    def _decide(self, rows: Sequence[Row]) -> Outcome:
        chunk = _Chunk(self, rows)
        for row in rows:
            chunk.take(row)
        if self._writer is not None:
            self._writer.write(chunk.new, chunk.matched, chunk.existing)
        return chunk.outcome


class _Chunk:
    """Rows while they are decided on, with the owners of their addresses in the database and among themselves."""

    def __init__(self, importer: Importer, rows: Sequence[Row]) -> None:
        self.importer = importer
        self.outcome = Outcome()
        # Rows that make a customer, by number; with the addresses that will be theirs.
        self.new: dict[int, Row] = {}
        # Rows that change a customer of the database, by the customer's id.
        self.matched: dict[str, list[Row]] = {}
        self.owner_of: dict[Key, OwnerKey] = _owners(rows)
        for key in {key for row in rows for key in _keys(row)}:
            if key in importer._seen:
                self.owner_of.setdefault(key, importer._seen[key])
        self.existing = self._load() if importer.on_duplicate == OnDuplicate.UPDATE else {}

    def take(self, row: Row) -> None:
        """Create, update, skip or reject a row, in view of the decisions on the rows before it."""
        owners = list(dict.fromkeys(self.owner_of[key] for key in _keys(row) if key in self.owner_of))
        mode = self.importer.on_duplicate
        if not row.problems and owners and mode == OnDuplicate.UPDATE:
            row.problems += self._obstacles(row, owners)
        if not row.problems and (not owners or mode == OnDuplicate.CREATE):
            row.problems += self.importer.reader.missing(row)
        if row.problems:
            self.outcome.rejected.append(row)
        elif not owners or mode == OnDuplicate.CREATE:
            self._create(row)
        elif mode == OnDuplicate.SKIP:
            self.outcome.skipped += 1
        else:
            self._update(row, owners[0])

    def _create(self, row: Row) -> None:
        self.outcome.created += 1
        # An address that is somebody's stays theirs; it is written on the new customer all the same.
        row.free = [address for address in row.addresses if (address.kind, address.match_key) not in self.owner_of]
        self.new[row.number] = row
        self._own(row, row.number)

    def _update(self, row: Row, owner: OwnerKey) -> None:
        self.outcome.updated += 1
        if isinstance(owner, str):
            self.matched.setdefault(owner, []).append(row)
        elif owner in self.new:
            _fill_in(self.new[owner], row)
        self._own(row, owner)

    def _own(self, row: Row, owner: OwnerKey) -> None:
        for key in _keys(row):
            if key not in self.owner_of:
                self.owner_of[key] = owner
                if self.importer.is_dry:
                    self.outcome.seen[key] = owner

    def _obstacles(self, row: Row, owners: list[OwnerKey]) -> list[Problem]:
        if len(owners) > 1:
            names = " and ".join(self._name(owner) for owner in owners)
            return [Problem(-1, "", f"The phones and e-mails belong to different customers: {names}.")]
        owner = owners[0]
        if isinstance(owner, str) and owner not in self.existing:
            return [Problem(-1, "", "The phone or e-mail belongs to a customer who was deleted, or is not yours.")]
        return []

    def _name(self, owner: OwnerKey) -> str:
        if isinstance(owner, int):
            return f"that of row {owner}"
        row = self.existing.get(owner)
        return f"{row.name} ({row.code})" if row else "one you can’t see"

    def _load(self) -> dict[str, Customer]:
        """The customers that may be changed, locked until the commit."""
        ids = {owner for owner in self.owner_of.values() if isinstance(owner, str)}
        member = self.importer.member
        # Whom this import made it may fill in, whoever owns them now.
        own = Q(created_by=member.user_id, created_at__gte=self.importer.begun_at)
        reach = owned_within_reach(member, "assigned_to")
        rows = Customer.objects.present().filter(reach | own if reach else reach)
        rows = rows.filter(pk__in=ids).select_related("stage")
        if not self.importer.is_dry:
            # In one order, so that two of these never wait for each other.
            rows = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
        return {str(customer.pk): customer for customer in rows}


def _keys(row: Row) -> list[Key]:
    return [(address.kind, address.match_key) for address in row.addresses]


def _owners(rows: Sequence[Row]) -> dict[Key, OwnerKey]:
    """The owners of the rows' addresses by key; one query for each kind. National variants have one key."""
    keys_by_kind: dict[str, set[str]] = {}
    for row in rows:
        for kind, key in _keys(row):
            keys_by_kind.setdefault(kind, set()).add(key)
    results: dict[Key, OwnerKey] = {}
    for kind, keys in keys_by_kind.items():
        owned = Identity.objects.filter(kind=kind, match_key__in=keys).values_list("match_key", "customer_id")
        results.update({(kind, key): str(customer_id) for key, customer_id in owned})
    return results


def _fill_in(first: Row, later: Row) -> None:
    """Fill in a new row's empty values from a later row of the same file about the same person."""
    first.values.update(later.values)
    first.place.update(later.place)
    first.own.update(later.own)
    known = {tag.casefold() for tag in first.tags}
    first.tags += [tag for tag in later.tags if tag.casefold() not in known]
    own_keys = set(_keys(first))
    added = [address for address in later.addresses if (address.kind, address.match_key) not in own_keys]
    # What the later row says is the primary one.
    first.addresses = [*added, *first.addresses]
    first.free = [*added, *first.free]


def as_seen(parts: Iterable[Mapping[str, list[tuple[str, str, OwnerKey]]]]) -> dict[Key, OwnerKey]:
    """`Outcome.seen` as the steps of a dry run stored it."""
    return {(kind, key): owner for part in parts for kind, key, owner in part["seen"]}
