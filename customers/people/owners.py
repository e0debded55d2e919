"""Whom a filter by owner or assignee may name."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Member, User


def is_member(user_id: UUID) -> bool:
    """Whether the user belongs to the current organization, or did: a leaver's records can be asked for. One query."""
    return bool(Member.objects.filter(user=user_id).exists())


def refusal() -> str:
    """What is shown where a filter names somebody else."""
    return _("Nobody of your organization has this id.")


def possible_owners() -> list[User]:
    """The organization's active members, by name; one query."""
    members = Member.objects.active().select_related("user")
    return sorted((member.user for member in members), key=lambda user: user.get_full_name().casefold())
