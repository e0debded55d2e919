"""The events of conversations, messages and channels, each with its payload and condition fields."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind, PayloadField
from activity.registry import declare
from activity.rules import CONDITION_FIELDS, ConditionField
from customers.events import ABOUT_CUSTOMER, OWNER, SETTINGS

CHANNEL_KIND = CONDITION_FIELDS.register(ConditionField("channel", _("Channel"), Kind.KEY))
IS_NEW_CUSTOMER = CONDITION_FIELDS.register(ConditionField("is_new_customer", _("New customer"), Kind.BOOLEAN))
MESSAGE_BODY = CONDITION_FIELDS.register(ConditionField("message_body", _("Text of the message"), Kind.TEXT))
ABOUT_CONVERSATION = (*ABOUT_CUSTOMER, CHANNEL_KIND)
ABOUT_MESSAGE = (*ABOUT_CONVERSATION, MESSAGE_BODY)

CONVERSATION = PayloadField("conversation", Kind.ID, is_kept=True)
STATUS = PayloadField("status", Kind.KEY, is_kept=True)
OF_STATUS = (CONVERSATION, STATUS, PayloadField("error_code", Kind.KEY, is_kept=True))
KIND = PayloadField("kind", Kind.KEY, "of the channel", is_kept=True)
NAME = PayloadField("name", Kind.LABEL)
KEY = PayloadField("key", Kind.KEY)
COUNTED = ("inbound_listed", "inbound_found", "outbound_listed", "statuses_found", "elsewhere_found")


def _flag(name: str, description: str = "", *, is_kept: bool = False) -> PayloadField:
    """A payload field that is only there where it is true."""
    return PayloadField(name, Kind.BOOLEAN, description, is_kept=is_kept, is_optional=True)


def _moved(name: str) -> PayloadField:
    return PayloadField(name, Kind.OBJECT, "from and to", is_optional=True)


MESSAGE_RECEIVED = declare("message.received", _("A customer wrote to us"),
    CONVERSATION, PayloadField("channel", Kind.KEY, is_kept=True), PayloadField("channel_id", Kind.ID, is_kept=True),
    PayloadField("is_new_customer", Kind.BOOLEAN, is_kept=True), PayloadField("is_automatic", Kind.BOOLEAN),
    PayloadField("opt", Kind.KEY, "STOP or START", is_kept=True),
    conditions=(*ABOUT_MESSAGE, IS_NEW_CUSTOMER))  # fmt: skip
MESSAGE_QUEUED = declare("message.queued", _("A message waits to be sent"),
    CONVERSATION, _flag("again", "after it failed", is_kept=True))  # fmt: skip
MESSAGE_AUTHOR_CHANGED = declare("message.author_changed", _("A queued message will leave under another name"),
    CONVERSATION, PayloadField("from", Kind.ID, is_kept=True), PayloadField("to", Kind.ID, is_kept=True))  # fmt: skip
MESSAGE_SENT = declare("message.sent", _("The provider took a message"),
    *OF_STATUS[:2], replace(OF_STATUS[2], is_optional=True), _flag("by_hand", "marked as sent by a person"),
    _flag("elsewhere", "from the number, not by us"), conditions=ABOUT_MESSAGE)  # fmt: skip
MESSAGE_DELIVERED = declare("message.delivered", _("A message reached the customer"),
    *OF_STATUS, conditions=ABOUT_MESSAGE)  # fmt: skip
MESSAGE_READ = declare("message.read", _("The customer read a message"), *OF_STATUS)
MESSAGE_FAILED = declare("message.failed", _("A message could not be delivered"), *OF_STATUS, conditions=ABOUT_MESSAGE)
MESSAGE_CANCELLED = declare("message.cancelled", _("A queued message was cancelled"),
    CONVERSATION, PayloadField("reason", Kind.TEXT))  # fmt: skip
MESSAGE_UNCONFIRMED = declare("message.unconfirmed", _("Nobody knows yet whether a message left"), *OF_STATUS)
NOTE_ADDED = declare("message.note_added", _("A private note was written"), CONVERSATION,
    PayloadField(
        "mentions", Kind.NUMBER, "how many colleagues and teams it names", is_kept=True, is_optional=True,
    ))  # fmt: skip
CONVERSATION_OPENED = declare("conversation.opened", _("A conversation began or was opened again"),
    CONVERSATION, _flag("again", is_kept=True), _moved("status"), conditions=ABOUT_CONVERSATION)  # fmt: skip
CONVERSATION_RESOLVED = declare("conversation.resolved", _("A conversation was resolved"),
    CONVERSATION, _moved("status"), conditions=ABOUT_CONVERSATION)  # fmt: skip
CONVERSATION_UPDATED = declare("conversation.updated", _("A conversation was read, snoozed or changed"),
    CONVERSATION, _moved("status"), _moved("priority"), _flag("is_answered_at_sender"),
    PayloadField("unread_count", Kind.NUMBER, is_optional=True))  # fmt: skip
CONVERSATION_UNANSWERED = declare("conversation.unanswered", _("Nobody answered a conversation for long"),
    CONVERSATION, PayloadField("waiting_since", Kind.TIME), conditions=ABOUT_CONVERSATION)  # fmt: skip
LEAD_STALLED = declare("lead.stalled", _("A lead’s message went unanswered for days"),
    PayloadField("waiting_since", Kind.TIME), OWNER, conditions=ABOUT_CONVERSATION)  # fmt: skip
CHANNEL_CREATED = declare("channel.created", _("A channel was set up"), KIND, PayloadField("provider", Kind.KEY), NAME)
CHANNEL_UPDATED = declare("channel.updated", _("A channel's settings changed"),
    PayloadField("fields", Kind.LIST, "which, never a secret"))  # fmt: skip
CHANNEL_DELETED = declare("channel.deleted", _("A channel was removed"), NAME, KIND)
TEMPLATE_CREATED = declare("template.created", _("A template was made"), KEY, NAME)
TEMPLATE_CHANGED = declare("template.changed", _("A template was changed"), KEY, SETTINGS)
TEMPLATE_DELETED = declare("template.deleted", _("A template was deleted"), KEY, NAME)
RATE_CARD_CREATED = declare("rate_card.created", _("A rate was added"), PayloadField("rate", Kind.LABEL))
RATE_CARD_CHANGED = declare("rate_card.changed", _("A rate was changed"), PayloadField("rate", Kind.LABEL), SETTINGS)
RATE_CARD_DELETED = declare("rate_card.deleted", _("A rate was deleted"), PayloadField("rate", Kind.LABEL))
RATE_CARDS_IMPORTED = declare("rate_card.imported", _("Rates were imported"),
    PayloadField("created", Kind.NUMBER), PayloadField("updated", Kind.NUMBER))  # fmt: skip
FILE_FETCHED = declare("message.file_fetched", _("A file of a message was fetched, or could not be"),
    CONVERSATION, PayloadField("attachment", Kind.ID), PayloadField("state", Kind.KEY))  # fmt: skip
CHANNEL_TROUBLED = declare("channel.troubled", _("A channel can’t send or read until somebody corrects it"),
    PayloadField("code", Kind.KEY, "what is wrong", is_kept=True), NAME, KIND,
    PayloadField("about", Kind.KEY, "the code, and whether it is the reading"))  # fmt: skip
CHANNEL_RECONCILED = declare("channel.reconciled", _("A provider was asked for what we missed"),
    PayloadField("id", Kind.ID, "the backfill"), *(PayloadField(name, Kind.NUMBER) for name in COUNTED))  # fmt: skip
ADDRESS_STOPPED = declare("address.stopped", _("An address takes no mail any more"),
    KIND, PayloadField("code", Kind.KEY, "what the refusal said", is_kept=True), CONVERSATION)  # fmt: skip
ADDRESS_ALLOWED = declare("address.allowed", _("An address may be written to again"), KIND, CONVERSATION)
