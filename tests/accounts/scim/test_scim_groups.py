"""Teams by SCIM."""

from __future__ import annotations

import pytest

from accounts.members import service_members
from accounts.models import Member, Role, Team
from activity.models import Event
from core.tenancy import organization_scope
from tests.accounts.scim.conftest import connect

pytestmark = pytest.mark.django_db


def belonging(person, name):
    with organization_scope(person.organization):
        return set(Member.objects.filter(teams__name=name).values_list("pk", flat=True))


def ref(*people):
    return [{"value": str(person.member.pk)} for person in people]


def test_a_group_is_a_team(alice, bob, mona, okta):
    made = okta.group("Nurses", externalId="g1", members=ref(bob))
    assert made.status_code == 201
    pk, body = made.json()["id"], made.json()
    assert belonging(alice, "Nurses") == {bob.member.pk}
    assert body["members"][0]["$ref"].endswith(f"/scim/v2/Users/{bob.member.pk}")
    groups = okta.get(f"/Users/{bob.member.pk}").json()["groups"]
    assert "Nurses" in [group["display"] for group in groups]
    assert okta.found('externalId eq "g1"', "/Groups") == ["Nurses"]
    assert okta.found('displayName eq "NURSES"', "/Groups") == ["Nurses"]
    assert okta.found(f'members eq "{bob.member.pk}" and displayName sw "nur"', "/Groups") == ["Nurses"]
    assert okta.found(f'members[value eq "{mona.member.pk}"] and displayName eq "Nurses"', "/Groups") == []
    okta.patch(f"/Groups/{pk}", {"op": "add", "path": "members", "value": ref(mona)})
    assert belonging(alice, "Nurses") == {bob.member.pk, mona.member.pk}
    okta.patch(f"/Groups/{pk}", {"op": "remove", "path": f'members[value eq "{bob.member.pk}"]'})
    assert belonging(alice, "Nurses") == {mona.member.pk}
    okta.put(f"/Groups/{pk}", {"displayName": "Ward 7", "members": ref(bob)})
    assert belonging(alice, "Ward 7") == {bob.member.pk}
    assert okta.get(f"/Groups/{pk}").json().get("externalId") is None
    with organization_scope(alice.organization):
        actors = set(Event.objects.filter(type__in=["team.created", "team.updated"]).values_list("actor_label"))
    assert actors == {("SCIM: Okta",)}
    assert okta.delete(f"/Groups/{pk}").status_code == 204
    assert okta.get(f"/Groups/{pk}").status_code == 404
    with organization_scope(alice.organization):
        assert Member.objects.get(pk=bob.member.pk).is_active


def test_members_are_read_only_where_they_are_asked_for(okta, bob):
    pk = okta.group("Nurses", members=ref(bob)).json()["id"]
    assert "members" not in okta.get(f"/Groups/{pk}?excludedAttributes=members").json()
    listed = okta.get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Nurses%22").json()
    assert [set(one) for one in listed["Resources"]] == [{"schemas", "id", "displayName", "meta"}]


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        ({}, 400, "invalidValue"),
        ({"displayName": "x" * 81}, 400, "invalidValue"),
        ({"displayName": "Nurses", "members": [{"value": "nonsense"}]}, 400, "invalidValue"),
        ({"displayName": "Nurses", "members": [{"type": "User"}]}, 400, "invalidValue"),
        (
            {"displayName": "Nurses", "members": [{"value": "01980000-0000-7000-8000-000000000000"}]},
            400,
            "invalidValue",
        ),
        ({"displayName": "TAKEN"}, 409, "uniqueness"),
    ],
)
def test_what_can_not_be_is_refused(okta, body, status, scim_type):
    okta.group("Taken")
    answer = okta.post("/Groups", body)
    assert (answer.status_code, answer.json()["scimType"]) == (status, scim_type)


def test_a_name_that_another_team_has_is_refused(okta):
    okta.group("One")
    pk = okta.group("Two").json()["id"]
    answer = okta.patch(f"/Groups/{pk}", {"op": "replace", "path": "displayName", "value": "one"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")


def test_services_of_a_team_are_not_the_directory_s(alice, bob, okta):
    pk = okta.group("Nurses", members=ref(bob)).json()["id"]
    with organization_scope(alice.organization):
        role = Role.objects.get(key="counselor")
        service = service_members.create(organization=alice.organization, name="Web", role=role, actor=alice.actor)
        Team.objects.get(pk=pk).members.add(service)
    assert [one["value"] for one in okta.get(f"/Groups/{pk}").json()["members"]] == [str(bob.member.pk)]
    okta.put(f"/Groups/{pk}", {"displayName": "Nurses", "members": []})
    assert belonging(alice, "Nurses") == {service.pk}


def test_without_the_setting_there_are_no_groups(alice, bob):
    okta = connect(alice, maps_groups=False)
    for answer in (okta.get("/Groups"), okta.group("Nurses"), okta.post("/Groups/.search", {})):
        assert answer.status_code == 404
    assert [one["id"] for one in okta.get("/ResourceTypes").json()["Resources"]] == ["User"]
    assert "urn:ietf:params:scim:schemas:core:2.0:Group" not in str(okta.get("/Schemas").json())
    assert "groups" not in okta.get(f"/Users/{bob.member.pk}").json()
    assert {one["meta"]["resourceType"] for one in okta.post("/.search", {}).json()["Resources"]} == {"User"}
