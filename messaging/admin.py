from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core.admin import ReadOnlyAdmin, TenantAdmin, short
from messaging.inbound_deliveries.store import WAITING
from messaging.intake import processing
from messaging.models import (
    AllowanceUse,
    Arrival,
    Attachment,
    Channel,
    ContentSync,
    Conversation,
    Draft,
    Mailbox,
    MailDetails,
    MediaFile,
    Mention,
    Message,
    MessageCost,
    RateCard,
    Reconciliation,
    StoppedAddress,
    Template,
)

# Of what came: a mail may have many megabytes, and a page should not.
MAX_ROWS = 100_000


@admin.register(Channel)
class ChannelAdmin(TenantAdmin):
    """Channels are set up through the API, which checks their credentials; here they are looked at and switched."""

    list_display = ["name", "kind", "provider", "address", "organization", "is_enabled", "last_error"]
    list_filter = ["kind", "provider", "is_enabled"]
    search_fields = ["name", "address", "organization__name"]
    fields = ["organization", "name", "kind", "provider", "address", "is_enabled", "rate_per_second", "account_id",
              "messaging_service_id", "credentials_set", "last_error", "last_error_at", "created_at"]  # fmt: skip
    readonly_fields = ["kind", "provider", "address", "account_id", "messaging_service_id", "credentials_set",
                       "last_error", "last_error_at", "created_at"]  # fmt: skip

    @admin.display(description="credentials")
    def credentials_set(self, channel: Channel) -> str:
        """The names of the credentials that are set; never their values."""
        return ", ".join(channel.credential_keys) or "none"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["customer", "channel", "organization", "status", "unread_count", "last_message_at"]
    list_filter = ["status", "priority", "channel__kind"]
    list_select_related = ("organization", "customer", "channel")
    search_fields = ["customer__search_text", "address"]
    ordering = ["-last_message_at"]


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin):
    """The metadata of drafts. Their text is the writer's until it is sent."""

    list_display = ("conversation", "member", "mode", "updated_at")
    list_filter = ("mode",)
    list_select_related = ("conversation__customer", "conversation__channel", "member__user", "member__organization")
    search_fields = ("member__user__email",)
    exclude = ("body", "subject", "cc", "template")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "organization", "direction", "channel", "customer", "status", "error_code", "text"]
    list_filter = ["status", "direction", "channel__kind", "origin", "created_at"]
    list_select_related = ("organization", "customer", "channel")
    search_fields = ["=id", "provider_message_id", "address", "customer__name", "customer__code"]
    ordering = ["-created_at"]

    @admin.display(description="text")
    def text(self, message: Message) -> str:
        return short(message.body)


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = ["message", "filename", "content_type", "size", "state"]
    list_filter = ["state", "content_type"]
    list_select_related = ("organization", "message")
    search_fields = ["filename", "message__id"]


@admin.register(Arrival)
class ArrivalAdmin(ReadOnlyAdmin):
    """Inbound deliveries as they came. One without a channel, or that could not be read, waits here for a replay.

    What nobody verified is verified at replay, with the token of its channel, or stays as unverified for a week.
    """

    list_display = ["received_at", "provider", "kind", "type", "state", "organization", "channel", "attempts", "reason"]
    list_filter = ["state", "provider", "kind", "type", "received_at"]
    list_select_related = ("organization", "channel")
    search_fields = ["key", "last_error"]
    ordering = ["-received_at"]
    exclude = ["body", "proof"]
    readonly_fields = ["received", "message"]
    actions = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Arrival]:
        """Not limited by organization, since a row may have none; those are for superusers."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(channel__in=Channel.objects.all())

    @admin.display(description="why")
    def reason(self, arrival: Arrival) -> str:
        return short(arrival.last_error or arrival.outcome)

    @admin.display(description="as received")
    def received(self, arrival: Arrival) -> str:
        return bytes(arrival.body[:MAX_ROWS]).decode("utf-8", "replace")

    @admin.action(description="Process again", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Arrival]) -> None:
        waiting = queryset.filter(state__in=[*WAITING, Arrival.State.SET_ASIDE])
        results = [processing.replay(arrival) for arrival in waiting]
        text = _(
            "%(done)s of %(all)s are processed again. The others have no channel yet, or nobody can tell that they "
            "come from the provider; beside each stands why, and what to do."
        )
        messages.success(request, text % {"done": sum(results), "all": len(results)})

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    """Templates are written on their page, which checks their placeholders."""

    list_display = ["name", "key", "channel", "language", "category", "organization", "updated_at"]
    list_filter = ["channel", "language"]
    search_fields = ["name", "key", "body", "organization__name"]


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    list_display = ["message", "organization", "member", "team", "created_at"]
    list_select_related = ("message", "organization", "member__user", "member__organization", "team")
    search_fields = ["=message__id", "member__user__email", "team__name"]
    ordering = ["-created_at"]


@admin.register(RateCard)
class RateCardAdmin(ReadOnlyAdmin):
    """Rates are set under Settings, which checks them and writes them into the audit log."""

    list_display = ["channel_kind", "market", "category", "price", "currency", "valid_from", "organization"]
    list_filter = ["channel_kind", "category"]
    list_select_related = ("organization",)
    search_fields = ["=market", "organization__name"]


@admin.register(AllowanceUse)
class AllowanceUseAdmin(ReadOnlyAdmin):
    list_display = ["channel", "market", "category", "month", "units", "organization"]
    list_select_related = ("channel", "organization")
    search_fields = ["channel__name", "organization__name"]
    ordering = ["-month"]


@admin.register(MessageCost)
class MessageCostAdmin(ReadOnlyAdmin):
    """What each sent message cost, and what its provider last answered when it was asked for its price."""

    list_display = ["message", "organization", "category", "market", "units", "amount", "currency", "source", "due_at",
                    "last_error"]  # fmt: skip
    list_filter = ["source", "category"]
    list_select_related = ("organization", "message")
    search_fields = ["=message__id"]
    ordering = ["-created_at"]


@admin.register(Mailbox)
class MailboxAdmin(ReadOnlyAdmin):
    """The cursor of each mailbox, and its last error."""

    list_display = ["channel", "organization", "folder", "last_uid", "checked_at", "failures", "last_error"]
    list_select_related = ("organization", "channel")
    search_fields = ["channel__name", "channel__address", "organization__name"]


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ["channel", "organization", "state", "since", "until", "inbound_found", "statuses_found", "error"]
    list_filter = ["state"]
    list_select_related = ("organization", "channel")
    search_fields = ["channel__name", "channel__address", "organization__name"]
    ordering = ["-created_at"]


@admin.register(StoppedAddress)
class StoppedAddressAdmin(ReadOnlyAdmin):
    list_display = ["address", "organization", "kind", "code", "reason", "created_at"]
    list_select_related = ("organization",)
    search_fields = ["address", "organization__name"]
    ordering = ["-created_at"]


@admin.register(ContentSync)
class ContentSyncAdmin(ReadOnlyAdmin):
    list_display = ["channel", "organization", "synced_at", "count", "last_error"]
    list_select_related = ("organization", "channel")
    search_fields = ["channel__name", "organization__name"]


@admin.register(MediaFile)
class MediaFileAdmin(ReadOnlyAdmin):
    """The metadata of files; their content is shown in their conversation only."""

    list_display = ["name", "organization", "content_type", "size", "created_at"]
    list_filter = ["content_type"]
    list_select_related = ("organization",)
    search_fields = ["name", "=id"]
    ordering = ["-created_at"]
    exclude = ["content", "thumbnail"]


@admin.register(MailDetails)
class MailDetailsAdmin(ReadOnlyAdmin):
    list_display = ["message", "organization", "automatic", "reply_to"]
    list_select_related = ("organization", "message")
    search_fields = ["=message__id"]
    exclude = ["html"]
