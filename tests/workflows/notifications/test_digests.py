"""The mail to who is away: once for a line, not while they are here or want quiet, and twice to nobody."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from accounts.models import Member
from activity import installation
from core.tenancy import every_organization
from customers.models import Customer
from workflows.models import Notification, NotificationDigest
from workflows.notifications import digests, preferences, services

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def away(alice: Any, bob: Any, inside: Any, settings: Any) -> None:
    """Nobody was here lately, and no line is there yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Notification.objects.all().delete()
    Member.objects.update(last_seen_at=timezone.now() - timedelta(hours=3))


def send(*, is_due: bool = True) -> list[Any]:
    """What the worker mails now; `is_due`: the time to wait is over for everybody who waits."""
    mail.outbox.clear()
    if is_due:
        NotificationDigest.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    with every_organization("the worker looks for all"):
        digests.send_due()
    return list(mail.outbox)


def test_one_mail_has_the_lines_with_links_and_nothing_that_a_customer_wrote(bob, give, make_customer):
    rows = [give(bob, "message", make_customer(bob, name="Ada"), channel="whatsapp")]
    rows.append(give(bob, "follow_up_due", make_customer(bob, name="Eve")))
    [sent] = send()
    assert (sent.to, sent.subject) == ([bob.user.email], "2 things wait for you at Harbour Clinic")
    for text in ("Ada wrote", "Get back to Eve", *(f"/o/harbour-clinic/notifications/{row.pk}/" for row in rows)):
        assert text in sent.body
    assert "account/notifications/" in sent.body
    assert NotificationDigest.objects.get().due_at is None


def test_a_line_is_mailed_once_and_again_only_when_it_was_read_between(bob, give, make_customer):
    customer = make_customer(bob, name="Ada")
    give(bob, "follow_up_due", customer)
    assert len(send()) == 1
    give(bob, "follow_up_due", customer)
    assert send() == []
    row = Notification.objects.get()
    services.read(member=bob.member, line=row)
    give(bob, "follow_up_due", customer)
    assert len(send()) == 1


def test_only_kinds_that_are_wanted_by_mail(bob, inside, give, make_customer):
    give(bob, "job", kind="x", status="done")
    assert not NotificationDigest.objects.exists()
    preferences.change(organization=inside, member=bob.member, actor=bob.actor, ways={"follow_up_due": ["page"]})
    give(bob, "follow_up_due", make_customer(bob))
    assert send() == []


def test_not_what_may_not_be_seen_any_more_and_not_what_was_read(bob, alice, give, make_customer):
    lost, read = make_customer(bob), make_customer(bob)
    give(bob, "follow_up_due", lost)
    services.read(member=bob.member, line=give(bob, "follow_up_due", read))
    Customer.objects.filter(pk=lost.pk).update(assigned_to=alice.user)
    assert send() == []


def test_it_waits_before_it_looks_and_while_somebody_is_here(bob, give, make_customer, settings):
    give(bob, "follow_up_due", make_customer(bob))
    assert send(is_due=False) == []
    wait = timedelta(minutes=settings.NOTIFICATION_MAIL_AFTER_MINUTES)
    assert timedelta(0) < NotificationDigest.objects.get().due_at - timezone.now() <= wait
    seen = timezone.now() - timedelta(minutes=10)
    Member.objects.update(last_seen_at=seen)
    assert send() == []
    assert NotificationDigest.objects.get().due_at == seen + wait
    Member.objects.update(last_seen_at=timezone.now() - wait)
    assert len(send()) == 1


def test_quiet_hours_put_it_off(bob, inside, give, make_customer):
    local = timezone.now().astimezone(inside.zone)
    ends = (local + timedelta(hours=2)).replace(second=0, microsecond=0)
    begins = (local - timedelta(hours=2)).time().replace(second=0, microsecond=0)
    quiet = {"quiet": "times", "quiet_from": begins, "quiet_until": ends.time()}
    preferences.change(organization=inside, member=bob.member, actor=bob.actor, quiet=quiet)
    give(bob, "follow_up_due", make_customer(bob))
    assert send() == []
    assert NotificationDigest.objects.get().due_at == ends
    preferences.change(organization=inside, member=bob.member, actor=bob.actor, quiet={"quiet": "never"})
    assert len(send()) == 1


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ((21, 0), (2, 7, 30)), ((2, 0), (1, 7, 30)), ((7, 30), None), ((19, 59), None), ((20, 0), (2, 7, 30)),
    ],
)  # fmt: skip
def test_quiet_over_midnight(at, ends):
    quiet = preferences.QuietHours("times", time(20), time(7, 30))
    moment = datetime(2026, 12, 1, *at, tzinfo=UTC)
    found = quiet.until(moment, ZoneInfo("UTC"), lambda: None)
    assert found == (None if ends is None else datetime(2026, 12, ends[0], *ends[1:], tzinfo=UTC))


def test_who_left_and_who_is_no_person_is_mailed_nothing(bob, give, make_customer):
    give(bob, "follow_up_due", make_customer(bob))
    Member.objects.filter(pk=bob.member.pk).update(is_active=False)
    assert send() == []
    assert NotificationDigest.objects.get().due_at is None


def test_a_worker_that_dies_before_it_sends_mails_nobody_twice(bob, give, make_customer, monkeypatch):
    give(bob, "follow_up_due", make_customer(bob))

    class Killed(BaseException):
        pass

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(digests, "_mail", die)
        with pytest.raises(Killed):
            send()
    assert send() == []
    assert Notification.objects.get().mailed_at is not None


def test_what_the_server_refuses_is_tried_again(bob, give, make_customer, monkeypatch):
    give(bob, "follow_up_due", make_customer(bob))

    def refuse(*_args: object) -> int:
        raise smtplib.SMTPResponseException(451, b"Later")

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", refuse)
        assert send() == []
    row = NotificationDigest.objects.get()
    assert (row.due_at > timezone.now(), "451" in row.last_error) == (True, True)
    assert Notification.objects.get().mailed_at is None
    assert len(send()) == 1


def test_a_server_that_is_away_is_asked_again_and_not_for_ever(bob, give, make_customer, monkeypatch):
    give(bob, "follow_up_due", make_customer(bob))

    def away(*_args: object) -> bool:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", away)
        for _time in range(len(digests.RETRY_AFTER) + 1):
            assert send() == []
    row = NotificationDigest.objects.get()
    assert (row.due_at, "ConnectionRefusedError" in row.last_error) == (None, True)
    give(bob, "follow_up_due", make_customer(bob))
    [sent] = send()
    assert sent.subject.startswith("2 things")


def test_a_restored_copy_mails_nobody(bob, give, make_customer, monkeypatch):
    give(bob, "follow_up_due", make_customer(bob))
    with monkeypatch.context() as patch:
        patch.setattr(installation, "is_held", lambda: True)
        assert send() == []
    assert digests.cancel_in_copy(False, timezone.now()) == 1
    assert send() == []


@pytest.mark.parametrize("rows", [1, 60])
def test_a_mail_takes_the_same_queries_for_any_number_of_lines(
    bob, inside, give, make_customer, rows, django_assert_max_num_queries
):
    customer = make_customer(bob)
    give(bob, "follow_up_due", customer)
    Notification.objects.bulk_create(
        Notification(
            organization=inside, member=bob.member, kind="follow_up_due", subject_id=customer.pk, customer=customer,
            group=str(number),
        )
        for number in range(rows - 1)
    )  # fmt: skip
    NotificationDigest.objects.update(due_at=timezone.now())
    with django_assert_max_num_queries(18), every_organization("the worker looks for all"):
        digests.send_due()
    assert (f"And {rows - 20} more." in mail.outbox[0].body) == (rows > 20)
