from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.models import Customer, Segment, Tag
from customers.people import locking

MAX_LENGTH = 50
COLORS = ("slate", "sky", "indigo", "violet", "rose", "amber", "green", "teal")


class InvalidTag(Refused):
    """A name of a tag that is empty, too long or taken."""

    field = "tags"


def find_or_make(*, organization: Organization, name: str) -> Tag:
    """The organization's tag with this name in any case, made when there is none. Raises InvalidTag."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_LENGTH:
        raise InvalidTag(f"A tag has 1 to {MAX_LENGTH} characters.")
    row = Tag.objects.filter(organization=organization, name__iexact=name).first()
    if row is not None:
        return row
    try:
        with transaction.atomic():
            return Tag.objects.create(organization=organization, name=name)
    except IntegrityError:
        return Tag.objects.get(organization=organization, name__iexact=name)


@transaction.atomic
def add(*, customer: Customer, names: Iterable[str], actor: Actor) -> list[Tag]:
    """Put tags on a customer; those that were not there yet are returned and told to the ledger.

    Raises InvalidTag or CustomerMissing.
    """
    locking.lock_customer(customer)
    return add_locked(customer=customer, names=names, actor=actor)


def add_locked(*, customer: Customer, names: Iterable[str], actor: Actor) -> list[Tag]:
    """Like `add`, for a customer whose row the caller has locked. One statement where all tags are on them already."""
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(" ".join(name.split()).casefold(), name)
    on_them = {tag.name.casefold() for tag in customer.tags.filter(_named(by_key.values()))} if by_key else set()
    added = []
    through = Customer.tags.through
    for key, name in by_key.items():
        if key in on_them:
            continue
        tag = find_or_make(organization=customer.organization, name=name)
        _, is_new = through._base_manager.get_or_create(customer_id=customer.pk, tag_id=tag.pk)
        if is_new:
            added.append(tag)
            record(events.TAG_ADDED, subject=customer, actor=actor, payload={"tag": tag.name})
    return added


def _named(names: Iterable[str]) -> Q:
    """The condition that a tag has one of these names, in any case."""
    condition = Q()
    for name in names:
        condition |= Q(name__iexact=" ".join(name.split()))
    return condition


@transaction.atomic
def remove(*, customer: Customer, names: Iterable[str], actor: Actor) -> list[Tag]:
    """Take tags off a customer; what was not on them is no error. Raises CustomerMissing."""
    locking.lock_customer(customer)
    removed = []
    for name in names:
        for tag in customer.tags.filter(name__iexact=" ".join(name.split())):
            customer.tags.remove(tag)
            removed.append(tag)
            record(events.TAG_REMOVED, subject=customer, actor=actor, payload={"tag": tag.name})
    return removed


def create(*, organization: Organization, name: str, actor: Actor, color: str = "slate") -> Tag:
    """A new tag. Raises InvalidTag, also for a name that is there."""
    with transaction.atomic():
        if Tag.objects.filter(organization=organization, name__iexact=" ".join(name.split())).exists():
            raise InvalidTag(f"There is a tag “{name}” already.")
        tag = find_or_make(organization=organization, name=name)
        return update(tag=tag, actor=actor, changes={"color": color}, event=events.TAG_CREATED)


@transaction.atomic
def update(*, tag: Tag, actor: Actor, changes: Mapping[str, object], event: str = events.TAG_CHANGED) -> Tag:
    """Another name or colour, wherever the tag is. Raises InvalidTag."""
    before, color = tag.name, tag.color
    for field, value in changes.items():
        if field == "color" and value not in COLORS:
            raise InvalidTag(f"Use one of the colours {', '.join(COLORS)}.")
        setattr(tag, field, " ".join(str(value).split()))
    if not 0 < len(tag.name) <= MAX_LENGTH:
        raise InvalidTag(f"A tag has 1 to {MAX_LENGTH} characters.")
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError as error:
        raise InvalidTag(f"There is a tag “{tag.name}” already.") from error
    if tag.name != before:
        _rename_in_segments(tag, before)
    elif tag.color == color and event == events.TAG_CHANGED:
        return tag
    record(event, subject=tag, actor=actor, payload={"tag": tag.name})
    return tag


@transaction.atomic
def delete(*, tag: Tag, actor: Actor) -> None:
    """Take a tag off everybody, and away."""
    record(events.TAG_DELETED, subject=tag, actor=actor, payload={"tag": tag.name})
    tag.delete()


def _rename_in_segments(tag: Tag, before: str) -> None:
    """Saved views that ask for the tag go on asking for it under its new name."""
    for segment in Segment.objects.filter(organization_id=tag.organization_id):
        requested = segment.filter.get("tag")
        names = [requested] if isinstance(requested, str) else requested or []
        if any(name.casefold() == before.casefold() for name in names):
            named = [tag.name if name.casefold() == before.casefold() else name for name in names]
            segment.filter = {**segment.filter, "tag": named}
            segment.save(update_fields=["filter"])
