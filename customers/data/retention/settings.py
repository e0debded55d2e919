"""For how long people are kept, among the settings of an organization."""

from __future__ import annotations

from typing import cast

from rest_framework import serializers

from accounts.models import Organization
from accounts.settings.parts import Part
from activity.actor import Actor
from customers.data.retention import services as retention


def _write(*, organization: Organization, value: object, actor: Actor) -> bool:
    # Checked by the field below.
    return retention.set_months(organization=organization, months=cast("int | None", value), actor=actor)


def _field() -> serializers.Field:
    return serializers.ChoiceField(
        choices=list(retention.MONTHS),
        allow_null=True,
        required=False,
        help_text="Months after which customers with whom nothing happened are erased; null: never.",
    )


RETENTION = Part("retention_months", lambda organization: organization.retention_months, _write, _field)
