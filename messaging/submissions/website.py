"""The organization's own site as a channel."""

from __future__ import annotations

from accounts.models import Organization
from activity.actor import SYSTEM
from messaging.channels.base import Kind
from messaging.models import Channel
from messaging.settings import services as channels


def website(*, organization: Organization) -> Channel:
    """The organization's own site, set up by the first message that comes from it."""
    row = Channel.objects.select_related("organization").filter(organization=organization, kind=Kind.WEB).first()
    if row is not None:
        return row
    try:
        return channels.create(
            organization=organization,
            actor=SYSTEM,
            kind=Kind.WEB,
            provider="website",
            name="Website",
            address="website",
        )
    except channels.InvalidChannel:  # somebody else was quicker by a moment
        return Channel.objects.select_related("organization").get(organization=organization, kind=Kind.WEB)
