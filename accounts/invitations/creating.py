"""A member made at once, with a password that somebody else chose and that the person has to change first."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.credentials import throttle
from accounts.invitations.services import clean_addresses
from accounts.members import services as members
from accounts.models import Member, Organization, Role, Team, User
from accounts.organizations.services import EmailTaken
from activity.actor import Actor
from core.refused import Invalid


class HasAccount(EmailTaken):
    """The address has an account: nobody else sets a password for it."""

    def __init__(self) -> None:
        super().__init__()
        self.args = (_("There is an account with this address already. Invite them instead."),)


def create(
    *,
    organization: Organization,
    email: str,
    name: str,
    role: Role,
    actor: Actor,
    teams: Collection[Team] = (),
    password: str = "",
) -> tuple[Member, str]:
    """A new user who is a member, and the password, which is made here where none is given. Nothing is open to them
    before they have set another one.

    Raises Invalid (email, password), HasAccount, TooManyAttempts for who has tried many addresses that have an account,
    and as `members.add`.
    """
    throttle.require_questions_left(about="accounts", address=actor.id)
    try:
        return _create(
            organization=organization,
            email=email,
            name=name,
            role=role,
            actor=actor,
            teams=teams,
            password=password or _new_password(),
        )
    except HasAccount:
        throttle.count_question(about="accounts", address=actor.id)
        raise


@transaction.atomic
def _create(
    *,
    organization: Organization,
    email: str,
    name: str,
    role: Role,
    actor: Actor,
    teams: Collection[Team],
    password: str,
) -> tuple[Member, str]:
    (address,) = clean_addresses([email])
    if User.objects.filter(email__iexact=address).exists():
        present = Member.objects.present().filter(organization=organization, user__email__iexact=address)
        raise members.AlreadyMember if present.exists() else HasAccount
    user = User(email=address, name=name, must_change_password=True)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("password", " ".join(error.messages)) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise HasAccount from error
    member = members.add(organization=organization, user=user, role=role, teams=teams, actor=actor)
    return Member.objects.with_access().get(pk=member.pk), password


def _new_password() -> str:
    """80 random bits, in groups that can be read out."""
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
