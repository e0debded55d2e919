"""Reverting a merge: what moved goes back, what came meanwhile stays with the record it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.apps import apps
from django.utils import timezone

from activity.actor import current_actor
from activity.audit import amending
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Event
from customers import events
from customers.data import undo
from customers.data.merging.hooks import after_unmerge
from customers.data.merging.services import EVENT, column_of, set_primary
from customers.models import Change, ChangeSet, Consent, Customer, Identity, StageChange
from customers.people.customers.services import save_keys
from customers.people.fields import CUSTOM
from customers.people.identities import addresses
from customers.pipeline.deals.services import refresh_value

BATCH = 2000


def revert(work: Work, change_set: ChangeSet) -> dict[str, object]:
    """Revert a merge in one transaction. Returns how many records moved back, and what was not restored."""
    with work.step(done=work.job.total):
        # In the order of ids, as the merge locked them.
        pair = sorted([change_set.detail["loser"], change_set.detail["survivor"]])
        rows = Customer.objects.select_for_update(of=("self",)).select_related("organization").filter(pk__in=pair)
        results = {str(row.pk): row for row in rows.order_by("pk")}
        loser, survivor = (results.get(change_set.detail[name]) for name in ("loser", "survivor"))
        if loser is None or survivor is None or loser.erased_at or survivor.erased_at:
            raise JobFailed("One of the two was erased; the merge stays.")
        if loser.merged_into_id != survivor.pk:
            raise JobFailed("They were merged further. Undo the later merge first.")
        restored = _move_back(change_set, loser, survivor)
        reasons = _restore_fields(change_set, survivor)
        through = Customer.tags.through._base_manager
        through.filter(customer_id=survivor.pk, tag_id__in=change_set.detail["tags"]).delete()
        moved_codes = set(change_set.detail["codes"])
        survivor.former_codes = [code for code in survivor.former_codes if code not in moved_codes]
        survivor.updated_at = loser.updated_at = timezone.now()
        loser.merged_into, loser.deleted_at = None, None
        for customer in (loser, survivor):
            _claim_addresses(customer)
            set_primary(customer)
            save_keys(customer)
        refresh_value(loser, survivor)
        after_unmerge(loser, survivor)
        for customer, other in ((survivor, loser), (loser, survivor)):
            payload = {"other": str(other.pk), "code": other.code}
            record(events.MERGE_UNDONE, subject=customer, actor=current_actor(), payload=payload)
    return {"restored": restored, "kept": len(reasons), "reasons": reasons, "customer": str(loser.pk)}


def _move_back(change_set: ChangeSet, loser: Customer, survivor: Customer) -> int:
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for model in (StageChange, Consent):
        created = change_set.changes.filter(action="created", model=model._meta.label_lower)
        model.objects.filter(pk__in=[change.object_id for change in created]).delete()
    for change in change_set.changes.filter(action="moved").order_by("pk").iterator(chunk_size=BATCH):
        groups[change.model, change.before["field"]].append(change)
    restored = 0
    for (label, field), changes in groups.items():
        for start in range(0, len(changes), BATCH):
            restored += _move_some(label, field, changes[start : start + BATCH], loser, survivor)
    return restored


def _move_some(label: str, field: str, changes: Sequence[Change], loser: Customer, survivor: Customer) -> int:
    """Move back the records that still belong to the survivor; one that was deleted or moved on is left."""
    if label == EVENT:
        moved_events = Event.objects.filter(pk__in=[change.object_id for change in changes], customer_id=survivor.pk)
        ids = moved_events.order_by("pk").values_list("pk", flat=True)
        return amending.move(ids=list(ids), customer_id=loser.pk)
    rows = apps.get_model(label)._base_manager.filter(
        pk__in=[change.object_id for change in changes], **{field: survivor.pk}
    )
    with_more = {c.object_id: {k: v for k, v in c.before.items() if k != "field"} for c in changes if len(c.before) > 1}
    still_there = {str(pk) for pk in rows.values_list("pk", flat=True)} if with_more else set()
    moved = rows.update(**{field: loser.pk})
    # In the order of the numbers that were: each is free when it is taken.
    for key, values in sorted(with_more.items(), key=lambda one: [*one[1].values()]):
        if key in still_there:
            apps.get_model(label)._base_manager.filter(pk=key).update(**values)
    return moved


def _claim_addresses(customer: Customer) -> None:
    """Give back the identities of the customer's phone and e-mail, removed ones too, unless another has them."""
    for kind, value in ((Identity.Kind.PHONE, customer.phone), (Identity.Kind.EMAIL, customer.email)):
        if value and not Identity.objects.filter(customer=customer, kind=kind, value=value).exists():
            parsed = addresses.parse(customer.organization, **{addresses.FIELDS[kind]: value})
            addresses.give(customer, parsed[0], allow_duplicate=True)


def _restore_fields(change_set: ChangeSet, survivor: Customer) -> list[str]:
    """Restore the fields that are as the merge left them; returns a reason for each of the others."""
    reasons = []
    before, after = change_set.detail["before"], change_set.detail["after"]
    for name, was in before.items():
        if was == after[name]:
            continue
        if column_of(survivor, name) != after[name]:
            reasons.append(f"{name} was changed since.")
        elif name.startswith(CUSTOM):
            values = {**survivor.custom_fields, name.removeprefix(CUSTOM): was}
            survivor.custom_fields = {key: value for key, value in values.items() if value is not None}
        else:
            field = Customer._meta.get_field(name)
            setattr(survivor, str(field.attname), field.to_python(was))  # type: ignore[union-attr]
            if name == "stage" and "stage_since" in change_set.detail:
                survivor.stage_since = datetime.fromisoformat(change_set.detail["stage_since"])
    return reasons


def register() -> None:
    undo.register_undo(ChangeSet.Kind.MERGE, revert)
