"""A suspended organization: nobody gets in, what comes in is kept, nothing leaves; what is late is looked at later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.credentials import api_keys, sign_in, tokens
from accounts.models import Organization, User
from accounts.organizations import life
from accounts.organizations import services as organizations
from activity.actor import Actor
from activity.dispatch import dispatch_due
from activity.models import Event
from core.refused import Invalid
from core.tenancy import every_organization, organization_scope
from customers.models import TaskReminder
from customers.work.calendar import feeds
from customers.work.tasks import reminders
from customers.work.tasks import services as tasks
from messaging.delivery import late, rates, sending
from messaging.delivery import queue as outbound
from messaging.delivery.request import QUEUE
from messaging.files import links
from messaging.inbox import live_updates
from messaging.intake import inbound
from messaging.models import MediaFile, Message
from tests.conftest import PASSWORD
from tests.messaging.intake.test_inbound import a_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return Actor.for_user(User.objects.create_superuser("root@installation.example", PASSWORD))


@pytest.fixture
def suspend(alice, operator):
    def do(reason: str = "The bill of March"):
        return life.suspend(organization=alice.organization, actor=operator, reason=reason)

    return do


def current(message: Message) -> Message:
    with every_organization("the test looks"):
        return Message.objects.get(pk=message.pk)


def types_of(organization: Organization) -> list[str]:
    with organization_scope(organization):
        return list(Event.objects.filter(type__startswith="organization.").values_list("type", flat=True))


def test_nobody_gets_in_and_learns_why(alice, bob, suspend):
    page, api = bob.client, bob.api
    assert page.get(bob.url("inbox/")).status_code == 200
    assert api.get("/api/v1/customers").status_code == 200
    suspend()
    for address in (bob.url(""), bob.url("inbox/"), "/"):
        answer = page.get(address)
        assert answer.status_code == 403
        assert "Harbour Clinic is suspended" in answer.content.decode()
        assert "The bill of March" not in answer.content.decode()
    part = bob.htmx.get(bob.url("inbox/"))
    assert part.status_code == 204
    assert part.headers["HX-Redirect"] == bob.url("")
    answer = api.get("/api/v1/customers")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "organization_suspended"


def test_keys_sessions_and_fresh_tokens_are_refused_by_the_same_code(alice, suspend):
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(member=alice.member, name="old", actor=alice.actor)
    pair = tokens.begin(member=alice.member)
    suspend()
    by_key = APIClient(headers={"X-API-Key": secret}).get("/api/v1/customers")
    by_session = alice.client.get("/api/v1/customers")
    login = APIClient().post("/api/v1/auth/login", {"email": alice.user.email, "password": PASSWORD}, format="json")
    fresh = APIClient().post("/api/v1/auth/refresh", {"refresh_token": pair.refresh_token}, format="json")
    for answer in (by_key, by_session, login, fresh):
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["code"] == "organization_suspended"
    # The refresh token is as good as it was once it goes on.
    with every_organization("the test resumes"):
        life.resume(organization=alice.organization, actor=Actor.for_user(User.objects.get(is_superuser=True)))
    again = APIClient().post("/api/v1/auth/refresh", {"refresh_token": pair.refresh_token}, format="json")
    assert again.status_code == 200
    assert APIClient(headers={"X-API-Key": secret}).get("/api/v1/customers").status_code == 200


def test_strangers_learn_nothing(alice, charlie, suspend):
    suspend()
    assert charlie.client.get(alice.url("")).status_code == 404
    assert charlie.client.get(charlie.url("")).status_code == 200


def test_who_belongs_elsewhere_works_there(alice, charlie, suspend):
    with organization_scope(charlie.organization):
        organizations.add_member(
            organization=charlie.organization, user=alice.user, role_key="counselor", actor=charlie.actor
        )
    suspend()
    assert alice.client.get("/").headers["Location"].startswith(f"/o/{charlie.organization.slug}/")
    assert alice.client.get(alice.url("")).status_code == 403


def test_streams_calendars_and_files_end(alice, bob, suspend):
    client = bob.client
    watcher = live_updates.Credentials(
        member_id=bob.member.pk, organization_id=bob.organization.pk,
        session_key=client.session.session_key, session_hash=bob.user.get_session_auth_hash(),
    )  # fmt: skip
    with organization_scope(alice.organization):
        secret = feeds.issue(member=bob.member, actor=bob.actor)
        file = MediaFile(organization=alice.organization, content_type="image/png", name="a.png", size=1)
        file.content.save("a.png", ContentFile(b"x"))
    assert live_updates.look(bob.organization.pk, [watcher], []) == [""]
    assert Client().get(f"/calendar/{secret}.ics").status_code == 200
    assert Client().get(links.file_path(file)).status_code == 200
    before = types_of(alice.organization)
    suspend()
    # The signal that makes streams look is the event's.
    assert set(types_of(alice.organization)) - set(before) == {"organization.suspended"}
    assert live_updates.look(bob.organization.pk, [watcher], []) == [None]
    assert Client().get(f"/calendar/{secret}.ics").status_code == 404
    assert Client().get(links.file_path(file)).status_code == 404


def test_the_door_asks_as_many_queries_as_before(alice, suspend, django_assert_max_num_queries):
    client = alice.client
    suspend()
    with django_assert_max_num_queries(5):
        assert client.get(alice.url("inbox/")).status_code == 403


def test_nothing_leaves_and_what_is_late_is_put_before_a_person(alice, operator, make_conversation, suspend):
    conversation = make_conversation(kind="sms")
    with organization_scope(alice.organization):
        message = outbound.queue_message(conversation=conversation, actor=alice.actor, body="See you at nine")
        soon = outbound.queue_message(
            conversation=conversation, actor=alice.actor, body="Later", not_before_at=timezone.now() + timedelta(days=2)
        )
    suspend()
    assert sending.deliver_due() == 0
    assert current(message).status == Message.Status.QUEUED
    with every_organization("time passes"):
        Message.objects.filter(pk=message.pk).update(due_at=timezone.now() - late.LATE_AFTER - timedelta(seconds=1))
    life.resume(organization=alice.organization, actor=operator)
    # Before anything else could be done, it does not leave by itself.
    assert current(message).due_at is None
    sending.deliver_due()
    assert current(message).status == Message.Status.QUEUED
    dispatch_due()
    seen = current(message)
    assert (seen.status, seen.error_code, seen.can_retry) == (Message.Status.FAILED, late.CODE, True)
    assert current(soon).status == Message.Status.QUEUED
    assert current(soon).due_at is not None


def test_what_is_late_by_minutes_leaves_as_after_any_outage(alice, operator, make_conversation, suspend):
    with organization_scope(alice.organization):
        thread = make_conversation(kind="sms")
        message = outbound.queue_message(conversation=thread, actor=alice.actor, body="See you at nine")
    suspend()
    life.resume(organization=alice.organization, actor=operator)
    sending.deliver_due()
    assert current(message).status in {Message.Status.SENT, Message.Status.DELIVERED}


def test_a_message_that_was_claimed_in_the_moment_does_not_leave(alice, make_conversation, suspend):
    with organization_scope(alice.organization):
        thread = make_conversation(kind="sms")
        message = outbound.queue_message(conversation=thread, actor=alice.actor, body="See you at nine")
    [paced] = rates.claim_paced()
    suspend()
    QUEUE.do(paced.message)
    assert current(message).request_began_at is None
    assert current(message).status == Message.Status.SENDING


def test_what_comes_in_is_kept(alice, make_conversation, suspend):
    conversation = make_conversation(kind="sms")
    suspend()
    with organization_scope(alice.organization):
        channel = conversation.channel
        received = inbound.receive(channel=channel, received=a_message(1, to=channel.address), received_at=None)
    assert current(received).body == "Hello"


def test_the_queues_of_what_happens_stand_still(alice, bob, operator, suspend):
    now = timezone.now()
    with organization_scope(alice.organization):
        task = tasks.create(
            organization=alice.organization, actor=alice.actor, title="Call", assigned_to=bob.user,
            due_at=now + timedelta(hours=2), remind_at=now + timedelta(hours=1),
        )  # fmt: skip
        TaskReminder.objects.filter(task=task).update(due_at=now - timedelta(minutes=1))
    suspend()
    assert reminders.remind_due() == 0
    assert dispatch_due() == 0
    assert mail.outbox == []
    life.resume(organization=alice.organization, actor=operator)
    assert reminders.remind_due() == 1


def test_nobody_is_reminded_of_what_was_due_days_ago(alice, bob, operator, suspend):
    now = timezone.now()
    with organization_scope(alice.organization):
        task = tasks.create(
            organization=alice.organization, actor=alice.actor, title="Call", assigned_to=bob.user,
            due_at=now + timedelta(hours=2), remind_at=now + timedelta(hours=1),
        )  # fmt: skip
        TaskReminder.objects.filter(task=task).update(due_at=now - timedelta(days=2))
    suspend()
    life.resume(organization=alice.organization, actor=operator)
    assert reminders.remind_due() == 0
    assert mail.outbox == []


def test_only_the_operator_suspends_and_says_why(alice, charlie, operator):
    for who in (alice, charlie):
        with pytest.raises(life.OperatorsOnly) as refused:
            life.suspend(organization=alice.organization, actor=who.actor, reason="x")
        assert refused.value.status == 403
    with pytest.raises(Invalid) as invalid:
        life.suspend(organization=alice.organization, actor=operator, reason=" ")
    assert invalid.value.field == "reason"
    life.suspend(organization=alice.organization, actor=operator, reason="The bill")
    with pytest.raises(life.NotPossible):
        life.suspend(organization=alice.organization, actor=operator, reason="The bill")
    life.resume(organization=alice.organization, actor=operator)
    with pytest.raises(life.NotPossible):
        life.resume(organization=alice.organization, actor=operator)
    assert sign_in.memberships(alice.user)
