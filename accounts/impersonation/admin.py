"""In the admin console: who acted as whom. It is begun and ended in the organization."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Impersonation
from core.admin import ReadOnlyAdmin


@admin.register(Impersonation)
class ImpersonationAdmin(ReadOnlyAdmin):
    list_display = ["impersonator", "member", "organization", "began_at", "ends_at", "ended_at", "ended_how"]
    list_filter = ["ended_how"]
    list_select_related = ("organization", "impersonator__user", "member__user")
    search_fields = ["impersonator__user__email", "member__user__email", "organization__name"]
    exclude = ["credentials_digest"]
