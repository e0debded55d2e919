"""`/interactions`, and `/customers/{id}/interactions`: calls, meetings and notes that were logged."""

from __future__ import annotations

from django.db.models import QuerySet

from activity.actor import current_actor
from core.api.strict import Body
from customers.models import Interaction
from customers.people.records_api import RecordViewSet
from customers.work.interactions import services as interactions
from customers.work.interactions.serializers import InteractionParameters, InteractionSerializer


class InteractionViewSet(RecordViewSet[Interaction]):
    # What one wrote about an assigned customer one may take away: deleting needs no right of its own.
    permissions = {
        "list": "customers.view", "create": "customers.create", "retrieve": "customers.view",
        "update": "customers.edit", "partial_update": "customers.edit", "destroy": "customers.edit",
    }  # fmt: skip
    serializer_class = InteractionSerializer
    list_parameters = InteractionParameters
    lookups = {"customer": "customer", "channel": "channel", "direction": "direction"}
    empty = {"direction": Interaction.Direction.INTERNAL, "duration_seconds": None}
    schema_name, schema_tags = "interactions", ["interactions"]

    def get_queryset(self) -> QuerySet[Interaction]:
        return Interaction.objects.visible_to(self.member)

    def perform_create(self, data: Body) -> Interaction:
        return interactions.log(actor=current_actor(), **data)

    def perform_update(self, instance: Interaction, changes: Body) -> Interaction:
        return interactions.update(interaction=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Interaction) -> None:
        interactions.delete(interaction=instance, actor=current_actor())
