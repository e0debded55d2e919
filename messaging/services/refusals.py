"""Why a message may not go out: asked when it is queued and again when it is due."""

from __future__ import annotations

from datetime import datetime

from customers.services import consent
from messaging.models import Conversation


class Refused(Exception):
    """The message may not be sent; `code` for machines, the text for people."""

    code = "refused"


class DoNotContact(Refused):
    code = "do_not_contact"

    def __init__(self) -> None:
        super().__init__("This customer is marked “do not contact”.")


class CustomerDeleted(Refused):
    code = "customer_deleted"

    def __init__(self) -> None:
        super().__init__("This customer was deleted. Restore them to write to them.")


class OptedOut(Refused):
    code = "opted_out"

    def __init__(self, channel: str) -> None:
        super().__init__(f"This customer opted out of {channel}. They can opt in again by writing START.")


class NoAddress(Refused):
    code = "missing_address"

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"This customer has no address that {channel} reaches. Add a phone number or an e-mail address."
        )


class ChannelOff(Refused):
    code = "channel_disabled"

    def __init__(self, name: str) -> None:
        super().__init__(f"The channel “{name}” is switched off. An administrator can switch it on.")


class CannotReply(Refused):
    code = "channel_cannot_send"

    def __init__(self, name: str) -> None:
        super().__init__(f"Nothing can be sent through “{name}”. Write on another channel of this customer.")


class WindowClosed(Refused):
    code = "window_closed"

    def __init__(self) -> None:
        super().__init__(
            "WhatsApp allows free text only for 24 hours after the customer’s last message. Use an approved template, "
            "or wait until they write."
        )


def require_allowed(conversation: Conversation, *, at: datetime) -> None:
    """Raises a Refused for a free text to this conversation's customer at that moment."""
    capabilities = conversation.channel.capabilities
    if conversation.customer.is_deleted:
        raise CustomerDeleted
    if conversation.customer.do_not_contact:
        raise DoNotContact
    if capabilities.max_length == 0:
        raise CannotReply(conversation.channel.name)
    if not conversation.channel.is_enabled:
        raise ChannelOff(conversation.channel.name)
    if not conversation.address:
        raise NoAddress(capabilities.label)
    if _is_opted_out(conversation):
        raise OptedOut(capabilities.label)
    if not conversation.is_window_open_at(at):
        raise WindowClosed


def reason_against(conversation: Conversation, *, at: datetime) -> Refused | None:
    """The same as a value, for the composer."""
    try:
        require_allowed(conversation, at=at)
    except Refused as refused:
        return refused
    return None


def _is_opted_out(conversation: Conversation) -> bool:
    if hasattr(conversation, "consent_in_force"):  # asked for with the row
        return conversation.consent_in_force is False
    return consent.is_opted_out(customer=conversation.customer, channel=conversation.channel.kind)
