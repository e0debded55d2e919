from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin, TenantAdmin
from customers.models import (
    Change,
    ChangeSet,
    Consent,
    Contact,
    Customer,
    CustomerCounter,
    CustomerFile,
    CustomerImport,
    CustomField,
    Deal,
    DuplicatePair,
    Identity,
    Interaction,
    Segment,
    Stage,
    StageChange,
    Tag,
    Task,
    TeamTurn,
)
from customers.work import admin as work_admin  # noqa: F401 - registers its own


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """Customers are read here and changed on their page and by the API, which record events."""

    list_display = ["code", "name", "organization", "stage", "status", "assigned_to", "created_at"]
    list_filter = ["status", "type", "source", "created_at"]
    list_select_related = ("organization", "stage", "assigned_to")
    search_fields = ["code", "search_text"]
    ordering = ["-created_at"]


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin):
    list_display = ["value", "kind", "customer", "organization", "is_primary"]
    list_filter = ["kind"]
    list_select_related = ("organization", "customer")
    search_fields = ["value", "match_key", "customer__name"]


@admin.register(Stage)
class StageAdmin(TenantAdmin):
    list_display = ["name", "key", "organization", "position", "kind", "probability", "sla_hours"]
    list_filter = ["kind"]
    search_fields = ["name", "key", "organization__name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(StageChange)
class StageChangeAdmin(ReadOnlyAdmin):
    list_display = ["changed_at", "customer", "from_stage", "to_stage", "actor_label", "reason"]
    list_filter = ["actor_kind", "changed_at"]
    list_select_related = ("organization", "customer", "from_stage", "to_stage")
    search_fields = ["customer__name", "customer__code", "actor_label"]


@admin.register(Tag)
class TagAdmin(TenantAdmin):
    list_display = ["name", "organization", "color"]
    search_fields = ["name", "organization__name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "customer", "purpose", "channel", "is_granted", "how", "actor_label"]
    list_filter = ["purpose", "channel", "is_granted"]
    list_select_related = ("organization", "customer")
    search_fields = ["customer__name", "customer__code", "proof"]


@admin.register(CustomerCounter)
class CustomerCounterAdmin(ReadOnlyAdmin):
    list_display = ["organization", "last_number"]
    search_fields = ["organization__name"]


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ["name", "relationship", "customer", "organization", "created_at"]
    list_select_related = ("organization", "customer")
    search_fields = ["name", "email", "phone", "customer__code"]


@admin.register(Deal)
class DealAdmin(ReadOnlyAdmin):
    list_display = ["title", "customer", "organization", "status", "amount", "currency", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ("organization", "customer")
    search_fields = ["title", "customer__code"]


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["title", "customer", "organization", "status", "priority", "due_at", "assigned_to"]
    list_filter = ["status", "priority"]
    list_select_related = ("organization", "customer", "assigned_to")
    search_fields = ["title", "customer__code"]


@admin.register(Interaction)
class InteractionAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "customer", "organization", "channel", "direction", "author_label"]
    list_filter = ["channel", "direction"]
    list_select_related = ("organization", "customer")
    search_fields = ["customer__name", "customer__code", "content"]


@admin.register(CustomerFile)
class CustomerFileAdmin(ReadOnlyAdmin):
    """The metadata of files; their content is the organization's."""

    list_display = ["name", "customer", "organization", "content_type", "size", "created_at"]
    list_select_related = ("organization", "customer")
    search_fields = ["name", "customer__code"]
    exclude = ("content",)


@admin.register(CustomerImport)
class CustomerImportAdmin(ReadOnlyAdmin):
    """Imports with their progress; the file is the organization's."""

    list_display = ["created_at", "organization", "name", "state", "row_count", "created_by"]
    list_filter = ["state", "format"]
    list_select_related = ("organization", "created_by")
    search_fields = ["name", "organization__name"]
    exclude = ("source_file", "rejected_file")


@admin.register(CustomField)
class CustomFieldAdmin(ReadOnlyAdmin):
    list_display = ["label", "key", "entity", "type", "organization", "is_required"]
    list_filter = ["entity", "type"]
    search_fields = ["label", "key", "organization__name"]


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    list_display = ["name", "organization", "owner", "is_shared"]
    list_select_related = ("organization", "owner")
    search_fields = ["name", "organization__name"]


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnlyAdmin):
    list_display = ["first", "second", "organization", "score", "dismissed_at"]
    list_select_related = ("organization", "first", "second")
    search_fields = ["first__code", "second__code"]


@admin.register(ChangeSet)
class ChangeSetAdmin(ReadOnlyAdmin):
    """Merges, bulk changes and imports: who, when, and whether it was undone."""

    list_display = ["created_at", "organization", "kind", "summary", "actor_label", "undone_at"]
    list_filter = ["kind", "created_at"]
    search_fields = ["summary", "actor_label"]


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ["change_set", "model", "object_id", "action"]
    list_select_related = ("organization", "change_set")
    search_fields = ["=object_id"]


@admin.register(TeamTurn)
class TeamTurnAdmin(ReadOnlyAdmin):
    """Whose turn it was last, where rules give customers to a team."""

    list_display = ["team", "last", "organization", "updated_at"]
    list_select_related = ("organization", "team", "last__user")
    search_fields = ["team__name"]
