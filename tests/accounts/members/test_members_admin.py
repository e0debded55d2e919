"""What the administration changes of a member stands in the ledger, with who did it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.members import service_members
from accounts.models import Member, Role, Team, User
from activity.models import Event
from core.tenancy import organization_scope
from tests.accounts import factors
from tests.conftest import PASSWORD


@pytest.fixture
def superuser(alice: Any) -> Client:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    return alice.client


def save(client: Client, member: Member | None, **fields: Any) -> None:
    url = f"/admin/accounts/member/{member.pk}/change/" if member else "/admin/accounts/member/add/"
    answer = client.post(url, fields)
    assert answer.status_code == 302, answer.context["errors"]


def given(member: Member, **changes: Any) -> dict[str, Any]:
    """The form as it is shown, and what somebody sets in it."""
    return {"user": member.user_id, "role": member.role_id, "teams": [], "is_active": "on", **changes}


def recorded(organization: Any) -> list[tuple[str, str, str, dict[str, Any]]]:
    with organization_scope(organization):
        rows = Event.objects.filter(type__startswith="member.", occurred_at__gt=organization.created_at)
        return [(row.type, row.subject_id, row.actor_label, row.payload) for row in rows.order_by("pk")]


def test_role_teams_and_access_are_recorded_from_and_to(superuser: Client, alice: Any, bob: Any):
    known = len(recorded(alice.organization))
    with organization_scope(alice.organization):
        manager = Role.objects.get(organization=alice.organization, key="manager")
        night = Team.objects.create(organization=alice.organization, name="Night desk")
        was = sorted(bob.member.teams.values_list("name", flat=True))
    changed = given(bob.member, role=manager.pk, teams=[night.pk], is_active="")
    save(superuser, bob.member, **changed)
    role_and_teams, shut_out = recorded(alice.organization)[known:]
    assert role_and_teams == (
        "member.changed",
        str(bob.member.pk),
        alice.actor.label,
        {
            "changes": {
                "role": {"from": "counselor", "to": "manager"},
                "teams": {"from": was, "to": ["Night desk"]},
            }
        },
    )
    assert shut_out == ("member.deactivated", str(bob.member.pk), alice.actor.label, {})
    save(superuser, bob.member, **changed)
    assert len(recorded(alice.organization)) == known + 2, "saved again, and nothing changed"
    save(superuser, bob.member, **{**changed, "is_active": "on"})
    assert recorded(alice.organization)[-1][0] == "member.reactivated"


def test_who_is_shut_out_here_is_out_at_once_as_elsewhere(superuser: Client, alice: Any, bob: Any):
    caller = bob.api
    with organization_scope(alice.organization):
        teams = list(bob.member.teams.values_list("pk", flat=True))
    save(superuser, bob.member, **given(bob.member, teams=teams, is_active=""))
    assert [kind for kind, *_ in recorded(alice.organization)][-1] == "member.deactivated"
    save(superuser, bob.member, **given(bob.member, teams=teams))
    assert caller.get("/api/v1/auth/me").status_code == 401


def test_a_member_who_exists_already_is_reported(superuser: Client, alice: Any, bob: Any):
    url = "/admin/accounts/member/add/"
    fields = {"user": bob.user.pk, "role": bob.member.role_id, "is_active": "on"}
    answer = superuser.post(url, fields, follow=True)
    assert (answer.redirect_chain, "member already" in answer.content.decode()) == ([(url, 302)], True)


def test_a_new_member_is_recorded_as_one(superuser: Client, alice: Any):
    user = User.objects.create_user("nora@harbour.example", name="Nora Vale")
    with organization_scope(alice.organization):
        role = Role.objects.get(organization=alice.organization, key="counselor")
    save(superuser, None, user=user.pk, role=role.pk, is_active="on")
    assert recorded(alice.organization)[-1][::3] == ("member.added", {"role": "counselor"})


def test_the_operator_resets_second_factors_but_their_own(superuser: Client, alice: Any, bob: Any):
    factors.set_up(bob)
    form = {"action": "reset_second_factor", "_selected_action": [bob.user.pk, alice.user.pk]}
    answer = superuser.post("/admin/accounts/user/", form, follow=True)
    assert "1 second factor was reset." in answer.content.decode()
    assert not User.objects.get(pk=bob.user.pk).has_second_factor
    with organization_scope(alice.organization):
        assert Event.objects.get(type="user.second_factor_reset").actor_id == str(alice.user.pk)


def test_a_service_is_given_no_password(superuser: Client, alice: Any):
    with organization_scope(alice.organization):
        role = Role.objects.get(key="counselor")
        made = service_members.create(organization=alice.organization, name="Website", role=role, actor=alice.actor)
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert superuser.post(f"/admin/accounts/user/{made.user_id}/password/", form).status_code == 403
    assert not User.objects.get(pk=made.user_id).has_usable_password()
