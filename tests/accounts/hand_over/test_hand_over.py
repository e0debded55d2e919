"""Everything of a leaver goes to a successor, step by step; nothing that somebody else decided is overwritten."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts import grants
from accounts.hand_over import services as hand_over
from accounts.hand_over.parts import PARTS
from accounts.hand_over.queries import belongings, file_before, file_of
from accounts.members import services as members
from accounts.members.authority import Above
from accounts.models import HandedOver, Member, Role
from accounts.roles import services as roles
from activity import jobs
from activity.models import Event, Job
from core.refused import Invalid
from core.tenancy import organization_scope
from customers.models import Customer, Segment
from customers.page import hand_over as customers_hand_over
from customers.people.customers import services as customers
from customers.people.segments import services as segments
from messaging.delivery import queue as outbound
from messaging.models import Conversation
from tests.conftest import join
from workflows.models import WorkflowRun
from workflows.rules import services as workflows
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db


def begin(alice: Any, leaver: Any, successor: Any, **more: Any) -> Job:
    plan = hand_over.plan(
        member=leaver.member,
        successor=successor.user.pk,
        kinds=more.pop("kinds", None),
        choices=more.pop("choices", None),
    )
    return hand_over.start(member=leaver.member, plan=plan, actor=alice.actor, user=alice.user, **more)


def finish(job: Job) -> dict[str, dict[str, int]]:
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error
    return {row["kind"]: row for row in job.result["kinds"]}


def owned(user: Any) -> dict[str, int]:
    member = Member.objects.with_access().get(user=user)
    return {one.part.name: one.count for one in belongings(member) if one.count}


def lines(job: Job, viewer: Any) -> list[list[str]]:
    text = b"".join(file_of(job, viewer.member)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


EVERYTHING = {
    "customers": 1, "conversations": 1, "follow_ups": 1, "deals": 1, "tasks": 1, "queued_messages": 1, "segments": 1,
    "templates": 1, "workflows": 1,
}  # fmt: skip


def test_everything_goes_to_the_successor(alice, bob, tom, inside, things):
    assert owned(bob.user) == EVERYTHING
    result = finish(begin(alice, bob, tom))
    assert owned(bob.user) == {}
    assert owned(tom.user) == EVERYTHING
    assert {kind: row["given"] for kind, row in result.items()} == dict.fromkeys(
        EVERYTHING.keys() - {"conversations", "follow_ups"}, 1
    )
    assert not any(row["unseen"] or row["kept"] for row in result.values())
    assert Conversation.objects.visible_to(tom.member).count() == 1
    for row, name in ((things.won, "owner"), (things.done, "assigned_to")):
        row.refresh_from_db()
        assert getattr(row, name) == bob.user, "what is over stays with who did it"


def test_each_record_and_each_kind_has_its_event(alice, bob, tom, inside, things):
    job = begin(alice, bob, tom)
    finish(job)
    types = set(Event.objects.filter(actor_id=str(alice.user.pk)).values_list("type", flat=True))
    assert types >= {
        "customer.assigned", "deal.updated", "task.updated", "message.author_changed", "segment.saved",
        "template.changed", "workflow.changed",
    }  # fmt: skip
    recorded = Event.objects.filter(type="member.records_handed_over", subject_id=str(bob.member.pk))
    assert sorted(event.payload["kind"] for event in recorded) == sorted(part.name for part in PARTS if part.give)
    assert {(event.payload["given"], event.payload["successor"]) for event in recorded} == {(1, str(tom.user.pk))}


def test_again_there_is_nothing_to_do(alice, bob, tom, inside, things):
    finish(begin(alice, bob, tom))
    changes = Event.objects.exclude(type="job.finished")
    before = changes.count()
    assert finish(begin(alice, bob, tom)) == {}
    assert changes.count() == before


def test_what_somebody_gave_away_meanwhile_stays_so(alice, bob, tom, inside, things, monkeypatch):
    """Between the look and the lock, as two workers do it at once."""
    give = PARTS["customers"].give

    def late(row: Any, handing: Any) -> bool:
        customers.assign(customer=Customer.objects.get(pk=row.pk), owner=alice.user, actor=alice.actor)
        return give(row, handing)

    part = PARTS["customers"]
    monkeypatch.setattr(hand_over, "own_parts", lambda: [replace(part, give=late)])
    result = finish(begin(alice, bob, tom))
    assert (result["customers"]["given"], result["customers"]["kept"]) == (0, 1)
    things.customer.refresh_from_db()
    assert things.customer.assigned_to == alice.user


@pytest.mark.parametrize("name", ["deals", "tasks", "segments", "templates", "queued_messages"])
def test_no_kind_overwrites_another_owner(alice, bob, tom, inside, things, name):
    row = PARTS[name].rows(bob.user).get()
    handing = customers_hand_over.Handing(bob.user, tom.user, alice.actor)
    away = customers_hand_over.Handing(bob.user, alice.user, alice.actor)
    assert PARTS[name].give(row, away)
    assert not PARTS[name].give(row, handing)
    assert PARTS[name].rows(alice.user).filter(pk=row.pk).exists()
    assert not PARTS[name].rows(tom.user).exists()


def test_a_job_that_was_killed_goes_on_where_it_was(alice, bob, tom, inside, make_customer, monkeypatch):
    for _ in range(3):
        make_customer(bob)
    monkeypatch.setattr(hand_over, "STEP", 1)
    job = begin(alice, bob, tom, kinds=["customers"])
    give, calls = customers_hand_over.give_customer, []

    def fails_once(row: Any, handing: Any) -> bool:
        calls.append(row.pk)
        if len(calls) == 2:
            raise RuntimeError("the worker is gone")
        return give(row, handing)

    part = replace(PARTS["customers"], give=fails_once)
    monkeypatch.setattr(hand_over, "own_parts", lambda: [part])
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, job.done) == (Job.Status.RUNNING, 1)
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert finish(job)["customers"]["given"] == 3
    assert HandedOver.objects.filter(job=job).count() == 3
    assert len(calls) == 4, "none is handed over twice"


def test_kinds_and_successors_are_chosen(alice, bob, mona, tom, inside, things):
    choices = {"deals": str(mona.user.pk), "tasks": "leave", "queued_messages": "cancel"}
    job = begin(alice, bob, tom, choices=choices)
    result = finish(job)
    assert things.task.assigned_to == bob.user
    assert owned(bob.user) == {"tasks": 1}
    assert owned(mona.user) == {"deals": 1}
    assert result["queued_messages"]["cancelled"] == 1
    things.message.refresh_from_db()
    assert (things.message.status, things.message.error_message) == ("cancelled", "its author left")
    # Tom, who is not in Mona's team, has the customer: the deal is hers and she does not see it.
    assert result["deals"]["unseen"] == 1


def test_the_list_names_every_record_and_no_formula_runs(alice, bob, tom, mona, inside, things):
    job = begin(alice, bob, tom)
    finish(job)
    rows = {row[0]: row for row in lines(job, alice)}
    code = things.customer.code
    assert rows["Customers"][1:6] == [code, "'=Ada Lovelace", "Bob Reyes", "Tom Okafor", "Handed over"]
    assert rows["Conversations"][5] == "Went along with its customer"
    assert len(rows) == len(EVERYTHING)
    unseen = {row[0]: row for row in lines(job, mona)}
    assert unseen["Customers"][1:3] == ["", ""], "Mona’s team does not reach Tom’s customers"
    HandedOver.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert hand_over.purge_old() == len(EVERYTHING)


def test_a_view_of_the_same_name_gets_another(alice, bob, tom, inside, things):
    segments.create(member=tom.member, actor=tom.actor, name="Mine", filter={})
    finish(begin(alice, bob, tom, kinds=["segments"]))
    assert sorted(Segment.objects.filter(owner=tom.user).values_list("name", flat=True)) == ["Mine", "Mine (Bob Reyes)"]


def test_the_leaver_is_shut_out_in_the_same_stroke(alice, bob, tom, inside, things):
    job = begin(alice, bob, tom, then="remove")
    bob.member.refresh_from_db()
    assert bob.member.removed_at is not None
    finish(job)
    assert owned(tom.user) == EVERYTHING


def test_what_waits_leaves_under_the_successors_name(alice, bob, tom, inside, things):
    finish(begin(alice, bob, tom))
    things.message.refresh_from_db()
    assert (things.message.author, things.message.status) == (tom.user, "queued")
    assert not outbound.waiting_of(bob.user).exists()


def test_who_may_not(alice, bob, mona, tom, inside, things):
    desk = Role.objects.create(
        organization=inside, key="desk", name="Desk", stored_permissions=["users.edit"], stored_reach="all"
    )
    Member.objects.filter(pk=tom.member.pk).update(role=desk)
    with pytest.raises(Above):
        begin(tom, alice, bob)
    with pytest.raises(Above):
        begin(tom, bob, mona)
    with pytest.raises(grants.NotPermitted):
        begin(mona, bob, tom)
    powers = ["users.edit", *bob.member.role.permissions]
    Role.objects.filter(pk=desk.pk).update(stored_permissions=powers, stored_reach="team")
    with pytest.raises(hand_over.NeedsAllReach):
        begin(tom, bob, mona)
    powers.remove("deals.edit")
    Role.objects.filter(pk=desk.pk).update(stored_reach="all", stored_permissions=powers)
    with pytest.raises(Above):
        begin(tom, bob, mona)


def test_a_successor_has_to_be_able_to_look(alice, bob, tom, inside, things):
    blind = Role.objects.create(
        organization=inside, key="blind", name="Blind", stored_permissions=["customers.view"], stored_reach="all"
    )
    Member.objects.filter(pk=tom.member.pk).update(role=blind)
    with pytest.raises(hand_over.CannotReceive) as refused:
        begin(alice, bob, tom)
    assert "deals.view" in str(refused.value)
    begin(alice, bob, tom, kinds=["customers"])


def test_a_successor_is_somebody_else_who_is_here(alice, bob, tom, charlie, inside, things):
    members.deactivate(member=tom.member, actor=alice.actor)
    for other in (bob, tom, charlie):
        with pytest.raises(Invalid) as refused:
            begin(alice, bob, other)
        assert refused.value.field == "successor"
    with pytest.raises(Invalid):
        begin(alice, bob, alice, kinds=["cats"])


def test_who_began_it_has_to_be_allowed_until_the_end(alice, bob, tom, mona, inside, things):
    job = begin(alice, bob, tom)
    members.change(member=mona.member, actor=alice.actor, role=alice.member.role)
    members.change(member=alice.member, actor=mona.actor, role=bob.member.role)
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert owned(bob.user) == EVERYTHING


# What names a user or member and is not handed over, each with the reason.
NOT_HANDED_OVER = {
    "who made it, for good": {
        "customers.Customer.created_by", "customers.Task.created_by", "customers.CustomerFile.uploaded_by",
        "customers.Interaction.author", "customers.Outcome.author", "customers.CustomerImport.created_by",
        "messaging.MediaFile.uploaded_by", "messaging.Reconciliation.asked_by", "activity.Job.created_by",
        "accounts.Invitation.invited_by", "accounts.HandedOver.before", "accounts.HandedOver.after",
        "accounts.ScimConnection.configured_by", "workflows.Workflow.created_by", "workflows.Rehearsal.created_by",
    },
    "it ends with the person's access": {
        "accounts.APIKey.member", "accounts.ProviderLink.member", "accounts.ScimUser.member",
        "accounts.TokenFamily.member",
        "customers.CalendarFeed.member",
        "messaging.Draft.member",
        "accounts.Impersonation.impersonator", "accounts.Impersonation.member",
        "workflows.Notification.member", "workflows.NotificationDigest.member",
        "workflows.NotificationSettings.member", "messaging.Mention.member",
        "customers.TeamTurn.last",
    },
}  # fmt: skip
HANDED_OVER = {
    "customers.Customer.assigned_to", "customers.Deal.owner", "customers.Task.assigned_to", "customers.Segment.owner",
    "messaging.Message.author", "messaging.Template.created_by",
}  # fmt: skip


def test_every_column_that_names_somebody_is_decided_about():
    people = ("accounts.User", "accounts.Member")
    named = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if any(field.name == "organization" for field in model._meta.fields) and model is not Member
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey) and field.related_model._meta.label in people
    }
    assert named == HANDED_OVER.union(*NOT_HANDED_OVER.values())


def test_nobody_elsewhere_has_it(charlie, alice, bob, tom, things):
    with organization_scope(charlie.organization), pytest.raises(Invalid):
        hand_over.plan(member=charlie.member, successor=UUID(str(bob.user.pk)))


def test_who_reaches_less_by_now_hands_nothing_over(alice, bob, tom, inside, things):
    job = begin(alice, bob, tom)
    role = roles.create(
        organization=alice.organization, by=alice.member, actor=alice.actor, name="Office",
        permissions=alice.member.permissions, reach="team",
    )  # fmt: skip
    Member.objects.filter(pk=alice.member.pk).update(role=role)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, owned(bob.user)) == (Job.Status.FAILED, EVERYTHING)


def test_a_successor_who_may_see_it_no_more_is_given_nothing(alice, bob, tom, inside, things):
    job = begin(alice, bob, tom, kinds=["templates"])
    role = roles.create(
        organization=alice.organization, by=alice.member, actor=alice.actor, name="Little",
        permissions=["tasks.view"], reach="team",
    )  # fmt: skip
    Member.objects.filter(pk=tom.member.pk).update(role=role)
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, owned(bob.user)) == (Job.Status.FAILED, EVERYTHING)
    assert "does not permit" in job.error


def test_rules_name_the_successor_from_then_on(alice, bob, tom, inside, things):
    """One that gave customers to who left would fail each time, until it pauses."""
    other = workflows.create(
        organization=alice.organization, actor=alice.actor,
        values={
            "name": "Toms", "trigger_event": "customer.created", "conditions": {}, "is_enabled": True,
            "actions": [{"action": "assign", "to": str(tom.user.pk)}],
        },
    )  # fmt: skip
    finish(begin(alice, bob, tom, then="deactivate"))
    things.rule.refresh_from_db()
    assert things.rule.actions == [{"action": "assign", "to": str(tom.user.pk)}, {"action": "add_tag", "tag": "bob"}]
    assert things.rule.conditions == {"any": [{"field": "assigned_to", "op": "in", "value": [str(tom.user.pk)]}]}
    assert (things.rule.version, things.rule.is_enabled) == (2, True)
    other.refresh_from_db()
    assert other.version == 1


def test_sequences_name_the_successor_also_for_who_is_inside(alice, bob, tom, inside, things):
    sequence = sequences.create(
        organization=alice.organization, actor=alice.actor,
        values={"name": "Chase", "is_enabled": True, "steps": [
            {"delay_minutes": 60, "action": {"action": "assign", "to": str(bob.user.pk)}},
        ]},
    )  # fmt: skip
    process = sequences.enrol(sequence=sequence, customer=things.customer, actor=alice.actor)
    assert owned(bob.user)["workflows"] == 2
    result = finish(begin(alice, bob, tom, kinds=["workflows"], then="deactivate"))
    assert (result["workflows"]["given"], result["workflows"]["unseen"]) == (2, 0)
    sequence.refresh_from_db()
    assert str(bob.user.pk) not in str(sequence.actions)
    assert str(tom.user.pk) in str(sequence.actions)
    run = WorkflowRun.objects.get(process=process)
    assert run.version == sequence.version, "who is inside goes on by it"


def test_who_may_not_change_rules_hands_over_the_rest(alice, bob, tom, inside, things):
    """A role without it holds up nothing where no rule names the leaver, and nothing at all where they are left."""
    role = roles.create(
        organization=alice.organization, by=alice.member, actor=alice.actor, name="Office",
        permissions=alice.member.permissions - {"workflows.edit"}, reach="all",
    )  # fmt: skip
    office = join(alice, "office@harbour.example", "Olga Office", "counselor")
    Member.objects.filter(pk=office.member.pk).update(role=role)
    everything = owned(bob.user).keys()
    with pytest.raises(grants.NotPermitted):
        begin(office, bob, tom)
    things.rule.delete()
    result = finish(begin(office, bob, tom))
    assert {kind for kind, row in result.items() if row["given"]} == everything - {
        "conversations", "follow_ups", "workflows"
    }  # fmt: skip


def before(person, viewer):
    text = b"".join(file_before(person.member, viewer.member)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_the_list_of_before_names_everything_that_is_theirs(alice, bob, tom, mona, inside, things):
    rows = before(bob, alice)
    kinds = [str(part.label) for part in PARTS if EVERYTHING.get(part.name)]
    assert [row[0] for row in rows] == kinds
    assert ["Customers", things.customer.code, "'=Ada Lovelace", "Bob Reyes", "", str(things.customer.pk)] in rows
    assert {row[4] for row in rows if row[0] in ("Conversations", "Follow-ups")} == {"Customers"}
    assert {row[2] for row in before(bob, tom) if row[0] == "Customers"} == {""}
    assert len(before(bob, tom)) == len(rows), "how much there is, he may know; what it is called, he does not see"
