"""The admin console: superusers see every organization, other staff those they administer; secrets are never shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django_scopes import scope

from core.encryption import EncryptedJSONField
from core.http import local_path
from core.tenancy import every_organization

if TYPE_CHECKING:
    # What settings.AUTH_USER_MODEL and TENANT_MODEL name; for the checker only.
    from accounts.models import Organization, User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class ParleyAdminSite(admin.AdminSite):
    # Says which organizations a member of staff who is no superuser administers; accounts, which knows, sets it.
    administered_by: Callable[[User], list[Organization]] | None = None
    # Says what somebody has to do first, as the way to its page; accounts sets it, too.
    entry_step: Callable[[HttpRequest, User], HttpResponseBase | None] | None = None
    site_header = "Parley administration"
    site_title = "Parley administration"
    index_title = "What there is"

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """Redirect to the sign-in page of the product, which limits attempts."""
        if request.user.is_authenticated:
            raise PermissionDenied("Only the installation’s administrators enter here.")
        return redirect_to_login(local_path(request.GET.get("next")) or reverse("admin:index"))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Open the scope around a view and its template: a superuser's is everything, others' what they administer."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def scoped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            user = request.user
            first = self.entry_step(request, user) if self.entry_step and user.is_authenticated else None
            if first is not None:
                return first
            if user.is_superuser:
                with every_organization("a superuser administers the installation"):
                    return _rendered(inner(request, *args, **kwargs))
            administered = self.administered_by(user) if self.administered_by and user.is_staff else []
            with scope(organization=administered):
                return _rendered(inner(request, *args, **kwargs))

        return cast("View", scoped)


class TenantAdmin(admin.ModelAdmin):
    """The admin of a model of an organization. Only superusers change rows; other staff read them."""

    list_per_page = 50
    show_full_result_count = False
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ("organization",)
    exclude: ClassVar[list[str] | tuple[str, ...]] = ()

    def get_exclude(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        """A secret has no field here, whatever a subclass lists."""
        secret = [field.name for field in self.model._meta.fields if isinstance(field, EncryptedJSONField)]
        return [*(self.exclude or ()), *secret]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        # A record doesn't move to another organization.
        return [*super().get_readonly_fields(request, obj), *(["organization"] if self._has_organization else [])]

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: object
    ) -> ModelChoiceField | None:
        """Enter related rows by id: a drop-down would load a million of them."""
        kwargs.setdefault("widget", ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @property
    def _has_organization(self) -> bool:
        return any(field.name == "organization" for field in self.model._meta.fields)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return request.user.is_active and request.user.is_staff


class ReadOnlyAdmin(TenantAdmin):
    """An admin whose rows are read only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    # A template asks its queries when it is rendered, which would otherwise be after the scope is closed.
    if isinstance(response, TemplateResponse) and not response.is_rendered:
        response.render()
    return response


def short(text: object, length: int = 60) -> str:
    """A text for a column."""
    one_line = " ".join(str(text).split())
    return one_line if len(one_line) <= length else one_line[: length - 1] + "…"
