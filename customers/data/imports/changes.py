"""What an import writes: new customers in bulk, changed ones with their former values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models.functions import Lower
from django.utils import timezone

from activity.actor import Actor
from activity.ledger import Entry, record_many
from core.ids import uuid7
from core.inserting import insert, insert_values
from customers import events
from customers.data.imports.values import Row, RowReader
from customers.models import Change, ChangeSet, Customer, CustomerImport, Identity, StageChange, Tag
from customers.people import codes
from customers.people.keys import KEYS, set_keys

CUSTOMER = Customer._meta.label_lower
_PRIMARY = {Identity.Kind.PHONE: "phone", Identity.Kind.EMAIL: "email"}


class Writer:
    """Writes the rows of one import. The decisions were made before (`rows`)."""

    def __init__(self, *, reader: RowReader, actor: Actor, change_set: ChangeSet, upload: CustomerImport) -> None:
        self.reader = reader
        self.organization = reader.organization
        self.actor = actor
        self.change_set = change_set
        self.mark = {"import": str(upload.pk)}

    def write(
        self, new: Mapping[int, Row], matched: Mapping[str, Sequence[Row]], existing: Mapping[str, Customer]
    ) -> None:
        """Rows that make a customer, and those that change one of `existing`, by its id."""
        tags = self._tags(
            [tag for row in [*new.values(), *(r for rows in matched.values() for r in rows)] for tag in row.tags]
        )
        if new:
            self._create(list(new.values()), tags)
        if matched:
            self._update(matched, existing, tags)

    # --- New ones -----------------------------------------------------------------------------------------------------

    def _create(self, rows: Sequence[Row], tags: Mapping[str, Tag]) -> None:
        now = timezone.now()
        reserved = codes.reserve(organization=self.organization, count=len(rows))
        customers = [self._customer(row, code, now) for row, code in zip(rows, reserved, strict=True)]
        insert(customers)
        organization_id = self.organization.pk
        insert_values(
            Identity,
            ("id", "organization_id", "customer_id", "kind", "value", "match_key", "is_primary", "created_at"),
            (
                (uuid7(), organization_id, customer.pk, address.kind, address.value, address.match_key,
                 getattr(customer, _PRIMARY[address.kind]) == address.value, now)
                for customer, row in zip(customers, rows, strict=True)
                for address in row.free
            ),
        )  # fmt: skip
        self._tie(
            (customer, tags[name.casefold()])
            for customer, row in zip(customers, rows, strict=True)
            for name in row.tags
        )
        insert_values(
            Change,
            ("id", "organization_id", "change_set_id", "model", "object_id", "action", "before", "after"),
            (
                (uuid7(), organization_id, self.change_set.pk, CUSTOMER, str(customer.pk), "created", {},
                 {"code": customer.code})
                for customer in customers
            ),
        )  # fmt: skip
        entries = [Entry(customer, self._created(customer)) for customer in customers]
        record_many(events.CUSTOMER_CREATED, entries, actor=self.actor, organization=self.organization)

    def _customer(self, row: Row, code: str, now: datetime) -> Customer:
        phone, email = row.address(Identity.Kind.PHONE), row.address(Identity.Kind.EMAIL)
        customer = Customer(
            organization=self.organization, code=code, phone=phone.value if phone else "",
            email=email.value if email else "", address=row.place, custom_fields=row.own,
            created_by_id=self.actor.user_id, created_at=now, updated_at=now, last_activity_at=now, stage_since=now,
            **{"stage": self.reader.first_stage, **row.values},
        )  # fmt: skip
        set_keys(customer, addresses=[address.value for address in row.addresses])
        return customer

    def _created(self, customer: Customer) -> dict[str, Any]:
        return {"code": customer.code, "source": customer.source, "stage": customer.stage.key} | self.mark

    # --- Changed ones -------------------------------------------------------------------------------------------------

    def _update(
        self, matched: Mapping[str, Sequence[Row]], existing: Mapping[str, Customer], tags: Mapping[str, Tag]
    ) -> None:
        known = self._identities(matched)
        worn = self._worn(matched)
        entries: dict[str, list[Entry]] = defaultdict(list)
        changes, moves, ties = [], [], []
        for key, rows in matched.items():
            customer = existing[key]
            change = _Filling(customer, known[key], worn[key])
            for row in rows:
                change.take(row, tags)
            if not change.after:
                continue
            change.save([identity.value for identity in change.identities.values()])
            changes.append(self._change(customer, "updated", change.before, change.after))
            ties += [(customer, tag) for tag in change.new_tags]
            self._record(change, entries)
            if "stage" in change.after:
                moves.append((customer, change.was_at, change.was_since))
        self._tie(ties)
        insert(changes)
        insert(
            StageChange(
                organization=self.organization, customer=customer, from_stage=was, from_name=was.name,
                to_stage=customer.stage, to_name=customer.stage.name, since=since, reason="imported",
                actor_kind=self.actor.kind, actor_label=self.actor.label, changed_at=customer.stage_since,
            )
            for customer, was, since in moves
        )  # fmt: skip
        for event_type, of_type in entries.items():
            record_many(event_type, of_type, actor=self.actor, organization=self.organization)

    def _record(self, change: _Filling, entries: dict[str, list[Entry]]) -> None:
        customer = change.customer

        def add(event_type: str, **payload: object) -> None:
            entries[event_type].append(Entry(customer, payload | self.mark))

        fields = {
            name: {"from": change.before.get(name), "to": value}
            for name, value in change.after.items()
            if name not in ("stage", "assigned_to", "tags")
        }
        if fields:
            add(events.CUSTOMER_UPDATED, changes=fields)
        if "stage" in change.after:
            add(
                events.STAGE_CHANGED,
                **{"from": change.before["stage"], "to": change.after["stage"], "reason": "imported"},
            )
        if "assigned_to" in change.after:
            add(events.CUSTOMER_ASSIGNED, **{"from": change.before["assigned_to"], "to": change.after["assigned_to"]})
        for tag in change.new_tags:
            add(events.TAG_ADDED, tag=tag.name)

    def _identities(self, ids: Iterable[str]) -> dict[str, dict[tuple[str, str], Identity]]:
        result: dict[str, dict[tuple[str, str], Identity]] = defaultdict(dict)
        for identity in Identity.objects.filter(customer_id__in=list(ids)):
            result[str(identity.customer_id)][identity.kind, identity.match_key] = identity
        return result

    def _worn(self, ids: Iterable[str]) -> dict[str, set[object]]:
        """The tags of the customers, by customer."""
        result: dict[str, set[Any]] = defaultdict(set)
        through = Customer.tags.through._base_manager.filter(customer_id__in=list(ids))
        for customer_id, tag_id in through.values_list("customer_id", "tag_id"):
            result[str(customer_id)].add(tag_id)
        return result

    # --- Both ---------------------------------------------------------------------------------------------------------

    def _tags(self, names: Sequence[str]) -> dict[str, Tag]:
        """The tags by their names in small letters, made where there were none."""
        by_key = {name.casefold(): name for name in names}
        if not by_key:
            return {}
        lowered = {name.lower() for name in names}
        rows = Tag.objects.annotate(lowered=Lower("name")).filter(lowered__in=lowered)
        results = {tag.name.casefold(): tag for tag in rows}
        missing = [Tag(organization=self.organization, name=name) for key, name in by_key.items() if key not in results]
        Tag.objects.bulk_create(missing)
        return results | {tag.name.casefold(): tag for tag in missing}

    def _tie(self, ties: Iterable[tuple[Customer, Tag]]) -> None:
        through = Customer.tags.through
        insert_values(through, ("customer_id", "tag_id"), ((customer.pk, tag.pk) for customer, tag in ties))

    def _change(self, customer: Customer, action: str, before: dict[str, object], after: dict[str, object]) -> Change:
        return Change(
            organization=self.organization, change_set=self.change_set, model=CUSTOMER, object_id=str(customer.pk),
            action=action, before=before, after=after,
        )  # fmt: skip


class _Filling:
    """An existing customer with the values before and after, and the columns to save."""

    def __init__(self, customer: Customer, identities: dict[tuple[str, str], Identity], worn: set[object]) -> None:
        self.customer = customer
        self.identities = identities
        self.worn = worn
        self.was_at, self.was_since = customer.stage, customer.stage_since
        self.before: dict[str, object] = {}
        self.after: dict[str, Any] = {}
        self.new_tags: list[Tag] = []
        self._new: list[Identity] = []
        self._demoted: list[str] = []
        self._columns: set[str] = set()

    def take(self, row: Row, tags: Mapping[str, Tag]) -> None:
        """Fill in what the row says; its empty cells are not among it."""
        for name, value in row.values.items():
            if name == "stage":
                self._note("stage", self.customer.stage.key, value.key)
                self._set("stage", value)
            elif name == "assigned_to_id":
                self._note("assigned_to", self.customer.assigned_to_id, value)
                self._set("assigned_to_id", value)
            else:
                self._note(name, getattr(self.customer, name), value)
                self._set(name, value)
        for part, text in row.place.items():
            self._note(f"address.{part}", self.customer.address.get(part, ""), text)
            self._set("address", {**self.customer.address, part: text})
        for key, value in row.own.items():
            self._note(f"custom.{key}", self.customer.custom_fields.get(key), value)
            self._set("custom_fields", {**self.customer.custom_fields, key: value})
        for address in reversed(row.addresses):
            self._take_address(address)
        for name in row.tags:
            self._take_tag(tags[name.casefold()])

    def save(self, addresses: Sequence[str]) -> None:
        if self._demoted or self._new:
            Identity.objects.filter(customer=self.customer, kind__in=self._demoted).update(is_primary=False)
            Identity.objects.bulk_create(self._new)
        self.customer.updated_at = timezone.now()
        if "stage" in self._columns:
            self._set("stage_since", self.customer.updated_at)
        set_keys(self.customer, addresses=addresses)
        self.customer.save(update_fields=[*self._columns, "updated_at", *KEYS])

    def _take_address(self, address: Any) -> None:
        if (address.kind, address.match_key) in self.identities:
            return
        field = _PRIMARY[address.kind]
        self._note(field, getattr(self.customer, field), address.value)
        self._set(field, address.value)
        if address.kind not in self._demoted:
            self._demoted.append(address.kind)
        for other in self._new:
            if other.kind == address.kind:
                other.is_primary = False
        identity = Identity(
            organization_id=self.customer.organization_id, customer=self.customer, kind=address.kind,
            value=address.value, match_key=address.match_key, is_primary=True,
        )  # fmt: skip
        self._new.append(identity)
        self.identities[address.kind, address.match_key] = identity
        self.after.setdefault("identities", []).append([address.kind, address.match_key])

    def _take_tag(self, tag: Tag) -> None:
        if tag.pk not in self.worn:
            self.worn.add(tag.pk)
            self.new_tags.append(tag)
            self.after.setdefault("tags", []).append(tag.name)

    def _note(self, name: str, was: Any, becomes: object) -> None:
        if was != becomes:
            self.before.setdefault(name, _exact(was))
            self.after[name] = _exact(becomes)

    def _set(self, column: str, value: object) -> None:
        setattr(self.customer, column, value)
        self._columns.add(column)


def _exact(value: object) -> object:
    """A value for JSON, with microseconds."""
    return value.isoformat() if isinstance(value, datetime) else value
