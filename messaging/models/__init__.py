from messaging.models.arrival import Arrival
from messaging.models.attachment import Attachment
from messaging.models.channel import Channel
from messaging.models.conversation import Conversation
from messaging.models.draft import Draft
from messaging.models.mail import MailDetails, StoppedAddress
from messaging.models.media import MediaFile
from messaging.models.message import Message
from messaging.models.reading import ContentSync, Mailbox, Reconciliation
from messaging.models.template import Template

__all__ = [
    "Arrival",
    "Attachment",
    "Channel",
    "ContentSync",
    "Conversation",
    "Draft",
    "MailDetails",
    "Mailbox",
    "MediaFile",
    "Message",
    "Reconciliation",
    "StoppedAddress",
    "Template",
]
