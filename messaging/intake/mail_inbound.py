"""What is particular about an e-mail that arrives: whose thread it is, which of our addresses, what it carries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from accounts.models import Organization
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from messaging.channels.base import Kind, ReceivedMail, ReceivedMessage
from messaging.channels.mail import writer
from messaging.channels.mail.html import to_text
from messaging.delivery import suppressions as stopped
from messaging.models import Channel, Conversation, MailDetails, Message
from messaging.threads import mail_threads

MOST_REFERENCES: Final = 50
LONGEST_ID: Final = 254
_LINK: Final = re.compile(r"https?://\S+")


def with_writer(channel: Channel, received: ReceivedMessage) -> ReceivedMessage:
    """The message under whoever wrote it: a form on a website writes in its own name, or in one of ours.

    The person's name comes from Reply-To as well. A writer's other address is kept as where answers go; never one of
    ours. Given twice, the same comes out.
    """
    if received.mail is not None and not received.mail.digest:
        received = replace(received, mail=replace(received.mail, digest=_digest(received)))
    if not received.reply_addresses:
        return received
    own = _own_addresses(channel.organization)
    domain = channel.address.rpartition("@")[2] if channel.kind == Kind.EMAIL else ""
    person = writer.person_in_reply_to(received.sender.lower(), received.reply_addresses, own=own, domain=domain)
    mail = received.mail
    if person is None:
        elsewhere = [one for one in received.reply_addresses if writer.plain(one[1]) not in own]
        kept = writer.other_address(elsewhere, received.sender.lower())
        extra = {**received.extra, "answers_to": kept} if mail is None and kept else received.extra
        return replace(received, reply_addresses=(), extra=extra, mail=mail and replace(mail, reply_to=kept))
    return replace(
        received,
        sender=person[1],
        sender_name=person[0],
        reply_addresses=(),
        mail=mail and replace(mail, automatic=mail.automatic_for_another, reply_to=""),
    )


def is_another(seen: Message, received: ReceivedMessage) -> bool:
    """Whether a mail only has the Message-ID of one that we have: some programs give all of theirs the same."""
    if received.mail is None:
        return False
    if seen.direction != Message.Direction.INBOUND:
        return True
    kept = MailDetails.objects.filter(message=seen).values_list("digest", flat=True).first()
    if kept:
        return kept != received.mail.digest
    # One that was stored before what it says was kept as a digest.
    return (seen.address.lower(), seen.subject, seen.body) != (
        received.sender.lower(),
        received.subject[:500],
        received.body,
    )


def with_own_id(received: ReceivedMessage) -> ReceivedMessage:
    """The mail under an id made of what it says, the same each time."""
    digest = received.mail.digest if received.mail is not None else _digest(received)
    return replace(received, provider_message_id=f"{received.provider_message_id[:200]}#{digest[:16]}")


def _digest(received: ReceivedMessage) -> str:
    """Who wrote a mail and what it says, by the words and the files: neither its date nor the way that it came."""
    mail = received.mail
    shown = to_text(mail.html)[0] if mail is not None and mail.html else ""
    files = sorted(hashlib.sha256(file.content).hexdigest() for file in (mail.files if mail is not None else ()))
    content = [
        received.sender.lower(),
        *sorted(address for _, address in received.reply_addresses),
        received.subject,
        received.body,
        mail.folded if mail is not None else "",
        # Servers that check links write each of them anew for each mailbox.
        " ".join(_LINK.sub("", shown).split()),
        *files,
    ]
    return hashlib.sha256("\0".join(content).encode("utf-8", "replace")).hexdigest()


def channel_of(channel: Channel, received: ReceivedMessage) -> Channel:
    """The channel that an e-mail was sent to: of several mailboxes that it reached, the one that it names first."""
    if received.mail is None:
        return channel
    named = [writer.plain(address) for address in received.mail.recipients]
    if channel.address.lower() in named or not named:
        return channel
    rows = Channel.objects.select_related("organization").filter(
        organization=channel.organization, kind=Kind.EMAIL, address__in=named
    )
    found = {row.address: row for row in rows}
    return next((found[address] for address in named if address in found), channel)


def is_our_own(channel: Channel, received: ReceivedMessage) -> bool:
    """Whether it is a mail of ours that came back, as it arrived: `with_writer` has not been asked yet.

    It has our Message-ID and is from an address of ours or says the same; or, where a server on the way gave it
    another id, it is from an address of ours and wants answers at one that we signed. An address alone shows nothing:
    anybody's form may write in it.
    """
    if received.mail is None:
        return False
    organization = channel.organization
    ours = _sent(organization, received.provider_message_id)
    named = mail_threads.conversation_named(address for _, address in received.reply_addresses)
    if ours is None and named is None:
        return False
    if writer.plain(received.sender) in _own_addresses(organization):
        return ours is not None or (
            named is not None and Conversation.objects.filter(organization=organization, pk=named).exists()
        )
    return ours is not None and _says_the_same(ours, received)


def _says_the_same(ours: Message, received: ReceivedMessage) -> bool:
    """Whether a mail begins with our text, as one that a mailing list sent on with a line below it."""
    text = " ".join(ours.body.split())
    return bool(text) and " ".join(received.body.split()).startswith(text)


def _sent(organization: Organization, message_id: str) -> Message | None:
    bare = message_id.strip("<>")[:LONGEST_ID]
    rows = Message.objects.filter(
        organization=organization, direction=Message.Direction.OUTBOUND, channel__kind=Kind.EMAIL
    )
    return rows.filter(provider_message_id__in=[bare, f"<{bare}>"]).first()


def _own_addresses(organization: Organization) -> set[str]:
    """The addresses of all mailboxes of an organization, also of those that are switched off."""
    rows = Channel.objects.filter(organization=organization, kind=Kind.EMAIL).values_list("address", flat=True)
    return {writer.plain(address) for address in rows}


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
        found = conversations.filter(organization=organization, pk=named).first()
        if found is not None:
            return found
    answered = _answered(organization, [*mail.in_reply_to, *reversed(mail.references)])
    if answered is None:
        return None
    thread = conversations.get(pk=answered.conversation_id)
    known = identities.find(organization=organization, addresses=addresses)
    return thread if known is None or known.customer_id == thread.customer_id else None


def is_stranger(thread: Conversation | None, addresses: Sequence[Address]) -> bool:
    """Whether somebody else than its customer writes in a thread."""
    if thread is None:
        return False
    known = identities.find(organization=thread.organization, addresses=addresses)
    return known is None or known.customer_id != thread.customer_id


def follow_address(thread: Conversation, received: ReceivedMessage, addresses: Sequence[Address]) -> None:
    """Answers go to where the customer wrote from last, or to where they ask for them; never to a stranger's.

    The address that they wrote from has to be known as theirs. Staff can choose it over the one that was asked for.
    """
    if received.mail is None or received.mail.automatic:
        return
    asked_for = received.mail.reply_to[:LONGEST_ID]
    wanted = asked_for if asked_for and not thread.is_answered_at_sender else addresses[0].value
    if thread.address == wanted:
        return
    known = identities.find(organization=thread.organization, addresses=addresses[:1])
    if known is not None and known.customer_id == thread.customer_id:
        Conversation.objects.filter(pk=thread.pk).update(address=wanted)
        thread.address = wanted


def answered_id(mail: ReceivedMail) -> Sequence[str]:
    """Every id that a mail refers to, the surest first."""
    return list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))[:MOST_REFERENCES]


def store_details(message: Message, mail: ReceivedMail) -> MailDetails:
    """Keep what an e-mail has beyond its message."""
    stopped.heard_from(message)
    return MailDetails.objects.create(
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
        digest=mail.digest,
    )


def messages_with(organization: Organization, ids: Iterable[str]) -> dict[str, Message]:
    """The messages of an organization's mailboxes by their Message-ID without brackets, of those given."""
    wanted = [one for one in dict.fromkeys(ids) if one and len(one) <= LONGEST_ID - 2][:MOST_REFERENCES]
    if not wanted:
        return {}
    mailboxes = Channel.objects.filter(organization=organization, kind=Kind.EMAIL).values_list("pk", flat=True)
    rows = Message.objects.filter(
        channel__in=list(mailboxes), provider_message_id__in=[*wanted, *(f"<{one}>" for one in wanted)]
    )
    return {row.provider_message_id.strip("<>"): row for row in rows}


def _answered(organization: Organization, ids: Sequence[str]) -> Message | None:
    found = messages_with(organization, ids)
    return next((found[one] for one in ids if one in found), None)
