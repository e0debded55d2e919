"""What is kept of lines: until they are old, and of a person no longer than the person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.data.personal_data import registry as personal_data
from customers.work.tasks import services as tasks
from workflows.models import Notification
from workflows.notifications import services
from workflows.notifications.personal_data import sweep_texts

pytestmark = pytest.mark.django_db


def test_old_read_ones_are_forgotten_and_the_welcome_is_not(bob, alice, inside, give, make_customer, settings):
    settings.NOTIFICATION_DAYS = 5
    read = [give(bob, "follow_up_due", make_customer(bob)) for _ in range(2)]
    unread = give(bob, "follow_up_due", make_customer(bob))
    now = timezone.now()
    for row, days in zip(read, (4, 6), strict=True):
        Notification.objects.filter(pk=row.pk).update(read_at=now - timedelta(days=days))
    Notification.objects.filter(kind="onboarding").update(read_at=now - timedelta(days=99))
    assert services.purge_old() == 1
    kept = set(Notification.objects.filter(member=bob.member).exclude(kind="onboarding").values_list("pk", flat=True))
    assert kept == {read[0].pk, unread.pk}
    assert Notification.objects.filter(kind="onboarding").count() == 2


def test_of_a_member_no_more_than_so_many_are_kept(bob, alice, inside, give, make_customer, monkeypatch):
    monkeypatch.setattr(services, "MAX_LINES", 3)
    rows = [give(bob, "follow_up_due", make_customer(bob)) for _ in range(5)]
    hers = give(alice, "follow_up_due", make_customer(alice))
    services.purge_old()
    left = set(Notification.objects.exclude(kind="onboarding").values_list("pk", flat=True))
    assert left == {hers.pk, *(row.pk for row in rows[2:])}


def test_the_archive_of_a_person_has_the_lines_about_them_and_erasing_takes_them(bob, alice, give, make_customer):
    customer, other = make_customer(bob, name="Zebulon Quist"), make_customer(bob)
    give(bob, "rule", customer, text="Zebulon asked")
    kept = give(bob, "follow_up_due", other)
    part = next(part for part in personal_data.parts() if part.name == "notifications")
    assert [row["data"] for row in part.export(customer).rows] == [{"text": "Zebulon asked"}]
    part.erase(customer, alice.actor)
    assert list(Notification.objects.exclude(kind="onboarding")) == [kept]


def test_a_text_about_nobody_in_particular_that_names_them_goes_too(bob, alice, inside, lines, give):
    tasks.create(organization=inside, actor=alice.actor, title="Call Zebulon QUIST", assigned_to=bob.user)
    tasks.create(organization=inside, actor=alice.actor, title="Water the flowers", assigned_to=bob.user)
    assert len(lines(bob)) == 2
    sweep_texts(inside, ["quist"])
    assert lines(bob) == ["A task for you: Water the flowers"]
