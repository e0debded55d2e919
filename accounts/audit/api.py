"""`/admin/audit-logs`: what happened, by whom, with before and after."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from accounts.access.api import OrganizationViewSet
from accounts.audit import queries
from accounts.audit.queries import Criteria, Entry
from activity.models import Event
from core.api.pages import CursorPages
from core.api.parameters import ListParameters
from core.api.strict import Body

ANY_VALUE = {"type": "object", "additionalProperties": True, "example": {"stage": "new"}}


class AuditParameters(ListParameters):
    date_from = serializers.DateField(required=False, help_text="The first day, in the organization's time zone.")
    date_to = serializers.DateField(required=False, help_text="The last day, in the organization's time zone.")
    user_id = serializers.CharField(required=False, max_length=64, help_text="Who acted, in person or by a key.")
    action = serializers.CharField(required=False, max_length=64, help_text="An event type, such as role.updated.")
    resource = serializers.CharField(required=False, max_length=64, help_text="What actions begin with, such as role.")
    search = serializers.CharField(
        required=False, max_length=200, help_text="Words of the action, who acted, a customer, or an id."
    )


class AuditEntrySerializer(serializers.Serializer[Event]):
    """An entry of the audit log."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField(source="occurred_at")
    action = serializers.CharField(source="type", help_text="The event type.")
    description = serializers.SerializerMethodField(help_text="What happened, in words.")
    actor = serializers.CharField(source="actor_label", help_text="Who acted, as they were called then.")
    actor_kind = serializers.ChoiceField(choices=["user", "api_key", "workflow", "scim", "system"])
    actor_id = serializers.CharField(help_text="The user's, key's, rule's or connection's id; empty for the system.")
    impersonator_id = serializers.CharField(help_text="Who acted in their name; empty for nobody.")
    request_id = serializers.CharField(help_text="The X-Request-ID of the call; empty where there was none.")
    resource_type = serializers.CharField(source="subject_type")
    resource_id = serializers.CharField(source="subject_id")
    customer_id = serializers.UUIDField(allow_null=True)
    before = serializers.SerializerMethodField(help_text="Each changed value as it was.")
    after = serializers.SerializerMethodField(help_text="Each changed value as it became.")
    details = serializers.SerializerMethodField(help_text="What else the event says.")

    def get_description(self, event: Event) -> str:
        return queries.words_of(event.type)

    @extend_schema_field(ANY_VALUE)
    def get_before(self, event: Event) -> Body:
        return {change.name or "value": change.before for change in self._entry(event).changes}

    @extend_schema_field(ANY_VALUE)
    def get_after(self, event: Event) -> Body:
        return {change.name or "value": change.after for change in self._entry(event).changes}

    @extend_schema_field(ANY_VALUE)
    def get_details(self, event: Event) -> Body:
        return self._entry(event).details

    def _entry(self, event: Event) -> Entry:
        return queries.entry_of(event)


@extend_schema_view(
    list=extend_schema(description="What happened in the organization, newest first."),
    retrieve=extend_schema(description="One entry, with before and after."),
)
class AuditLogViewSet(OrganizationViewSet[Event]):
    permissions = {"list": "audit.view", "retrieve": "audit.view"}
    serializer_class = AuditEntrySerializer
    list_parameters = AuditParameters
    pagination_class = CursorPages
    cursor_order = queries.ORDER
    missing_detail = "There is no such entry."
    schema_name, schema_tags = "audit_logs", ["audit-logs"]

    def get_queryset(self) -> QuerySet[Event]:
        return queries.events_for(self.member, Criteria())

    def filter_rows(self, rows: QuerySet[Event], filters: Body) -> QuerySet[Event]:
        return queries.events_for(self.member, Criteria(**filters))
