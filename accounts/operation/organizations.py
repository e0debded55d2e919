"""Organizations in the admin: made, suspended, deleted and restored by their services, by superusers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.account.access import confirmed
from accounts.invitations import founding
from accounts.models import Member, Organization, OrganizationDeletion, User
from accounts.operation import recording
from accounts.operation.forms import DeleteForm, NewOrganizationForm, SuspendForm
from accounts.organizations import life, purging
from accounts.organizations import services as organizations
from activity.actor import Actor
from core.admin import ReadOnlyAdmin, TenantAdmin
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form

CHANGE = "admin:accounts_organization_change"


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is at the admin."""
    return Actor.for_user(cast("User", request.user))


@admin.register(Organization)
class OrganizationAdmin(TenantAdmin):
    """Every organization, with what is to become of it."""

    list_display = ["name", "slug", "state", "members", "pack", "timezone", "created_at"]
    list_filter = ["is_active", "pack"]
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ()
    search_fields = ["name", "slug"]
    # Where it stands in its life comes first.
    fields = (
        "state", "suspension_reason", "name", "slug", "pack", "timezone", "undo_seconds", "default_country",
        "keyword_tags", "currency", "retention_months", "requires_second_factor", "logo", "created_at",
    )  # fmt: skip
    readonly_fields = ["state", "suspension_reason", "created_at"]
    change_form_template = "admin/organizations/change.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        members = Member.objects.filter(organization=OuterRef("pk"), is_active=True).order_by().values("organization")
        count = Coalesce(Subquery(members.annotate(count=Count("pk")).values("count")), 0)
        return super().get_queryset(request).annotate(member_count=count)

    @admin.display(description=gettext_lazy("Members"))
    def members(self, organization: Organization) -> int:
        return int(organization.member_count)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("State"))
    def state(self, organization: Organization) -> str:
        return state_of(organization)

    def get_urls(self) -> list[URLPattern]:
        """The pages of what is done with an organization, before Django's own."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "suspend": self.suspend_view, "resume": self.resume_view, "restore": self.restore_view,
            "invite": self.invite_view, "remove": self.remove_view,
        }  # fmt: skip
        own = [
            path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(view), name=f"accounts_organization_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_module_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not by Django's own page: rows go in steps, 30 days later."""
        return False

    def save_model(self, request: HttpRequest, obj: Organization, form: ModelForm, change: bool) -> None:
        """What the members are to be asked for is done by its service, as everywhere; the rest is recorded here."""
        is_required = obj.requires_second_factor
        before = Organization.objects.get(pk=obj.pk) if change else obj
        if change and "requires_second_factor" in form.changed_data:
            obj.requires_second_factor = not is_required
        super().save_model(request, obj, form, change)
        if change:
            fields = set(form.changed_data) - {"requires_second_factor"}
            recording.record_organization(before=before, after=obj, fields=fields, actor=actor_of(request))
            organizations.require_second_factor(organization=obj, is_required=is_required, actor=actor_of(request))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Make one, with an invited administrator; the link is shown once."""
        self._require_operator(request)
        form = NewOrganizationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with on_form(request, form):
                made = founding.found(actor=actor_of(request), **form.cleaned_data)
                return self._show_link(request, made)
        title = _("New organization")
        lead = _("It gets its roles, and what its pack has. Its administrator joins by the invitation.")
        return self._form_page(request, form, title=title, lead=[lead], button=_("Make it and invite"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        organization = self.get_object(request, object_id)
        context = {"is_waiting": organization is not None and founding.waiting(organization) is not None}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def suspend_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        organization = self._organization(request, pk)
        form = SuspendForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with on_form(request, form):
                life.suspend(organization=organization, actor=actor_of(request), **form.cleaned_data)
                messages.success(request, _("%(name)s is suspended.") % {"name": organization})
                return redirect(CHANGE, pk)
        lead = [
            _("Nobody of it gets in from now on: pages, apps, API keys, calendars and links to files are closed."),
            _("What customers write is still taken in and kept. Nothing is sent, and nothing happens by itself."),
            _("Once it goes on, what should have been sent meanwhile is put before its members and does not leave."),
        ]
        title = _("Suspend %(name)s") % {"name": organization}
        return self._form_page(request, form, organization=organization, title=title, lead=lead, button=_("Suspend"))

    def resume_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self._do(request, pk, life.resume, _("%(name)s goes on."))

    def restore_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self._do(request, pk, life.restore, _("%(name)s is restored."))

    def remove_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Delete; who does it has shown who they are within the last minutes."""
        self._require_operator(request)
        return confirmed(self._remove)(request, pk)

    def invite_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Send the first administrator a new link."""
        organization = self._posted(request, pk)
        with as_message(request):
            made = founding.send_again(organization=organization, actor=actor_of(request))
            if made is not None:
                return self._show_link(request, made)
            messages.error(request, _("Nobody is invited any more."))
        return redirect(CHANGE, pk)

    def _remove(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        organization = self._organization(request, pk)
        form = DeleteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with on_form(request, form):
                life.delete(organization=organization, actor=actor_of(request), **form.cleaned_data)
                text = _("%(name)s is deleted. Until its 30 days are over it can be restored.")
                messages.success(request, text % {"name": organization})
                return redirect(CHANGE, pk)
        lead = [
            _("Nobody of it gets in from now on, and it is hidden. For 30 days it can be restored here, whole."),
            _(
                "Then everything of it is destroyed: customers, conversations, files, the audit log, and the accounts "
                "of people who belong to no other organization. What stays is one line: address, when, by whom, how "
                "much."
            ),
            _(
                "Backups hold it until they are deleted by their own rule, up to 5 weeks later. Signed heads stay with "
                "whom they were mailed to."
            ),
            _("The superusers of this installation are told by mail."),
        ]
        title = _("Delete %(name)s") % {"name": organization}
        return self._form_page(
            request, form, organization=organization, title=title, lead=lead, button=_("Delete"), is_danger=True
        )

    def _do(self, request: HttpRequest, pk: UUID, service: Callable[..., Organization], words: str) -> HttpResponse:
        organization = self._posted(request, pk)
        with as_message(request):
            service(organization=organization, actor=actor_of(request))
            messages.success(request, words % {"name": organization})
        return redirect(CHANGE, pk)

    def _posted(self, request: HttpRequest, pk: UUID) -> Organization:
        organization = self._organization(request, pk)
        if request.method != "POST":
            raise PermissionDenied(_("Use the button."))
        return organization

    def _organization(self, request: HttpRequest, pk: UUID) -> Organization:
        self._require_operator(request)
        return first_or_404(Organization.objects.filter(pk=pk), _("There is no such organization."))

    def _require_operator(self, request: HttpRequest) -> None:
        if not request.user.is_superuser:
            raise PermissionDenied

    def _show_link(self, request: HttpRequest, made: founding.Founded) -> HttpResponse:
        """The answer of a POST: the link stands nowhere else."""
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "made": made,
            "title": _("%(name)s is ready") % {"name": made.organization},
        }  # fmt: skip
        return TemplateResponse(request, "admin/organizations/made.html", context)

    def _form_page(self, request: HttpRequest, form: forms.Form, **more: object) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, **more}
        return TemplateResponse(request, "admin/organizations/form.html", context)


def state_of(organization: Organization) -> str:
    """Where it stands in its life, for a column."""
    if organization.deleted_at is not None:
        return _("Deleted on %(day)s") % {"day": f"{organization.deleted_at:%Y-%m-%d}"}
    if not organization.is_active:
        since = organization.suspended_at
        return _("Suspended since %(day)s") % {"day": f"{since:%Y-%m-%d}" if since else "?"}
    return _("Active")


@admin.register(OrganizationDeletion)
class OrganizationDeletionAdmin(ReadOnlyAdmin):
    """What was deleted, and what became of it; the lines stay."""

    list_display = ["slug", "requested_at", "requested_by", "purge_at", "finished_at", "rows", "last_error", "way_back"]
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ()
    search_fields = ["slug", "=name_hash", "=organization_id"]
    ordering = ["-requested_at"]
    exclude = ["claim_token"]
    actions = ["begin_again"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_module_permission = has_begin_permission = has_view_permission

    @admin.display(description=gettext_lazy("Way back"))
    def way_back(self, row: OrganizationDeletion) -> str:
        if row.finished_at is not None or row.counts:
            return _("None")
        return format_html('<a href="{}">{}</a>', reverse(CHANGE, args=[row.organization_id]), _("Restore"))

    @admin.action(description=gettext_lazy("Go on with what was set aside"), permissions=["begin"])
    def begin_again(self, request: HttpRequest, queryset: QuerySet[OrganizationDeletion]) -> None:
        count = sum(purging.purge_again(row) for row in queryset)
        messages.success(request, _("%(count)s go on.") % {"count": count})
