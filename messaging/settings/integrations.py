"""The providers of channels among what an organization can be connected with; simulators reach nobody."""

from __future__ import annotations

from functools import partial

from django.utils.translation import gettext_lazy as _

from accounts.integrations.registry import NOTHING, Integration, State, Status, register
from accounts.models import Organization
from messaging.channels import registry
from messaging.models import Channel

FIRST = 100


def register_all() -> None:
    """Each provider that somebody has an account at is one."""
    real = [one for key, one in registry.providers().items() if key not in registry.simulators()]
    for number, provider in enumerate(real):
        register(
            Integration(
                provider.key, provider.label, _("Messages go through it, by channels."), FIRST + number,
                "messaging:channels", partial(state, provider.key), "/api/v1/channels",
            )
        )  # fmt: skip


def state(provider: str, organization: Organization) -> State:
    """By its channels: one that does not work counts, then one that does."""
    channels = list(Channel.objects.filter(organization=organization, provider=provider).order_by("name", "pk"))
    if not channels:
        return NOTHING
    on = [channel for channel in channels if channel.is_enabled]
    names = tuple(channel.name for channel in on or channels)
    if not on:
        return State(Status.OFF, names)
    return State(Status.FAILING if any(channel.last_error for channel in on) else Status.CONNECTED, names)
