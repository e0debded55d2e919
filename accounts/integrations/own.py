"""The integrations that belong to no app above: the sign-in provider and the directory."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.integrations.registry import NOTHING, Integration, State, Status, register
from accounts.models import Organization
from accounts.openid.queries import provider_of
from accounts.scim.connections import connection_of


def register_all() -> None:
    register(
        Integration(
            "sign-in-provider", _("Sign-in provider"), _("Members sign in by it, with OpenID Connect."), 10,
            "organization:sign_in_settings", sign_in_provider,
        )
    )  # fmt: skip
    register(
        Integration(
            "directory", _("Directory"), _("It creates, changes and shuts out members, by SCIM 2.0."), 20,
            "organization:directory", directory, "/api/v1/admin/integrations/directory/connect",
        )
    )  # fmt: skip


def sign_in_provider(organization: Organization) -> State:
    provider = provider_of(organization)
    if provider is None:
        return NOTHING
    return State(Status.CONNECTED if provider.is_enabled else Status.OFF, (provider.name,))


def directory(organization: Organization) -> State:
    connection = connection_of(organization)
    if connection is None:
        return NOTHING
    status = Status.CONNECTED if connection.is_enabled else Status.OFF
    return State(status, (connection.name,), connection.last_used_at)
