from __future__ import annotations

from typing import ClassVar, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, Prefetch, QuerySet
from django.forms import BaseFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.credentials import notices, password_resets, second_factor
from accounts.impersonation import admin as impersonation_admin  # noqa: F401 - registers its own
from accounts.members import services as members
from accounts.models import (
    APIKey,
    AuthenticatorApp,
    BrowserSession,
    BusinessCalendar,
    HandedOver,
    IdempotentCall,
    Invitation,
    Member,
    Passkey,
    PasswordReset,
    ProviderLink,
    RecoveryCode,
    Role,
    SecurityNotice,
    SignInAttempt,
    SignInProvider,
    Team,
    TokenFamily,
    TrustedBrowser,
    User,
)
from accounts.operation import organizations  # noqa: F401 - registers its pages
from accounts.operation import users as operated
from accounts.scim import admin as scim_admin  # noqa: F401 - registers its own
from activity.actor import Actor, acting_as
from core.admin import ReadOnlyAdmin, TenantAdmin
from core.http import redirect_to
from core.refused_pages import as_message

# Roles of organizations say who may do what; Django's groups would say it a second time.
admin.site.unregister(Group)


class NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ["email", "name"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users of the installation; for superusers."""

    add_form = NewUserForm
    list_display = ["email", "name", "organizations", "is_active", "is_superuser", "second_factor", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "is_service"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    readonly_fields = ["created_at", "last_login", "second_factor_at", "must_change_password"]
    fieldsets = [
        (None, {"fields": ["email", "password", "name"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser", "second_factor_at", "must_change_password"]}),
        ("Dates", {"fields": ["created_at", "last_login"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "name", "password1", "password2"]})]
    filter_horizontal: ClassVar[list[str] | tuple[str, ...]] = ()
    actions = ["reset_second_factor", "send_password_link", "end_sign_ins", "deactivate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        members = Member.objects.present().select_related("organization").order_by("organization__name")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", members, to_attr="present"))

    @admin.display(description=gettext_lazy("Organizations"))
    def organizations(self, user: User) -> str:
        return ", ".join(member.organization.name for member in user.present)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("Second factor"), boolean=True)
    def second_factor(self, user: User) -> bool:
        return user.has_second_factor

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Who comes in and who administers is said by its service; the rest as it is entered."""
        asked = {name: getattr(obj, name) for name in operated.ACCESS}
        before = User.objects.get(pk=obj.pk) if change else obj
        for name in asked:
            setattr(obj, name, getattr(before, name))
        super().save_model(request, obj, form, change)
        if change:
            by = Actor.for_user(cast("User", request.user))
            operated.saved(user=obj, actor=by, fields=form.changed_data, **asked)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        with as_message(request):
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
            return response
        return redirect_to(request.path)

    @admin.action(description=gettext_lazy("Send a link for a new password"))
    def send_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = list(queryset.filter(is_service=False, is_active=True))
        for user in users:
            password_resets.ask(email=user.email, address=f"the administration, for {user.pk}")
        text = ngettext("%(count)d person is sent a link.", "%(count)d people are sent a link.", len(users))
        messages.success(request, text % {"count": len(users)})

    @admin.action(description=gettext_lazy("End every sign-in"))
    def end_sign_ins(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        actor = Actor.for_user(cast("User", request.user))
        count = sum(operated.end_sign_ins(user=user, actor=actor) for user in queryset)
        text = ngettext("%(count)d sign-in was ended.", "%(count)d sign-ins were ended.", count)
        messages.success(request, text % {"count": count})

    @admin.action(description=gettext_lazy("Deactivate everywhere"))
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Each by itself: whom an organization needs stays, and the others go. One's own account stays."""
        actor, count = Actor.for_user(cast("User", request.user)), 0
        for user in queryset.exclude(pk=actor.id).filter(is_active=True):
            with as_message(request):
                operated.deactivate_everywhere(user=user, actor=actor)
                count += 1
        text = ngettext("%(count)d person is deactivated.", "%(count)d people are deactivated.", count)
        messages.success(request, text % {"count": count})

    @admin.action(description=gettext_lazy("Reset the second factor"))
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For who lost it, also where they belong to several organizations. They are told by mail; one's own stays."""
        actor, count = Actor.for_user(cast("User", request.user)), 0
        for user in queryset.exclude(pk=actor.id):
            with transaction.atomic():
                count += second_factor.reset(user=user, actor=actor)
        text = ngettext("%(count)d second factor was reset.", "%(count)d second factors were reset.", count)
        messages.success(request, text % {"count": count})

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A service is changed in its organization, and never has a password."""
        return super().has_change_permission(request, obj) and not (isinstance(obj, User) and obj.is_service)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Switched off, not deleted: the ledger speaks of them, and an organization needs its administrator."""
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's name
        with acting_as(Actor.for_user(cast("User", request.user))):
            return super().user_change_password(request, id, form_url)


class MemberForm(ModelForm):
    """A new member belongs where the role does; later the role is one of that organization."""

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        role: Role | None = data.get("role")
        if role is not None and self.instance.organization_id is None:
            self.instance.organization = role.organization
        elif role is not None and role.organization_id != self.instance.organization_id:
            self.add_error("role", _("This is a role of another organization."))
        return data


@admin.register(Member)
class MemberAdmin(TenantAdmin):
    """Who belongs where. A member who goes is deactivated, not deleted: the ledger speaks of them.

    What is saved here is done by the same services as elsewhere; what they refuse is a message, and nothing is saved.
    """

    form = MemberForm
    list_display = ["user", "organization", "role", "is_active", "removed_at", "last_seen_at"]
    list_filter = ["is_active", "role__key"]
    list_select_related = ("user", "organization", "role")
    search_fields = ["user__email", "user__name", "organization__name"]
    readonly_fields = ["created_at", "last_seen_at", "removed_at"]
    filter_horizontal = ["teams"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *([] if obj is None else ["user"])]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        with as_message(request):
            return super().changeform_view(request, object_id, form_url, extra_context)
        return redirect_to(request.path)

    def save_model(self, request: HttpRequest, obj: Member, form: MemberForm, change: bool) -> None:
        """Nothing yet of a member who is there; the teams come after the record, and all is one change."""
        if not change:
            actor = Actor.for_user(cast("User", request.user))
            made = members.add(organization=obj.organization, user=obj.user, role=obj.role, actor=actor)
            obj.pk, obj._state.adding = made.pk, False

    def save_related(self, request: HttpRequest, form: MemberForm, formsets: list[BaseFormSet], change: bool) -> None:
        actor = Actor.for_user(cast("User", request.user))
        member, data = Member.objects.with_access().get(pk=form.instance.pk), form.cleaned_data
        members.change(member=member, actor=actor, role=data["role"], teams=list(data["teams"]))
        if data["is_active"]:
            members.reactivate(member=member, actor=actor)
        else:
            members.deactivate(member=member, actor=actor)


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """To look at; roles are changed on the organization's own pages, where nobody grants what they lack."""

    list_display = ["name", "key", "organization", "is_system"]
    list_filter = ["is_system", "key"]
    search_fields = ["name", "key", "organization__name"]


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """To look at; teams are changed on the organization's own pages, as who sees whose records follows from them."""

    list_display = ["name", "organization"]
    search_fields = ["name", "organization__name"]


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(ReadOnlyAdmin):
    """To look at; hours are changed on the organization's own pages, which check them."""

    list_display = ["name", "organization", "is_default", "closed_until"]
    search_fields = ["name", "organization__name"]


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    list_display = ["member", "created_at", "expires_at", "revoked_at", "revoked_reason"]
    list_filter = ["revoked_reason", "created_at"]
    list_select_related = ("member__user", "member__organization")
    search_fields = ["member__user__email"]
    exclude = ["current_token_id"]


@admin.register(APIKey)
class APIKeyAdmin(ReadOnlyAdmin):
    """Keys are made and revoked where they can be shown once; here one sees which there are."""

    list_display = ["name", "prefix", "organization", "member", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ("organization", "member__user", "member__organization")
    search_fields = ["name", "prefix", "member__user__email"]
    exclude = ["key_hash"]


@admin.register(SignInAttempt)
class SignInAttemptAdmin(ReadOnlyAdmin):
    list_display = ["window_began_at", "failures", "blocked_until"]
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ()
    exclude = ["key"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Deleting a row lets somebody try again at once."""
        return bool(request.user.is_superuser)

    has_module_permission = has_view_permission


@admin.register(PasswordReset)
class PasswordResetAdmin(SignInAttemptAdmin):
    """Who asked for a new password and has no mail yet; a row that stays says why."""

    list_display = ["email", "created_at", "due_at", "attempts", "last_error"]
    search_fields = ["email"]
    exclude = ["claim_token"]


@admin.register(SecurityNotice)
class SecurityNoticeAdmin(SignInAttemptAdmin):
    """Mails about people's sign-in that did not leave yet; one that stays says why, and can be sent again."""

    list_display = ["user", "kind", "created_at", "due_at", "attempts", "last_error"]
    list_select_related = ("user",)
    search_fields = ["user__email"]
    exclude = ["claim_token"]
    actions = ["send_again"]

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[SecurityNotice]) -> None:
        for notice in queryset.exclude(last_error=""):
            notices.send_again(notice=notice)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


class OfUserAdmin(SignInAttemptAdmin):
    """What belongs to a user's sign-in: that it is there, and since when; never what it is made of."""

    list_select_related = ("user",)
    search_fields = ["user__email"]


@admin.register(AuthenticatorApp)
class AuthenticatorAppAdmin(OfUserAdmin):
    """Deleting one is no way to reset it: the page of the member does that, and tells the person."""

    list_display = ["user", "confirmed_at", "created_at"]
    exclude = ["secret", "pending_secret"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(AuthenticatorAppAdmin):
    list_display = ["user", "created_at", "used_at"]
    exclude = ["code_hash"]


@admin.register(Passkey)
class PasskeyAdmin(AuthenticatorAppAdmin):
    list_display = ["user", "name", "created_at", "last_used_at"]
    exclude = ["credential", "credential_id"]


@admin.register(TrustedBrowser)
class TrustedBrowserAdmin(OfUserAdmin):
    list_display = ["user", "user_agent", "address", "created_at", "expires_at"]
    exclude = ["token_hash"]


@admin.register(BrowserSession)
class BrowserSessionAdmin(AuthenticatorAppAdmin):
    list_display = ["user", "user_agent", "address", "created_at", "last_seen_at"]
    exclude = ["session_key"]


@admin.register(SignInProvider)
class SignInProviderAdmin(ReadOnlyAdmin):
    """Which there are; they are set up in the organization, by who may be anybody there."""

    list_display = ["name", "organization", "issuer", "is_enabled", "created_at"]
    list_select_related = ("organization",)
    search_fields = ["name", "issuer", "organization__name"]


@admin.register(ProviderLink)
class ProviderLinkAdmin(ReadOnlyAdmin):
    """Whose account at a provider is connected, since when."""

    list_display = ["member", "provider", "label", "created_at", "last_used_at"]
    list_select_related = ("member__user", "member__organization", "provider")
    search_fields = ["member__user__email", "label"]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was invited, and why a mail did not leave; invitations are made and revoked in the organization."""

    list_display = ["email", "organization", "role", "created_at", "expires_at", "sent_at", "due_at", "last_error"]
    list_select_related = ("organization", "role")
    search_fields = ["email", "organization__name"]
    ordering = ["-created_at"]
    exclude = ["token_hash", "nonce", "claim_token"]


@admin.register(HandedOver)
class HandedOverAdmin(ReadOnlyAdmin):
    """What hand-overs of the last 30 days did, record by record."""

    list_display = ["created_at", "organization", "kind", "record_id", "before", "after", "outcome"]
    list_select_related = ("organization", "before", "after")
    list_filter = ["kind", "outcome"]
    search_fields = ["=record_id", "=job__id"]
    ordering = ["-created_at"]


@admin.register(IdempotentCall)
class IdempotentCallAdmin(ReadOnlyAdmin):
    """Calls with an idempotency key of the last day; their answers are not shown."""

    list_display = ["created_at", "organization", "status", "leased_until"]
    search_fields = ["=id"]
    ordering = ["-created_at"]
