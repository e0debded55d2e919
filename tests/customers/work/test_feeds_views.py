"""The private calendar address: shown once, read without signing in, gone when it should be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts.members import services as members
from accounts.models import Organization
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import CalendarFeed, Task
from customers.people.customers import services as customers
from customers.work.tasks import services as tasks


def made(who) -> str:
    text = who.client.post(who.url("tasks/feed/")).content.decode()
    return re.search(r"http://testserver(/calendar/[\w-]+\.ics)", text)[1]


def read(url, **headers):
    return Client().get(url, headers=headers)


def events_in(answer):
    assert answer.status_code == 200
    return {str(event["summary"]): event for event in Calendar.from_ical(answer.content).walk("VEVENT")}


def add(alice, who, title, **fields):
    with organization_scope(alice.organization):
        return tasks.create(
            organization=alice.organization, actor=alice.actor, title=title, assigned_to=who.user, **fields
        )


def test_ones_own_tasks_and_follow_ups(alice, bob, make_customer):
    now = timezone.now()
    mine, hidden = make_customer(bob, name="Ada, of Hale"), make_customer(alice, name="Zebulon Quist")
    add(alice, bob, "Call; ring, ask", due_at=now + timedelta(days=1), customer=mine)
    add(alice, bob, "With somebody", due_at=now, customer=hidden)
    add(alice, bob, "No time")
    add(alice, alice, "Of Alice", due_at=now)
    done = add(alice, bob, "Done", due_at=now)
    with organization_scope(alice.organization):
        tasks.update(task=done, actor=alice.actor, changes={"status": "done"})
        for customer in (mine, hidden):
            customers.set_follow_up(customer=customer, at=now, actor=alice.actor)
    answer = read(made(bob))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "private" in answer.headers["Cache-Control"]
    found = events_in(answer)
    assert set(found) == {"Call; ring, ask", "With somebody", "Follow up: Ada, of Hale"}
    assert b"Zebulon" not in answer.content
    assert str(found["Call; ring, ask"]["url"]).startswith(f"http://testserver/o/{alice.organization.slug}/tasks/")


def test_times_are_right_across_a_change_of_clocks(alice):
    Organization.objects.filter(pk=alice.organization.pk).update(timezone="America/New_York")
    year = timezone.now().year + 1
    march = datetime(year, 3, 1, tzinfo=UTC)
    add(alice, alice, "Winter", due_at=march.replace(hour=14))
    add(alice, alice, "Summer", due_at=march.replace(month=4, hour=13))
    found = events_in(read(made(alice)))
    assert found["Winter"].decoded("dtstart") == march.replace(hour=14)
    assert found["Summer"].decoded("dtstart") == march.replace(month=4, hour=13)
    assert found["Winter"]["dtstart"].to_ical().endswith(b"Z")


def test_the_same_to_the_byte_until_something_changes(alice):
    task = add(alice, alice, "Call", due_at=timezone.now() + timedelta(days=1))
    url = made(alice)
    first = read(url)
    again = read(url, **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    uid = events_in(first)["Call"]["uid"]
    with organization_scope(alice.organization):
        tasks.update(task=task, actor=alice.actor, changes={"title": "Call later"})
    changed = read(url, **{"If-None-Match": first.headers["ETag"]})
    assert events_in(changed)["Call later"]["uid"] == uid


def test_only_the_hash_is_kept_and_it_is_shown_once(alice):
    url = made(alice)
    token = url.split("/")[-1].removesuffix(".ics")
    assert len(token) >= 40  # 256 bits
    assert token not in alice.client.get(alice.url("tasks/feed/")).content.decode()
    with organization_scope(alice.organization):
        assert token not in str(list(CalendarFeed.objects.values()))
        assert token not in str(list(Event.objects.values_list("payload", flat=True)))
        assert set(Event.objects.filter(type__startswith="calendar_feed").values_list("type", flat=True)) == {
            "calendar_feed.made"
        }


def test_made_again_or_taken_away_the_old_one_is_gone(alice):
    old = made(alice)
    new = made(alice)
    assert read(old).status_code == 404
    assert read(new).status_code == 200
    assert alice.client.post(alice.url("tasks/feed/revoke/")).status_code == 302
    assert read(new).status_code == 404
    assert alice.client.post(alice.url("tasks/feed/revoke/")).status_code == 302


def test_who_was_shut_out_has_no_calendar(alice, bob):
    url = made(bob)
    assert read(url).status_code == 200
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert read(url).status_code == 404


def test_a_closed_organization_or_role_has_none(alice, charlie):
    url = made(charlie)
    Organization.objects.filter(pk=charlie.organization.pk).update(is_active=False)
    assert read(url).status_code == 404
    assert read("/calendar/x.ics").status_code == 404
    assert read("/calendar/" + "a" * 5000 + ".ics").status_code == 404
    assert Client().post(made(alice)).status_code == 405


def test_reads_are_noted_once_a_minute(alice, django_assert_max_num_queries):
    url = made(alice)
    read(url)
    with every_organization("the test looks"):
        first = CalendarFeed.objects.get().last_read_at
    assert first is not None
    with django_assert_max_num_queries(4):
        read(url)
    with every_organization("the test looks"):
        assert CalendarFeed.objects.get().last_read_at == first
        CalendarFeed.objects.update(last_read_at=first - timedelta(minutes=2))
    read(url)
    with every_organization("the test looks"):
        assert CalendarFeed.objects.get().last_read_at > first


@pytest.mark.parametrize("size", [1, 15])
def test_the_same_queries_for_any_number(alice, make_customer, size, django_assert_max_num_queries):
    for number in range(size):
        add(alice, alice, f"Task {number}", due_at=timezone.now(), customer=make_customer(alice))
    url = made(alice)
    read(url)
    with django_assert_max_num_queries(4):
        assert len(events_in(read(url))) == size
    with organization_scope(alice.organization):
        assert Task.objects.count() == size
