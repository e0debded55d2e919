from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema_field
from rest_framework import serializers

from core.api.errors import invalid
from core.api.parameters import ListParameters
from core.api.strict import Strict
from customers.people.custom_fields.serializer_fields import OwnerFilterField
from customers.people.customers.serializers import StageKeyField, TagFilterField, TagNamesField
from messaging.channels.base import KIND_CHOICES
from messaging.models import (
    Attachment,
    Category,
    Conversation,
    MailDetails,
    Message,
    MessageCost,
)
from messaging.texts.templates.serializers import VariablesField
from messaging.threads.queries import BUCKETS, bucket_of

MAX_DELAY = 365 * 24 * 60  # minutes
COST_SOURCES = [MessageCost.Source.PROVIDER.value, MessageCost.Source.RATE_CARD.value]


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    class Meta:
        model = Attachment
        fields = ["id", "content_type", "filename", "size", "state", "reason", "is_inline"]
        read_only_fields = fields


class LocationSerializer(serializers.Serializer[object]):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]
    address = serializers.CharField()


class MailSerializer(serializers.ModelSerializer[MailDetails]):
    """What an e-mail has beyond a message; its HTML is on its own page only."""

    class Meta:
        model = MailDetails
        fields = ["to", "cc", "reply_to", "folded", "automatic"]
        read_only_fields = fields

    to = serializers.ListField(child=serializers.CharField(), read_only=True)
    cc = serializers.ListField(child=serializers.CharField(), read_only=True)


class MessageSerializer(serializers.ModelSerializer[Message]):
    channel = serializers.CharField(source="channel.kind", read_only=True)
    private = serializers.BooleanField(source="is_private", read_only=True)
    attachments = AttachmentSerializer(many=True, read_only=True)
    location = LocationSerializer(read_only=True, allow_null=True)
    button = serializers.DictField(child=serializers.CharField(), read_only=True, allow_null=True)
    referral = serializers.DictField(child=serializers.CharField(), read_only=True, allow_null=True)
    mail = MailSerializer(read_only=True, allow_null=True)
    category = serializers.ChoiceField(
        source="cost_record.category", choices=Category.choices, read_only=True, allow_null=True, allow_blank=True,
        help_text="What the provider bills it as.",
    )  # fmt: skip
    cost = serializers.DecimalField(
        source="cost_record.amount", max_digits=14, decimal_places=6, read_only=True, allow_null=True,
        help_text="Null while it is unknown, which is never zero.",
    )  # fmt: skip
    cost_currency = serializers.CharField(source="cost_record.currency", read_only=True, allow_null=True)
    cost_source = serializers.SerializerMethodField(help_text="Who says so: the provider, or the rate card.")

    class Meta:
        model = Message
        fields = [
            "id",
            "conversation",
            "customer",
            "channel",
            "channel_id",
            "direction",
            "private",
            "body",
            "subject",
            "attachments",
            "location",
            "button",
            "referral",
            "mail",
            "template",
            "status",
            "author",
            "origin",
            "reply_to",
            "not_before_at",
            "cancel_on_inbound",
            "attempts",
            "error_code",
            "error_message",
            "provider_message_id",
            "category",
            "cost",
            "cost_currency",
            "cost_source",
            "created_at",
            "sent_at",
            "delivered_at",
            "read_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=COST_SOURCES, allow_null=True))
    def get_cost_source(self, message: Message) -> str | None:
        # A message that was not sent has no record of its cost.
        record: MessageCost | None = getattr(message, "cost_record", None)
        return record.source or None if record is not None else None


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    channel = serializers.CharField(source="channel.kind", read_only=True)
    assigned_to = serializers.UUIDField(source="customer.assigned_to_id", read_only=True, allow_null=True)
    window_expires_at = serializers.DateTimeField(read_only=True, allow_null=True)
    bucket = serializers.SerializerMethodField()

    class Meta:
        model = Conversation
        fields = [
            "id",
            "customer",
            "channel",
            "channel_id",
            "status",
            "priority",
            "bucket",
            "assigned_to",
            "snoozed_until",
            "window_expires_at",
            "waiting_since",
            "unread_count",
            "last_message_at",
            "last_message_preview",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=BUCKETS))
    def get_bucket(self, conversation: Conversation) -> str:
        return bucket_of(conversation)


class LastMessageSerializer(serializers.Serializer[Conversation]):
    id = serializers.UUIDField(source="last_message_id", allow_null=True)
    preview = serializers.CharField(source="last_message_preview")
    direction = serializers.CharField(source="last_message_direction")
    status = serializers.CharField(source="last_message_status")
    at = serializers.DateTimeField(source="last_message_at")


class InboxRowSerializer(serializers.Serializer[Conversation]):
    id = serializers.UUIDField(source="customer_id", help_text="The customer's.")
    code = serializers.CharField(source="customer.code")
    name = serializers.CharField(source="customer.name")
    stage = serializers.CharField(source="customer.stage.key")
    tags = TagNamesField(source="customer.tags")
    bucket = serializers.SerializerMethodField()
    assigned_to = serializers.UUIDField(source="customer.assigned_to_id", allow_null=True)
    conversation = serializers.UUIDField(source="id")
    channel = serializers.CharField(source="channel.kind")
    last_message = LastMessageSerializer(source="*")
    unread_count = serializers.IntegerField()
    next_follow_up_at = serializers.DateTimeField(source="customer.next_follow_up_at", allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=BUCKETS))
    def get_bucket(self, conversation: Conversation) -> str:
        return bucket_of(conversation)


class CountsSerializer(serializers.Serializer[object]):
    followup_due = serializers.IntegerField()
    open = serializers.IntegerField()
    waiting = serializers.IntegerField()
    closed = serializers.IntegerField()
    mine = serializers.IntegerField()
    unassigned = serializers.IntegerField()
    unread = serializers.IntegerField()


class WhenSerializer(Strict):
    """When a message is to leave, and what keeps it back."""

    not_before_at = serializers.DateTimeField(required=False, allow_null=True)
    delay_minutes = serializers.IntegerField(required=False, min_value=0, max_value=MAX_DELAY)
    cancel_on_inbound = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, object]:
        delay = attrs.pop("delay_minutes", None)
        if delay is not None and attrs.get("not_before_at"):
            raise invalid("delay_minutes", "Give either delay_minutes or not_before_at.")
        if delay:
            # A delay counts from the queueing, which is now.
            attrs["not_before_at"] = timezone.now() + timedelta(minutes=delay)
        return attrs


class WrittenSerializer(WhenSerializer):
    """What is said: a text, a template, files; and what goes out instead when the reply window has closed."""

    body = serializers.CharField(max_length=100_000, required=False, allow_blank=True, default="")
    subject = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    template = serializers.UUIDField(required=False, allow_null=True)
    variables = VariablesField()
    attachments = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=20, help_text="Ids of files given to `POST /media`."
    )
    cc = serializers.ListField(child=serializers.CharField(max_length=254), required=False, max_length=20)
    fallback_template = serializers.UUIDField(required=False, allow_null=True)
    fallback_variables = VariablesField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        super().validate(attrs)
        if not (attrs.get("body", "").strip() or attrs.get("template") or attrs.get("attachments")):
            raise invalid("body", "Give a text, a template or attachments.", code="required")
        if attrs.get("fallback_variables") and not attrs.get("fallback_template"):
            raise invalid("fallback_variables", "Name the fallback_template that they are of.")
        return attrs


class WhereSerializer(serializers.Serializer[object]):
    """On which channel; without a word where the customer was last heard, else the organization's default."""

    channel = serializers.ChoiceField(choices=KIND_CHOICES, required=False, help_text="A kind of channel.")
    channel_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="One channel; where `channel` is given too, it has to be of that kind.",
    )


class SendTemplateSerializer(WhereSerializer, WhenSerializer):
    template = serializers.UUIDField()
    variables = VariablesField()


class SendTextSerializer(WhereSerializer, WhenSerializer):
    body = serializers.CharField(max_length=100_000)


class OutboundSerializer(WhereSerializer, WrittenSerializer):
    customer_id = serializers.UUIDField()


class NewMessageSerializer(WrittenSerializer):
    private = serializers.BooleanField(required=False, default=False, help_text="An internal note.")
    reply_to = serializers.UUIDField(required=False, allow_null=True)


class ConversationChangeSerializer(Strict):
    status = serializers.ChoiceField(choices=Conversation.Status.choices, required=False)
    priority = serializers.ChoiceField(choices=Conversation.Priority.choices, required=False)
    snoozed_until = serializers.DateTimeField(required=False, allow_null=True)
    assigned_to = OwnerFilterField(required=False, allow_null=True, help_text="`me`, `none`, or a user's id.")


class SnoozeSerializer(Strict):
    snoozed_until = serializers.DateTimeField()


class ConversationParameters(ListParameters):
    status = serializers.ChoiceField(choices=Conversation.Status.choices, required=False)
    bucket = serializers.ChoiceField(choices=BUCKETS, required=False)
    channel = serializers.ChoiceField(choices=KIND_CHOICES, required=False)
    assigned_to = OwnerFilterField(required=False)
    unread = serializers.BooleanField(required=False, allow_null=True, default=None)
    tag = TagFilterField()
    q = serializers.CharField(max_length=200, required=False, allow_blank=True)


class InboxParameters(ListParameters):
    bucket = serializers.ChoiceField(choices=BUCKETS, required=False)
    tag = TagFilterField()
    stage = StageKeyField(required=False)
    q = serializers.CharField(max_length=200, required=False, allow_blank=True)
    assigned_to = OwnerFilterField(required=False)


class OutboundParameters(ListParameters):
    status = serializers.ChoiceField(choices=Message.Status.choices, required=False)
    customer_id = serializers.UUIDField(required=False)
    channel = serializers.ChoiceField(choices=KIND_CHOICES, required=False)


CLOSED = OpenApiResponse(description="The reply window is closed (`window_closed`).")


REFUSED = OpenApiResponse(description="Opted out, do not contact, no address, or the channel is off.")
