"""`/rate-cards`: what a message of a channel, market and category costs from a day on."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.access.api import OrganizationViewSet
from activity.actor import current_actor
from core.api.parameters import ListParameters
from core.api.strict import Body, Strict, valid
from core.tenancy import current_organization
from messaging.channels.base import KIND_CHOICES
from messaging.costs import imports
from messaging.costs import services as costs
from messaging.costs.billing import CATEGORIES
from messaging.costs.rates import day_of
from messaging.models import Category, RateCard

BILLED_KINDS = [kind for kind in KIND_CHOICES if kind in CATEGORIES]
EXISTS = OpenApiResponse(description="There is one for the same channel, market, category and day.")


class RateCardSerializer(Strict, serializers.ModelSerializer[RateCard]):
    channel_kind = serializers.ChoiceField(choices=BILLED_KINDS)
    market = serializers.CharField(max_length=2, help_text="The recipient’s country, such as GB; *: every other one.")
    category = serializers.ChoiceField(
        choices=Category.choices, required=False, allow_blank=True, help_text="Empty: every other category."
    )
    price = serializers.DecimalField(
        max_digits=12, decimal_places=costs.DECIMALS, min_value=0, max_value=costs.MAX_PRICE,
        help_text="Of a message, or of a segment of an SMS.",
    )  # fmt: skip
    currency = serializers.RegexField(r"^[A-Za-z]{3}$", help_text="ISO 4217.")
    valid_from = serializers.DateField(help_text="Until a later rate of the same says otherwise.")
    free_allowance = serializers.IntegerField(
        required=False, min_value=0, max_value=costs.MAX_ALLOWANCE,
        help_text="So many of each sender are free in a calendar month.",
    )  # fmt: skip

    class Meta:
        model = RateCard
        fields = ["id", *costs.FIELDS, "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]


class RateCardParameters(ListParameters):
    channel_kind = serializers.ChoiceField(choices=BILLED_KINDS, required=False)
    market = serializers.CharField(max_length=2, required=False)
    category = serializers.ChoiceField(choices=Category.choices, required=False)


class RateImportSerializer(Strict):
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="CSV or XLSX, with the columns market and price, or one price column for each category; "
        "channel_kind, category, currency, valid_from and free_allowance may be there too.",
    )
    channel_kind = serializers.ChoiceField(choices=BILLED_KINDS, default="whatsapp", help_text="Of rows without one.")
    currency = serializers.RegexField(r"^[A-Za-z]{3}$", required=False, help_text="Of rows without one.")
    valid_from = serializers.DateField(required=False, help_text="Of rows without one; without it, from today on.")


class RateImportedSerializer(serializers.Serializer[imports.Imported]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()


@extend_schema_view(
    list=extend_schema(description="The organization's rates."),
    create=extend_schema(description="A rate from a day on.", responses={201: RateCardSerializer, 409: EXISTS}),
    partial_update=extend_schema(
        description="Correct a rate; messages that were sent keep their cost.",
        responses={200: RateCardSerializer, 409: EXISTS},
    ),
    update=extend_schema(description="The same, with every field.", responses={200: RateCardSerializer, 409: EXISTS}),
    destroy=extend_schema(description="Delete a rate; messages that were sent keep their cost."),
)
class RateCardViewSet(OrganizationViewSet[RateCard]):
    permissions = {
        "list": "channels.view", "create": "channels.edit", "retrieve": "channels.view", "update": "channels.edit",
        "partial_update": "channels.edit", "destroy": "channels.edit", "upload": "channels.edit",
    }  # fmt: skip
    serializer_class = RateCardSerializer
    list_parameters = RateCardParameters
    lookups = {"channel_kind": "channel_kind", "market": "market__iexact", "category": "category"}
    missing_detail = "There is no such rate."
    empty = {"category": "", "free_allowance": 0}
    schema_tags = ["rate-cards"]

    def get_queryset(self) -> QuerySet[RateCard]:
        return RateCard.objects.select_related("organization").order_by(
            "channel_kind", "market", "category", "-valid_from", "id"
        )

    def lock_rows(self, rows: QuerySet[RateCard]) -> QuerySet[RateCard]:
        # Every change of rates locks the organization first.
        grants.lock(self.member.organization)
        return rows

    def perform_create(self, data: Body) -> RateCard:
        return costs.create(organization=current_organization(), actor=current_actor(), values=_values(data))

    def perform_update(self, instance: RateCard, changes: Body) -> RateCard:
        return costs.update(rate=instance, actor=current_actor(), changes=_values(changes))

    def perform_destroy(self, instance: RateCard) -> None:
        costs.delete(rate=instance, actor=current_actor())

    @extend_schema(
        request={"multipart/form-data": RateImportSerializer},
        responses={200: RateImportedSerializer, 413: OpenApiResponse(description="The file is too large.")},
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[MultiPartParser])
    def upload(self, request: Request) -> Response:
        """Add rates from a table, and write over those of the same channel, market, category and day. All or none."""
        data = valid(RateImportSerializer(data=request.data))
        organization = self.member.organization
        imported = imports.import_rates(
            organization=organization,
            actor=current_actor(),
            file=data["file"],
            defaults=imports.Defaults(
                channel_kind=data["channel_kind"],
                currency=data.get("currency", organization.currency),
                valid_from=data.get("valid_from") or day_of(timezone.now(), organization),
            ),
        )
        return Response(RateImportedSerializer(imported).data)


def _values(data: Body) -> costs.Values:
    return cast("costs.Values", data)
