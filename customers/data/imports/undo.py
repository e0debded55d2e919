"""Reverting an import: its customers are removed and its changes restored, unless somebody used or changed them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import ManyToOneRel, Q
from django.utils import timezone

from accounts.models import Member
from activity.actor import current_actor
from activity.audit import amending
from activity.jobs import Work
from activity.ledger import Entry, record_many
from activity.models import Event
from activity.registry import kept_of
from customers import events
from customers.data import undo
from customers.models import Change, ChangeSet, Customer, CustomerImport, DuplicatePair, Identity, Stage, StageChange
from customers.people.keys import KEYS, set_keys

STEP = 200
# What an import, and the sweep for duplicates, write beside a customer; whatever else points at one was made since.
_NO_USE = (Identity, StageChange, DuplicatePair, Customer.tags.through)


def revert(work: Work, change_set: ChangeSet) -> dict[str, object]:
    """Revert an import. Returns how many were removed and restored, and why others were not."""
    state = work.state
    if not state:
        state.update(removed=0, restored=0, kept=0, reasons=[])
    mark = str(change_set.detail.get("import", ""))
    # The last change first: what two rows of the file did to one customer is taken back in turn.
    rows = change_set.changes.order_by("-pk")
    while batch := list((rows.filter(pk__lt=state["last"]) if state.get("last") else rows)[:STEP]):
        with work.step(done=work.job.done + len(batch)):
            _hold(batch)
            _restore([change for change in batch if change.action == "updated"], mark, state)
            _remove([change for change in batch if change.action == "created"], mark, state)
            state["last"] = str(batch[-1].pk)
    CustomerImport.objects.filter(change_set=change_set).update(state=CustomerImport.State.UNDONE)
    # `restored` is what every kind of undo counts.
    return {
        "removed": state["removed"],
        "restored": state["removed"] + state["restored"],
        "kept": state["kept"],
        "reasons": state["reasons"],
    }


def register() -> None:
    undo.register_undo(ChangeSet.Kind.IMPORT, revert)


def _hold(changes: Iterable[Change]) -> None:
    """Lock the customers in one order, and exclusively, so that nobody adds a record to one that is being removed."""
    rows = Customer.objects.filter(pk__in={change.object_id for change in changes}).order_by("pk")
    list(rows.select_for_update(of=("self",)).values_list("pk"))


# --- Whom it made -----------------------------------------------------------------------------------------------------


def _remove(changes: Sequence[Change], mark: str, state: dict[str, Any]) -> None:
    """Delete those that nobody used since; a constant number of look-ups."""
    ids = [change.object_id for change in changes]
    results = {str(customer.pk): customer for customer in Customer.objects.filter(pk__in=ids)}
    used = _used(list(results), mark)
    removable = []
    for change in changes:
        customer = results.get(change.object_id)
        if customer is None or customer.erased_at is not None:
            undo.note_skipped(state, f"{change.after.get('code', 'A customer')} is gone.")
        elif customer.is_deleted:
            undo.note_skipped(state, f"{customer.code} was deleted or merged since.")
        elif change.object_id in used or (
            customer.updated_at != customer.created_at and not _only_filled(customer, mark)
        ):
            undo.note_skipped(state, f"{customer.code} {customer.name} was used or changed since.")
        else:
            removable.append(customer.pk)
    if removable:
        # The ledger keeps that they were there, and nothing of who they were.
        rows = Event.objects.filter(customer_id__in=removable).order_by("pk").values_list("pk", flat=True)
        amending.erase(ids=list(rows), remaining=lambda event: kept_of(event.type, event.payload))
        Customer.objects.filter(pk__in=removable).delete()
    state["removed"] += len(removable)


def _used(ids: Sequence[str], mark: str) -> set[str]:
    """The customers with records or events that do not come from the import itself."""
    results: set[str] = set()
    of_import = Q(payload__import=mark)
    others = Event.objects.filter(customer_id__in=ids).filter(~of_import | Q(payload__import__isnull=True))
    results |= {str(key) for key in others.values_list("customer_id", flat=True).distinct()}
    # Those of upper apps too, conversations and messages for instance.
    for relation in Customer._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ManyToOneRel) or relation.related_model in _NO_USE:
            continue
        model, column = relation.related_model, relation.field.name
        rows = model._base_manager.filter(**{f"{column}__in": ids})
        results |= {str(key) for key in rows.values_list(column, flat=True).distinct()}
    return results


def _only_filled(customer: Customer, mark: str) -> bool:
    """Whether a later row of the same import changed them last: its own change was reverted before."""
    return (
        Event.objects.filter(customer_id=customer.pk, payload__import=mark)
        .exclude(type=events.CUSTOMER_CREATED)
        .exists()
    )


# --- What it filled in ------------------------------------------------------------------------------------------------


def _restore(changes: Sequence[Change], mark: str, state: dict[str, Any]) -> None:
    ids = [change.object_id for change in changes]
    rows = Customer.objects.filter(pk__in=ids).select_related("stage")
    results = {str(customer.pk): customer for customer in rows}
    stages = {stage.key: stage for stage in Stage.objects.all()} if changes else {}
    owners = _active_owners(changes)
    entries = []
    for change in changes:
        customer = results.get(change.object_id)
        if customer is None or customer.erased_at is not None:
            undo.note_skipped(state, "A customer is gone.")
            continue
        if customer.is_deleted:
            undo.note_skipped(state, f"{customer.code} was deleted or merged since.")
            continue
        put = _Putting(customer, change, stages, owners)
        put.back()
        if put.kept:
            undo.note_skipped(state, f"{customer.code} {customer.name}: {', '.join(put.kept)} changed since.")
        else:
            state["restored"] += 1
        if put.fields:
            entries.append(Entry(customer, {"changes": put.fields, "import": mark}))
    record_many(events.CUSTOMER_UPDATED, entries, actor=current_actor())


def _active_owners(changes: Iterable[Change]) -> set[str]:
    owners = {change.before["assigned_to"] for change in changes if change.before.get("assigned_to")}
    members = Member.objects.active().filter(user_id__in=owners) if owners else Member.objects.none()
    return {str(key) for key in members.values_list("user_id", flat=True)}


class _Putting:
    """Restores the fields of one customer that still have what the import wrote."""

    def __init__(self, customer: Customer, change: Change, stages: dict[str, Stage], owners: set[str]) -> None:
        self.customer, self.change, self.stages, self.owners = customer, change, stages, owners
        self.kept: list[str] = []
        self.fields: dict[str, object] = {}
        self._columns: set[str] = set()

    def back(self) -> None:
        for name, was in self.change.before.items():
            if not self._revert_field(name, was, self.change.after.get(name)):
                self.kept.append(name.removeprefix("custom.").removeprefix("address.").replace("_", " "))
        self._take_tags()
        self._take_identities()
        if not self._columns:
            return
        self.customer.updated_at = timezone.now()
        set_keys(
            self.customer, addresses=Identity.objects.filter(customer=self.customer).values_list("value", flat=True)
        )
        self.customer.save(update_fields=[*self._columns, "updated_at", *KEYS])

    def _revert_field(self, name: str, was: Any, became: Any) -> bool:
        """Restore the field; False where it was changed since."""
        place, _, key = name.partition(".")
        if key:
            return self._in_json("address" if place == "address" else "custom_fields", key, was, became)
        if name == "stage":
            return self._stage(was, became)
        if name == "assigned_to":
            now = str(self.customer.assigned_to_id) if self.customer.assigned_to_id else None
            if now != became or (was and was not in self.owners):
                return False
            self._set(name, "assigned_to_id", was, became)
            return True
        column = Customer._meta.get_field(name)
        was, became = column.to_python(was), column.to_python(became)  # type: ignore[union-attr]
        if getattr(self.customer, name) != became:
            return False
        self._set(name, name, was, became)
        return True

    def _in_json(self, column: str, key: str, was: object, became: object) -> bool:
        values = dict(getattr(self.customer, column))
        if values.get(key) != became:
            return False
        if was in (None, ""):
            values.pop(key, None)
        else:
            values[key] = was
        self._set(f"{column}.{key}", column, values, None)
        return True

    def _stage(self, was: str, became: str) -> bool:
        stage = self.stages.get(was)
        if self.customer.stage.key != became or stage is None:
            return False
        StageChange.objects.create(
            organization=self.customer.organization, customer=self.customer, from_stage=self.customer.stage,
            from_name=self.customer.stage.name, to_stage=stage, to_name=stage.name, since=self.customer.stage_since,
            reason="undone", actor_kind=current_actor().kind, actor_label=current_actor().label,
        )  # fmt: skip
        self._set("stage", "stage", stage, became)
        self._set("stage", "stage_since", timezone.now(), became)
        self.fields["stage"] = {"from": became, "to": was}
        return True

    def _take_tags(self) -> None:
        names = self.change.after.get("tags", [])
        if names:
            Customer.tags.through._base_manager.filter(customer_id=self.customer.pk, tag__name__in=names).delete()

    def _take_identities(self) -> None:
        """Remove the addresses that the import added, unless one is still a value of the customer."""
        for kind, key in self.change.after.get("identities", []):
            field = "phone" if kind == Identity.Kind.PHONE else "email"
            rows = Identity.objects.filter(customer=self.customer, kind=kind)
            rows.filter(match_key=key).exclude(value=getattr(self.customer, field)).delete()
            rows.filter(value=getattr(self.customer, field)).update(is_primary=True)

    def _set(self, name: str, column: str, value: object, became: object) -> None:
        setattr(self.customer, column, value)
        self._columns.add(column.removesuffix("_id"))
        if name != "stage":
            self.fields[name] = {"from": became, "to": value}
