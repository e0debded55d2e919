"""Likely duplicates: searched for when a customer changed, stored as pairs with the reasons.

A changed or imported customer is marked (`is_duplicate_check_due`); the worker takes the marked ones some hundred at a
time and compares them with those that share a phone, an e-mail, a company or an address: never all with all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core import phones
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Customer, DuplicatePair, Identity
from customers.search import normalize

BATCH = 200
# Of a company with thousands of people so many are compared, the newest first.
MAX_CANDIDATES = 2000
NEAR = 0.86
SCORES = {"phone": 95, "email": 95, "name_and_company": 80, "name_and_address": 85}

Candidate = dict[tuple[UUID, UUID], set[str]]


def find_due() -> int:
    """Find the duplicates of every marked customer; returns how many were checked."""
    looked = 0
    while True:
        with every_organization("the worker serves all organizations"):
            due = Customer.objects.filter(is_duplicate_check_due=True, organization__is_active=True)
            first = due.select_related("organization").first()
        if first is None:
            return looked
        with organization_scope(first.organization):
            looked += find_some(first.organization)


@transaction.atomic
def find_some(organization: Organization) -> int:
    """Check the next marked customers of an organization; returns how many."""
    due = Customer.objects.filter(organization=organization, is_duplicate_check_due=True).order_by("pk")
    # Held in one order, as a merge holds its two: neither waits for the other for ever.
    keys = list(due.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)[:BATCH])
    # First, so that who is changed from here on is marked again.
    Customer.objects.filter(pk__in=keys).update(is_duplicate_check_due=False)
    rows = list(Customer.objects.present().filter(pk__in=keys, erased_at__isnull=True))
    _save(organization, keys, _pairs(rows))
    return len(keys)


@transaction.atomic
def dismiss(*, pair: DuplicatePair, actor: Actor) -> None:
    """Mark a pair as two customers; it is not proposed again."""
    if pair.dismissed_at is not None:
        return
    pair.dismissed_at = timezone.now()
    pair.save(update_fields=["dismissed_at"])
    payload = {"first": pair.first_id, "second": pair.second_id}
    record(events.DUPLICATE_DISMISSED, subject=pair, customer_id=pair.first_id, actor=actor, payload=payload)


def is_near(name: str, other: str) -> bool:
    """Whether two names are nearly equal, whatever the order of their words."""
    a, b = (" ".join(sorted(normalize(text).split())) for text in (name, other))
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.real_quick_ratio() >= NEAR and matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR


def _pairs(rows: Sequence[Customer]) -> Candidate:
    result: Candidate = defaultdict(set)
    _by_address_of_their_own(rows, result)
    for column, reason in (("company_key", "name_and_company"), ("address_key", "name_and_address")):
        _by_name_and(column, reason, rows, result)
    return result


def _by_address_of_their_own(rows: Sequence[Customer], candidates: Candidate) -> None:
    """Add pairs where the phone or e-mail of one customer is an identity of another."""
    requested: dict[tuple[str, str], list[Customer]] = defaultdict(list)
    for row in rows:
        if row.phone:
            requested[Identity.Kind.PHONE, phones.match_key(row.phone)].append(row)
        if row.email:
            requested[Identity.Kind.EMAIL, row.email.casefold()].append(row)
    owners = Identity.objects.filter(match_key__in={key for _, key in requested}, customer__deleted_at__isnull=True)
    for kind, key, owner in owners.values_list("kind", "match_key", "customer_id"):
        for row in requested.get((kind, key), ()):
            if row.pk != owner:
                candidates[_in_order(row.pk, owner)].add("phone" if kind == Identity.Kind.PHONE else "email")


def _by_name_and(column: str, reason: str, rows: Sequence[Customer], candidates: Candidate) -> None:
    values = {getattr(row, column) for row in rows} - {""}
    if not values:
        return
    same = Customer.objects.present().filter(erased_at__isnull=True, **{f"{column}__in": values})
    groups: dict[str, list[tuple[UUID, str]]] = defaultdict(list)
    for key, pk, name in same.order_by("-id").values_list(column, "pk", "name")[:MAX_CANDIDATES]:
        groups[key].append((pk, name))
    for row in rows:
        for pk, name in groups.get(getattr(row, column), ()):
            if pk != row.pk and is_near(row.name, name):
                candidates[_in_order(row.pk, pk)].add(reason)


def _in_order(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return (one, other) if one < other else (other, one)


def _save(organization: Organization, keys: Iterable[UUID], candidates: Candidate) -> None:
    """Store the present pairs of these customers; dismissed pairs stay dismissed."""
    keys = list(keys)
    about = Q(first__in=keys) | Q(second__in=keys)
    known = {(pair.first_id, pair.second_id): pair for pair in DuplicatePair.objects.filter(about)}
    outdated = [pair.pk for key, pair in known.items() if key not in candidates and pair.dismissed_at is None]
    DuplicatePair.objects.filter(pk__in=outdated).delete()
    fresh = []
    for (first, second), reasons in candidates.items():
        score = min(100, max(SCORES[reason] for reason in reasons) + 2 * (len(reasons) - 1))
        pair = known.get((first, second))
        if pair is None:
            fresh.append(
                DuplicatePair(
                    organization=organization, first_id=first, second_id=second, reasons=sorted(reasons), score=score
                )
            )
        elif pair.reasons != sorted(reasons):
            DuplicatePair.objects.filter(pk=pair.pk).update(reasons=sorted(reasons), score=score)
    DuplicatePair.objects.bulk_create(fresh, ignore_conflicts=True)
