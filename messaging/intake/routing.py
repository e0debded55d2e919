"""Whose message is it: the channel, from what a provider's payload names."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organization
from core.ids import parse_uuid
from messaging.channels import payloads
from messaging.channels.base import InvalidPayload, ReceivedMessage
from messaging.models import Arrival, Channel, Message

# To tell whose a payload is, and to verify it.
NEEDED = ("organization", "provider", "kind", "credentials", "created_at")


def candidates(
    *, provider: str, kind: str, to: str, messaging_service_id: str = "", account_id: str = ""
) -> list[Channel]:
    """The channels that a payload may be for, from the surest sign that names one.

    By the address it was sent to, else by messaging service, else by account, else the only one there is. More than one
    where two organizations wrote down the same: the signature tells whose it is.
    """
    # Each webhook asks this: what it does not need costs as much as what it does.
    channels = Channel.objects.filter(provider=provider, kind=kind).only(*NEEDED).order_by()
    for sign in ({"address": to}, {"messaging_service_id": messaging_service_id}, {"account_id": account_id}):
        if all(sign.values()):
            results = list(channels.filter(**sign))
            if results:
                return sorted(results, key=lambda channel: channel.created_at)
    return _only_one(channels)


def senders(*, provider: str, params: Mapping[str, str], query: str) -> list[Channel]:
    """The channels that a status may be for: that of the message whose id stands in the callback's address.

    Without an id, or with one that is none of ours, those with the address that we sent from.
    """
    sender = params.get("From", "")
    is_whatsapp = sender.startswith("whatsapp:") or params.get("ChannelPrefix") == "whatsapp"
    own = own_message_id(query)
    channels = Channel.objects.filter(provider=provider).order_by()
    named = list(channels.filter(pk__in=Message.objects.filter(pk=own).values("channel"))) if own else []
    return named or candidates(
        provider=provider,
        kind="whatsapp" if is_whatsapp else "sms",
        to=sender.removeprefix("whatsapp:"),
        messaging_service_id=params.get("MessagingServiceSid", ""),
        account_id=params.get("AccountSid", ""),
    )


def own_message_id(query: str) -> UUID | None:
    """Our message's id in the query of a callback's address."""
    return parse_uuid(parse_qs(query).get("message", [""])[0])


def channels_for_arrival(arrival: Arrival) -> list[Channel]:
    """The channels that an arrival may be for which had none when it came; whose it is, its signature tells."""
    try:
        parsed = payloads.parse(arrival.provider, arrival.type, bytes(arrival.body), kind=arrival.kind)
    except InvalidPayload:
        return []
    if not isinstance(parsed, ReceivedMessage):
        said = {name: value for name, value in parsed.extra.items() if isinstance(value, str)}
        return senders(provider=arrival.provider, params=said, query=arrival.query)
    return candidates(
        provider=arrival.provider,
        kind=arrival.kind,
        to=parsed.to,
        messaging_service_id=parsed.messaging_service_id,
        account_id=parsed.account_id,
    )


def channel_of_organization(*, organization: Organization, kind: str, to: str) -> Channel | None:
    """Where a message that a system of the organization hands in belongs: by address, else its first of that kind."""
    channels = Channel.objects.filter(organization=organization, kind=kind).select_related("organization")
    by_address = channels.filter(address__iexact=to).first() if to else None
    return by_address or channels.order_by("-is_enabled", "created_at").first()


def _only_one(channels: QuerySet[Channel]) -> list[Channel]:
    results = list(channels[:2])
    return results if len(results) == 1 else []
