"""The registry of providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.registry import Registry
from messaging.channels.abilities import Simulates
from messaging.channels.base import Capabilities, Kind, Provider
from messaging.channels.simulator.adapter import SimulatorProvider
from messaging.channels.smtp.adapter import SmtpProvider
from messaging.channels.twilio.adapter import TwilioProvider
from messaging.channels.website.adapter import WebsiteProvider


class UnknownProvider(LookupError):
    """No provider has this key, or it does not carry this kind."""


_PROVIDERS: Final[Registry[Provider]] = Registry(
    "Providers of channels", name=lambda one: one.key, describe=lambda one: one.label
)
for _provider in (TwilioProvider(), SmtpProvider(), SimulatorProvider(), WebsiteProvider()):
    _PROVIDERS.register(_provider)


def register(provider: Provider) -> None:
    """Add a provider; raises RegisteredTwice where there is one of its key."""
    _PROVIDERS.register(provider)


def provider(key: str) -> Provider:
    """The provider with this key. Raises UnknownProvider."""
    try:
        return _PROVIDERS[key]
    except KeyError:
        raise UnknownProvider(f"There is no provider {key!r}; there are {', '.join(_PROVIDERS.names())}.") from None


def providers() -> Mapping[str, Provider]:
    """Every provider by its key, in the order to offer them."""
    return {one.key: one for one in _PROVIDERS}


def simulators() -> Mapping[str, Simulates]:
    """The providers that reach nobody, by key."""
    return {one.key: one for one in _PROVIDERS if isinstance(one, Simulates)}


def capabilities(provider_key: str, kind: Kind | str) -> Capabilities:
    """What a kind of channel can do at a provider. Raises UnknownProvider where it does not carry that kind."""
    result = provider(provider_key)
    try:
        return result.kinds[Kind(kind)]
    except (KeyError, ValueError):
        carried = ", ".join(result.kinds)
        raise UnknownProvider(f"{result.label} does not carry {str(kind)!r}; it carries {carried}.") from None
