"""The beat's pages: for superusers, with our schedule kept from mistakes; what is switched off is told."""

from __future__ import annotations

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import User
from activity.doctor.checks import Status
from crm_project.beat import Scheduler
from crm_project.celery import app
from crm_project.doctor import schedule
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
AT = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def started():
    """As the beat leaves it when it has started."""
    start()


def start():
    """What the scheduler does with each entry; the whole of it ends the test's connection."""
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        Scheduler.Entry.from_entry(name, app=app, **entry)


@pytest.fixture
def root(client):
    client.force_login(User.objects.create_superuser("root@installation.example", PASSWORD))
    return client


def row(name="back up"):
    return PeriodicTask.objects.get(name=name)


def test_it_has_every_entry_and_says_how_it_goes(started, root):
    page = root.get(AT).content.decode()
    assert "Times are in UTC" in page
    assert set(settings.CELERY_BEAT_SCHEDULE) <= set(PeriodicTask.objects.values_list("name", flat=True))
    assert root.get(f"{AT}{row().pk}/change/").status_code == 200


def test_ours_can_only_be_switched_off(started, root):
    change = {"name": "renamed", "task": "x", "_save": "1"}
    assert root.post(f"{AT}{row().pk}/change/", change).status_code == 302
    PeriodicTask.objects.get(name="back up", task="crm_project.tasks.back_up", enabled=False)
    assert root.post(f"{AT}{row().pk}/delete/", {"post": "yes"}).status_code == 403
    interval = IntervalSchedule.objects.first()
    own = PeriodicTask.objects.create(name="of somebody", task="x", interval=interval)
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [row().pk, own.pk]}
    root.post(AT, chosen)
    assert PeriodicTask.objects.filter(name="back up").exists()


def test_what_is_off_stays_off_and_what_is_gone_comes_back_at_the_next_start(started):
    PeriodicTask.objects.filter(name="back up").update(enabled=False)
    PeriodicTask.objects.filter(name="canary").delete()
    lines = {line.key: line.status for line in schedule.schedule()}
    assert lines == {"back up": Status.WARNING, "canary": Status.WARNING}
    start()
    assert {line.key for line in schedule.schedule()} == {"back up"}


def test_before_the_first_start_nothing_is_known():
    assert [line.status for line in schedule.schedule()] == [Status.UNKNOWN]


def test_others_see_nothing_of_it(started, alice):
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    assert alice.client.get(AT).status_code == 403
