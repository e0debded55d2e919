"""The queue of outbound messages: queueing, cancelling, retrying. `sending` sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from activity.actor import SYSTEM, Actor, ActorKind
from activity.ledger import record
from core import clock
from core.claims import released
from core.jobs import wake_up
from core.refused import Refused
from core.tenancy import every_organization
from customers.models import Customer
from customers.people import locking
from customers.people.customers import services as customers
from messaging import events
from messaging.channels.text import clean
from messaging.delivery import checks, drafts
from messaging.delivery.drafts import InvalidText
from messaging.models import Conversation, MediaFile, Message, Template
from messaging.threads import mentions
from messaging.threads import services as conversations

DELIVER = "messaging.tasks.deliver_due"
# How often a thread may change hands, by merges and their undoing, while somebody writes in it.
MAX_HANDS = 5
# In a message's `extra`: who wrote it in its author's name.
ACTED_FOR = "acted_for"


class NotPossible(Refused):
    """The message's status does not allow this; the text names it."""

    status = 409


@transaction.atomic
def queue_message(
    *,
    conversation: Conversation,
    actor: Actor,
    body: str = "",
    author: User | None = None,
    subject: str = "",
    origin: str = Message.Origin.PERSON,
    not_before_at: datetime | None = None,
    undo_for: timedelta = timedelta(0),
    cancel_on_inbound: bool = False,
    reply_to: Message | None = None,
    template: Template | None = None,
    variables: Mapping[str, str] | None = None,
    files: Sequence[MediaFile] | None = None,
    cc: Sequence[str] = (),
    fallback_template: Template | None = None,
    fallback_variables: Mapping[str, str] | None = None,
) -> Message:
    """Queue a message for delivery.

    It leaves at `not_before_at`, else now, after `undo_for` in which it can be taken back. A template gives the text
    where no body is given, and its files where none are; an approved one is sent by its id. Past the end of the reply
    window a free text needs a `fallback_template`. Raises InvalidText, or a `refusals.SendingRefused` (WindowClosed,
    OptedOut, OptInMissing, DoNotContact, NoAddress, AddressStopped, ChannelOff), or CustomerMissing; then nothing is
    written.
    """
    _lock_customer(conversation)
    written = drafts.write(
        conversation=conversation,
        body=body,
        subject=subject,
        author=author,
        template=template,
        variables=variables,
        files=files,
        cc=cc,
        fallback_template=fallback_template,
        fallback_variables=fallback_variables,
    )
    now = clock.now()
    due = max(not_before_at or now, now + undo_for)
    is_automatic = origin in (Message.Origin.WORKFLOW, Message.Origin.SEQUENCE)
    may_fall_back = fallback_template is not None and conversation.is_window_open_at(now)
    checks.require_allowed(
        conversation,
        at=due,
        is_content=bool(written.provider_template_id) or may_fall_back,
        is_automatic=is_automatic,
        is_template=template is not None and not body.strip(),
    )
    message = Message.objects.create(
        organization=conversation.organization,
        conversation=conversation,
        customer=conversation.customer,
        channel=conversation.channel,
        direction=Message.Direction.OUTBOUND,
        status=Message.Status.QUEUED,
        subject=written.subject,
        body=written.body,
        template=template,
        provider_template_id=written.provider_template_id,
        content_variables=written.content_variables,
        fallback_template=fallback_template,
        fallback_variables=dict(fallback_variables or {}) if fallback_template else None,
        address=conversation.address,
        author=author,
        origin=origin,
        reply_to=reply_to,
        not_before_at=not_before_at,
        cancel_on_inbound=cancel_on_inbound,
        extra=({"media_count": len(written.files)} if written.files else {}) | acted_for(actor),
        due_at=due,
        created_at=now,
        changed_at=now,
    )
    drafts.attach(message, written)
    conversations.record_outbound(conversation, message)
    customers.touch(customer=conversation.customer, at=now)
    _record(events.MESSAGE_QUEUED, message, actor)
    if due <= now:
        wake_up(DELIVER)
    return message


@transaction.atomic
def add_note(*, conversation: Conversation, body: str, actor: Actor, author: User | None = None) -> Message:
    """A private note in the thread; no customer ever sees it. Raises InvalidText or CustomerMissing."""
    _lock_customer(conversation)
    text = clean(body).strip()
    if not text:
        raise InvalidText("Write something first.")
    note = Message.objects.create(
        organization=conversation.organization,
        conversation=conversation,
        customer=conversation.customer,
        channel=conversation.channel,
        direction=Message.Direction.OUTBOUND,
        is_private=True,
        status=Message.Status.NOTE,
        body=text[:20_000],
        author=author,
        extra=acted_for(actor),
    )
    customers.touch(customer=conversation.customer, at=note.created_at)
    mentioned = mentions.record(note)
    _record(events.NOTE_ADDED, note, actor, **({"mentions": len(mentioned)} if mentioned else {}))
    return note


@transaction.atomic
def cancel(*, message: Message, actor: Actor, reason: str = "") -> Message:
    """Take a queued message back. Raises NotPossible once it is being sent or has been."""
    if not _cancel(Message.objects.filter(pk=message.pk), actor, reason):
        message.refresh_from_db()
        raise NotPossible(f"Only a queued message can be cancelled; this one is {message.status}.")
    message.refresh_from_db()
    return message


def cancel_waiting_for_silence(*, customer: Customer, actor: Actor) -> int:
    """Cancel messages that were to go out only if the customer does not write."""
    rows = Message.objects.filter(customer=customer, cancel_on_inbound=True)
    return _cancel(rows, actor, "the customer wrote")


def cancel_on_opt_out(*, customer: Customer, channel_kind: str, actor: Actor) -> int:
    """Cancel waiting messages on the kind of channel on which the customer opted out."""
    return _cancel(
        Message.objects.filter(customer=customer, channel__kind=channel_kind), actor, "the customer opted out"
    )


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """Cancel the messages that a restored copy shares with its original; returns how many.

    Only what is due by now, unless all is cancelled; what was written since it is a copy stays.
    """
    waiting = Q() if is_all else Q(due_at__lte=clock.now())
    done = 0
    with every_organization("the decision about a copy is for all organizations"):
        rows = Message.objects.filter(waiting, _not_begun(), created_at__lt=since, direction=Message.Direction.OUTBOUND)
        of = list(rows.order_by().values_list("organization", flat=True).distinct())
        for organization in of:
            done += _cancel(rows.filter(organization=organization), SYSTEM, "it came along in a restored copy")
    return done


def count_waiting(customer: Customer) -> int:
    """How many messages to this customer have not begun to leave."""
    return Message.objects.filter(_not_begun(), customer=customer, direction=Message.Direction.OUTBOUND).count()


def cancel_on_deletion(*, customer: Customer, actor: Actor) -> int:
    """Cancel the waiting messages of a deleted customer."""
    return _cancel(Message.objects.filter(customer=customer), actor, "the customer was deleted")


@transaction.atomic
def give(*, message: Message, before: User, author: User, actor: Actor) -> bool:
    """Have a waiting message leave under another author's name; its text stays. False where it is `before`'s no more,
    or has begun to leave."""
    waiting = Message.objects.filter(_not_begun(), pk=message.pk, author=before)
    if not waiting.update(author=author, changed_at=clock.now()):
        return False
    payload = {"from": before.pk, "to": author.pk}
    _record(events.MESSAGE_AUTHOR_CHANGED, message, actor, **payload)
    return True


def waiting_of(author: User) -> QuerySet[Message]:
    """The messages of an author that have not begun to leave."""
    return Message.objects.filter(_not_begun(), author=author, direction=Message.Direction.OUTBOUND)


@transaction.atomic
def retry(*, message: Message, actor: Actor) -> Message:
    """Send a failed or unconfirmed message again, at once.

    Raises NotPossible for another status, and a `checks.SendingRefused` where it may not go out now.
    """
    may_be_content = bool(message.provider_template_id or message.fallback_template_id)
    checks.require_allowed(message.conversation, at=clock.now(), is_content=may_be_content)
    locked = Message.objects.select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    if not locked.can_retry:
        raise NotPossible(f"Only a failed or unconfirmed message can be sent again; this one is {locked.status}.")
    now = clock.now()
    known = [
        *locked.extra.get("earlier_ids", []),
        *([locked.provider_message_id] if locked.provider_message_id else []),
    ]
    Message.objects.filter(pk=message.pk).update(
        status=Message.Status.QUEUED,
        due_at=now,
        **released(),
        attempts=0,
        reconcile_attempts=0,
        request_began_at=None,
        provider_message_id="",
        extra={**locked.extra, **acted_for(actor), "earlier_ids": known},
        address=message.conversation.address,
        error_code="",
        error_message="",
        changed_at=now,
    )
    message.refresh_from_db()
    show_status(message)
    _record(events.MESSAGE_QUEUED, message, actor, again=True)
    wake_up(DELIVER)
    return message


def show_status(message: Message) -> None:
    """Copy the message's status to its conversation, where the list shows this message."""
    Conversation.objects.filter(pk=message.conversation_id, last_message=message.pk).update(
        last_message_status=message.status
    )


def _cancel(rows: QuerySet[Message], actor: Actor, reason: str) -> int:
    """Cancel what has not begun to leave, also where a worker has claimed it already: its fence then refuses it."""
    not_begun = _not_begun()
    cancelled = []
    # Messages first, in one order, and only then the conversations: as everybody who locks both.
    for message in rows.filter(not_begun, direction=Message.Direction.OUTBOUND).order_by("pk"):
        changes = {"status": Message.Status.CANCELLED, "error_message": reason, "changed_at": clock.now()}
        # The condition is asked again in the UPDATE: a worker may begin to send the message in this moment.
        if Message.objects.filter(not_begun, pk=message.pk).update(due_at=None, **released(), **changes):
            message.status = Message.Status.CANCELLED
            cancelled.append(message)
    for message in cancelled:
        show_status(message)
        _record(events.MESSAGE_CANCELLED, message, actor, reason=reason)
    return len(cancelled)


def _not_begun() -> Q:
    return Q(status=Message.Status.QUEUED) | Q(status=Message.Status.SENDING, request_began_at=None)


def origin_of(actor: Actor) -> str:
    """A message's origin, from who acts."""
    return {ActorKind.API_KEY: Message.Origin.API, ActorKind.WORKFLOW: Message.Origin.WORKFLOW}.get(
        actor.kind, Message.Origin.PERSON
    )


def _lock_customer(conversation: Conversation) -> None:
    """Lock the message's present customer: a merge may have moved the thread. Raises CustomerMissing."""
    for _ in range(MAX_HANDS):
        missing: locking.CustomerMissing | None = None
        try:
            locking.lock_customer(conversation.customer)
        except locking.CustomerMissing as error:
            missing = error
        current = Conversation.objects.select_related("customer").get(pk=conversation.pk)
        if current.customer_id != conversation.customer_id:
            conversation.customer = current.customer
        elif missing is not None:
            raise missing
        else:
            return
    raise locking.CustomerMissing


def acted_for(actor: Actor) -> dict[str, object]:
    """For a message's `extra`: who wrote it in its author's name, where somebody did. Its later events say so, too."""
    if not actor.impersonator_id:
        return {}
    return {ACTED_FOR: {"impersonator_id": actor.impersonator_id, "label": actor.label}}


def _record(event_type: str, message: Message, actor: Actor, **payload: object) -> None:
    record(event_type, subject=message, actor=actor, payload={"conversation": str(message.conversation_id), **payload})
