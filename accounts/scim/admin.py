"""In the admin console: which directories are connected, and what they said. All of it is set up elsewhere."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import ScimConnection, ScimFailure, ScimGroup, ScimUser
from core.admin import ReadOnlyAdmin


@admin.register(ScimConnection)
class ScimConnectionAdmin(ReadOnlyAdmin):
    """Which organizations have connected a directory; it is set up there."""

    list_display = ["name", "organization", "is_enabled", "last_used_at", "created_at"]
    list_select_related = ("organization",)
    search_fields = ["name", "organization__name"]
    exclude = ["token_hash", "previous_hash"]


@admin.register(ScimUser)
class ScimUserAdmin(ReadOnlyAdmin):
    """What a directory says of a member."""

    list_display = ["user_name", "member", "connection", "external_id", "changed_at"]
    list_select_related = ("member__user", "member__organization", "connection")
    search_fields = ["user_name", "external_id", "member__user__email"]


@admin.register(ScimGroup)
class ScimGroupAdmin(ReadOnlyAdmin):
    """Which teams a directory manages."""

    list_display = ["team", "connection", "external_id", "changed_at"]
    list_select_related = ("team", "connection")
    search_fields = ["team__name", "external_id"]


@admin.register(ScimFailure)
class ScimFailureAdmin(ReadOnlyAdmin):
    """What directories were refused."""

    list_display = ["at", "connection", "method", "path", "status", "detail"]
    list_select_related = ("connection",)
    search_fields = ["detail", "path"]
