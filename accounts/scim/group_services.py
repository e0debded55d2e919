"""Teams made, changed and deleted by a directory, where the connection says that its groups are teams."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import grants
from accounts.models import Member, Role, ScimConnection, ScimGroup, Team
from accounts.scim import group_queries as queries
from accounts.scim import group_roles
from accounts.scim.errors import InvalidValue, NotFound, NotUnique
from accounts.scim.schemas import GROUPS, Resource
from accounts.scim.user_services import members_by_id
from accounts.scim.values import elements_of, require, text_of
from accounts.teams import services as teams
from activity.actor import Actor


@transaction.atomic
def create(*, connection: ScimConnection, given: Resource, actor: Actor) -> Team:
    """A new team with its members. Raises NotUnique, InvalidValue, and as `teams.create`."""
    grants.lock(connection.organization)
    require(GROUPS, given)
    name = text_of(given, "displayName")
    _require_free(name, None)
    team = _created(connection, name, list(_members(given)), actor)
    _keep(connection, team, given)
    return _read(team)


@transaction.atomic
def change(*, connection: ScimConnection, team: Team, given: Resource, actor: Actor) -> Team:
    """Make the team what is given, which is all of it. Services that belong to it stay: no directory knows them.

    Raises NotUnique, InvalidValue, and as `teams.update`.
    """
    grants.lock(connection.organization)
    require(GROUPS, given)
    name = text_of(given, "displayName")
    _require_free(name, team)
    before = queries.find(str(team.pk))
    had = {one.pk for one in _known_members(team)}
    # Who was removed is in no team.
    unknown = list(Member.objects.filter(teams=team).exclude(pk__in=[one.pk for one in _known_members(team)]))
    members = [*_members(given), *unknown]
    try:
        with transaction.atomic():
            teams.update(team=team, by=None, actor=actor, changes={"name": name, "members": members})
    except IntegrityError as error:
        raise NotUnique("There is a team of this name already.") from error
    after = _read(team)
    if before is None or queries.as_written(before) != queries.as_written(after) or _says_otherwise(after, given):
        _keep(connection, team, given)
    moved = had ^ {one.pk for one in _known_members(team)}
    group_roles.follow(connection=connection, team=team, role=_role_of(team), moved=moved, actor=actor)
    return _read(team)


@transaction.atomic
def delete(*, connection: ScimConnection, team: Team, actor: Actor) -> None:
    """Delete the team; its members stay members, and have its role no more. Raises as `teams.delete`."""
    grants.lock(connection.organization)
    role, had = _role_of(team), {one.pk for one in _known_members(team)}
    teams.delete(team=team, by=None, actor=actor)
    group_roles.follow(connection=connection, team=team, role=role, moved=had, actor=actor)


def _role_of(team: Team) -> Role | None:
    """What the people of the group are to have, by now."""
    link = ScimGroup.objects.select_related("role").filter(team=team).first()
    return link.role if link is not None else None


def _known_members(team: Team) -> list[Member]:
    """Whom the directory knows of the team."""
    return list(Member.objects.present().people().filter(teams=team))


def _created(connection: ScimConnection, name: str, members: list[Member], actor: Actor) -> Team:
    try:
        with transaction.atomic():
            return teams.create(organization=connection.organization, by=None, actor=actor, name=name, members=members)
    except IntegrityError as error:
        raise NotUnique("There is a team of this name already.") from error


def _members(given: Resource) -> list[Member]:
    ids = []
    for element in elements_of(given, "members"):
        # By the id, or by the address of the person, whose last part it is.
        value = text_of(element, "value") or text_of(element, "$ref").rpartition("/")[2]
        if not value:
            raise InvalidValue("members: each has a value, the id of a user here.")
        ids.append(value)
    return list(members_by_id(ids).values())


def _require_free(name: str, team: Team | None) -> None:
    others = Team.objects.all() if team is None else Team.objects.exclude(pk=team.pk)
    if name.casefold() in {one.casefold() for one in others.values_list("name", flat=True)}:
        raise NotUnique("There is a team of this name already.")


def _says_otherwise(team: Team, given: Resource) -> bool:
    link = queries.link_of(team)
    return text_of(given, "externalId") != (link.external_id if link is not None else "")


def _keep(connection: ScimConnection, team: Team, given: Resource) -> None:
    external_id = text_of(given, "externalId")
    link = ScimGroup.objects.filter(team=team).first()
    if link is None:
        link = ScimGroup(organization=connection.organization, connection=connection, team=team)
    link.external_id, link.changed_at = external_id, timezone.now()
    link.save()


def _read(team: Team) -> Team:
    found = queries.find(str(team.pk))
    if found is None:
        raise NotFound("This team was deleted meanwhile.")
    return found
