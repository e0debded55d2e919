"""An organization that whoever runs the installation makes: nobody belongs to it until its administrator joins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.invitations import services as invitations
from accounts.invitations.links import address_of
from accounts.models import Invitation, Member, Organization
from accounts.organizations import packs
from accounts.organizations import services as organizations
from accounts.organizations.life import require_operator
from accounts.organizations.values import checked
from activity.actor import Actor
from core.refused import Invalid
from core.tenancy import organization_scope

MAX_SLUG_LENGTH: Final = 60
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# An administrator who is found in the first week of holidays can still come in.
DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Founded:
    """The new organization, and the link by which its administrator joins: it is in a mail, and shown once here."""

    organization: Organization
    invitation: Invitation
    link: str


@transaction.atomic
def found(
    *,
    name: str,
    administrator: str,
    actor: Actor,
    slug: str = "",
    pack: str = packs.DEFAULT,
    country: str = "",
    timezone: str = "",
    currency: str = "",
) -> Founded:
    """Make an organization with roles, pack and pipeline, and invite its first administrator by mail.

    Who makes it does not belong to it. Raises OperatorsOnly, or Invalid, which names the field.
    """
    require_operator(actor)
    organization = Organization(pack=pack)
    organization.name = str(checked("name", name))
    organization.default_country = str(checked("country", country))
    if timezone:
        organization.timezone = str(checked("timezone", timezone))
    if currency:
        organization.currency = str(checked("currency", currency.strip().upper()))
    if pack not in set(packs.keys()):
        raise Invalid("pack", _("There is no such pack."))
    organization.slug = _checked_slug(slug) if slug else organizations.free_slug(organization.name)
    try:
        with transaction.atomic():
            role = organizations.establish(organization, actor=actor)
    except IntegrityError as error:
        raise Invalid("slug", _("Another organization has this address."), code="taken") from error
    with organization_scope(organization):
        try:
            [result] = invitations.invite(
                organization=organization, emails=[administrator], role=role, actor=actor, days=DAYS
            )
        except Invalid as refused:
            refused.field = "administrator" if refused.field == "emails" else refused.field
            raise
        invitation = result.invitation
        assert invitation is not None  # noqa: S101 - nobody is a member yet
    return Founded(organization, invitation, address_of(invitation))


@transaction.atomic
def send_again(*, organization: Organization, actor: Actor) -> Founded | None:
    """A new link to the invited administrator, while nobody has joined; None where nobody is invited (any more)."""
    with organization_scope(organization):
        row = waiting(organization)
        if row is None:
            return None
        row = invitations.resend(invitation=row, actor=actor, days=DAYS)
        return Founded(organization, row, address_of(row))


def waiting(organization: Organization) -> Invitation | None:
    """The unanswered invitation of the installation, while the organization has no members."""
    with organization_scope(organization):
        if Member.objects.present().exists():
            return None
        rows = Invitation.objects.unanswered().select_related("organization", "role")
        return rows.filter(is_of_installation=True).order_by("-created_at").first()


def _checked_slug(slug: str) -> str:
    slug = slug.strip().lower()
    # It is a part of addresses of the simulator, too, as a host's name is.
    if _SLUG.fullmatch(slug) is None:
        raise Invalid("slug", _("Small letters, digits and single hyphens between them only."))
    if len(slug) > MAX_SLUG_LENGTH:
        raise Invalid("slug", _("At most %(most)s characters.") % {"most": MAX_SLUG_LENGTH})
    if organizations.is_reserved(slug) or Organization.objects.filter(slug=slug).exists():
        raise Invalid("slug", _("Another organization has this address."), code="taken")
    return slug
