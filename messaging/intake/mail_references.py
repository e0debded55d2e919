"""What a mail refers to: our mails, our addresses, and the conversation that it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from accounts.models import Organization
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from messaging.channels.base import Kind, ReceivedMail, ReceivedMessage
from messaging.channels.mail import writer
from messaging.models import Channel, Conversation, Message
from messaging.threads import mail_threads

MAX_REFERENCES: Final = 50
MAX_ID: Final = 254


def own_addresses(organization: Organization) -> set[str]:
    """The addresses of all mailboxes of an organization, also of those that are switched off."""
    rows = Channel.objects.filter(organization=organization, kind=Kind.EMAIL).values_list("address", flat=True)
    return {writer.plain(address) for address in rows}


def is_our_own(channel: Channel, received: ReceivedMessage) -> bool:
    """Whether it is a mail of ours that came back, as it arrived: its writer has not been resolved yet.

    It has our Message-ID and is from an address of ours or says the same; or, where a server on the way gave it
    another id, it is from an address of ours and wants answers at one that we signed. An address alone shows nothing:
    anybody's form may write in it.
    """
    if received.mail is None:
        return False
    organization = channel.organization
    own = _sent(organization, received.provider_message_id)
    named = mail_threads.conversation_named(address for _, address in received.reply_addresses)
    if own is None and named is None:
        return False
    if writer.plain(received.sender) in own_addresses(organization):
        rows = Conversation.objects.filter(organization=organization)
        return own is not None or (named is not None and rows.filter(pk=named).exists())
    return own is not None and _has_same_text(own, received)


def conversation_answered(
    organization: Organization, received: ReceivedMessage, addresses: Sequence[Address]
) -> Conversation | None:
    """The conversation that a mail answers: by signed reply address, then In-Reply-To, then References newest first.

    Never by its subject. Who is known as another customer has threads of their own, unless the address was signed.
    """
    mail = received.mail
    if mail is None:
        return None
    conversations = Conversation.objects.select_related("customer__stage", "customer__organization", "channel")
    named = mail_threads.conversation_named(mail.recipients)
    if named is not None:
        signed: Conversation | None = conversations.filter(organization=organization, pk=named).first()
        if signed is not None:
            return signed
    ids = [*mail.in_reply_to, *reversed(mail.references)]
    messages = messages_with(organization, ids)
    answered = next((messages[one] for one in ids if one in messages), None)
    if answered is None:
        return None
    conversation: Conversation = conversations.get(pk=answered.conversation_id)
    known = identities.find(organization=organization, addresses=addresses)
    return conversation if known is None or known.customer_id == conversation.customer_id else None


def is_stranger(conversation: Conversation | None, addresses: Sequence[Address]) -> bool:
    """Whether somebody else than its customer writes in a conversation."""
    if conversation is None:
        return False
    known = identities.find(organization=conversation.organization, addresses=addresses)
    return known is None or known.customer_id != conversation.customer_id


def follow_address(conversation: Conversation, received: ReceivedMessage, addresses: Sequence[Address]) -> None:
    """Answers go to where the customer wrote from last, or to where they ask for them; never to a stranger's.

    The address that they wrote from has to be known as theirs. Staff can choose it over the one that was asked for.
    """
    if received.mail is None or received.mail.automatic:
        return
    requested = received.mail.reply_to[:MAX_ID]
    address = requested if requested and not conversation.is_answered_at_sender else addresses[0].value
    if conversation.address == address:
        return
    known = identities.find(organization=conversation.organization, addresses=addresses[:1])
    if known is not None and known.customer_id == conversation.customer_id:
        Conversation.objects.filter(pk=conversation.pk).update(address=address)
        conversation.address = address


def referenced_ids(mail: ReceivedMail) -> Sequence[str]:
    """Every id that a mail refers to, the surest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MAX_REFERENCES]


def messages_with(organization: Organization, ids: Iterable[str]) -> dict[str, Message]:
    """The messages of an organization's mailboxes by their Message-ID without brackets, of those given."""
    requested = [one for one in dict.fromkeys(ids) if one and len(one) <= MAX_ID - 2][:MAX_REFERENCES]
    if not requested:
        return {}
    mailboxes = Channel.objects.filter(organization=organization, kind=Kind.EMAIL).values_list("pk", flat=True)
    rows = Message.objects.filter(
        channel__in=list(mailboxes), provider_message_id__in=[*requested, *(f"<{one}>" for one in requested)]
    )
    return {row.provider_message_id.strip("<>"): row for row in rows}


def _has_same_text(own: Message, received: ReceivedMessage) -> bool:
    """Whether a mail begins with our text, as one that a mailing list sent on with a line below it."""
    text = " ".join(own.body.split())
    return bool(text) and " ".join(received.body.split()).startswith(text)


def _sent(organization: Organization, message_id: str) -> Message | None:
    bare = message_id.strip("<>")[:MAX_ID]
    rows = Message.objects.filter(
        organization=organization, direction=Message.Direction.OUTBOUND, channel__kind=Kind.EMAIL
    )
    sent: Message | None = rows.filter(provider_message_id__in=[bare, f"<{bare}>"]).first()
    return sent
