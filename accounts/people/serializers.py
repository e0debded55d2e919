from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.invitations.services import DEFAULT_DAYS, MAX_AT_ONCE, MAX_DAYS, Outcome, Result
from accounts.members import service_members
from accounts.members.profiles import MAX_SIGNATURE_LENGTH
from accounts.models import Invitation, Member
from accounts.people.queries import MemberStatus
from core.api.parameters import ListParameters
from core.api.strict import Body, Strict

STATUSES = [(status.value, status.value) for status in MemberStatus]


class PersonSerializer(Strict, serializers.ModelSerializer[Member]):
    """A member, by the id that their user has everywhere else."""

    id = serializers.UUIDField(source="user_id", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", max_length=150)
    phone = serializers.CharField(max_length=40, allow_blank=True, help_text="For calls; E.164.")
    signature = serializers.CharField(
        max_length=MAX_SIGNATURE_LENGTH, allow_blank=True, help_text="Below the e-mails that they write."
    )
    role = serializers.CharField(source="role.key", max_length=40, help_text="A role's key.")
    teams = serializers.ListField(child=serializers.UUIDField(), max_length=200, help_text="Ids of teams.")
    status = serializers.ChoiceField(choices=STATUSES, help_text="Inactive: shut out, and nothing of theirs is good.")
    has_second_factor = serializers.BooleanField(source="user.has_second_factor", read_only=True)
    is_service = serializers.BooleanField(
        source="user.is_service", read_only=True, help_text="No person: it acts by API keys alone."
    )

    class Meta:
        model = Member
        fields = [
            "id", "email", "name", "phone", "signature", "role", "teams", "status", "has_second_factor",
            "is_service", "last_seen_at", "created_at",
        ]  # fmt: skip
        read_only_fields = ["last_seen_at", "created_at"]

    def to_representation(self, instance: Member) -> dict[str, object]:
        user = instance.user
        return {
            "id": str(instance.user_id),
            "email": user.email,
            "name": user.name,
            "phone": instance.phone,
            "signature": instance.signature,
            "role": instance.role.key,
            "teams": [str(team.pk) for team in sorted(instance.teams.all(), key=lambda team: team.name)],
            "status": MemberStatus.ACTIVE.value if instance.is_active else MemberStatus.INACTIVE.value,
            "has_second_factor": user.has_second_factor,
            "is_service": user.is_service,
            "last_seen_at": self.fields["last_seen_at"].to_representation(instance.last_seen_at)
            if instance.last_seen_at
            else None,
            "created_at": self.fields["created_at"].to_representation(instance.created_at),
        }


class CreatedPersonSerializer(PersonSerializer):
    """A member who was made at once, with the password that was made for them."""

    password = serializers.CharField(
        read_only=True, allow_null=True, help_text="Shown this once; null where the caller gave it."
    )

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "password"]

    def to_representation(self, instance: Member) -> dict[str, object]:
        return {**super().to_representation(instance), "password": self.context["password"]}


class PersonParameters(ListParameters):
    search = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="Words of the name or the e-mail."
    )
    role = serializers.CharField(max_length=40, required=False, allow_blank=True, help_text="A role's key.")
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    has_second_factor = serializers.BooleanField(required=False)


class GivenAccess(Strict):
    """What invited people are to be given."""

    role = serializers.CharField(max_length=40, help_text="A role's key.")
    teams = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=200, help_text="Ids of teams."
    )
    days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, required=False, default=DEFAULT_DAYS, help_text="How long the link is good."
    )


class NewPersonSerializer(GivenAccess):
    email = serializers.EmailField(max_length=254)
    send_invite = serializers.BooleanField(
        required=False,
        default=True,
        help_text="False: a member at once, with a password that they have to change at their first sign-in.",
    )
    name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, default="", help_text="Without an invitation; needed then."
    )
    password = serializers.CharField(
        max_length=256,
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        write_only=True,
        help_text="Without an invitation; one is made where none is given.",
    )

    def validate(self, attrs: Body) -> Body:
        if attrs["send_invite"]:
            given = [name for name in ("name", "password") if attrs[name]]
            if given:
                words = _("Invited people choose this themselves.")
                raise serializers.ValidationError({name: [words] for name in given})
        elif not attrs["name"].strip():
            raise serializers.ValidationError({"name": [_("A new account needs a name.")]})
        return attrs


class NewServiceSerializer(Strict):
    name = serializers.CharField(max_length=service_members.MAX_NAME_LENGTH)
    role = serializers.CharField(max_length=40, help_text="A role's key.")
    teams = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=200, help_text="Ids of teams."
    )


class NewInvitationsSerializer(GivenAccess):
    emails = serializers.ListField(child=serializers.EmailField(max_length=254), min_length=1, max_length=MAX_AT_ONCE)


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    role = serializers.SerializerMethodField(help_text="A role's key; null where the role was deleted.")
    teams = serializers.SerializerMethodField(help_text="Ids of teams.")
    status = serializers.ChoiceField(choices=Invitation.Status.choices, read_only=True)
    invited_by = serializers.SerializerMethodField(help_text="The id of a user.")

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "teams", "status", "invited_by", "sent_at", "expires_at", "created_at"]

    def get_role(self, invitation: Invitation) -> str | None:
        return None if invitation.role is None else invitation.role.key

    def get_teams(self, invitation: Invitation) -> list[UUID]:
        return [team.pk for team in sorted(invitation.teams.all(), key=lambda team: team.name)]

    def get_invited_by(self, invitation: Invitation) -> UUID | None:
        return None if invitation.invited_by is None else invitation.invited_by.user_id


class InvitationParameters(ListParameters):
    status = serializers.ChoiceField(choices=Invitation.Status.choices, required=False)


class InvitedSerializer(serializers.Serializer[Result]):
    email = serializers.EmailField()
    outcome = serializers.ChoiceField(choices=[(one.value, one.value) for one in Outcome])
    invitation = InvitationSerializer(allow_null=True)


class InvitedListSerializer(serializers.Serializer[object]):
    results = InvitedSerializer(many=True)


BULK_ACTIONS = ("activate", "deactivate", "remove", "set_role")


class PeopleBulkSerializer(Strict):
    action = serializers.ChoiceField(choices=BULK_ACTIONS)
    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)
    role = serializers.CharField(max_length=40, required=False, help_text="A role's key, for set_role.")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if (attrs["action"] == "set_role") != ("role" in attrs):
            raise serializers.ValidationError({"role": ["Goes with set_role, and only with it."]})
        return attrs


class PeopleBulkRowSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=("done", "refused"))
    detail = serializers.CharField(allow_blank=True, help_text="Why it was refused.")


class PeopleBulkResultSerializer(serializers.Serializer[object]):
    results = PeopleBulkRowSerializer(many=True)
