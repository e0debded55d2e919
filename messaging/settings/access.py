"""A channel of the organization, for pages."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from core.lookups import first_or_404
from messaging.intake import processing
from messaging.models import Arrival, Channel

EDIT = "channels.edit"


def find_channel(pk: UUID) -> Channel:
    """The organization's channel with this id. Raises Http404."""
    return first_or_404(Channel.objects.select_related("organization").filter(pk=pk), "There is no such channel.")


def set_aside(row: Channel) -> QuerySet[Arrival]:
    """The deliveries for this channel that could not be processed; of its own organization only."""
    return processing.set_aside_of(row)
