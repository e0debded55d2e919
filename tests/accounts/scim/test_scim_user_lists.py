"""Members read by SCIM: lists, filters, pages; and of one organization only."""

from __future__ import annotations

import pytest

from accounts.models import Member, Role, Team, User
from core.tenancy import organization_scope
from tests.accounts.scim.conftest import connect, member_of

pytestmark = pytest.mark.django_db

ZOE = "zoe@harbour.example"
OFF = {"op": "replace", "path": "active", "value": False}


class TestLists:
    @pytest.mark.parametrize(
        ("filter_", "names"),
        [
            ('userName eq "ZOE@harbour.example"', [ZOE]),
            ('userName eq "nobody@harbour.example"', []),
            ('externalId eq "00u1"', [ZOE]),
            ('externalId eq "00U1"', []),
            ('emails[type eq "work" and value eq "zoe@harbour.example"]', [ZOE]),
            ('emails[type eq "home"]', []),
            ('emails[type eq "work"].value eq "zoe@harbour.example"', [ZOE]),
            ('emails.value sw "zoe@"', [ZOE]),
            ('name.familyName eq "hart"', [ZOE]),
            ('displayName co "oe ha"', [ZOE]),
            ('userName sw "zoe" and active eq true', [ZOE]),
            ('userName sw "zoe" and not (active eq true)', []),
            ('(userName eq "x" or userName ew "harbour.example") and title eq "Nurse"', [ZOE]),
            ("title pr", [ZOE]),
            ('id eq "nonsense"', []),
            ('meta.lastModified gt "2020-01-01T00:00:00Z"', [ZOE]),
            ('meta.created lt "2020-01-01T00:00:00Z"', []),
        ],
    )
    def test_a_filter_finds(self, okta, filter_, names):
        okta.user(ZOE, externalId="00u1", name={"givenName": "Zoe", "familyName": "Hart"}, title="Nurse")
        assert okta.found(filter_) == names

    def test_every_person_is_there_and_no_service(self, alice, okta, bob, mona):
        from accounts.members import service_members

        with organization_scope(alice.organization):
            role = Role.objects.get(key="counselor")
            service = service_members.create(
                organization=alice.organization, name="Website", role=role, actor=alice.actor
            )
            total = Member.objects.present().count() - 1
        body = okta.get("/Users").json()
        assert body["totalResults"] == total == len(body["Resources"])
        assert okta.get(f"/Users/{service.pk}").status_code == 404
        assert okta.patch(f"/Users/{service.pk}", OFF).status_code == 404
        assert okta.found('not (title eq "x")') == sorted(one["userName"] for one in body["Resources"])

    @pytest.mark.parametrize(
        "filter_", ["userName", 'password eq "x"', "userName eq 5", 'active gt "a"', 'meta.created eq "x"', "(", "é"]
    )
    def test_a_filter_that_asks_nothing_is_refused(self, okta, filter_):
        answer = okta.client.get(
            "/scim/v2/Users", {"filter": filter_}, headers={"Authorization": f"Bearer {okta.token}"}
        )
        assert answer.status_code == 400
        assert answer.json()["scimType"] == "invalidFilter"

    def test_pages_and_order(self, okta):
        for number in range(5):
            okta.user(f"p{number}@pages.example")
        listed = '/Users?filter=userName%20ew%20"pages.example"&sortBy=userName&sortOrder=descending'
        page = okta.get(f"{listed}&startIndex=2&count=2").json()
        assert [one["userName"][:2] for one in page["Resources"]] == ["p3", "p2"]
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
        assert okta.get(f"{listed}&count=0").json()["Resources"] == []
        assert okta.get(f"{listed}&startIndex=-3&count=-1").json()["itemsPerPage"] == 0
        assert okta.get(f"{listed}&count=x").status_code == 400
        assert okta.get(f"{listed}&startIndex=99999999999999999999").json()["Resources"] == []

    def test_only_what_is_asked_for(self, okta):
        pk = okta.user(ZOE, name={"givenName": "Zoe", "familyName": "Hart"}, title="x").json()["id"]
        only = okta.get(
            f"/Users/{pk}?attributes=userName,name.givenName,urn:ietf:params:scim:schemas:core:2.0:User:title"
        )
        assert set(only.json()) == {"schemas", "id", "userName", "name", "title"}
        assert only.json()["name"] == {"givenName": "Zoe"}
        less = okta.get(f"/Users/{pk}?excludedAttributes=name.givenName,meta,id,emails").json()
        assert (less["name"], less["id"]) == ({"familyName": "Hart"}, pk)
        assert not {"meta", "emails"} & set(less)

    def test_a_search_is_a_list_whose_parameters_stand_in_the_body(self, okta):
        okta.user(ZOE)
        okta.group("Zoes")
        found = okta.post("/Users/.search", {"filter": f'userName eq "{ZOE}"', "attributes": ["userName"]}).json()
        assert [set(one) for one in found["Resources"]] == [{"schemas", "id", "userName"}]
        assert okta.post("/Groups/.search", {"filter": 'displayName eq "zoes"'}).json()["totalResults"] == 1
        every = okta.post("/.search", {"count": 200}).json()
        assert {one["meta"]["resourceType"] for one in every["Resources"]} == {"User", "Group"}
        assert every["totalResults"] == len(every["Resources"])
        last = okta.post("/.search", {"startIndex": every["totalResults"], "count": 1}).json()
        assert last["Resources"] == every["Resources"][-1:]
        assert okta.post("/.search", {"filter": 5}).status_code == 400
        only = okta.post("/.search", {"filter": f'userName eq "{ZOE}"'}).json()
        assert [one["userName"] for one in only["Resources"]] == [ZOE]
        assert okta.post("/.search", {"filter": 'unheardOf eq "x"'}).json()["scimType"] == "invalidFilter"

    def test_a_list_takes_the_same_queries_however_long(self, okta, alice, django_assert_max_num_queries):
        from django.db import connection as database
        from django.test.utils import CaptureQueriesContext

        counts = []
        for many in (3, 40):
            with organization_scope(alice.organization):
                role, team = Role.objects.get(key="counselor"), Team.objects.order_by("pk").first()
                for number in range(many):
                    user = User.objects.create(email=f"l{many}-{number}@many.example", name=f"N {number}")
                    member = Member.objects.create(organization=alice.organization, user=user, role=role)
                    if team is not None:
                        member.teams.add(team)
            with CaptureQueriesContext(database) as captured:
                assert okta.get("/Users?count=200").status_code == 200
                assert okta.get("/Groups").status_code == 200
            counts.append(len(captured))
        assert counts[0] >= counts[1]

    def test_one_name_is_looked_up_and_not_everybody_read(self, okta, alice):
        from django.db import connection as database
        from django.test.utils import CaptureQueriesContext

        okta.user(ZOE)
        with CaptureQueriesContext(database) as captured:
            assert okta.found(f'userName eq "{ZOE}"') == [ZOE]
        assert any("LOWER" in query["sql"] and ZOE in query["sql"] for query in captured)


def test_a_directory_sees_and_changes_its_own_organization_only(alice, okta, charlie, bob):
    theirs = connect(charlie, name="Entra")
    pk = bob.member.pk
    assert okta.get(f"/Users/{pk}").status_code == 200
    for answer in (
        theirs.get(f"/Users/{pk}"), theirs.put(f"/Users/{pk}", {"userName": "x@y.example"}),
        theirs.patch(f"/Users/{pk}", OFF), theirs.delete(f"/Users/{pk}"),
    ):  # fmt: skip
        assert answer.status_code == 404
    assert theirs.found("userName pr") == [charlie.user.email]
    assert theirs.found(f'id eq "{pk}"') == []
    with organization_scope(alice.organization):
        team = Team.objects.create(organization=alice.organization, name="Secret")
        team.members.add(bob.member)
    for answer in (
        theirs.get(f"/Groups/{team.pk}"), theirs.put(f"/Groups/{team.pk}", {"displayName": "x"}),
        theirs.patch(f"/Groups/{team.pk}", {"op": "remove", "path": "members"}), theirs.delete(f"/Groups/{team.pk}"),
    ):  # fmt: skip
        assert answer.status_code == 404
    assert "Secret" not in str(theirs.post("/.search", {}).json())
    stolen = theirs.group("Ours", members=[{"value": str(pk)}])
    assert (stolen.status_code, stolen.json()["scimType"]) == (400, "invalidValue")
    assert member_of(alice, bob.user.email).is_active
