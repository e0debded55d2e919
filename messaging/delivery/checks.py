"""The checks whether a message may go out: made when it is queued and again when it is due."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from core.refused import Refused
from customers.people.consent import services as consent
from messaging.channels.base import Kind
from messaging.models import Conversation, StoppedAddress
from messaging.threads import channel_choice


class SendingRefused(Refused):
    """The message may not be sent, whatever it says; each reason has its code."""

    status, code = 403, "refused"


class DoNotContact(SendingRefused):
    code = "do_not_contact"

    def __init__(self) -> None:
        super().__init__("This customer is marked “do not contact”.")


class CustomerDeleted(SendingRefused):
    code = "customer_deleted"

    def __init__(self) -> None:
        super().__init__("This customer was deleted. Restore them to write to them.")


class OptedOut(SendingRefused):
    code = "opted_out"

    def __init__(self, channel: str) -> None:
        super().__init__(f"This customer opted out of {channel}. They can opt in again by writing START.")


class NoAddress(SendingRefused):
    code = "missing_address"

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"This customer has no address that {channel} reaches. Add a phone number or an e-mail address."
        )


class ChannelOff(SendingRefused):
    code = "channel_disabled"

    def __init__(self, name: str) -> None:
        super().__init__(f"The channel “{name}” is switched off. An administrator can switch it on.")


class CannotReply(SendingRefused):
    code = "channel_cannot_send"

    def __init__(self, name: str) -> None:
        super().__init__(f"Nothing can be sent through “{name}”. Write on another channel of this customer.")


class BlockedUs(OptedOut):
    """The provider says that the customer blocked the sender: to the API the same as an opt-out."""

    def __init__(self, channel: str) -> None:
        SendingRefused.__init__(self, f"This customer has blocked our sender on {channel}. Reach them another way.")


class OptInMissing(SendingRefused):
    code = "opt_in_missing"

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"Nothing shows that this customer wants messages on {channel}: they never wrote to us there. Note their "
            "consent on the customer’s page first."
        )


class AddressStopped(SendingRefused):
    code = "address_stopped"

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} does not take mail: {reason} Correct the address, or try it again anyway.")


class OnSimulator(SendingRefused):
    code = "simulator"

    def __init__(self, name: str, real: str) -> None:
        text = _("“%(name)s” is a simulator: what is sent there reaches nobody. Write to this customer on “%(real)s”.")
        super().__init__(text % {"name": name, "real": real})


class WindowClosed(SendingRefused):
    status, code = 409, "window_closed"

    def __init__(self, *, is_later: bool = False) -> None:
        if is_later:
            text = (
                "By then the 24 hours after the customer’s last message are over, and WhatsApp takes no free text. "
                "Choose an earlier time, or name an approved template that goes out instead."
            )
        else:
            text = (
                "WhatsApp allows free text only for 24 hours after the customer’s last message. Use an approved "
                "template, or wait until they write."
            )
        super().__init__(text)


def require_allowed(
    conversation: Conversation,
    *,
    at: datetime,
    is_content: bool = False,
    is_automatic: bool = False,
    is_template: bool = False,
) -> None:
    """Raises a SendingRefused for a message to this conversation's customer at that moment.

    `is_content`: an approved template, which may go out when the reply window is closed. `is_automatic`: nobody wrote
    it by hand, so on channels that ask for it there has to be an opt-in. `is_template`: no text of its own. On a
    simulator beside an enabled real channel only an answer in somebody's words goes out, to who last wrote there.
    """
    capabilities = conversation.channel.capabilities
    if conversation.customer.is_deleted:
        raise CustomerDeleted
    if conversation.customer.do_not_contact:
        raise DoNotContact
    if capabilities.max_length == 0:
        raise CannotReply(conversation.channel.name)
    if not conversation.channel.is_enabled:
        raise ChannelOff(conversation.channel.name)
    if (real := channel_choice.real_name_beside(conversation)) and (
        is_content or is_automatic or is_template or not channel_choice.is_last_used(conversation)
    ):
        raise OnSimulator(conversation.channel.name, real)
    if not conversation.address:
        raise NoAddress(capabilities.label)
    consented = _consent(conversation)
    if consented is False:
        raise _no(conversation)
    _require_open_address(conversation)
    is_open = conversation.is_window_open_at(at)
    if not is_open and not is_content:
        raise WindowClosed(is_later=conversation.is_window_open)
    begins = not is_open or (is_automatic and conversation.last_inbound_at is None)
    if begins and capabilities.needs_opt_in and not consented and conversation.last_inbound_at is None:
        raise OptInMissing(capabilities.label)


def reason_against(
    conversation: Conversation, *, at: datetime, is_content: bool = False, is_automatic: bool = False
) -> SendingRefused | None:
    """The refusal as a value, for the composer; None where the message is allowed."""
    try:
        require_allowed(conversation, at=at, is_content=is_content, is_automatic=is_automatic)
    except SendingRefused as refused:
        return refused
    return None


def _consent(conversation: Conversation) -> bool | None:
    """The customer's consent for this kind of channel; None where there is no row."""
    if hasattr(conversation, "consent_in_force"):  # asked for with the row
        in_force: bool | None = conversation.consent_in_force
        return in_force
    return consent.word(customer=conversation.customer, channel=conversation.channel.kind)


def _no(conversation: Conversation) -> OptedOut:
    kind = conversation.channel.kind
    label = conversation.channel.capabilities.label
    newest = consent.newest(customer=conversation.customer, channel=kind)
    return BlockedUs(label) if newest is not None and newest.how.startswith(consent.BY_PROVIDER) else OptedOut(label)


def _require_open_address(conversation: Conversation) -> None:
    if conversation.channel.kind != Kind.EMAIL:
        return
    stopped = StoppedAddress.objects.filter(kind=Kind.EMAIL, address=conversation.address.lower()).first()
    if stopped is not None:
        raise AddressStopped(stopped.address, stopped.reason)
