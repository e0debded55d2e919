"""Reminders of tasks: kept in step, sent once, also where a worker dies or two work at once."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.members import services as members
from activity.models import Event
from core.claims import claim
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Task, TaskReminder
from customers.people.customers import services as customers
from customers.work.tasks import reminders
from customers.work.tasks import services as tasks
from tests.messaging.conftest import in_threads, make_due


@pytest.fixture
def make_task(alice, bob):
    def make(**fields):
        now = timezone.now()
        given = {"title": "Call Mrs Hale", "assigned_to": bob.user, "due_at": now + timedelta(hours=2),
                 "remind_at": now + timedelta(hours=1), **fields}  # fmt: skip
        with organization_scope(alice.organization):
            return tasks.create(organization=alice.organization, actor=alice.actor, **given)

    return make


def change(alice, task, **changes):
    with organization_scope(alice.organization):
        return tasks.update(task=Task.objects.get(pk=task.pk), actor=alice.actor, changes=changes)


def waiting(alice):
    with organization_scope(alice.organization):
        return list(TaskReminder.objects.filter(due_at__isnull=False))


def reminded(alice):
    with organization_scope(alice.organization):
        return Event.objects.filter(type=events.TASK_REMINDED).count()


def work():
    make_due(TaskReminder)
    return reminders.remind_due()


def test_a_mail_once_with_the_link(alice, bob, make_task):
    task = make_task()
    assert reminders.remind_due() == 0  # not yet
    assert work() == 1
    (sent,) = mail.outbox
    assert sent.to == [bob.user.email]
    assert f"http://testserver/o/{alice.organization.slug}/tasks/{task.pk}/" in sent.body
    assert "Call Mrs Hale" in sent.body
    assert "Hale" not in sent.subject
    assert work() == 0
    assert reminded(alice) == len(mail.outbox) == 1


def test_kept_in_step(alice, make_task):
    task = make_task()
    (row,) = waiting(alice)
    assert row.due_at == task.remind_at
    later = task.remind_at + timedelta(minutes=30)
    change(alice, task, remind_at=later)
    assert waiting(alice)[0].due_at == later
    change(alice, task, title="Call Mr Hale")
    assert waiting(alice)[0].due_at == later
    change(alice, task, status="done")
    assert waiting(alice) == []
    change(alice, task, status="open")
    assert len(waiting(alice)) == 1
    change(alice, task, assigned_to=None)
    assert waiting(alice) == []
    change(alice, task, remind_at=None)
    assert waiting(alice) == []


def test_what_went_out_goes_out_again_for_another_time_only(alice, make_task):
    task = make_task()
    work()
    change(alice, task, title="Call soon")
    assert work() == 0
    change(alice, task, remind_at=timezone.now() + timedelta(hours=3))
    assert work() == 1
    assert len(mail.outbox) == 2


def test_the_next_of_a_recurring_one_reminds_too(alice, make_task):
    now = timezone.now()
    task = make_task(due_at=now + timedelta(hours=2), repeat_unit="day")
    change(alice, task, status="done")
    (row,) = waiting(alice)
    assert row.task_id != task.pk
    assert timedelta(hours=22) < row.due_at - now < timedelta(hours=27)


def test_who_left_or_does_not_see_the_customer_is_not_reminded(alice, bob, make_task, make_customer):
    customer = make_customer(bob)
    with_customer = make_task(customer=customer)
    with organization_scope(alice.organization):
        customers.assign(customer=customer, owner=alice.user, actor=alice.actor)
    assert work() == 1
    assert mail.outbox == []
    make_task()
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert work() == 1
    assert mail.outbox == []
    assert reminded(alice) == 0
    assert waiting(alice) == []
    assert with_customer.pk


def test_a_worker_that_dies_before_it_sent_leaves_it_to_another(alice, make_task):
    make_task()
    make_due(TaskReminder)
    with every_organization("a worker claims, and dies"):
        (row,) = claim(TaskReminder.objects.all(), limit=1, lease=reminders.LEASE)
    assert reminders.remind_due() == 0  # its lease runs
    make_due(TaskReminder)
    assert reminders.remind_due() == 1
    assert len(mail.outbox) == 1
    # It comes back, and its claim is nobody's any more.
    with organization_scope(alice.organization):
        reminders._remind(row)
    assert len(mail.outbox) == reminded(alice) == 1


def test_a_worker_that_dies_while_it_sends_sends_none_rather_than_two(alice, make_task, monkeypatch):
    make_task()

    def fail(*args):
        raise RuntimeError("killed")

    monkeypatch.setattr(reminders, "_mail", fail)
    assert work() == 1
    monkeypatch.undo()
    assert work() == 0
    assert mail.outbox == []
    assert reminded(alice) == 1


class Server:
    """A mail server that fails: at the door, or when it is handed the mail."""

    def __init__(self, *, opening=None, sending=None):
        self.opening, self.sending = opening, sending

    def open(self):
        if self.opening:
            raise self.opening

    def close(self):
        pass

    def send_messages(self, messages):
        raise self.sending


@pytest.mark.parametrize(
    "server",
    [
        Server(opening=ConnectionRefusedError("nobody there")),
        Server(opening=smtplib.SMTPAuthenticationError(535, b"who are you")),
        Server(sending=smtplib.SMTPSenderRefused(451, b"later", "parley@example.com")),
        Server(sending=smtplib.SMTPRecipientsRefused({"bob@harbour.example": (450, b"later")})),
    ],
    ids=["not there", "no entry", "sender refused", "recipient refused"],
)
def test_what_did_not_go_out_is_tried_again_and_reported_once(alice, make_task, monkeypatch, server):
    make_task()
    with monkeypatch.context() as patched:
        patched.setattr(reminders, "get_connection", lambda: server)
        assert work() == 1
        (row,) = waiting(alice)
        assert timedelta(seconds=50) < row.due_at - timezone.now() < timedelta(seconds=70)
        assert row.sent_at is None
        assert work() == 1
        assert waiting(alice)[0].due_at - timezone.now() > timedelta(minutes=4)
    assert work() == 1
    assert len(mail.outbox) == reminded(alice) == 1
    assert work() == 0


def test_a_server_that_stays_away_is_not_asked_for_ever(alice, make_task, monkeypatch):
    make_task()
    monkeypatch.setattr(reminders, "get_connection", lambda: Server(opening=TimeoutError()))
    assert [work() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert waiting(alice) == []
    assert reminded(alice) == 0


def test_a_connection_that_breaks_while_sending_may_have_sent(alice, make_task, monkeypatch):
    make_task()
    monkeypatch.setattr(reminders, "get_connection", lambda: Server(sending=smtplib.SMTPServerDisconnected()))
    assert work() == 1
    assert work() == 0
    assert waiting(alice) == []


def test_done_while_it_was_being_sent(alice, make_task):
    task = make_task()
    make_due(TaskReminder)
    with every_organization("a worker claims"):
        (row,) = claim(TaskReminder.objects.all(), limit=1, lease=reminders.LEASE)
    change(alice, task, status="done")
    with organization_scope(alice.organization):
        reminders._remind(row)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_each(alice, make_task):
    for number in range(6):
        make_task(title=f"Task {number}")
    make_due(TaskReminder)
    if connection.vendor == "sqlite":
        # One connection at a time writes: what is left to show is that a second sweep finds nothing.
        reminders.remind_due()
        reminders.remind_due()
    else:
        in_threads(lambda number: reminders.remind_due(), 3)
    assert len(mail.outbox) == reminded(alice) == 6
