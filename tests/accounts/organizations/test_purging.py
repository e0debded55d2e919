"""Deleting an organization: hidden at once, restored whole; after 30 days nothing of it is left, and all of others."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.files.base import ContentFile
from django.db import connection, models
from django.utils import timezone

from accounts.credentials import notices
from accounts.impersonation import services as impersonation
from accounts.models import (
    Impersonation,
    Member,
    Organization,
    OrganizationDeletion,
    ScimFailure,
    ScimGroup,
    ScimUser,
    User,
)
from accounts.organizations import life, purging
from accounts.organizations import services as organizations
from activity import installation
from activity.actor import Actor
from activity.audit import sealing
from activity.dispatch import dispatch_due
from activity.models import Event
from core.refused import Invalid
from core.tenancy import every_organization, organization_scope
from crm_project.demo import loader
from customers.people.customers import services as customers
from messaging.inbound_deliveries.store import store
from messaging.models import Arrival, Channel, MediaFile
from tests.accounts.impersonation.conftest import act_as
from tests.accounts.scim.conftest import connect
from tests.conftest import PASSWORD, Person
from workflows.models import WorkflowRun
from workflows.rules import services as workflows

pytestmark = pytest.mark.django_db

OURS = {"accounts", "activity", "customers", "messaging", "workflows", "analytics"}
# What is the whole installation's, and goes on while an organization goes.
OF_ALL = {"accounts.OrganizationDeletion", "accounts.SecurityNotice", "activity.Heartbeat", "activity.ProcessFigures"}


@pytest.fixture
def root():
    return User.objects.create_superuser("root@installation.example", PASSWORD)


@pytest.fixture
def operator(root):
    return Actor.for_user(root)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DATA_DIR = tmp_path


def delete(organization, operator):
    return life.delete(organization=organization, actor=operator, typed_name=organization.name)


def make_old(row: OrganizationDeletion) -> None:
    long_ago = timezone.now() - timedelta(seconds=1)
    OrganizationDeletion.objects.filter(pk=row.pk).update(purge_at=long_ago, due_at=long_ago)


def tables() -> list[type[models.Model]]:
    every = apps.get_models(include_auto_created=True)
    return [m for m in every if m._meta.app_label in OURS and m._meta.managed and m._meta.label not in OF_ALL]


def digests(without: set[str]) -> dict[str, str]:
    """Each table as it is, but for rows that name one of these ids."""
    results = {}
    with every_organization("the test compares all"):
        for model in tables():
            rows = model._base_manager.order_by("pk").values_list()
            # A sealed value is shown by its place in memory.
            lines = [
                re.sub(" at 0x[0-9a-f]+", "", repr(row)) for row in rows if not {str(value) for value in row} & without
            ]
            results[model._meta.label] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return results


def left_of(organization_id: object) -> dict[str, int]:
    """Rows that name the organization, in any model and whichever column."""
    results = {}
    with every_organization("the test looks for what is left"):
        for model in tables():
            for field in model._meta.local_fields:
                if isinstance(field, models.ForeignKey) and field.related_model is Organization:
                    count = model._base_manager.filter(**{field.attname: organization_id}).count()
                    if count:
                        results[model._meta.label] = count
    return results


@pytest.fixture
def demo(settings):
    settings.DEBUG = True
    return loader.load(size=60, seed=3)


def test_every_model_with_an_organization_is_planned_for():
    planned = {model for model, _path in purging.plan()}
    for model in tables():
        points = {field.related_model for field in model._meta.local_fields if isinstance(field, models.ForeignKey)}
        if Organization in points or (points & planned and model._meta.auto_created):
            assert model in planned, model


def test_nothing_is_left_and_others_stay_row_by_row(demo, charlie, operator):
    """Also on PostgreSQL, whose ledger refuses what was not announced."""
    with organization_scope(charlie.organization):
        customers.create(organization=charlie.organization, actor=charlie.actor, name="Of the school")
    with every_organization("the test gives Charlie's school a member of the demo, and somebody a photo"):
        ours = Member.objects.filter(organization=demo).select_related("user").order_by("pk")
        # Of the demo's people one administers the installation, and would stay anyway.
        guest, gone = [one.user for one in ours if not one.user.is_staff][:2]
        gone.photo.save("", ContentFile(b"a face"))
        for organization in (demo, charlie.organization):
            sealing.seal(organization.pk)
    with organization_scope(charlie.organization):
        organizations.add_member(
            organization=charlie.organization, user=guest, role_key="counselor", actor=charlie.actor
        )
        file = MediaFile(organization=charlie.organization, content_type="image/png", name="a.png", size=1)
        file.content.save("a.png", ContentFile(b"of the school"))
    with organization_scope(demo):
        file = MediaFile(organization=demo, content_type="image/png", name="a.png", size=1)
        file.content.save("a.png", ContentFile(b"of the demo"))
    row = delete(demo, operator)
    make_old(row)
    with every_organization("the test notes what goes"):
        users = {
            str(pk) for pk in ours.exclude(user=guest).exclude(user__is_staff=True).values_list("user_id", flat=True)
        }
        ids = {str(demo.pk), *users}
        for model, path in purging.plan():
            ids |= {str(pk) for pk in model._base_manager.filter(**{path: demo.pk}).values_list("pk", flat=True)}
    before = digests(ids)
    while purging.purge_due():
        pass
    row.refresh_from_db()
    assert row.last_error == ""
    assert row.finished_at is not None
    assert left_of(demo.pk) == {}
    assert not Organization.objects.filter(pk=demo.pk).exists()
    assert not User.objects.filter(pk__in=users).exists()
    assert User.objects.filter(pk=guest.pk).exists()
    changed = {name for name, digest in digests(ids).items() if digest != before[name]}
    assert changed == set()
    contents = [path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert contents == [b"of the school"]
    assert (row.slug, row.requested_by) == (demo.slug, "root@installation.example")
    assert row.name_hash == hashlib.sha256(demo.name.encode()).hexdigest()
    assert row.counts["customers.Customer"] >= 60
    assert row.counts["activity.Event"] > 60
    connection.check_constraints()


def test_in_steps_that_a_killed_worker_does_not_undo(alice, bob, operator, make_customer, monkeypatch):
    for _ in range(7):
        make_customer()
    row = delete(alice.organization, operator)
    make_old(row)
    monkeypatch.setattr(purging, "STEP", 3)
    monkeypatch.setattr(purging, "SLICE_SECONDS", 0.0)
    steps = 0
    while row.finished_at is None:
        assert purging.sweep(purging.QUEUE, seconds=0) == 1
        row.refresh_from_db()
        assert (row.attempts, row.last_error) == (0 if row.finished_at is None else row.attempts, "")
        steps += 1
        assert steps < 500
    assert steps > 20
    assert left_of(alice.organization.pk) == {}
    assert row.counts["customers.Customer"] == 7


def test_what_fails_is_tried_again_and_set_aside_with_why(alice, operator, monkeypatch):
    row = delete(alice.organization, operator)
    make_old(row)

    def fails(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(purging, "_delete_files", fails)
    for attempt in range(1, len(purging.RETRY_AFTER) + 2):
        purging.purge_due()
        row.refresh_from_db()
        assert (row.attempts, "the disk is gone" in row.last_error) == (attempt, True)
        if row.due_at is not None:
            OrganizationDeletion.objects.filter(pk=row.pk).update(due_at=timezone.now())
    assert row.is_set_aside
    monkeypatch.undo()
    assert purging.purge_again(row)
    purging.purge_due()
    assert left_of(alice.organization.pk) == {}


def test_restored_whole_within_the_30_days(alice, bob, operator, root, make_customer):
    make_customer()
    before = digests({str(alice.organization.pk)})
    row = delete(alice.organization, operator)
    assert row.purge_at - row.requested_at == timedelta(days=30)
    assert bob.client.get(bob.url("")).status_code == 404
    assert b"suspended" not in bob.client.get("/").content
    assert bob.api.get("/api/v1/customers").status_code == 401
    assert purging.purge_due() == 0
    notices.send_due()
    assert [(m.to, "deleted" in m.body) for m in mail.outbox] == [([root.email], True)]
    life.restore(organization=alice.organization, actor=operator)
    assert bob.client.get(bob.url("")).status_code == 200
    after = digests({str(alice.organization.pk)})
    assert {name for name in before if before[name] != after[name]} <= {"accounts.User", "accounts.BrowserSession"}
    assert not OrganizationDeletion.objects.exists()
    with pytest.raises(life.NotPossible):
        life.restore(organization=alice.organization, actor=operator)


def test_one_that_was_suspended_is_so_again(alice, operator):
    life.suspend(organization=alice.organization, actor=operator, reason="The bill")
    delete(Organization.objects.get(pk=alice.organization.pk), operator)
    restored = life.restore(organization=alice.organization, actor=operator)
    assert not restored.is_active
    assert restored.suspension_reason == "The bill"


def test_not_once_it_has_begun(alice, operator):
    row = delete(alice.organization, operator)
    make_old(row)
    OrganizationDeletion.objects.filter(pk=row.pk).update(counts={"customers.Customer": 1})
    with pytest.raises(life.NotPossible):
        life.restore(organization=alice.organization, actor=operator)


def test_nothing_is_destroyed_in_a_restored_copy_before_somebody_decides(alice, operator):
    make_old(delete(alice.organization, operator))
    installation.hold("it was restored from a backup")
    assert purging.purge_due() == 0
    # It was restored for this organization, perhaps: until the first row goes there is a way back.
    life.restore(organization=alice.organization, actor=operator)
    assert Organization.objects.get(pk=alice.organization.pk).is_active


def test_a_row_alone_destroys_nothing(alice, operator):
    """Of an organization that is not deleted, whatever the row says."""
    row = delete(alice.organization, operator)
    make_old(row)
    Organization.objects.filter(pk=alice.organization.pk).update(deleted_at=None, is_active=True)
    purging.purge_due()
    row.refresh_from_db()
    assert row.finished_at is None
    assert "nothing was destroyed" in row.last_error
    with organization_scope(alice.organization):
        assert Event.objects.exists()


def test_only_by_its_name_and_by_the_operator(alice, operator):
    with pytest.raises(Invalid) as refused:
        life.delete(organization=alice.organization, actor=operator, typed_name="Harbour")
    assert refused.value.field == "typed_name"
    with pytest.raises(life.OperatorsOnly):
        life.delete(organization=alice.organization, actor=alice.actor, typed_name=alice.organization.name)
    assert Organization.objects.get(pk=alice.organization.pk).is_active


def test_who_runs_the_installation_stays_and_the_log_forgets(alice, bob, operator):
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    LogEntry.objects.log_actions(alice.user.pk, [alice.member], 2, "Changed.")
    row = delete(alice.organization, operator)
    make_old(row)
    purging.purge_due()
    assert User.objects.filter(pk=alice.user.pk).exists()
    assert not User.objects.filter(pk=bob.user.pk).exists()
    assert not LogEntry.objects.filter(object_id=str(alice.member.pk)).exists()
    assert isinstance(alice, Person)


def test_with_what_acts_for_somebody_comes_by_a_directory_or_by_rules(alice, bob, mona, operator, make_customer):
    """The newest kinds of rows point to members and teams from several sides; one of them is open at the moment."""
    browser = act_as(bob, alice)
    act_as(mona, alice)
    directory = connect(alice)
    assert directory.user("zoe@harbour.example", externalId="z").status_code == 201
    assert directory.group("Nurses", members=[{"value": str(bob.member.pk)}]).status_code == 201
    assert directory.get("/Users?filter=nonsense").status_code == 400
    with organization_scope(alice.organization):
        rule = workflows.create(
            organization=alice.organization, actor=alice.actor,
            values={
                "name": "Tag", "trigger_event": "customer.created", "conditions": {}, "is_enabled": True,
                "actions": [{"action": "add_tag", "tag": "new"}],
            },
        )  # fmt: skip
    make_customer()
    dispatch_due()
    with organization_scope(alice.organization):
        assert WorkflowRun.objects.filter(workflow=rule).exists()
        assert Impersonation.objects.count() == 2
        assert all(model.objects.exists() for model in (ScimUser, ScimGroup, ScimFailure))
    row = delete(alice.organization, operator)
    assert browser.get(alice.url("customers/")).status_code == 302
    make_old(row)
    purging.purge_due()
    row.refresh_from_db()
    assert (row.last_error, row.finished_at is None) == ("", False)
    assert left_of(alice.organization.pk) == {}
    assert not User.objects.filter(email="zoe@harbour.example").exists()
    assert browser.get("/").status_code == 302, "the sign-in is gone, and nothing fails"
    assert directory.get("/Users").status_code == 401
    assert impersonation.end_overdue() == 0


def test_deliveries_that_wait_for_a_channel_of_its_account_go_with_it(alice, charlie, operator):
    """They name no organization, and in their bodies stand the people who wrote to it."""
    for person, accounts in ((alice, ("AConly", "ACboth")), (charlie, ("ACboth", ""))):
        with organization_scope(person.organization):
            channels = Channel.objects.filter(organization=person.organization).order_by("created_at")
            for channel, account in zip(channels, accounts, strict=False):
                Channel.objects.filter(pk=channel.pk).update(provider="twilio", account_id=account)
    for number, account in enumerate(("AConly", "AConly", "ACboth", "ACother", "")):
        key = f"waiting:{number}"
        store(key=key, provider="twilio", kind="sms", arrival_type="message", body=b"From", account_id=account)
    row = delete(alice.organization, operator)
    make_old(row)
    purging.purge_due()
    row.refresh_from_db()
    assert (row.last_error, row.finished_at is None) == ("", False)
    assert row.counts["messaging.Arrival"] >= 2
    with every_organization("what has no channel has no organization"):
        assert sorted(Arrival.objects.values_list("account_id", flat=True)) == ["", "ACboth", "ACother"]
