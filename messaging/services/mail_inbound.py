"""What is particular about an e-mail that arrives: whose thread it is, which of our addresses, what it carries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from accounts.models import Organization
from customers.services import identities
from customers.services.identities import Address
from messaging.channels.base import Kind, ReceivedMail, ReceivedMessage
from messaging.channels.mail.automatic import NO_REPLY
from messaging.models import Channel, Conversation, MailDetails, Message
from messaging.services import mail_threads, stopped

MOST_REFERENCES: Final = 50
LONGEST_ID: Final = 254


def read_rightly(received: ReceivedMessage) -> ReceivedMessage:
    """A form on a website writes in its own name and says in Reply-To who it was: that person is the sender."""
    mail = received.mail
    if mail is None or mail.automatic != NO_REPLY or not mail.reply_to:
        return received
    return replace(received, sender=mail.reply_to, mail=replace(mail, automatic="", reply_to=""))


def is_another(seen: Message, received: ReceivedMessage) -> bool:
    """Whether a mail only has the Message-ID of one that we have: some programs give all of theirs the same."""
    if received.mail is None:
        return False
    return (
        seen.direction != Message.Direction.INBOUND
        or seen.address.lower() != received.sender.lower()
        or seen.sent_at != received.sent_at
    )


def with_own_id(received: ReceivedMessage) -> ReceivedMessage:
    """The mail under an id made of what it says, the same each time."""
    said = "\n".join([received.sender, str(received.sent_at), received.subject, received.body])
    digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
    return replace(received, provider_message_id=f"{received.provider_message_id[:200]}#{digest}")


def channel_of(channel: Channel, received: ReceivedMessage) -> Channel:
    """The channel that an e-mail was sent to: of several mailboxes that it reached, the one that it names first."""
    if received.mail is None:
        return channel
    named = [mail_threads.plain(address) for address in received.mail.recipients]
    if channel.address.lower() in named or not named:
        return channel
    rows = Channel.objects.select_related("organization").filter(
        organization=channel.organization, kind=Kind.EMAIL, address__in=named
    )
    found = {row.address: row for row in rows}
    return next((found[address] for address in named if address in found), channel)


def is_our_own(channel: Channel, received: ReceivedMessage) -> bool:
    """Whether one of this organization's own addresses sent it: a copy of what we said, or a loop."""
    sender = mail_threads.plain(received.sender)
    return Channel.objects.filter(organization=channel.organization, kind=Kind.EMAIL, address=sender).exists()


def thread_of(
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
        found: Conversation | None = conversations.filter(organization=organization, pk=named).first()
        if found is not None:
            return found
    answered = _answered(organization, [*mail.in_reply_to, *reversed(mail.references)])
    if answered is None:
        return None
    thread: Conversation = conversations.get(pk=answered.conversation_id)
    known = identities.find(organization=organization, addresses=addresses)
    return thread if known is None or known.customer_id == thread.customer_id else None


def is_stranger(thread: Conversation | None, addresses: Sequence[Address]) -> bool:
    """Whether somebody else than its customer writes in a thread."""
    if thread is None:
        return False
    known = identities.find(organization=thread.organization, addresses=addresses)
    return known is None or known.customer_id != thread.customer_id


def follow_address(thread: Conversation, received: ReceivedMessage, addresses: Sequence[Address]) -> None:
    """Answers go to where the customer wrote from last, when that address is known as theirs; never to a stranger's."""
    wanted = addresses[0].value
    if thread.address == wanted or (received.mail is not None and received.mail.automatic):
        return
    known = identities.find(organization=thread.organization, addresses=addresses)
    if known is not None and known.customer_id == thread.customer_id:
        Conversation.objects.filter(pk=thread.pk).update(address=wanted)


def answered_id(mail: ReceivedMail) -> Sequence[str]:
    """Every id that a mail refers to, the surest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MOST_REFERENCES]


def store_details(message: Message, mail: ReceivedMail) -> MailDetails:
    """Keep what an e-mail has beyond its message."""
    stopped.heard_from(message)
    row: MailDetails = MailDetails.objects.create(
        organization_id=message.organization_id,
        message=message,
        html=mail.html,
        folded=mail.folded,
        to=list(mail.to)[:100],
        cc=list(mail.cc)[:100],
        references=[*mail.references, *[one for one in mail.in_reply_to if one not in mail.references]][
            -MOST_REFERENCES:
        ],
        reply_to=mail.reply_to[:254],
        automatic=mail.automatic[:60],
    )
    return row


def messages_with(organization: Organization, ids: Iterable[str]) -> dict[str, Message]:
    """The messages of an organization's mailboxes by their Message-ID without brackets, of those given."""
    wanted = [one for one in dict.fromkeys(ids) if one and len(one) <= LONGEST_ID - 2][:MOST_REFERENCES]
    if not wanted:
        return {}
    mailboxes = Channel.objects.filter(organization=organization, kind=Kind.EMAIL).values_list("pk", flat=True)
    rows: Any = Message.objects.filter(
        channel__in=list(mailboxes), provider_message_id__in=[*wanted, *(f"<{one}>" for one in wanted)]
    )
    return {row.provider_message_id.strip("<>"): row for row in rows}


def _answered(organization: Organization, ids: Sequence[str]) -> Message | None:
    found = messages_with(organization, ids)
    return next((found[one] for one in ids if one in found), None)
