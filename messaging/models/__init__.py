from messaging.models.arrival import Arrival
from messaging.models.attachment import Attachment
from messaging.models.channel import Channel
from messaging.models.conversation import Conversation
from messaging.models.cost import ANY_MARKET, AllowanceUse, Category, MessageCost, RateCard
from messaging.models.draft import Draft
from messaging.models.mail import MailDetails, StoppedAddress
from messaging.models.media import MediaFile
from messaging.models.mention import Mention
from messaging.models.message import Message
from messaging.models.reading import ContentSync, Mailbox, Reconciliation
from messaging.models.template import Template

__all__ = [
    "ANY_MARKET",
    "AllowanceUse",
    "Arrival",
    "Attachment",
    "Category",
    "Channel",
    "ContentSync",
    "Conversation",
    "Draft",
    "MailDetails",
    "Mailbox",
    "MediaFile",
    "Mention",
    "Message",
    "MessageCost",
    "RateCard",
    "Reconciliation",
    "StoppedAddress",
    "Template",
]
