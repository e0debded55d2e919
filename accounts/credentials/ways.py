"""By what a session has shown who its user is, and so which organizations it opens.

A password or a passkey of the user's own opens every organization that allows it. An organization's provider opens
that organization only: whoever administers the provider can sign in as anybody there, and must not come to be them
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from accounts.models import Member, User

KEY: Final = "sign_in_ways"


@dataclass(frozen=True, slots=True)
class ProviderWay:
    """A sign-in by the provider of an organization; whether a second factor was shown there that counts here."""

    organization_id: str
    provider_id: str
    has_factor: bool = False
    # Whether the provider was told to ask who it is, and says that it did.
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """What has been shown in a session: `providers` by the organization's id, and whether with a factor that counts."""

    is_own: bool = True
    providers: Mapping[str, bool] = field(default_factory=dict, hash=False)

    def by_provider(self, organization_id: UUID) -> bool:
        """Whether the organization's own provider has said who it is."""
        return str(organization_id) in self.providers

    def has_factor(self, organization_id: UUID) -> bool:
        """Whether it has said, too, that a second factor was shown."""
        return self.providers.get(str(organization_id), False)

    def opens(self, member: Member) -> bool:
        """Whether the session is any good for this organization at all."""
        return self.is_own or self.by_provider(member.organization_id)


# What a token of the API and a session of before stand for.
OWN: Final = Ways()
_NONE: Final = Ways(is_own=False)


def of(request: HttpRequest) -> Ways:
    """What this session's user has shown."""
    impersonation = getattr(request, "impersonation", None)
    if impersonation is not None:
        # Who acts for somebody has shown nothing of that person: it is good for the one organization, and for it alone.
        return Ways(is_own=False, providers={str(impersonation.organization_id): True})
    kept = request.session.get(KEY)
    return OWN if not isinstance(kept, dict) else Ways(kept["own"], kept["providers"])


def openable(request: HttpRequest, members: Sequence[Member]) -> list[Member]:
    """Of a user's memberships those whose organizations this session can open; the others are not spoken of in it."""
    shown = of(request)
    return [member for member in members if shown.opens(member)]


def before(request: HttpRequest, user: User) -> Ways:
    """What the session has shown of this user so far: nothing, where it is nobody's or somebody else's."""
    return of(request) if request.user.is_authenticated and request.user.pk == user.pk else _NONE


def note(request: HttpRequest, before: Ways, way: ProviderWay | None) -> None:
    """The user has shown this as well; None is a password or passkey of their own."""
    providers = dict(before.providers)
    if way is not None:
        providers[way.organization_id] = way.has_factor
    request.session[KEY] = {"own": before.is_own or way is None, "providers": providers}
