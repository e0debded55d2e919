"""`/notifications`: one's own lines, read and read all, and how one is told."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.calendars import services as calendars
from accounts.credentials import api_keys
from accounts.models import Member, Role
from customers.models import Customer
from customers.work.tasks import services as tasks
from workflows.models import Notification, NotificationSettings

pytestmark = pytest.mark.django_db
URL = "/api/v1/notifications"


@pytest.fixture(autouse=True)
def without_welcome(alice, bob, inside):
    Notification.objects.all().delete()


def types(person, query: str = "") -> list[str]:
    answer = person.api.get(f"{URL}{query}")
    assert answer.status_code == 200, answer.json()
    return [row["type"] for row in answer.json()["results"]]


def test_a_line_in_full(bob, give, make_customer):
    customer = make_customer(bob, name="Ada")
    row = give(bob, "follow_up_due", customer, at="2026-12-01T09:30:00Z")
    [line] = bob.api.get(URL).json()["results"]
    assert line == {
        "id": str(row.pk), "type": "follow_up_due", "text": "Get back to Ada", "detail": "1 Dec, 09:30",
        "url": f"http://testserver/o/harbour-clinic/customers/{customer.pk}/",
        "customer": {"id": str(customer.pk), "name": "Ada"}, "count": 1, "is_read": False,
        "created_at": line["created_at"], "raised_at": line["raised_at"], "read_at": None,
    }  # fmt: skip


def test_filters_and_pages(bob, give, make_customer):
    for number in range(3):
        give(bob, "follow_up_due", make_customer(bob, name=f"Ada {number}"))
    read = give(bob, "overdue_customer", make_customer(bob))
    assert bob.api.post(f"{URL}/{read.pk}/read").json()["is_read"] is True
    assert types(bob) == ["overdue_customer", *["follow_up_due"] * 3]
    assert types(bob, "?unread=true") == ["follow_up_due"] * 3
    assert types(bob, "?unread=false") == ["overdue_customer"]
    assert types(bob, "?type=overdue_customer") == ["overdue_customer"]
    first = bob.api.get(f"{URL}?page_size=3").json()
    assert len(first["results"]) == 3
    second = bob.api.get(first["next"]).json()
    assert ([row["text"] for row in second["results"]], second["next"]) == (["Get back to Ada 0"], None)


@pytest.mark.parametrize(
    ("query", "attr"), [("?type=x", "type"), ("?unread=perhaps", "unread"), ("?cursor=x", "cursor"), ("?q=x", "q")]
)
def test_what_is_no_filter_is_refused_by_its_name(bob, query, attr):
    answer = bob.api.get(f"{URL}{query}")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)


def test_read_all_and_all_of_a_type(bob, alice, give, make_customer):
    for name in ("follow_up_due", "overdue_customer", "assigned_customer"):
        give(bob, name, make_customer(bob))
    hers = give(alice, "follow_up_due", make_customer(alice))
    assert bob.api.post(f"{URL}/read-all", {"type": "follow_up_due"}, format="json").json() == {"read": 1}
    assert bob.api.post(f"{URL}/read-all", format="json").json() == {"read": 2}
    assert bob.api.post(f"{URL}/read-all", format="json").json() == {"read": 0}
    hers.refresh_from_db()
    assert hers.read_at is None
    answer = bob.api.post(f"{URL}/read-all", {"typ": "x"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "typ")


class TestReach:
    def test_a_key_with_scopes_has_none_of_it_and_one_for_everything_has(self, alice, give, make_customer):
        row = give(alice, "follow_up_due", make_customer(alice))
        for scopes, status in ((["customers.view"], 403), ([], 200)):
            _, secret = api_keys.issue(member=alice.member, name="k", actor=alice.actor, scopes=scopes)
            key = APIClient(headers={"X-API-Key": secret})
            assert key.get(URL).status_code == status
            assert key.get(f"{URL}/preferences").status_code == status
            assert key.post(f"{URL}/{row.pk}/read").status_code == status

    def test_nobody_else_has_it(self, bob, alice, mona, charlie, give, make_customer):
        row = give(bob, "follow_up_due", make_customer(bob))
        for person in (alice, mona, charlie):
            assert "follow_up_due" not in types(person)
            assert person.api.post(f"{URL}/{row.pk}/read").status_code == 404
        row.refresh_from_db()
        assert row.read_at is None

    def test_it_is_asked_again_when_it_is_read(self, bob, alice, give, make_customer):
        customer = make_customer(bob)
        row = give(bob, "follow_up_due", customer)
        assert types(bob) == ["follow_up_due"]
        for change in ({"assigned_to": alice.user}, {"deleted_at": row.created_at}):
            Customer.objects.filter(pk=customer.pk).update(**change)
            assert types(bob) == []
            assert bob.api.post(f"{URL}/{row.pk}/read").status_code == 404
            assert bob.api.post(f"{URL}/read-all", format="json").json() == {"read": 0}
            Customer.objects.filter(pk=customer.pk).update(assigned_to=bob.user, deleted_at=None)
        assert types(bob) == ["follow_up_due"]

    def test_a_role_that_permits_less_shows_less(self, bob, give, make_customer):
        give(bob, "follow_up_due", make_customer(bob))
        give(bob, "job", kind="x", status="done")
        role = Role.objects.create(
            organization=bob.organization, key="little", name="Little", stored_permissions=["tasks.view"],
            stored_reach="all",
        )  # fmt: skip
        Member.objects.filter(pk=bob.member.pk).update(role=role)
        bob.member.refresh_from_db()
        assert types(bob) == ["job"]

    def test_a_task_that_is_gone_has_no_line(self, bob, alice, inside, lines):
        task = tasks.create(organization=inside, actor=alice.actor, title="Call", assigned_to=bob.user)
        assert lines(bob) == ["A task for you: Call"]
        type(task).objects.filter(pk=task.pk).update(assigned_to=alice.user)
        assert lines(bob) == []
        type(task).objects.filter(pk=task.pk).delete()
        assert lines(alice) == []

    @pytest.mark.parametrize("rows", [1, 150])
    def test_the_list_takes_the_same_queries_for_any_number_of_rows(
        self, bob, inside, make_customer, rows, django_assert_num_queries
    ):
        customer = make_customer(bob)
        Notification.objects.bulk_create(
            Notification(
                organization=inside, member=bob.member, kind="follow_up_due", subject_id=customer.pk, customer=customer,
                group=str(number),
            )
            for number in range(rows)
        )  # fmt: skip
        api = bob.api
        with django_assert_num_queries(2):
            assert len(api.get(f"{URL}?page_size=200").json()["results"]) == rows


class TestPreferences:
    URL = f"{URL}/preferences"

    def change(self, person, body, method: str = "patch", url: str = ""):
        return getattr(person.api, method)(url or self.URL, body, format="json")

    def test_what_is_not_chosen_is_as_the_organization_says(self, alice, bob):
        assert bob.api.get(self.URL).json()["effective_ways"]["message"] == ["page", "browser", "sound", "email"]
        defaults = f"{URL}/defaults"
        assert self.change(alice, {"ways": {"message": ["email"]}}, url=defaults).json()["ways"] == {
            "message": ["page", "email"]
        }
        assert bob.api.get(self.URL).json()["effective_ways"]["message"] == ["page", "email"]
        answer = self.change(bob, {"ways": {"message": []}}).json()
        assert (answer["ways"], answer["effective_ways"]["message"]) == ({"message": []}, [])
        answer = self.change(bob, {"ways": {"message": None}}).json()
        assert (answer["ways"], answer["effective_ways"]["message"]) == ({}, ["page", "email"])

    def test_a_patch_keeps_the_rest_and_a_put_does_not(self, bob):
        self.change(bob, {"ways": {"message": ["page"]}, "quiet": "closed"})
        answer = self.change(bob, {"ways": {"stalled": []}}).json()
        assert (set(answer["ways"]), answer["quiet"]) == ({"message", "stalled"}, "closed")
        answer = self.change(bob, {"ways": {"job": ["page"]}}, "put").json()
        assert (answer["ways"], answer["quiet"]) == ({"job": ["page"]}, "")

    def test_quiet_hours(self, bob):
        body = {"quiet": "times", "quiet_from": "20:00", "quiet_until": "07:30"}
        answer = self.change(bob, body).json()
        assert answer["effective_quiet"] == body
        assert self.change(bob, {"quiet": "never"}).json()["quiet_from"] is None

    @pytest.mark.parametrize(
        ("body", "attr"),
        [
            ({"ways": {"nothing": []}}, "ways"),
            ({"ways": {"message": ["pigeon"]}}, "ways"),
            ({"ways": {"message": "page"}}, "ways.message"),
            ({"quiet": "sometimes"}, "quiet"),
            ({"quiet": "times", "quiet_from": "20:00"}, "quiet_until"),
            ({"quiet": "times", "quiet_from": "20:00", "quiet_until": "20:00"}, "quiet_until"),
            ({"quiet_from": "25:00"}, "quiet_from"),
            ({"sound": True}, "sound"),
        ],
    )
    def test_what_can_not_be_is_refused_by_its_name(self, bob, body, attr):
        answer = self.change(bob, body)
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr), answer.json()
        assert not NotificationSettings.objects.exists()

    def test_the_organization_speaks_by_who_may_edit_its_settings(self, bob, mona, charlie, alice):
        for person in (bob, mona):
            assert person.api.get(f"{URL}/defaults").status_code == 403
            assert self.change(person, {"ways": {"job": []}}, url=f"{URL}/defaults").status_code == 403
        self.change(charlie, {"ways": {"job": []}}, url=f"{URL}/defaults")
        assert alice.api.get(f"{URL}/defaults").json()["ways"] == {}
        self.change(alice, {"quiet": "closed"}, url=f"{URL}/defaults")
        rows = alice.api.get("/api/v1/admin/audit-logs?action=notifications.defaults_changed").json()["results"]
        assert len(rows) == 1

    def test_who_wants_no_notifications_has_no_line(self, bob, give, make_customer, lines):
        self.change(bob, {"ways": {"assigned_customer": []}})
        make_customer(bob)
        assert lines(bob) == []


def test_quiet_is_when_the_calendar_is_closed(alice, bob, inside, give, make_customer):
    calendars.create(organization=inside, actor=alice.actor, values={"name": "Never open", "weekly": {}})
    alice.api.patch(f"{URL}/defaults", {"quiet": "closed"}, format="json")
    give(bob, "assigned_customer", make_customer(bob))
    shown = bob.client.get(bob.url("notifications/bell/?since=0")).content.decode()
    assert ('data-bell="1"' in shown, "data-notice" in shown) == (True, False)
    bob.api.patch(f"{URL}/preferences", {"quiet": "never"}, format="json")
    assert "data-notice" in bob.client.get(bob.url("notifications/bell/?since=0")).content.decode()
