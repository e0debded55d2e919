from messaging.models.arrival import Arrival
from messaging.models.attachment import Attachment
from messaging.models.channel import Channel
from messaging.models.conversation import Conversation
from messaging.models.message import Message
from messaging.models.template import Template

__all__ = ["Arrival", "Attachment", "Channel", "Conversation", "Message", "Template"]
