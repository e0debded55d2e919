"""Of every queue: a row that is set aside says why, waits for a person, and goes on when one starts it again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.credentials import notices
from accounts.invitations import services as invitations
from accounts.models import Invitation, OrganizationDeletion, PasswordReset, SecurityNotice
from accounts.organizations import purging
from activity import dispatch
from activity.audit import mailing
from activity.models import AuditHead, Event, Job
from core import queues
from core.claims import Claimable, claim
from core.tenancy import every_organization, organization_scope
from customers.models import Task, TaskReminder
from customers.work.tasks import reminders
from messaging.costs import provider_prices
from messaging.delivery import queue as outbound
from messaging.files import fetching
from messaging.inbound_deliveries.store import store
from messaging.intake import backfill, mailboxes, processing
from messaging.models import Arrival, Attachment, Channel, ContentSync, Mailbox, Message, MessageCost, Reconciliation
from messaging.texts.contents import services as contents
from workflows.models import NotificationDigest, RunWait, Workflow, WorkflowRun
from workflows.notifications import digests
from workflows.rules import waits

pytestmark = pytest.mark.django_db
OLD = timedelta(minutes=1)


@pytest.fixture
def make_row(alice: Any, whatsapp: Channel, queue: Any) -> Callable[[str], Claimable]:
    """A due row of the queue of this name, with what it stands for around it."""
    organization = alice.organization
    base = {"organization": organization, "due_at": timezone.now() - OLD}

    def message(**more: Any) -> Message:
        row: Message = queue("Hello")
        Message.objects.filter(pk=row.pk).update(**base, **more)
        return row

    def arrival() -> Arrival:
        store(key="k", provider="twilio", kind="sms", arrival_type="message", body=b"x", channel=whatsapp)
        return Arrival.objects.get(key="k")

    def event() -> Event:
        row = Event.objects.filter(subject_id=str(message().pk)).first()
        Event.objects.filter(pk=row.pk).update(**base, dispatch_state="pending")
        return row

    def job() -> Job:
        return Job.objects.create(**base, kind="test", actor=alice.actor.as_headers())

    def reminder() -> TaskReminder:
        task = Task.objects.create(organization=organization, title="Call")
        return TaskReminder.objects.create(**base, task=task, remind_at=timezone.now())

    def run_that_waits() -> RunWait:
        rule = Workflow.objects.create(
            organization=organization, name="A rule", trigger_event="message.received", is_enabled=True,
            actions=[{"action": "wait", "minutes": 60}],
        )  # fmt: skip
        run = WorkflowRun.objects.create(
            organization=organization, workflow=rule, version=1, event=event(), status="waiting"
        )
        now = timezone.now()
        return RunWait.objects.create(**base, run=run, path="0", began_at=now - OLD, wakes_at=now - OLD)

    makers: dict[str, Callable[[], Claimable]] = {
        "inbound": arrival,
        "outbound": message,
        "unconfirmed": lambda: message(status="unconfirmed", request_began_at=timezone.now() - OLD),
        "events": event,
        "jobs": job,
        "reminders": reminder,
        "files": lambda: Attachment.objects.create(
            **base, message=message(), content_type="image/png", source_url="https://provider.example/1"
        ),
        "prices": lambda: MessageCost.objects.create(**base, message=message(status="sent")),
        "mailboxes": lambda: Mailbox.objects.create(**base, channel=whatsapp),
        "provider templates": lambda: ContentSync.objects.update_or_create(channel=whatsapp, defaults=base)[0],
        "catching up": lambda: Reconciliation.objects.create(
            **base, channel=whatsapp, since=timezone.now() - OLD, until=timezone.now()
        ),
        "invitations": lambda: Invitation.objects.create(
            **base, email="x@x.example", token_hash="x", expires_at=timezone.now() + OLD
        ),
        "audit heads": lambda: AuditHead.objects.create(**base, position=1, signed_at=timezone.now()),
        "security notices": lambda: SecurityNotice.objects.create(
            user=alice.user, kind=SecurityNotice.Kind.values[0], due_at=base["due_at"]
        ),
        "notification mails": lambda: NotificationDigest.objects.create(**base, member=alice.member),
        "password resets": lambda: PasswordReset.objects.create(email=alice.user.email, due_at=base["due_at"]),
        "runs that wait": run_that_waits,
        "organization deletions": lambda: OrganizationDeletion.objects.create(
            organization_id=organization.pk, slug="x", due_at=base["due_at"], purge_at=base["due_at"]
        ),
    }

    def make(name: str) -> Claimable:
        with organization_scope(organization):
            return makers[name]()

    return make


SHOWN: dict[str, Callable[[Any], tuple[str, str]]] = {
    "inbound": lambda row: (row.state, row.last_error),
    "outbound": lambda row: (row.status, row.error_message),
    "unconfirmed": lambda row: (row.status, row.error_message),
    "events": lambda row: (row.dispatch_state, row.last_error),
    "jobs": lambda row: (row.status, row.error),
    "reminders": lambda row: ("", row.last_error),
    "files": lambda row: (row.state, row.reason),
    "prices": lambda row: (row.source, row.last_error),
    "mailboxes": lambda row: ("", row.last_error),
    "provider templates": lambda row: ("", row.last_error),
    "catching up": lambda row: (row.state, row.error),
    "password resets": lambda row: ("", row.last_error),
    "invitations": lambda row: ("", row.last_error),
    "security notices": lambda row: ("", row.last_error),
    "audit heads": lambda row: ("", row.last_error),
    "notification mails": lambda row: ("", row.last_error),
    "organization deletions": lambda row: ("", row.last_error),
    "runs that wait": lambda row: (row.run.status, row.last_error),
}
# What whoever wanted it wants again, as the first time: a job, a link for a new password.
ASKED_FOR_AGAIN = {"jobs", "password resets"}
STATES = {
    "inbound": "set_aside", "outbound": "failed", "unconfirmed": "unconfirmed", "events": "set_aside",
    "jobs": "failed", "files": "failed", "catching up": "failed", "runs that wait": "held",
}  # fmt: skip
AGAIN: dict[str, Callable[[Any, Any], object]] = {
    "inbound": lambda row, alice: processing.replay(row),
    "outbound": lambda row, alice: outbound.retry(message=row, actor=alice.actor),
    "unconfirmed": lambda row, alice: outbound.retry(message=row, actor=alice.actor),
    "events": lambda row, alice: dispatch.replay(row),
    "reminders": lambda row, alice: reminders.remind_again(row),
    "files": lambda row, alice: fetching.try_again(row),
    "prices": lambda row, alice: provider_prices.QUEUE.for_operators.start_again(row),
    "mailboxes": lambda row, alice: _saved(row),
    "provider templates": lambda row, alice: contents.sync_now(row.channel),
    "invitations": lambda row, alice: _sent_again(row, alice),
    "audit heads": lambda row, alice: mailing.mail_again(head=row),
    "notification mails": lambda row, alice: digests.schedule([alice.member]),
    "organization deletions": lambda row, alice: purging.purge_again(row),
    "runs that wait": lambda row, alice: waits.go_on(run=row.run, actor=alice.actor),
    "security notices": lambda row, alice: notices.send_again(notice=row),
    "catching up": lambda row, alice: backfill.request_backfill(channel=row.channel, actor=alice.actor),
}


def _sent_again(row: Invitation, alice: Any) -> None:
    Invitation.objects.filter(pk=row.pk).update(role=alice.member.role)
    invitations.resend(invitation=row, actor=alice.actor)


def _saved(row: Mailbox) -> None:
    """What saving the channel's page does to a mailbox that is read."""
    row.channel.provider, row.channel.kind, row.channel.credentials = "smtp", "email", {"imap_host": "imap.example"}
    mailboxes.set_up(row.channel)


def test_every_queue_is_tried_here():
    assert set(SHOWN) == {queue.name for queue in queues.every()}
    assert set(AGAIN) == set(SHOWN) - ASKED_FOR_AGAIN


@pytest.mark.parametrize("name", SHOWN)
def test_it_says_why_waits_and_goes_on(name: str, make_row: Any, alice: Any):
    queue = next(one for one in queues.every() if one.name == name)
    made = make_row(name)
    with every_organization("the test works as a worker does"):
        lost = claim(queue.rows().filter(pk=made.pk), limit=1, lease=timedelta(0))[0]
        row = claim(queue.rows().filter(pk=made.pk), limit=1, lease=OLD, **queue.changes)[0]
    assert row.claim_token != lost.claim_token
    queue.set_aside(lost, "The first to come too late.")
    queue.set_aside(row, queues.KILLED)
    with every_organization("the test looks"):
        row = queue.model._base_manager.get(pk=row.pk)
        state, reason = SHOWN[name](row)
        assert (state, row.due_at, row.claim_token, row.lost_claims) == (STATES.get(name, ""), None, None, 0)
        assert reason.startswith(queues.KILLED)
        assert not queue.rows().filter(pk=row.pk, due_at__lte=timezone.now()).exists()
        # And whoever runs the installation has it on their page, where it is for them.
        if queue.for_operators is not None:
            assert queue.for_operators.rows().filter(pk=row.pk).exists()
    if name in AGAIN:
        with organization_scope(alice.organization):
            row = queue.model._base_manager.get(pk=row.pk)
            if hasattr(row, "channel"):
                row.channel = Channel.objects.get(pk=row.channel_id)
            AGAIN[name](row, alice)
        with every_organization("the test looks"):
            assert queue.model._base_manager.filter(due_at__isnull=False, lost_claims=0).exists()
