"""Routing: the channel of a delivery, from the ids in its payload."""

from __future__ import annotations

from urllib.parse import parse_qs
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organization
from core.ids import parse_uuid
from messaging.channels import payloads, registry
from messaging.channels.abilities import STATUS, Hook, ReceivesWebhooks, WebhookRequest, WebhookRoute
from messaging.channels.base import InvalidPayload, ReceivedMessage
from messaging.models import Arrival, Channel, Message

# To tell whose a payload is, and to verify it.
NEEDED = ("organization", "provider", "kind", "credentials", "created_at")


def channels_for(*, provider: str, delivery_type: str, route: WebhookRoute, query: str) -> list[Channel]:
    """The channels that a delivery may be for.

    For a status that of the message whose id stands in the callback's address. Without an id, or with one that is none
    of ours, and for a message those that the payload names.
    """
    own = own_message_id(query) if delivery_type == STATUS else None
    if own is not None:
        channels = Channel.objects.filter(provider=provider).order_by()
        named = list(channels.filter(pk__in=Message.objects.filter(pk=own).values("channel")))
        if named:
            return named
    return _named_by(route, provider)


def _named_by(route: WebhookRoute, provider: str) -> list[Channel]:
    """The channels that a payload may be for, from the surest sign that names one.

    By the address it was sent to, else by messaging service, else by account, else the only one there is. More than one
    where two organizations wrote down the same: the signature tells whose it is.
    """
    # Each webhook asks this: what it does not need costs as much as what it does.
    channels = Channel.objects.filter(provider=provider, kind=route.kind).only(*NEEDED).order_by()
    for sign in ("address", "messaging_service_id", "account_id"):
        value = getattr(route, sign)
        if value and (named := list(channels.filter(**{sign: value}))):
            return sorted(named, key=lambda channel: channel.created_at)
    return _unambiguous(channels)


def own_message_id(query: str) -> UUID | None:
    """Our message's id in the query of a callback's address."""
    return parse_uuid(parse_qs(query).get("message", [""])[0])


def channels_for_arrival(arrival: Arrival) -> list[Channel]:
    """The channels that an arrival may be for which had none when it came; whose it is, its signature tells.

    None for one that can't be read.
    """
    body = bytes(arrival.body)
    try:
        parsed = payloads.parse(arrival.provider, arrival.type, body, kind=arrival.kind)
    except InvalidPayload:
        return []
    provider: object = registry.providers().get(arrival.provider)
    if isinstance(provider, ReceivesWebhooks):
        route = provider.route(WebhookRequest(Hook(arrival.type, arrival.kind), body))
    else:
        route = WebhookRoute(kind=arrival.kind, address=parsed.to if isinstance(parsed, ReceivedMessage) else "")
    return channels_for(provider=arrival.provider, delivery_type=arrival.type, route=route, query=arrival.query)


def channel_of_organization(*, organization: Organization, kind: str, to: str) -> Channel | None:
    """Where a message that a system of the organization hands in belongs: by address, else its first of that kind."""
    channels = Channel.objects.filter(organization=organization, kind=kind).select_related("organization")
    by_address = channels.filter(address__iexact=to).first() if to else None
    return by_address or channels.order_by("-is_enabled", "created_at").first()


def _unambiguous(channels: QuerySet[Channel]) -> list[Channel]:
    results = list(channels[:2])
    return results if len(results) == 1 else []
