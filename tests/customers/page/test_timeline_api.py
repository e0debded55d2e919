"""Identities, history, timeline, duplicates, merging, bulk changes and their undoing, through the API."""

from __future__ import annotations

import pytest

from activity import jobs
from core.tenancy import organization_scope
from customers.data.merging import duplicates
from customers.models import ChangeSet, Customer
from customers.work.interactions import services as interactions
from messaging.delivery import queue as outbound

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(alice, bob, make_customer):
    return make_customer(bob, name="Jana Novak", company="Novak Ltd")


def attr(answer):
    return answer.status_code, answer.data["errors"][0]["attr"]


def finished(person, answer):
    """The result of the job that was started."""
    assert answer.status_code == 202, answer.data
    jobs.run_due()
    job = person.api.get(f"/api/v1/jobs/{answer.data['job_id']}").data
    assert job["status"] == "done", job
    return job["result"]


class TestIdentities:
    def test_several_phones_and_mails(self, alice, customer):
        url = f"/api/v1/customers/{customer.pk}/identities"
        second = alice.api.post(url, {"kind": "phone", "value": "07700 900999"}, format="json")
        assert (second.status_code, second.data["value"], second.data["is_primary"]) == (201, "+447700900999", False)
        mail = alice.api.post(url, {"kind": "email", "value": "jana@novak.example"}, format="json")
        assert mail.data["is_primary"], "the first of its kind"
        assert len(alice.api.get(url).data) == 3
        alice.api.post(f"{url}/{second.data['id']}/primary")
        assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["phone"] == "+447700900999"
        assert alice.api.get("/api/v1/customers?q=900999").data["count"] == 1
        assert alice.api.delete(f"{url}/{second.data['id']}").status_code == 204
        shown = alice.api.get(f"/api/v1/customers/{customer.pk}").data
        assert shown["phone"] == customer.phone
        assert alice.api.get("/api/v1/customers?q=900999").data["count"] == 0

    def test_a_taken_one_names_whose_it_is(self, alice, customer, make_customer):
        other = make_customer(alice, phone="+447700900321")
        url = f"/api/v1/customers/{customer.pk}/identities"
        answer = alice.api.post(url, {"kind": "phone", "value": "07700 900321"}, format="json")
        assert answer.status_code == 409
        assert other.code in answer.data["errors"][0]["detail"]
        assert attr(alice.api.post(url, {"kind": "phone", "value": "12"}, format="json")) == (400, "phone")
        assert attr(alice.api.post(url, {"kind": "fax", "value": "12"}, format="json")) == (400, "kind")

    def test_that_of_another_customer_is_not_there(self, alice, customer, make_customer):
        other = make_customer(alice, phone="+447700900321")
        with organization_scope(alice.organization):
            theirs = other.identities.get()
        url = f"/api/v1/customers/{customer.pk}/identities/{theirs.pk}"
        assert alice.api.post(f"{url}/primary").status_code == 404
        assert alice.api.delete(url).status_code == 404
        with organization_scope(alice.organization):
            assert other.identities.get() == theirs

    def test_an_unknown_parameter_is_named(self, alice, customer):
        assert attr(alice.api.get(f"/api/v1/customers/{customer.pk}/identities?kind=phone")) == (400, "kind")

    def test_a_national_variant_is_the_same_number(self, alice, customer, make_customer):
        make_customer(alice, phone="+5511987654321")
        answer = alice.api.post(
            f"/api/v1/customers/{customer.pk}/identities", {"kind": "phone", "value": "+551187654321"}, format="json"
        )
        assert answer.status_code == 409

    def test_twenty_are_enough(self, alice, customer):
        url = f"/api/v1/customers/{customer.pk}/identities"
        for number in range(19):
            assert (
                alice.api.post(url, {"kind": "email", "value": f"a{number}@x.example"}, format="json").status_code
                == 201
            )
        assert attr(alice.api.post(url, {"kind": "email", "value": "more@x.example"}, format="json")) == (400, "value")


class TestHistory:
    def test_who_when_from_and_to(self, alice, customer):
        url = f"/api/v1/customers/{customer.pk}"
        alice.api.patch(
            url, {"name": "Jana N.", "stage": "contacted", "tags": ["vip"], "assigned_to": None}, format="json"
        )
        rows = alice.api.get(f"{url}/history").data["results"]
        changes = {(change["field"], change["from"], change["to"]) for row in rows for change in row["changes"]}
        assert {("name", "Jana Novak", "Jana N."), ("stage", "new", "contacted"), ("tags", None, "vip")} <= changes
        assert {row["actor"] for row in rows} == {"Alice"} or {row["actor"] for row in rows} == {"Alice Hart"}
        assert rows == sorted(rows, key=lambda row: row["at"], reverse=True)

    def test_it_pages_by_cursor(self, alice, customer):
        for number in range(7):
            alice.api.patch(f"/api/v1/customers/{customer.pk}", {"company": f"C{number}"}, format="json")
        url, seen = f"/api/v1/customers/{customer.pk}/history?page_size=3", []
        while url:
            page = alice.api.get(url).data
            seen += [row["id"] for row in page["results"]]
            url = page["next"]
        assert len(seen) == len(set(seen)) == 8


class TestTimeline:
    def test_everything_newest_first(self, alice, make_conversation):
        conversation = make_conversation(alice)
        customer = f"/api/v1/customers/{conversation.customer_id}"
        with organization_scope(alice.organization):
            outbound.add_note(conversation=conversation, body="hello", actor=alice.actor, author=alice.user)
        alice.api.post(f"{customer}/interactions", {"channel": "note", "content": "n"}, format="json")
        alice.api.post(f"{customer}/tasks", {"title": "t"}, format="json")
        alice.api.post(f"{customer}/deals", {"title": "d"}, format="json")
        alice.api.post(f"{customer}/stage", {"stage": "contacted"}, format="json")
        rows = alice.api.get(f"{customer}/timeline").data["results"]
        assert {row["type"] for row in rows} == {"message", "interaction", "task", "deal", "stage_change", "change"}
        assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
        only = alice.api.get(f"{customer}/timeline?types=task,deal").data["results"]
        assert [row["type"] for row in only] == ["deal", "task"]
        assert attr(alice.api.get(f"{customer}/timeline?types=dance")) == (400, "types")
        assert attr(alice.api.get(f"{customer}/timeline?cursor=x")) == (400, "cursor")

    @pytest.mark.parametrize("rows", [2, 80])
    def test_the_same_queries_for_any_number(self, alice, customer, rows, django_assert_max_num_queries):
        with organization_scope(alice.organization):
            for number in range(rows):
                interactions.log(customer=customer, actor=alice.actor, content=f"n{number}")
        caller = alice.api
        with django_assert_max_num_queries(12):
            caller.get(f"/api/v1/customers/{customer.pk}/timeline?page_size=200")

    def test_no_row_is_lost_or_doubled_between_pages(self, alice, customer):
        with organization_scope(alice.organization):
            at = customer.created_at
            for number in range(11):
                interactions.log(customer=customer, actor=alice.actor, content=f"n{number}", occurred_at=at)
        url, seen = f"/api/v1/customers/{customer.pk}/timeline?types=interaction&page_size=3", []
        while url:
            page = alice.api.get(url).data
            seen += [row["id"] for row in page["results"]]
            url = page["next"]
        assert len(seen) == len(set(seen)) == 11


class TestMerging:
    def test_into_another_and_back(self, alice, customer, make_customer):
        other = make_customer(alice, name="Jana Nováková")
        answer = alice.api.post(
            f"/api/v1/customers/{customer.pk}/merge", {"into": str(other.pk), "choose": {"name": "from"}}, format="json"
        )
        assert answer.status_code == 200, answer.data
        assert answer.data["customer"]["name"] == "Jana Novak"
        assert answer.data["customer"]["former_codes"] == [customer.code]
        gone = alice.api.get(f"/api/v1/customers/{customer.pk}")
        assert gone.status_code == 404
        assert str(other.pk) in gone.data["errors"][0]["detail"]
        page = alice.client.get(alice.url(f"customers/{customer.pk}/"))
        assert page.headers["Location"].endswith(f"/customers/{other.pk}/")
        result = finished(alice, alice.api.post(f"/api/v1/change-sets/{answer.data['change_set']}/undo"))
        assert result["restored"] > 0
        assert alice.api.get(f"/api/v1/customers/{customer.pk}").data["name"] == "Jana Novak"
        again = alice.api.post(f"/api/v1/change-sets/{answer.data['change_set']}/undo")
        assert again.status_code == 409

    def test_what_is_refused(self, alice, bob, charlie, customer, make_customer):
        url = f"/api/v1/customers/{customer.pk}/merge"
        not_bobs = make_customer(alice)
        assert attr(alice.api.post(url, {}, format="json")) == (400, "into")
        assert attr(alice.api.post(url, {"into": str(customer.pk)}, format="json")) == (400, "into")
        assert attr(bob.api.post(url, {"into": str(not_bobs.pk)}, format="json")) == (400, "into")
        assert attr(alice.api.post(url, {"into": str(not_bobs.pk), "choose": {"x": "into"}}, format="json"))[0] == 400
        assert charlie.api.post(url, {"into": str(not_bobs.pk)}, format="json").status_code == 404

    def test_who_may_undo(self, alice, bob, mona, charlie, customer, make_customer):
        mine = make_customer(bob)
        answer = bob.api.post(f"/api/v1/customers/{customer.pk}/merge", {"into": str(mine.pk)}, format="json")
        url = f"/api/v1/change-sets/{answer.data['change_set']}/undo"
        for stranger in (mona, charlie):
            assert stranger.api.post(url).status_code == 404
            assert stranger.api.get("/api/v1/change-sets").data["count"] == 0
        assert alice.api.get("/api/v1/change-sets").data["count"] == 1
        finished(bob, bob.api.post(url))


class TestDuplicates:
    @pytest.fixture
    def twins(self, alice, bob, inside, make_customer):
        address = {"street": "1 Quay Road", "postal_code": "BS1"}
        rows = [
            make_customer(bob, name="Jana Novakova", company="Novak Ltd"),
            make_customer(bob, name="Nováková Jana", company="NOVAK LTD"),
            make_customer(alice, name="Peter Stone", address=address),
            make_customer(alice, name="Peter Ston", address=address),
            make_customer(bob, name="Quite Another", company="Novak Ltd", phone="+447700900111"),
            make_customer(bob, name="Somebody", phone="+447700900111", allow_duplicate=True),
        ]
        duplicates.find_due()
        return rows

    def test_pairs_with_reasons(self, alice, twins):
        found = alice.api.get("/api/v1/customers/duplicates").data["results"]
        pairs = {frozenset(side["code"] for side in row["customers"]): row["reasons"] for row in found}
        codes = [row.code for row in twins]
        assert pairs == {
            frozenset(codes[0:2]): ["name_and_company"],
            frozenset(codes[2:4]): ["name_and_address"],
            frozenset(codes[4:6]): ["phone"],
        }

    def test_only_pairs_of_which_both_are_within_reach(self, bob, charlie, twins):
        assert bob.api.get("/api/v1/customers/duplicates").data["count"] == 2
        assert charlie.api.get("/api/v1/customers/duplicates").data["count"] == 0

    def test_dismissed_ones_are_not_proposed_again(self, alice, charlie, inside, twins):
        pair = alice.api.get("/api/v1/customers/duplicates").data["results"][0]["id"]
        assert charlie.api.post(f"/api/v1/customers/duplicates/{pair}/dismiss").status_code == 404
        assert alice.api.post(f"/api/v1/customers/duplicates/{pair}/dismiss").status_code == 204
        Customer.objects.update(is_duplicate_check_due=True)
        duplicates.find_due()
        assert alice.api.get("/api/v1/customers/duplicates").data["count"] == 2

    def test_a_pair_goes_when_they_differ_or_are_one(self, alice, twins):
        alice.api.patch(f"/api/v1/customers/{twins[0].pk}", {"name": "Completely Different"}, format="json")
        alice.api.post(f"/api/v1/customers/{twins[2].pk}/merge", {"into": str(twins[3].pk)}, format="json")
        duplicates.find_due()
        assert alice.api.get("/api/v1/customers/duplicates").data["count"] == 1

    def test_near_names(self):
        for one, other in (("Jana Novak", "jana nováková"), ("NOVAK Jana", "Jana Novak"), ("Ann Lee", "Anne Lee")):
            assert duplicates.is_near(one, other), (one, other)
        for one, other in (("Jana Novak", "Petr Novak"), ("Li", "Lu"), ("Ann Lee", "Bob Stone")):
            assert not duplicates.is_near(one, other)


class TestBulk:
    @pytest.fixture
    def crowd(self, alice, bob, make_customer):
        return [make_customer(bob if n % 2 else alice, name=f"Crowd {n}") for n in range(6)]

    @pytest.mark.parametrize(
        ("action", "params", "seen"),
        [
            ("stage", {"stage": "contacted"}, lambda row: row["stage"] == "contacted"),
            ("status", {"status": "active"}, lambda row: row["status"] == "active"),
            ("tag_add", {"tag": "vip"}, lambda row: row["tags"] == ["vip"]),
            ("assign", {"assigned_to": "none"}, lambda row: row["assigned_to"] is None),
            ("delete", {}, None),
        ],
    )
    def test_an_action_and_its_undoing(self, alice, crowd, action, params, seen):
        def look():
            return {row["id"]: row for row in alice.api.get("/api/v1/customers").data["results"]}

        before = look()
        body = {"filter": {"q": "crowd"}, "action": action, "params": params}
        result = finished(alice, alice.api.post("/api/v1/customers/bulk", body, format="json"))
        assert result["changed"] == 6
        after = look()
        assert after == {} if seen is None else all(map(seen, after.values()))
        undone = finished(alice, alice.api.post(f"/api/v1/change-sets/{result['change_set']}/undo"))
        assert (undone["restored"], undone["kept"]) == (6, 0)
        changing = ("updated_at", "last_activity_at")
        for row in (*before.values(), *look().values()):
            for name in changing:
                row.pop(name, None)
        assert look().keys() == before.keys()
        for key, row in look().items():
            assert {n: v for n, v in row.items() if n not in changing} == before[key]

    def test_only_what_is_within_reach(self, alice, bob, crowd):
        ids = [str(row.pk) for row in crowd]
        body = {"ids": ids, "action": "stage", "params": {"stage": "lost"}}
        assert finished(bob, bob.api.post("/api/v1/customers/bulk", body, format="json"))["changed"] == 3
        assert alice.api.get("/api/v1/customers?stage=lost").data["count"] == 3

    def test_what_changed_since_is_kept(self, alice, crowd):
        body = {"ids": [str(crowd[0].pk), str(crowd[1].pk)], "action": "stage", "params": {"stage": "contacted"}}
        result = finished(alice, alice.api.post("/api/v1/customers/bulk", body, format="json"))
        alice.api.post(f"/api/v1/customers/{crowd[0].pk}/stage", {"stage": "lost"}, format="json")
        undone = finished(alice, alice.api.post(f"/api/v1/change-sets/{result['change_set']}/undo"))
        assert (undone["restored"], undone["kept"]) == (1, 1)
        assert undone["reasons"] == [f"{crowd[0].code} was changed since."]
        assert alice.api.get(f"/api/v1/customers/{crowd[0].pk}").data["stage"] == "lost"

    def test_open_deals_hold_a_deletion_and_are_reported(self, alice, crowd):
        alice.api.post(f"/api/v1/customers/{crowd[0].pk}/deals", {"title": "Open"}, format="json")
        body = {"filter": {"q": "crowd"}, "action": "delete"}
        result = finished(alice, alice.api.post("/api/v1/customers/bulk", body, format="json"))
        assert (result["changed"], result["kept"]) == (5, 1)
        assert "Open" in result["reasons"][0]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"action": "stage", "params": {"stage": "contacted"}}, "ids"),
            ({"ids": [], "action": "delete"}, "ids"),
            ({"filter": {"colour": "red"}, "action": "delete"}, "filter.colour"),
            ({"filter": {"stage": "nowhere"}, "action": "delete"}, "filter.stage"),
            ({"filter": {}, "action": "dance"}, "action"),
            ({"filter": {}, "action": "stage"}, "params.stage"),
            ({"filter": {}, "action": "stage", "params": {"stage": "x"}}, "params.stage"),
            ({"filter": {}, "action": "assign", "params": {"assigned_to": "x"}}, "params.assigned_to"),
            ({"filter": {}, "action": "tag_add", "params": {"tag": ""}}, "params.tag"),
            ({"filter": {}, "action": "delete", "params": {"force": True}}, "params.force"),
            ({"filter": {}, "action": "delete", "now": True}, "now"),
        ],
    )
    def test_bad_input_names_its_field(self, alice, body, field):
        assert attr(alice.api.post("/api/v1/customers/bulk", body, format="json")) == (400, field)

    def test_a_counselor_deletes_nothing(self, bob, crowd):
        body = {"filter": {}, "action": "delete"}
        assert bob.api.post("/api/v1/customers/bulk", body, format="json").status_code == 403
        with organization_scope(bob.organization):
            assert not ChangeSet.objects.exists()

    def test_who_was_shut_out_meanwhile_changes_nothing(self, alice, bob, crowd):
        body = {"filter": {}, "action": "stage", "params": {"stage": "lost"}}
        started = bob.api.post("/api/v1/customers/bulk", body, format="json")
        with organization_scope(bob.organization):
            type(bob.member).objects.filter(pk=bob.member.pk).update(is_active=False)
        jobs.run_due()
        assert alice.api.get(f"/api/v1/jobs/{started.data['job_id']}").data["status"] == "failed"
        assert alice.api.get("/api/v1/customers?stage=lost").data["count"] == 0
