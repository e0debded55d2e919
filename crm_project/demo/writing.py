"""Lives into the tables, a thousand customers at a time: the same memory for any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from activity.actor import ActorKind
from activity.audit.content import stamp
from activity.models import Event
from core.inserting import insert, insert_values
from core.tenancy import current_organization
from crm_project.demo.lives import Life
from customers import events
from customers.models import Customer, Tag
from customers.people import codes
from customers.people.keys import set_keys
from customers.people.tags.services import find_or_make

BATCH = 1000


def write(lives: Iterable[Life], *, is_brief: bool) -> Iterator[int]:
    """Write them with codes, keys and tags; after each thousand, how many are there. In the caller's transaction.

    Brief ones are not looked through for duplicates, and the ledger does not tell of them.
    """
    written = 0
    tags: dict[str, Tag] = {}
    rest = iter(lives)
    while some := list(islice(rest, BATCH)):
        _write_batch(some, tags, is_brief=is_brief)
        written += len(some)
        yield written


def _write_batch(lives: Sequence[Life], tags: dict[str, Tag], *, is_brief: bool) -> None:
    organization = current_organization()
    numbers = codes.reserve(organization=organization, count=len(lives))
    for life, code in zip(lives, numbers, strict=True):
        life.customer.code = code
        set_keys(life.customer)
        if is_brief:
            life.customer.is_duplicate_check_due = False
    insert(life.customer for life in lives)
    for part in ("identities", "moves", "deals", "tasks", "outcomes", "interactions", "processes", "consents",
                 "contacts"):  # fmt: skip
        insert(row for life in lives for row in getattr(life, part))
    threads = [life.thread for life in lives if life.thread]
    # A conversation and its last message name each other: the keys are checked when the transaction ends.
    insert(thread.conversation for thread in threads)
    insert(message for thread in threads for message in thread.messages)
    for name in {name for life in lives for name in life.tags}:
        tags.setdefault(name, find_or_make(organization=organization, name=name))
    through = Customer.tags.through
    pairs = ((life.customer.pk, tags[name].pk) for life in lives for name in dict.fromkeys(life.tags))
    insert_values(through, ["customer_id", "tag_id"], pairs)
    if not is_brief:
        insert(_created(life.customer) for life in lives)


def _created(customer: Customer) -> Event:
    """What the ledger says of the first day, as long ago as that was; nobody listens to it any more."""
    event = Event(
        organization=customer.organization,
        type=events.CUSTOMER_CREATED,
        occurred_at=customer.created_at,
        actor_kind=ActorKind.SYSTEM,
        actor_label="Parley",
        subject_type=Customer._meta.label_lower,
        subject_id=str(customer.pk),
        customer_id=customer.pk,
        payload={"code": customer.code, "source": customer.source, "stage": "new"},
        dispatch_state=Event.DispatchState.DONE,
    )
    return stamp(event)
