"""The addresses of ours that a provider posts to."""

from __future__ import annotations

from django.urls import reverse

from messaging.channels import public_address, registry
from messaging.channels.abilities import MESSAGE, STATUS, ReceivesWebhooks
from messaging.models import Channel, Message


def inbound_url(channel: Channel) -> str:
    """Where the provider of this channel posts messages; empty where it posts none."""
    return _url(public_address.base(), _path(channel, MESSAGE))


def status_url(channel: Channel) -> str:
    """Where the provider of this channel posts what became of our messages; empty where it does not."""
    return _url(public_address.base(), _path(channel, STATUS))


def status_callback_url(message: Message) -> str:
    """The same for one message, whose id stands in it under the provider's signature; empty where none can reach us."""
    base, path = public_address.webhook_base(), _path(message.channel, STATUS)
    return f"{base}{path}?message={message.pk}" if base and path else ""


def _url(base: str, path: str) -> str:
    return f"{base}{path}" if path else ""


def _path(channel: Channel, delivery_type: str) -> str:
    provider = registry.provider(channel.provider)
    if not isinstance(provider, ReceivesWebhooks):
        return ""
    fitting = (name for name, hook in provider.hooks.items() if hook.type == delivery_type)
    name = next((name for name in fitting if provider.hooks[name].kind in ("", channel.kind)), "")
    return reverse("webhooks:receive", args=[provider.key, name]) if name else ""
