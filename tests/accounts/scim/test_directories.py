"""What Entra ID and Okta send, by their public documentation, from the first check to the last member.

Written after “Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID” and Okta's “SCIM 2.0 protocol
reference”; names and ids are ours.
"""

from __future__ import annotations

import json

import pytest

from accounts.models import User
from tests.accounts.scim.conftest import member_of

pytestmark = pytest.mark.django_db

CORE, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def send(okta, method, path, body=None):
    """As the documents print it."""
    return okta.call(method, path, json.loads(body) if body else None)


class TestEntra:
    CREATE = f"""{{
        "schemas": ["{CORE}", "{ENTERPRISE}"],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee@harbour.example",
        "active": true,
        "addresses": [{{"primary": false, "type": "work", "country": "United Kingdom", "formatted": "1 Quay"}}],
        "displayName": "lennay",
        "emails": [{{"primary": true, "type": "work", "value": "newuser@harbour.example"}}],
        "meta": {{"resourceType": "User"}},
        "name": {{"formatted": "Adrienne McNally", "familyName": "McNally", "givenName": "Adrienne"}},
        "phoneNumbers": [{{"primary": true, "type": "work", "value": "+442079460958"}}],
        "preferredLanguage": "en-GB",
        "title": "Nurse",
        "roles": [],
        "{ENTERPRISE}": {{"department": "bob", "manager": {{"value": "Suzzy"}}}}
    }}"""

    def test_the_test_connection_button(self, okta):
        answer = okta.get("/Users?filter=userName+eq+%22de3cd9cf-4e77-4a9d-9dea-0df6ad4d2f9c%22")
        assert answer.status_code == 200
        assert answer.json()["totalResults"] == 0
        assert answer.json()["Resources"] == []

    def test_a_person_from_beginning_to_end(self, alice, okta):
        made = send(okta, "POST", "/Users", self.CREATE)
        assert made.status_code == 201
        pk = made.json()["id"]
        user = User.objects.get(email="newuser@harbour.example")
        assert user.name == "lennay"
        assert okta.found('externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"')
        assert okta.found('userName eq "test_user_ab6490ee@harbour.example"')
        changed = send(
            okta,
            "PATCH",
            f"/Users/{pk}",
            f"""{{"schemas": ["{PATCH}"], "Operations": [
            {{"op": "Replace", "path": "emails[type eq \\"work\\"].value", "value": "updatedEmail@harbour.example"}},
            {{"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"}},
            {{"op": "Add", "path": "phoneNumbers[type eq \\"mobile\\"].value", "value": "+442079460959"}},
            {{"op": "Replace", "path": "displayName", "value": "Adrienne"}},
            {{"op": "Add", "path": "{ENTERPRISE}:department", "value": "Ward"}},
            {{"op": "Replace", "path": "{ENTERPRISE}:manager", "value": "x"}},
            {{"op": "Add", "path": "addresses[type eq \\"work\\"].country", "value": "UK"}}]}}""",
        )
        assert changed.status_code == 200, changed.json()
        user.refresh_from_db()
        assert (user.email, user.name) == ("updatedemail@harbour.example", "Adrienne")
        assert changed.json()["name"]["familyName"] == "updatedFamilyName"
        assert len(changed.json()["phoneNumbers"]) == 2
        # As it disables, with and without the flag for booleans.
        for value in ("false", '"False"'):
            answer = send(
                okta,
                "PATCH",
                f"/Users/{pk}",
                f"""{{"schemas": ["{PATCH}"], "Operations": [
                {{"op": "Replace", "path": "active", "value": {value}}}]}}""",
            )
            assert answer.status_code == 200
            assert not member_of(alice, user.email).is_active
            send(
                okta,
                "PATCH",
                f"/Users/{pk}",
                f"""{{"schemas": ["{PATCH}"], "Operations": [
                {{"op": "Replace", "value": {{"active": "True"}}}}]}}""",
            )
            assert member_of(alice, user.email).is_active
        assert okta.delete(f"/Users/{pk}").status_code == 204

    def test_a_group_from_beginning_to_end(self, okta, bob, mona):
        made = send(
            okta,
            "POST",
            "/Groups",
            f"""{{
            "schemas": ["{GROUP}", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Nurses",
            "meta": {{"resourceType": "Group"}}}}""",
        )
        assert made.status_code == 201
        pk = made.json()["id"]
        found = okta.get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Nurses%22").json()
        assert [one["id"] for one in found["Resources"]] == [pk]
        for op, path, value, left in (
            ("Add", "members", [{"$ref": None, "value": str(bob.member.pk)}], [bob]),
            ("Add", "members", [{"$ref": None, "value": str(mona.member.pk)}], [bob, mona]),
            ("Remove", "members", [{"$ref": None, "value": str(bob.member.pk)}], [mona]),
            ("Remove", f'members[value eq "{mona.member.pk}"]', None, []),
        ):
            answer = okta.patch(f"/Groups/{pk}", {"op": op, "path": path, "value": value})
            assert answer.status_code == 200
            members = {one["value"] for one in answer.json().get("members", [])}
            assert members == {str(person.member.pk) for person in left}
        renamed = okta.patch(f"/Groups/{pk}", {"op": "Replace", "path": "displayName", "value": "Ward"})
        assert renamed.json()["displayName"] == "Ward"
        asked = okta.get(f"/Groups?filter=id%20eq%20%22{pk}%22%20and%20members%20eq%20%22{bob.member.pk}%22").json()
        assert asked["totalResults"] == 0
        assert okta.delete(f"/Groups/{pk}").status_code == 204


class TestOkta:
    def test_a_person_from_beginning_to_end(self, alice, okta):
        assert okta.get("/Users?startIndex=1&count=2").status_code == 200
        empty = okta.get("/Users?filter=userName%20eq%20%22test.user@harbour.example%22&startIndex=1&count=100").json()
        assert (empty["totalResults"], empty["itemsPerPage"], empty["startIndex"]) == (0, 0, 1)
        body = f"""{{"schemas": ["{CORE}"], "userName": "test.user@harbour.example",
            "name": {{"givenName": "Test", "familyName": "User"}},
            "emails": [{{"primary": true, "value": "test.user@harbour.example", "type": "work"}}],
            "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [],
            "password": "1mz050nq", "active": true}}"""
        made = send(okta, "POST", "/Users", body)
        assert made.status_code == 201
        pk = made.json()["id"]
        assert not User.objects.get(email="test.user@harbour.example").has_usable_password()
        assert send(okta, "POST", "/Users", body).status_code == 409
        given = {**okta.get(f"/Users/{pk}").json(), "name": {"givenName": "Another", "middleName": "Excited"}}
        given.pop("displayName")
        updated = okta.put(f"/Users/{pk}", given)
        assert updated.status_code == 200
        assert User.objects.get(email="test.user@harbour.example").name == "Another"
        off = send(
            okta,
            "PATCH",
            f"/Users/{pk}",
            f"""{{"schemas": ["{PATCH}"],
            "Operations": [{{"op": "replace", "value": {{"active": false}}}}]}}""",
        )
        assert (off.status_code, off.json()["active"]) == (200, False)
        assert not member_of(alice, "test.user@harbour.example").is_active
        again = okta.put(f"/Users/{pk}", {**given, "active": True})
        assert (again.status_code, again.json()["active"]) == (200, True)

    def test_groups_as_it_pushes_them(self, okta, bob, mona):
        made = okta.post("/Groups", {"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []})
        pk = made.json()["id"]
        named = okta.patch(f"/Groups/{pk}", {"op": "replace", "value": {"id": pk, "displayName": "Ward"}})
        assert (named.status_code, named.json()["displayName"]) == (200, "Ward")
        both = okta.patch(
            f"/Groups/{pk}",
            {"op": "remove", "path": f'members[value eq "{mona.member.pk}"]'},
            {"op": "add", "path": "members", "value": [{"value": str(bob.member.pk), "display": bob.user.email}]},
        )
        assert [one["value"] for one in both.json()["members"]] == [str(bob.member.pk)]
        whole = okta.patch(
            f"/Groups/{pk}", {"op": "replace", "path": "members", "value": [{"value": str(mona.member.pk)}]}
        )
        assert [one["value"] for one in whole.json()["members"]] == [str(mona.member.pk)]
        put = okta.put(f"/Groups/{pk}", {"schemas": [GROUP], "id": pk, "displayName": "Ward", "members": []})
        assert "members" not in put.json()
