"""Whether a message of a rule would have gone out at a moment of the past, and which: no message is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from activity.actor import ActorKind
from activity.models import Event
from customers.models import Customer, CustomField
from messaging.channels.base import Kind
from messaging.delivery import checks
from messaging.models import Channel, Conversation, Message, Template
from messaging.texts import placeholders
from messaging.texts.rendering import values_for
from messaging.texts.templates.services import for_language
from workflows.rehearsals.history import LOOK_BACK, CustomerHistory, PastFacts
from workflows.rules.fields import own_fields
from workflows.rules.performers.messages import AUTOMATIC
from workflows.rules.performing import ActionFailed, ActionSkipped

Params = Mapping[str, object]
OUT: Final = Message.Direction.OUTBOUND


@dataclass(frozen=True, slots=True)
class SendPlan:
    """A message that would have gone out: on which kind of channel, to whom and when; a text, or the template."""

    channel_kind: str
    customer_id: UUID
    recipient: str
    at: datetime
    body: str
    template: Template | None = None


class Sender:
    """Plans messages; what it reads of the organization (channels, templates) it reads once."""

    @cached_property
    def channels(self) -> list[Channel]:
        """As a first message would choose: enabled ones first, real ones before simulators, the default of a kind."""
        rows = Channel.objects.order_by("-is_default", "created_at", "pk")
        return sorted(rows, key=lambda row: (not row.is_enabled, row.is_simulator))

    @cached_property
    def own_fields(self) -> list[CustomField]:
        return own_fields()

    @cached_property
    def templates(self) -> dict[str, list[Template]]:
        by_key: dict[str, list[Template]] = {}
        for template in Template.objects.order_by("language", "pk"):
            by_key.setdefault(template.key, []).append(template)
        return by_key

    def plan(
        self, name: str, params: Params, event: Event, facts: PastFacts, *, is_resumed: bool
    ) -> SendPlan:  # fmt: skip
        """The message that the action would have queued at the moment of the facts, to go out after its delay.
        Raises ActionSkipped, which says why none would have."""
        customer, at = facts.customer, facts.at
        if customer is None:
            raise ActionSkipped(_("The event is about no customer."))
        channel = self._channel(customer, facts, str(params.get("channel", "")))
        template = self._template(str(params["template"]), channel, facts) if name == "send_template" else None
        body = template.body if template is not None else str(params["body"])
        body = self.filled(body, customer)
        history = facts.history
        thread = _thread(channel, facts)
        self._require_room(history, at)
        if event.actor_kind != ActorKind.USER or is_resumed:
            _require_silence(history, thread, at)
        delay = params.get("delay_minutes", 0)
        leaves_at = at + timedelta(minutes=delay) if isinstance(delay, int) else at
        if params.get("cancel_on_inbound") is True:
            _require_no_reply(history, at, leaves_at)
        self._require_allowed(customer, channel, thread, facts, leaves_at, template)
        recipient = thread.address if thread is not None else _address(customer, channel.kind)
        return SendPlan(channel.kind, customer.pk, recipient, leaves_at, body, template)

    def filled(self, text: str, customer: Customer) -> str:
        """A text with its placeholders filled in, by the values of now. Raises ActionSkipped where one is missing."""
        if "{{" not in text:
            return text
        try:
            return placeholders.render(text, values_for(customer, customer.assigned_to, self.own_fields))
        except placeholders.MissingValue as missing:
            raise ActionSkipped(str(missing)) from missing

    def _channel(self, customer: Customer, facts: PastFacts, kind: str) -> Channel:
        own = facts.channel
        if own is not None and own.is_enabled and kind in ("", own.kind):
            return own
        threads = [thread.channel for thread in facts.history.conversations if thread.channel.is_enabled]
        kind = kind or (threads[0].kind if threads else Kind.WHATSAPP if customer.phone else Kind.EMAIL)
        best = next((channel for channel in self.channels if channel.kind == kind), None)
        if best is None:
            raise ActionFailed(_("There is no channel of this kind. Set one up, or choose another one."))
        has_real = best.is_enabled and not best.is_simulator
        usable = (one for one in threads if one.kind == kind and not (has_real and one.is_simulator))
        return next(usable, best)

    def _template(self, key: str, channel: Channel, facts: PastFacts) -> Template:
        rows = [row for row in self.templates.get(key, ()) if row.channel == channel.kind]
        if not self.templates.get(key):
            raise ActionFailed(_("There is no template “%(key)s” any more. Choose another one.") % {"key": key})
        if not rows:
            raise ActionSkipped(
                _("There is no template “%(key)s” for %(kind)s.") % {"key": key, "kind": channel.kind}
            )  # fmt: skip
        template = for_language(rows, str(facts("language") or "")) or rows[0]
        if not template.can_be_sent:
            text = _("The template “%(name)s” is not approved by its provider.")
            raise ActionFailed(text % {"name": template.name})
        return template

    def _real_beside(self, channel: Channel) -> str | None:
        """The name of an enabled real channel of the same kind; None where there is none."""
        real = (one for one in self.channels if one.kind == channel.kind and one.is_enabled and not one.is_simulator)
        return next((one.name for one in real), None)

    def _require_room(self, history: CustomerHistory, at: datetime) -> None:
        """Of the messages within a day those of this rule are the rehearsed ones, not those that it really sent."""
        since = at - LOOK_BACK
        real = sum(
            since <= message.created_at <= at
            for message in history.messages
            if message.origin in AUTOMATIC
            and message.status != Message.Status.CANCELLED
            and message.pk not in history.own_messages
        )
        rehearsed = sum(since <= sent <= at for sent in history.sent)
        most = settings.AUTOMATIC_MESSAGES_A_DAY
        if real + rehearsed >= most:
            raise ActionSkipped(
                _("%(count)s automatic messages were written to this customer within a day.") % {"count": most}
            )

    def _require_allowed(
        self, customer: Customer, channel: Channel, thread: Conversation | None, facts: PastFacts, at: datetime,
        template: Template | None,
    ) -> None:  # fmt: skip
        """As `messaging.delivery.checks`, by what was known at that moment; switches of channels are those of now."""
        history = facts.history
        label = channel.capabilities.label
        consented = history.consented(channel.kind, at)
        refused: checks.SendingRefused | None = None
        if history.value("do_not_contact", at, customer.do_not_contact):
            refused = checks.DoNotContact()
        elif channel.capabilities.max_length == 0:
            refused = checks.CannotReply(channel.name)
        elif not channel.is_enabled:
            refused = checks.ChannelOff(channel.name)
        elif not (thread.address if thread is not None else _address(customer, channel.kind)):
            refused = checks.NoAddress(label)
        elif consented is False:
            refused = checks.OptedOut(label)
        else:
            window = channel.capabilities.reply_window
            is_content = template is not None and template.is_content
            has_written = _wrote(history, thread, None, at)
            if window is not None and not is_content and not _wrote(history, thread, at - window, at):
                refused = checks.WindowClosed()
            elif channel.capabilities.needs_opt_in and not consented and not has_written:
                refused = checks.OptInMissing(label)
            elif channel.is_simulator and (real := self._real_beside(channel)) is not None:
                refused = checks.OnSimulator(channel.name, real)
        if refused is not None:
            raise ActionSkipped(str(refused))


def is_answered(history: CustomerHistory, event: Event, at: datetime) -> bool:
    """Whether between the event and a moment the customer wrote, or somebody of ours wrote to them."""
    return any(
        event.occurred_at < message.created_at <= at
        and str(message.pk) != event.subject_id
        and not message.is_private
        and (message.direction != OUT or message.origin == Message.Origin.PERSON)
        for message in history.messages
    )


def _thread(channel: Channel, facts: PastFacts) -> Conversation | None:
    own = facts.conversation
    if own is not None and own.channel_id == channel.pk:
        return own
    threads = facts.history.conversations
    return next((thread for thread in threads if thread.channel_id == channel.pk), None)


def _require_silence(history: CustomerHistory, thread: Conversation | None, at: datetime) -> None:
    since = at - timedelta(minutes=settings.AUTOMATION_SILENT_MINUTES)
    if thread is not None and any(
        message.conversation_id == thread.pk
        and message.direction == OUT
        and message.origin == Message.Origin.PERSON
        and not message.is_private
        and since <= message.created_at <= at
        for message in history.messages
    ):
        raise ActionSkipped(_("Somebody is answering in this conversation."))


def _require_no_reply(history: CustomerHistory, after: datetime, until: datetime) -> None:
    for message in history.messages:
        if message.direction != OUT and after < message.created_at <= until:
            text = _("It would have been cancelled: the customer wrote at %(time)s.")
            raise ActionSkipped(text % {"time": moment(message.created_at)})


def _wrote(history: CustomerHistory, thread: Conversation | None, after: datetime | None, until: datetime) -> bool:
    """Whether the customer wrote in the thread between the moments; without the first, ever before."""
    if thread is None:
        return False
    first = thread.last_inbound_at
    if after is None and first is not None and first <= until:
        return True
    return any(
        message.conversation_id == thread.pk
        and message.direction != OUT
        and (after is None or after < message.created_at)
        and message.created_at <= until
        for message in history.messages
    )


def _address(customer: Customer, kind: str) -> str:
    return customer.email if kind == Kind.EMAIL else customer.phone


def moment(at: datetime) -> str:
    """A moment in a sentence, by the clock of the organization that is open."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
