"""Service members: a system's place in an organization, with a role, that acts by API keys alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import grants
from accounts.members import services as members
from accounts.members.authority import authority_of, own_role, own_teams
from accounts.models import Member, Organization, Role, Team, User
from activity.actor import Actor
from core.ids import uuid7
from core.refused import Invalid

# A name that no mail can be sent to (RFC 2606, section 2): a user needs an address, a system has none.
DOMAIN: Final = "services.invalid"
MAX_NAME_LENGTH: Final = 80


@transaction.atomic
def create(*, organization: Organization, name: str, role: Role, actor: Actor, teams: Collection[Team] = ()) -> Member:
    """A new service member. It can't sign in, has no password and gets no mail; its keys are issued like one's own.

    Raises Invalid for a name that is none, BeyondOwn or OtherTeams where the actor can't give that, NotPermitted
    without `users.create`.
    """
    grants.lock(organization)
    authority = authority_of(actor, organization)
    authority.require("users.create")
    role, teams = own_role(organization, role), own_teams(organization, teams)
    authority.require_role(role)
    authority.require_teams(teams)
    user = User.objects.create_user(f"service-{uuid7()}@{DOMAIN}", None, name=_name(name), is_service=True)
    return members.enter(organization=organization, user=user, role=role, teams=teams, actor=actor)


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Invalid("name", _("Say what the service is called, such as “Website”."))
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid("name", _("At most %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    return name
