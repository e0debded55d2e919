"""Settings → Business calendars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from accounts.calendars import services as calendars
from accounts.models import BusinessCalendar
from core.tenancy import organization_scope
from messaging.models import Channel
from tests.accounts.roles.test_roles_views import form_in
from tests.conftest import Person
from tests.pages import forms_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def calendar(alice: Person) -> BusinessCalendar:
    values: Any = {"name": "Clinic", "weekly": {"monday": [{"start": "09:00", "end": "17:00"}]}}
    with organization_scope(alice.organization):
        return calendars.create(organization=alice.organization, actor=alice.actor, values=values)


@pytest.fixture
def url(alice: Person, calendar: BusinessCalendar) -> str:
    return alice.url(f"settings/calendars/{calendar.pk}/")


def stored(calendar: BusinessCalendar) -> BusinessCalendar:
    with organization_scope(calendar.organization):
        return BusinessCalendar.objects.get(pk=calendar.pk)


def test_a_calendar_is_typed_as_people_write_hours(alice: Person) -> None:
    new = alice.url("settings/calendars/new/")
    data = form_in(alice.client.get(new)).data(
        name="Practice", monday="9-12:30, 14-18", tuesday="9–17", holiday_country="GB"
    )
    assert "“Practice” is there." in alice.client.post(new, data, follow=True).content.decode()
    with organization_scope(alice.organization):
        calendar = BusinessCalendar.objects.get(name="Practice")
    assert calendar.weekly["monday"] == [{"start": "09:00", "end": "12:30"}, {"start": "14:00", "end": "18:00"}]
    assert (set(calendar.weekly), calendar.holiday_country) == ({"monday", "tuesday"}, "GB")


def test_hours_that_cannot_be_stand_at_their_day(alice: Person) -> None:
    new = alice.url("settings/calendars/new/")
    answer = alice.client.post(new, form_in(alice.client.get(new)).data(name="Practice", friday="17-9"))
    assert answer.status_code == 422
    assert "17:00 is not before 09:00" in " ".join(answer.context["form"].errors["friday"])


def test_a_region_is_one_of_the_country(alice: Person, url: str, calendar: BusinessCalendar) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(holiday_country="GB")
    assert alice.client.post(f"{url}edit/", data).status_code == 302
    page = alice.client.get(f"{url}edit/")
    assert "Scotland" in page.content.decode()
    assert alice.client.post(f"{url}edit/", form_in(page).data(holiday_region="SCT")).status_code == 302
    assert stored(calendar).holiday_region == "SCT"


def test_what_somebody_else_changed_meanwhile_is_asked(alice: Person, url: str, calendar: BusinessCalendar) -> None:
    page = alice.client.get(f"{url}edit/")
    with organization_scope(alice.organization):
        calendars.update(calendar=calendar, actor=alice.actor, changes={"name": "Theirs"})
    answer = alice.client.post(f"{url}edit/", form_in(page).data(name="Mine", tuesday="8-9"))
    assert (answer.status_code, stored(calendar).name) == (422, "Theirs")


def test_exceptions_come_and_go(alice: Person, url: str, calendar: BusinessCalendar) -> None:
    data = {"date": "2027-01-02", "hours": "10-12", "name": "Stocktaking"}
    page = alice.client.post(f"{url}exception/", data, follow=True).content.decode()
    assert "Stocktaking" in page
    wrong = alice.client.post(f"{url}exception/", {"date": "2027-01-03", "hours": "ten"})
    assert wrong.status_code == 422
    assert "Write hours such as" in wrong.content.decode()
    alice.client.post(f"{url}exception/remove/", {"date": "2027-01-02"})
    assert stored(calendar).exceptions == []


def test_closing_takes_a_time_of_the_place_itself(alice: Person, url: str, calendar: BusinessCalendar) -> None:
    with organization_scope(alice.organization):
        calendars.update(calendar=calendar, actor=alice.actor, changes={"timezone": "Asia/Tokyo"})
    with time_machine.travel("2026-11-30T03:00:00Z", tick=False):
        answer = alice.client.post(f"{url}close/", {"until": "2026-11-30T15:00", "text": "Pipe burst"}, follow=True)
        assert stored(calendar).closed_until == datetime(2026, 11, 30, 6, tzinfo=UTC)
        assert "Pipe burst" in answer.content.decode()
        assert "Closed for now" in alice.client.get(alice.url("settings/calendars/")).content.decode()
        alice.client.post(f"{url}reopen/")
        assert stored(calendar).closed_until is None
        past = alice.client.post(f"{url}close/", {"until": "2026-11-30T10:00"})
        assert (past.status_code, "over already" in past.content.decode()) == (422, True)


def test_one_in_use_is_not_deleted(alice: Person, url: str, calendar: BusinessCalendar) -> None:
    with organization_scope(alice.organization):
        channel = Channel.objects.filter(kind="email").get()
    edit = alice.url(f"channels/{channel.pk}/edit/")
    data = form_in(alice.client.get(edit)).data(calendar=str(calendar.pk))
    assert alice.client.post(edit, data).status_code == 302
    assert channel.name in alice.client.get(f"{url}delete/").content.decode()
    alice.client.post(f"{url}delete/")
    assert stored(calendar)


def test_the_list_without_any_says_what_that_means(alice: Person) -> None:
    assert "every hour counts" in alice.client.get(alice.url("settings/calendars/")).content.decode()


def test_only_who_changes_settings_finds_the_forms(alice: Person, mona: Person, url: str) -> None:
    assert mona.client.get(mona.url("settings/calendars/")).status_code == 403
    assert forms_of(alice.client.get(url).content.decode())


@pytest.mark.parametrize("rows", [1, 8])
def test_the_list_takes_the_same_queries(alice: Person, django_assert_max_num_queries: Any, rows: int) -> None:
    with organization_scope(alice.organization):
        for number in range(rows):
            values: Any = {"name": f"Calendar {number}"}
            calendars.create(organization=alice.organization, actor=alice.actor, values=values)
    client = alice.client
    client.get(alice.url("settings/calendars/"))
    with django_assert_max_num_queries(12):
        client.get(alice.url("settings/calendars/"))
