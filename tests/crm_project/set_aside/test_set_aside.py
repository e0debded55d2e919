"""What was set aside, of every queue on one page: by ids, tried again by each queue's own way, or given up."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Invitation, Role, SecurityNotice, User
from activity.actor import SYSTEM, Actor
from activity.dispatch import set_aside as set_event_aside
from activity.jobs import WENT_WRONG
from activity.models import Event, Job
from core import queues
from core.refused import Invalid
from core.tenancy import every_organization, organization_scope
from crm_project.doctor import waiting
from crm_project.queues import declared
from crm_project.set_aside import services
from messaging.models import Arrival, Channel, Mailbox, Reconciliation
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return User.objects.create_superuser("root@installation.example", PASSWORD)


@pytest.fixture
def one_of_each(alice, charlie):
    """A set-aside row of several queues."""
    now = timezone.now()
    with organization_scope(alice.organization):
        event = Event.objects.order_by("pk").first()
        event.claim_token = uuid.uuid4()
        Event.objects.filter(pk=event.pk).update(claim_token=event.claim_token)
        set_event_aside(event, "messaging.thank: ValueError: Mrs Hale, +44 7700 900123")
        job = Job.objects.create(
            organization=alice.organization, kind="audit.check", status=Job.Status.FAILED, error=WENT_WRONG,
            finished_at=now, attempts=5,
        )  # fmt: skip
        Invitation.objects.create(
            organization=alice.organization, email="x@y.example", role=Role.objects.first(), token_hash="x",
            expires_at=now + timedelta(days=1), last_error="SMTPException: no", attempts=5,
        )  # fmt: skip
    Arrival.objects.create(key="k", provider="test", kind="sms", type="message", body=b"", state="set_aside",
                           last_error="InvalidPayload: From", organization=alice.organization)  # fmt: skip
    SecurityNotice.objects.create(user=charlie.user, kind="new_device", last_error=queues.KILLED)
    return job


def keys() -> list[str]:
    return [row.key for section in services.sections() for row in section.rows]


def test_every_queue_is_shown_or_is_a_matter_of_the_organization():
    for queue in declared():
        assert (queue.for_operators is None) != (queue.for_members is None), queue.name
        if queue.for_operators is not None:
            fields = {field.name for field in queue.model._meta.fields}
            assert {queue.for_operators.since, queue.for_operators.error} <= fields


def test_it_is_listed_without_what_is_in_it(one_of_each, root, alice, client):
    client.force_login(root)
    page = client.get("/admin/set-aside/").content.decode()
    for queue in ("events", "inbound", "invitations", "jobs", "security notices"):
        assert f"{queue} (1)" in page
    assert "messaging.thank: ValueError" in page
    assert alice.organization.slug in page
    for secret in ("Hale", "7700", "x@y.example"):
        assert secret not in page


def test_all_are_tried_again_with_no_attempt_counted(one_of_each, root):
    every = keys()
    assert len(every) == 5
    # The inbound one has no channel: it stays, and is said to.
    assert services.retry(keys=every, actor=Actor.for_user(root)) == (4, 1)
    assert [key.partition(":")[0] for key in keys()] == ["inbound"]
    with every_organization("the test looks"):
        job = Job.objects.get(pk=one_of_each.pk)
        assert (job.status, job.attempts, job.error, job.finished_at) == (Job.Status.QUEUED, 0, "", None)
        assert job.due_at is not None
        assert Event.objects.get(
            dispatch_state=Event.DispatchState.PENDING, last_error="", attempts=0, due_at__gt=job.created_at
        )
        assert Invitation.objects.get().due_at is not None
    assert SecurityNotice.objects.get().due_at is not None
    # A second click finds nothing to do.
    assert services.retry(keys=every, actor=Actor.for_user(root)) == (0, 5)


def test_given_up_with_a_reason_that_the_organization_can_read(one_of_each, root, alice):
    every = keys()
    with pytest.raises(Invalid) as refused:
        services.give_up(keys=every, reason=" ", actor=Actor.for_user(root))
    assert refused.value.field == "reason"
    assert len(keys()) == 5
    assert services.give_up(keys=every, reason="Of a test in June", actor=Actor.for_user(root)) == (5, 0)
    assert keys() == []
    with organization_scope(alice.organization):
        given_up = Event.objects.filter(type="work.given_up")
        assert {event.payload["queue"] for event in given_up} == {"events", "inbound", "invitations", "jobs"}
        assert {event.payload["reason"] for event in given_up} == {"Of a test in June"}


def test_the_page_does_both_and_only_for_superusers(one_of_each, root, alice, client):
    client.force_login(root)
    job = next(key for key in keys() if key.startswith("jobs:"))
    assert b"Choose what" in client.post("/admin/set-aside/", {"action": "retry"}, follow=True).content
    wrong = ["jobs:x", "nothing:1", "security notices:x", "jobs:" + "9" * 40]
    answer = client.post("/admin/set-aside/", {"action": "retry", "row": [job, *wrong]}, follow=True)
    assert b"1 are tried again" in answer.content
    assert b"4 were left" in answer.content
    for who in (alice,):
        User.objects.filter(pk=who.user.pk).update(is_staff=True)
        assert who.client.get("/admin/set-aside/").status_code == 403
        assert who.client.post("/admin/set-aside/", {"action": "retry", "row": keys()}).status_code == 403


def test_the_doctor_tells_of_every_queue(one_of_each):
    assert {line.key for line in waiting.set_aside()} == {
        "arrivals",
        "events",
        "invitations",
        "jobs",
        "security notices",
    }


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries(root, alice, client, rows, django_assert_max_num_queries):
    with organization_scope(alice.organization):
        for _ in range(rows):
            Job.objects.create(organization=alice.organization, kind="x", status="failed", error=WENT_WRONG)
    client.force_login(root)
    with django_assert_max_num_queries(22):
        assert client.get("/admin/set-aside/").status_code == 200


def test_a_colon_heavy_error_is_read_in_time():
    assert services.kind_of("a: " * 100_000) == "a: a: a: a"
    assert "log of the worker" in services.kind_of("Mrs Hale said no")
    assert SYSTEM is not None


def test_what_organizations_decide_is_listed_with_where_and_how_many(root, alice, charlie, client):
    """Six queues whose rows nobody starts again here: each is named, with the way to its rows."""
    with organization_scope(alice.organization):
        channel = Channel.objects.filter(kind="email").first()
        Mailbox.objects.create(organization=alice.organization, channel=channel, last_error=queues.KILLED)
        range_ = {"since": timezone.now() - timedelta(days=2), "until": timezone.now() - timedelta(days=1)}
        for created, state in ((3, "failed"), (2, "done"), (1, "failed")):
            Reconciliation.objects.create(
                organization=alice.organization, channel=channel, state=state, **range_,
                created_at=timezone.now() - timedelta(days=created),
            )  # fmt: skip
    listed = {one.queue: one for one in services.of_members()}
    assert {queue.name for queue in declared() if queue.for_operators is None} == listed.keys()
    found = {name: (one.count, one.organizations) for name, one in listed.items()}
    slug = alice.organization.slug
    assert found == {
        "outbound": (None, []), "unconfirmed": (None, []), "files": (None, []),
        "mailboxes": (1, [slug]), "catching up": (1, [slug]), "provider templates": (0, []),
    }  # fmt: skip
    client.force_login(root)
    page = client.get("/admin/set-aside/").content.decode()
    for one in listed.values():
        assert one.where in page
        assert one.url.replace("&", "&amp;") in page
        assert client.get(one.url).status_code == 200
    mailboxes = client.get(listed["mailboxes"].url).content.decode()
    assert "1 mailbox" in mailboxes


def test_the_list_takes_the_same_queries_for_many_rows(alice, django_assert_max_num_queries):
    with organization_scope(alice.organization):
        channel = Channel.objects.filter(kind="email").first()
        for day in range(5):
            since = timezone.now() - timedelta(days=day + 2)
            Reconciliation.objects.create(
                organization=alice.organization, channel=channel, state="failed", since=since, until=timezone.now()
            )
    with django_assert_max_num_queries(6):
        services.of_members()
