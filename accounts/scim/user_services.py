"""Members made, changed, shut out and taken out by a directory.

A directory speaks for one organization. Of an account that other organizations know, or that runs the installation, it
changes nothing: neither name nor address nor password, nor whether it is active elsewhere. That somebody leaves is
never held up by anything else that a request asks for.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import grants
from accounts.credentials import notices, throttle
from accounts.invitations import services as invitations
from accounts.members import emails, profiles
from accounts.members import services as members
from accounts.models import Invitation, Member, ProviderLink, Role, ScimConnection, ScimUser, SecurityNotice, User
from accounts.openid import services as openid
from accounts.openid.queries import provider_of
from accounts.scim import connections
from accounts.scim import user_queries as queries
from accounts.scim.errors import InvalidValue, NotFound, NotUnique
from accounts.scim.schemas import USERS, Resource
from accounts.scim.values import elements_of, require, text_of
from activity.actor import Actor
from core.phones import InvalidPhone

_KEPT: Final = ("displayName", "name", "title", "emails", "phoneNumbers")
INVITED: Final = (
    "There is an account with this address already, and it is its owner’s: Parley has invited them by mail. "
    "Once they have accepted, they are found here by their userName."
)


@transaction.atomic
def create(*, connection: ScimConnection, given: Resource, actor: Actor) -> Member | None:
    """A new member as the connection's role says, in an account without a password, of which they are told by mail.

    None where the address has an account: its owner was invited, and decides. Raises NotUnique, InvalidValue,
    Forbidden where the role is not to be given any more, and as `members.add`.
    """
    user_name, address = _require_names(given)
    organization = grants.lock(connection.organization)
    role = connection.role
    connections.require_may_give(connection, role)
    assert role is not None  # noqa: S101 - else it may not be given
    _require_free(user_name, None)
    user = User.objects.filter(email__iexact=address).first()
    if user is not None:
        known = Member.objects.filter(organization=organization, user=user).select_related("user").first()
        if known is not None and known.removed_at is None:
            raise NotUnique("Somebody here has this e-mail address already.")
        if known is None or not emails.is_of_one_organization(known):
            _invite(connection, address, role, actor)
            return None
    is_new = user is None
    user = user or _new_user(address, given)
    member = members.add(organization=organization, user=user, role=role, actor=actor)
    member = Member.objects.with_access().get(pk=member.pk)
    _keep(connection, member, given)
    _write_profile(member, given, actor)
    if given.get("active") is False:
        members.deactivate(member=member, actor=actor)
    elif is_new:
        _welcome(connection, member, text_of(given, "externalId"), actor)
    return _read(member)


@transaction.atomic
def change(*, connection: ScimConnection, member: Member, given: Resource, actor: Actor) -> Member:
    """Make the member what is given, which is all of it: `active` left out stays as it is. Of who is inactive the
    account is left alone, and what is said of them is only written down.

    Raises NotUnique, InvalidValue, Forbidden where an access is not to be given back any more, and what the services
    refuse: the last administrator stays, and an address that is not this organization's to change.
    """
    user_name, address = _require_names(given)
    grants.lock(connection.organization)
    was_active, is_active = member.is_active, given.get("active", member.is_active) is not False
    if not is_active:
        # Whatever else is asked for: who leaves is out, and keeps the name if another has it.
        members.deactivate(member=member, actor=actor)
        if queries.known_as(user_name).exclude(pk=member.pk).exists():
            given = {**given, "userName": queries.as_written(member)["userName"]}
        _keep(connection, member, given, is_news=was_active)
        return _read(member)
    _require_free(user_name, member)
    if not was_active:
        connections.require_may_give(connection, member.role)
        members.reactivate(member=member, actor=actor)
    emails.change(member=member, actor=actor, email=address)
    _write_profile(member, given, actor)
    _keep(connection, member, given, is_news=not was_active)
    if not was_active and not _has_way_in(member):
        _welcome(connection, member, text_of(given, "externalId"), actor)
    return _read(member)


@transaction.atomic
def delete(*, connection: ScimConnection, member: Member, actor: Actor) -> None:
    """Take the member out of the organization; what they own and what the ledger says stays. Raises as
    `members.remove`."""
    grants.lock(connection.organization)
    members.remove(member=member, actor=actor)
    ScimUser.objects.filter(member=member).delete()


def _require_names(given: Resource) -> tuple[str, str]:
    """The userName and the e-mail address. Raises InvalidValue."""
    require(USERS, given, but=("emails", "active"))
    user_name = text_of(given, "userName")
    addresses = [one for one in elements_of(given, "emails") if text_of(one, "value")]
    ordered = sorted(addresses, key=lambda one: (one.get("primary") is not True, text_of(one, "type") != "work"))
    if ordered:
        address = text_of(ordered[0], "value").lower()
        if not _is_address(address):
            raise InvalidValue(f"emails: “{address[:100]}” is not an e-mail address.")
        return user_name, address
    if not _is_address(user_name):
        raise InvalidValue("emails is required where userName is not an e-mail address.")
    return user_name, user_name.lower()


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _require_free(user_name: str, member: Member | None) -> None:
    others = queries.known_as(user_name)
    if member is not None:
        others = others.exclude(pk=member.pk)
    if others.exists():
        raise NotUnique("Somebody here has this userName already.")


def _new_user(address: str, given: Resource) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(address, None, name=_name_of(given))
    except IntegrityError as error:
        raise NotUnique("Another account has this e-mail address.") from error


def _name_of(given: Resource) -> str:
    """What colleagues see: the displayName, else the whole name, else its parts."""
    name = given.get("name")
    parts = name if isinstance(name, dict) else {}
    joined = f"{text_of(parts, 'givenName')} {text_of(parts, 'familyName')}".strip()
    return (text_of(given, "displayName") or text_of(parts, "formatted") or joined)[: profiles.MAX_NAME_LENGTH]


def _write_profile(member: Member, given: Resource, actor: Actor) -> None:
    """Name and phone, as far as they are this organization's to change. What is left out is left."""
    changes = {}
    name = _name_of(given)
    if name and emails.is_of_one_organization(member):
        changes["name"] = name
    if changes:
        profiles.change(member=member, actor=actor, changes=changes)
    numbers = sorted(elements_of(given, "phoneNumbers"), key=lambda one: one.get("primary") is not True)
    phone = next((text_of(one, "value") for one in numbers if text_of(one, "value")), "")
    if phone:
        try:
            with transaction.atomic():
                profiles.change(member=member, actor=actor, changes={"phone": phone.removeprefix("tel:")})
        except InvalidPhone:
            # No number that can be called: it is kept as the directory wrote it.
            return


def _has_way_in(member: Member) -> bool:
    user = User.objects.get(pk=member.user_id)
    return user.has_usable_password() or ProviderLink.objects.filter(member=member).exists()


def _keep(connection: ScimConnection, member: Member, given: Resource, *, is_news: bool = False) -> None:
    """Write down what the directory says of the member, if it is news, or comes with some."""
    said = {
        "user_name": text_of(given, "userName"),
        "external_id": text_of(given, "externalId"),
        "profile": {name: given[name] for name in _KEPT if name in given},
    }
    link = ScimUser.objects.filter(member=member).first()
    if link is None:
        if not is_news and said == {"user_name": member.user.email, "external_id": "", "profile": _unsaid(member)}:
            return
        link = ScimUser(organization=connection.organization, connection=connection, member=member)
    elif not is_news and all(getattr(link, name) == value for name, value in said.items()):
        return
    for name, value in said.items():
        setattr(link, name, value)
    link.changed_at = timezone.now()
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        raise NotUnique("Somebody here has this userName already.") from error


def _unsaid(member: Member) -> Resource:
    """What is shown of a member of whom the directory has said nothing."""
    shown = queries.as_written(member)
    return {name: shown[name] for name in _KEPT if name in shown}


def _read(member: Member) -> Member:
    found = queries.find(str(member.pk))
    if found is None:
        raise NotFound("This person was removed meanwhile.")
    return found


def _invite(connection: ScimConnection, address: str, role: Role, actor: Actor) -> None:
    """Once: a directory asks again and again, and its person is not to be written to each time."""
    waiting = Invitation.objects.unanswered().filter(organization=connection.organization, email=address)
    if any(one.status == Invitation.Status.PENDING for one in waiting):
        return
    invitations.invite(
        organization=connection.organization, emails=[address], role=role, actor=actor, days=invitations.MAX_DAYS
    )


def _welcome(connection: ScimConnection, member: Member, subject: str, actor: Actor) -> None:
    """Tell somebody whose account was made by the directory how they come in, once they may."""
    details = {"organization": connection.organization.name}
    provider = provider_of(connection.organization) if connection.binds_sign_in else None
    if provider is not None and provider.is_enabled and subject:
        try:
            openid.bind(member=member, provider=provider, subject=subject, actor=actor)
        except openid.ConnectedElsewhere as error:
            raise NotUnique("Another member signs in with this externalId.") from error
        slug = connection.organization.slug
        details |= {"provider": provider.name, "sign_in": reverse("accounts:provider", args=[slug])}
    try:
        throttle.require_questions_left(about="account made", address=str(member.user_id))
    except throttle.TooManyAttempts:
        # A directory that lets somebody in and out again and again writes to them a few times only.
        return
    throttle.count_question(about="account made", address=str(member.user_id))
    notices.notify(user=member.user, kind=SecurityNotice.Kind.ACCOUNT_MADE, **details)


def members_by_id(ids: list[str]) -> dict[UUID, Member]:
    """The people with these ids. Raises InvalidValue, which names one that is nobody's here."""
    try:
        wanted = {UUID(pk) for pk in ids}
    except ValueError as error:
        raise InvalidValue("members: a value is the id of a user here.") from error
    found = {member.pk: member for member in queries.rows(with_teams=False).filter(pk__in=wanted)}
    if missing := wanted - found.keys():
        raise InvalidValue(f"members: there is no user {min(missing)} here.")
    return found
