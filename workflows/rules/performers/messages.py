"""Actions that write to the customer, or end a conversation. A message that may not be sent is skipped, with why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.events import ORGANIZATION_RESTORED, ORGANIZATION_RESUMED
from activity.actor import ActorKind
from activity.models import Event
from core import clock
from messaging.channels.base import Kind
from messaging.delivery import late
from messaging.delivery import queue as outbound
from messaging.delivery.checks import SendingRefused
from messaging.models import Channel, Conversation, Message, Template
from messaging.texts.placeholders import MissingValue
from messaging.texts.rendering import InvalidVariable
from messaging.texts.templates import services as templates
from messaging.threads import services as conversations
from messaging.threads.channel_choice import channel_for_sending
from workflows.models import RunMessage
from workflows.rules.performing import ActionFailed, ActionSkipped, Result, Run, performs

Params = Mapping[str, object]
AUTOMATIC = (Message.Origin.WORKFLOW, Message.Origin.SEQUENCE)
A_DAY = timedelta(days=1)
GOES_ON = (ORGANIZATION_RESUMED, ORGANIZATION_RESTORED)


@performs("send_text")
def send_text(run: Run, params: Params) -> Result:
    text = run.fill(str(params["body"]))
    channel = _channel(run, params)
    return _queue(run, params, channel, body=text)


@performs("send_template")
def send_template(run: Run, params: Params) -> Result:
    """The template of this key for the channel and the customer's language."""
    key = str(params["template"])
    channel = _channel(run, params)
    template = templates.pick(key=key, channel=channel.kind, language=run.customer.language)
    if template is None:
        others = Template.objects.filter(key=key).values_list("channel", flat=True)
        kinds = ", ".join(sorted(set(others)))
        if not kinds:
            raise ActionFailed(_("There is no template “%(key)s” any more. Choose another one.") % {"key": key})
        text = _("The template “%(key)s” is for %(kinds)s, and this customer is written to on %(kind)s.")
        raise ActionSkipped(text % {"key": key, "kinds": kinds, "kind": channel.kind})
    if not template.can_be_sent:
        raise ActionFailed(_("The template “%(name)s” is not approved by its provider.") % {"name": template.name})
    return _queue(run, params, channel, template=template)


@performs("resolve_conversation")
def resolve_conversation(run: Run, params: Params) -> Result:
    conversation = run.facts.conversation
    if conversation is None:
        raise ActionSkipped(_("The event belongs to no conversation."))
    if not conversations.set_status(conversation=conversation, status=Conversation.Status.RESOLVED, actor=run.actor):
        raise ActionSkipped(_("The conversation was resolved already."))
    return Result(_("Resolved the conversation."), conversation)


def _channel(run: Run, params: Params) -> Channel:
    """The channel asked for by its kind, else the one of the event's thread, else as a person would write."""
    # A way through a sequence may have been begun for a channel.
    begun_for = run.row.process.channel if run.row.process is not None else ""
    kind = str(params.get("channel", "")) or (begun_for if begun_for in list(Kind) else "")
    thread = run.facts.channel
    if thread is not None and thread.is_enabled and kind in ("", thread.kind):
        return thread
    channel = channel_for_sending(customer=run.customer, kind=kind)
    if channel is None:
        raise ActionFailed(_("There is no channel of this kind. Set one up, or choose another one."))
    return channel


def _queue(run: Run, params: Params, channel: Channel, *, body: str = "", template: Template | None = None) -> Result:
    delay = params.get("delay_minutes", 0)
    _require_in_time(run)
    conversation = _conversation(run, channel)
    _require_room(run)
    _require_nobody_answers(run, conversation)
    try:
        message = outbound.queue_message(
            conversation=conversation,
            actor=run.actor,
            body=body,
            template=template,
            origin=Message.Origin.WORKFLOW if run.row.process_id is None else Message.Origin.SEQUENCE,
            not_before_at=clock.now() + timedelta(minutes=delay) if isinstance(delay, int) and delay > 0 else None,
            cancel_on_inbound=params.get("cancel_on_inbound") is True,
        )
    except (SendingRefused, MissingValue, InvalidVariable) as refused:
        raise ActionSkipped(str(refused)) from refused
    RunMessage.objects.create(organization=run.organization, run=run.row, message=message)
    return Result(_("Queued a message."), message)


def _conversation(run: Run, channel: Channel) -> Conversation:
    thread = run.facts.conversation
    if thread is not None and thread.channel_id == channel.pk and thread.customer_id == run.customer.pk:
        return thread
    return conversations.begin(customer=run.customer, channel=channel)


def _require_in_time(run: Run) -> None:
    """Raises ActionSkipped where it was to happen so long ago that somebody has to look first: before a day, or while
    the organization was suspended, as what was to leave then does not leave by itself either. Not for what a person has
    tried again: they have looked."""
    if run.row.tries > 1:
        return
    happened = run.due_at
    now = timezone.now()
    if happened < now - A_DAY:
        raise ActionSkipped(_("This happened more than a day ago, so somebody has to look at it first."))
    if happened < now - late.LATE_AFTER:
        went_on = Event.objects.filter(type__in=GOES_ON, occurred_at__gt=happened)
        if went_on.exists():
            raise ActionSkipped(
                _("This happened before the organization went on, so somebody has to look at it first.")
            )


def _require_room(run: Run) -> None:
    """Raises ActionSkipped where so many automatic messages were written to the customer within a day as may be."""
    most = settings.AUTOMATIC_MESSAGES_A_DAY
    since = clock.now() - A_DAY
    rows = Message.objects.filter(customer=run.customer, origin__in=AUTOMATIC, created_at__gte=since)
    if rows.exclude(status=Message.Status.CANCELLED)[:most].count() >= most:
        raise ActionSkipped(_("%(count)s automatic messages were written to this customer within a day.")
                            % {"count": most})  # fmt: skip


def _require_nobody_answers(run: Run, conversation: Conversation) -> None:
    """Raises ActionSkipped where somebody of ours wrote in the thread a short while ago: automation does not talk
    between two people. What a person's own act caused is theirs, and goes out; not what waited since."""
    if run.event.actor_kind == ActorKind.USER and not run.is_resumed:
        return
    since = clock.now() - timedelta(minutes=settings.AUTOMATION_SILENT_MINUTES)
    rows = Message.objects.filter(conversation=conversation, origin=Message.Origin.PERSON, created_at__gte=since)
    if rows.filter(direction=Message.Direction.OUTBOUND, is_private=False).exists():
        raise ActionSkipped(_("Somebody is answering in this conversation."))
