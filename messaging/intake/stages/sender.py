"""Resolve the sender: who wrote the message, at which of our addresses it arrived, and all addresses that it names."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Final

from accounts.models import Organization
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from messaging.channels.base import Kind, ReceivedMessage
from messaging.channels.mail import writer
from messaging.channels.mail.html import to_text
from messaging.intake.mail_references import own_addresses
from messaging.intake.stages.context import Inbound, Stage
from messaging.models import Channel

MAX_ADDRESS: Final = 254
_LINK: Final = re.compile(r"https?://\S+")


def resolve_sender(inbound: Inbound) -> None:
    """Raises InvalidAddress where the message names no sender that can be answered."""
    inbound.received = with_writer(inbound.channel, inbound.received)
    inbound.channel = channel_of(inbound.channel, inbound.received)
    inbound.addresses = addresses_of(inbound.channel.organization, inbound.received)


STAGE = Stage(
    "sender",
    resolve_sender,
    reads=frozenset({"channel", "received"}),
    adds=frozenset({"channel", "received", "addresses"}),
)


def with_writer(channel: Channel, received: ReceivedMessage) -> ReceivedMessage:
    """The message under whoever wrote it: a form on a website writes in its own name, or in one of ours.

    The person's name comes from Reply-To as well. A writer's other address is kept as where answers go; never one of
    ours. Given twice, the same comes out.
    """
    if received.mail is not None and not received.mail.digest:
        received = replace(received, mail=replace(received.mail, digest=digest_of(received)))
    if not received.reply_addresses:
        return received
    own = own_addresses(channel.organization)
    domain = channel.address.rpartition("@")[2] if channel.kind == Kind.EMAIL else ""
    person = writer.person_in_reply_to(received.sender.lower(), received.reply_addresses, own=own, domain=domain)
    mail = received.mail
    if person is None:
        elsewhere = [one for one in received.reply_addresses if writer.plain(one[1]) not in own]
        reply_address = writer.other_address(elsewhere, received.sender.lower())
        extra = {**received.extra, "answers_to": reply_address} if mail is None and reply_address else received.extra
        return replace(received, reply_addresses=(), extra=extra, mail=mail and replace(mail, reply_to=reply_address))
    return replace(
        received,
        sender=person[1],
        sender_name=person[0],
        reply_addresses=(),
        mail=mail and replace(mail, automatic=mail.automatic_for_another, reply_to=""),
    )


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
    by_address = {row.address: row for row in rows}
    return next((by_address[address] for address in named if address in by_address), channel)


def addresses_of(organization: Organization, received: ReceivedMessage) -> list[Address]:
    """Every address in the message, the one to answer to first. Raises InvalidAddress for none, or one too long."""
    addresses = []
    if received.sender:
        if received.kind == Kind.EMAIL or "@" in received.sender:
            addresses.append(identities.email(received.sender))
        else:
            addresses.append(identities.phone_or_sender_id(received.sender, organization=organization))
    if received.sender_user_id:
        addresses.append(identities.whatsapp_user(received.sender_user_id))
    if not addresses:
        raise identities.InvalidAddress("from", "The message names no sender.")
    if any(len(address.value) > MAX_ADDRESS for address in addresses):
        raise identities.InvalidAddress("from", f"The sender is longer than {MAX_ADDRESS} characters.")
    return addresses


def digest_of(received: ReceivedMessage) -> str:
    """Who wrote a mail and what it says, by the words and the files: neither its date nor the way that it came."""
    mail = received.mail
    text = to_text(mail.html)[0] if mail is not None and mail.html else ""
    files = sorted(hashlib.sha256(file.content).hexdigest() for file in (mail.files if mail is not None else ()))
    content = [
        received.sender.lower(),
        *sorted(address for _, address in received.reply_addresses),
        received.subject,
        received.body,
        mail.folded if mail is not None else "",
        # Servers that check links write each of them anew for each mailbox.
        " ".join(_LINK.sub("", text).split()),
        *files,
    ]
    return hashlib.sha256("\0".join(content).encode("utf-8", "replace")).hexdigest()
