"""The list behind the bell, the bell in the frame, and the form of one's preferences."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from customers.models import Customer
from tests.pages import forms_of
from workflows.models import Notification, NotificationSettings
from workflows.notifications import queries, services

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_welcome(alice, bob, inside):
    Notification.objects.all().delete()


def page(person, path: str = "notifications/") -> str:
    answer = person.client.get(person.url(path))
    assert answer.status_code == 200
    return answer.content.decode()


def badge(text: str) -> str:
    """The number at the bell, as the menu shows it; empty where it is hidden."""
    shown = re.search(r'data-badge="bell"\s*(hidden)?>\s*<span data-badge-count>(\d+\+?)<', text)
    assert shown is not None
    return "" if shown[1] else shown[2]


def test_the_bell_counts_on_every_page_what_may_be_seen(bob, alice, give, make_customer):
    assert badge(page(bob, "tasks/")) == ""
    customer = make_customer(bob)
    give(bob, "follow_up_due", customer)
    give(bob, "job", kind="x", status="done")
    assert badge(page(bob, "tasks/")) == "2"
    Customer.objects.filter(pk=customer.pk).update(assigned_to=alice.user)
    assert badge(page(bob, "tasks/")) == "1"


def test_unread_all_and_a_type(bob, give, make_customer):
    give(bob, "follow_up_due", make_customer(bob, name="Ada"))
    read = give(bob, "overdue_customer", make_customer(bob, name="Eve"))
    services.read(member=bob.member, line=read)
    assert ("Get back to Ada" in page(bob), "Eve" in page(bob)) == (True, False)
    assert "Nothing happened with Eve" in page(bob, "notifications/?show=all")
    shown = page(bob, "notifications/?show=all&type=overdue_customer")
    assert ("Ada" in shown, "Eve" in shown) == (False, True)
    assert "Get back to Ada" in page(bob, "notifications/?type=nonsense&show=nonsense")


def test_it_says_so_where_nothing_is(bob):
    assert "All read" in page(bob)
    assert "Nothing here" in page(bob, "notifications/?show=all")


def test_older_ones_are_a_page_away(bob, inside, make_customer):
    customer = make_customer(bob)
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(
            organization=inside, member=bob.member, kind="rule", subject_id=customer.pk, customer=customer,
            group=str(number), data={"text": f"Line {number:03}"}, raised_at=now - timedelta(minutes=number),
        )
        for number in range(31)
    )  # fmt: skip
    first = page(bob)
    assert ("Line 029" in first, "Line 030" in first) == (True, False)
    older = re.search(r'href="([^"]+after=[^"]+)"', first)[1].replace("&amp;", "&")
    shown = bob.client.get(older).content.decode()
    assert ("Line 029" in shown, "Line 030" in shown) == (False, True)


def test_opening_reads_it_and_leads_there(bob, alice, give, make_customer):
    customer = make_customer(bob)
    row = give(bob, "follow_up_due", customer)
    ahead = bob.client.get(bob.url(f"notifications/{row.pk}/"), headers={"Sec-Purpose": "prefetch;prerender"})
    row.refresh_from_db()
    assert (ahead.status_code, row.read_at) == (302, None)
    answer = bob.client.get(bob.url(f"notifications/{row.pk}/"))
    assert (answer.status_code, answer["Location"]) == (302, bob.url(f"customers/{customer.pk}/"))
    row.refresh_from_db()
    assert row.read_at is not None
    Customer.objects.filter(pk=customer.pk).update(assigned_to=alice.user)
    assert bob.client.get(bob.url(f"notifications/{row.pk}/")).status_code == 404


def test_nobody_else_opens_or_reads_it(bob, alice, charlie, give, make_customer):
    row = give(bob, "follow_up_due", make_customer(bob))
    for person in (alice, charlie):
        assert person.client.get(person.url(f"notifications/{row.pk}/")).status_code == 404
        assert person.client.post(person.url(f"notifications/{row.pk}/read/")).status_code == 404
        person.client.post(person.url("notifications/read/"))
    row.refresh_from_db()
    assert row.read_at is None


def test_read_one_and_all_with_and_without_a_script(bob, give, make_customer):
    rows = [give(bob, "follow_up_due", make_customer(bob)) for _ in range(2)]
    other = give(bob, "overdue_customer", make_customer(bob))
    answer = bob.client.post(bob.url(f"notifications/{rows[0].pk}/read/?show=all"))
    assert answer["Location"] == bob.url("notifications/?show=all")
    answer = bob.htmx.post(bob.url("notifications/read/?type=follow_up_due"))
    assert answer.content.decode().count("data-line") == 0
    other.refresh_from_db()
    assert other.read_at is None
    bob.client.post(bob.url("notifications/read/"))
    assert not Notification.objects.unread().exists()


def test_the_bell_tells_what_is_new_once(bob, give, make_customer):
    row = give(bob, "follow_up_due", make_customer(bob, name="Ada"))
    quiet = give(bob, "job", kind="x", status="done")
    before = int((row.raised_at - timedelta(seconds=1)).timestamp() * 1000)
    shown = page(bob, f"notifications/bell/?since={before}")
    assert 'data-bell="2"' in shown
    assert re.findall(r'data-notice="([^"]+)"', shown) == [str(row.pk)]
    assert ("Get back to Ada" in shown, "data-heard" in shown) == (True, False)
    since = re.search(r'data-since="(\d+)"', shown)[1]
    Notification.objects.filter(pk=quiet.pk).update(raised_at=row.raised_at - timedelta(hours=1))
    later = page(bob, f"notifications/bell/?since={int(since) + 1}")
    assert "data-notice" not in later
    for nonsense in ("", "x", "9" * 40, "-1", "٣"):
        assert 'data-bell="2"' in page(bob, f"notifications/bell/?since={nonsense}")


def test_who_looks_as_somebody_does_not_read_what_they_are_notified_of(bob, alice, give, make_customer):
    give(bob, "follow_up_due", make_customer(bob, name="Ada"))
    member = bob.member
    member.looked_through_by = alice.member
    assert not queries.visible_to(member).exists()


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_any_number_of_lines(
    bob, inside, make_customer, rows, django_assert_max_num_queries
):
    customer = make_customer(bob)
    Notification.objects.bulk_create(
        Notification(
            organization=inside, member=bob.member, kind="follow_up_due", subject_id=customer.pk, customer=customer,
            group=str(number),
        )
        for number in range(rows)
    )  # fmt: skip
    client = bob.client
    with django_assert_max_num_queries(7):
        assert client.get(bob.url("notifications/")).status_code == 200


class TestPreferences:
    PATH = "account/notifications/"

    def save(self, person, path: str = "", **changed):
        client = person.client
        form = next(
            one
            for one in forms_of(client.get(person.url(path or self.PATH)).content.decode())
            if "quiet" in one.names()
        )
        return client.post(person.url(path or self.PATH), form.data(**changed))

    def test_they_stand_on_ones_account_and_in_settings(self, bob, alice):
        text = page(bob, self.PATH)
        assert "As the organization says" in text
        assert "Quiet hours" in text
        assert "As the organization says" not in page(alice, "settings/notifications/")
        assert bob.client.get(bob.url("settings/notifications/")).status_code == 403
        assert bob.client.post(bob.url("settings/notifications/")).status_code == 403

    def test_one_type_is_chosen_and_given_back(self, bob, inside):
        answer = self.save(bob, message=["page", "email"])
        assert answer.status_code == 302, answer.content.decode()
        assert NotificationSettings.objects.get(member=bob.member).ways == {"message": ["page", "email"]}
        self.save(bob, message=["organization", "email"])
        assert NotificationSettings.objects.get(member=bob.member).ways == {}

    def test_the_organization_chooses(self, alice, bob, inside):
        self.save(alice, "settings/notifications/", job=[])
        assert NotificationSettings.objects.get(member=None).ways == {"job": []}
        assert "(Not told)" in page(bob, self.PATH)

    def test_quiet_between_two_times_needs_both(self, bob, inside):
        answer = self.save(bob, quiet="times", quiet_from="20:00", quiet_until="")
        assert answer.status_code == 422
        assert "Say from when and until when." in answer.content.decode()
        assert not NotificationSettings.objects.exists()
        assert self.save(bob, quiet="times", quiet_from="20:00", quiet_until="07:00").status_code == 302
