"""What the API shows and takes of contacts."""

from __future__ import annotations

from rest_framework import serializers

from core.api.parameters import ListParameters
from customers.models import Contact
from customers.people.record_serializers import CUSTOM_FIELDS_HELP, RecordSerializer


class ContactSerializer(RecordSerializer):
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, help_text="Returned as E.164.")
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    custom_fields = serializers.DictField(required=False, help_text=CUSTOM_FIELDS_HELP)

    class Meta:
        model = Contact
        fields = [
            "id", "customer", "name", "relationship", "email", "phone", "birth_date", "custom_fields", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class ContactParameters(ListParameters):
    orderings = ("-created_at", "name", "updated_at")

    customer = serializers.UUIDField(required=False)
    relationship = serializers.CharField(max_length=40, required=False)
    q = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="Part of the name.")
