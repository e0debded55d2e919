"""`/admin/teams`: who works together, and so whose records a manager sees."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from accounts import grants
from accounts.access.api import OrganizationViewSet
from accounts.calendars.choosing import CalendarField
from accounts.models import Member, Team
from accounts.teams import services as teams
from accounts.teams.queries import managers_of, teams_of
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.strict import Body, Strict
from core.tenancy import current_organization

MAX_MEMBERS = 1000


class UsersField(serializers.ListField):
    """Members by the ids of their users, as records name who they are assigned to."""

    child = serializers.UUIDField()

    def get_attribute(self, instance: Team) -> list[UUID]:
        return sorted(member.user_id for member in instance.members.all())


class TeamSerializer(Strict, serializers.ModelSerializer[Team]):
    name = serializers.CharField(max_length=teams.MAX_NAME_LENGTH)
    members = UsersField(required=False, max_length=MAX_MEMBERS, help_text="The ids of their users; all of them.")
    calendar = CalendarField()
    managers = serializers.SerializerMethodField(help_text="Those of the members whose role reaches their own teams.")

    class Meta:
        model = Team
        fields = ["id", "name", "members", "managers", "calendar"]
        read_only_fields = ["id"]

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_managers(self, team: Team) -> list[str]:
        return sorted(str(member.user_id) for member in managers_of(team))


@extend_schema_view(
    list=extend_schema(description="The teams, by name."),
    create=extend_schema(description="A new team. Only who sees every record changes teams."),
    partial_update=extend_schema(description="Another name, or other members."),
    update=extend_schema(description="The same, with every field."),
    destroy=extend_schema(description="Delete a team; its members stay members."),
)
class TeamViewSet(OrganizationViewSet[Team]):
    permissions = {
        "list": "users.view", "create": "users.edit", "retrieve": "users.view", "update": "users.edit",
        "partial_update": "users.edit", "destroy": "users.edit",
    }  # fmt: skip
    serializer_class = TeamSerializer
    missing_detail = "There is no such team."
    empty = {"members": [], "calendar_id": None}
    schema_name, schema_tags = "teams", ["administration"]

    def get_queryset(self) -> QuerySet[Team]:
        return teams_of(self.member)

    def lock_rows(self, rows: QuerySet[Team]) -> QuerySet[Team]:
        # Every change of teams locks the organization first.
        grants.lock(self.member.organization)
        return rows

    def perform_create(self, data: Body) -> Team:
        people = self._members(data.get("members", []))
        team = teams.create(
            organization=current_organization(),
            by=self.member,
            actor=current_actor(),
            name=data["name"],
            members=people,
            calendar=data.get("calendar_id"),
        )
        return self.get_queryset().get(pk=team.pk)

    def perform_update(self, instance: Team, changes: Body) -> Team:
        if "calendar_id" in changes:
            changes = {**changes, "calendar": changes["calendar_id"]}
            del changes["calendar_id"]
        if "members" in changes:
            changes = {**changes, "members": self._members(changes["members"])}
        teams.update(team=instance, by=self.member, actor=current_actor(), changes=changes)
        return self.get_queryset().get(pk=instance.pk)

    def perform_destroy(self, instance: Team) -> None:
        teams.delete(team=instance, by=self.member, actor=current_actor())

    def _members(self, users: Collection[UUID]) -> list[Member]:
        """Raises 400 for a user who is no member of the organization."""
        members = list(Member.objects.present().filter(organization=self.member.organization, user__in=users))
        if missing := set(users) - {member.user_id for member in members}:
            raise invalid("members", f"There is no such member: {min(missing)}.")
        return members
