from __future__ import annotations

from rest_framework import serializers

from accounts.explanations.reasons import Why
from core.api.parameters import ListParameters


class AccessParameters(ListParameters):
    subject = serializers.CharField(
        max_length=100, help_text="The record: customer, conversation, deal or task, a colon, and its id."
    )


class MaySerializer(serializers.Serializer[object]):
    view = serializers.BooleanField()
    edit = serializers.BooleanField()
    delete = serializers.BooleanField()


class AccessSerializer(serializers.Serializer[object]):
    sees = serializers.BooleanField()
    reason = serializers.ChoiceField(
        source="reason.why", choices=[(one.value, one.value) for one in Why], allow_null=True, default=None,
        help_text="The first rule that shows it to them; null where none does.",
    )  # fmt: skip
    teams = serializers.ListField(
        source="reason.teams", child=serializers.CharField(), default=list, help_text="Their teams with its owner."
    )
    explanation = serializers.CharField(source="sentence", help_text="In words, also why they don’t see it.")
    may = MaySerializer(help_text="What they may do with this record.")
