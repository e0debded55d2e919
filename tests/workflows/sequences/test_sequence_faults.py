"""Ways through a sequence that failed, were held, or met a merge: nothing is done twice, and nothing stays open with
nobody behind it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.utils import timezone

from accounts.models import BusinessCalendar
from activity import jobs as all_jobs
from core.tenancy import every_organization, organization_scope
from customers.data import undo
from customers.data.bulk import services as changes
from customers.data.merging import services as merging
from customers.models import Process, Segment
from customers.work.processes import services as processes
from messaging.models import Template
from tests.workflows.rules.test_waits import go_on, later, weekdays
from tests.workflows.sequences.test_sequences import A_DAY, STEPS, ada, make_sequence, names, run_of
from workflows.models import RunWait, Workflow, WorkflowRun
from workflows.rules import going_on, log, runs, waits
from workflows.rules.enabled import enabled_for
from workflows.rules.reading import InvalidWorkflow
from workflows.sequences import bulk, panel, queries
from workflows.sequences import services as sequences

__all__ = ["ada", "make_sequence", "weekdays"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(make_sequence, ada, alice, inside):
    """A way whose only step failed, since its template is gone; the template is there again by now."""
    fields: dict[str, Any] = {"key": "gone", "name": "Gone", "channel": "whatsapp", "body": "Hello again"}
    template = Template.objects.create(organization=inside, **fields)
    sequence = make_sequence([{"delay_minutes": 0, "action": {"action": "send_template", "template": "gone"}}])
    template.delete()
    process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
    assert (process.status, run_of(process).status) == ("paused", "failed")
    sequence.refresh_from_db()
    return sequence, process


class TestFailed:
    def test_resuming_the_process_tries_it_again(self, failed, alice):
        _sequence, process = failed
        process = processes.resume(process=process, actor=alice.actor)
        run = run_of(process)
        assert (run.tries, run.status, process.status) == (2, "failed", "paused"), "the answer is where it stands"

    def test_what_was_ended_is_not_tried_again(self, failed, ada, alice):
        sequence, process = failed
        processes.cancel(process=process, actor=alice.actor)
        assert run_of(process).status == "cancelled"
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        with pytest.raises(runs.NotFailed):
            runs.retry(run=run_of(process))
        assert Process.objects.filter(status__in=Process.OPEN).count() == 1

    def test_what_a_merge_ended_is_not_tried_again(self, failed, ada, alice, receive):
        sequence, process = failed
        ben = receive("I am Ben", sender="+447700900778")
        sequences.enrol(sequence=sequence, customer=ben, actor=alice.actor)
        merging.merge(loser=ada, survivor=ben, actor=alice.actor)
        with pytest.raises(runs.NotFailed):
            runs.retry(run=run_of(process))

    def test_rules_take_out_of_it(self, failed, ada):
        sequence, process = failed
        assert sequences.stop(sequence=sequence.pk, customer=ada, why="Enough.")
        process.refresh_from_db()
        assert (process.status, run_of(process).status) == ("cancelled", "cancelled")

    def test_with_its_sequence_the_process_ends(self, failed, alice):
        sequence, process = failed
        sequences.delete(sequence=sequence, actor=alice.actor)
        process.refresh_from_db()
        assert process.status == "cancelled"

    def test_an_old_one_stays_while_its_process_is_open(self, failed, alice):
        _sequence, process = failed
        WorkflowRun.objects.update(created_at=timezone.now() - timedelta(days=4000))
        with every_organization("the worker purges"):
            log.purge_log()
        assert run_of(process).steps == []
        processes.cancel(process=process, actor=alice.actor)
        with every_organization("the worker purges"):
            log.purge_log()
        assert not WorkflowRun.objects.exists()

    def test_the_page_offers_what_can_be_done(self, failed, ada, alice):
        sequence, process = failed
        url = alice.url(f"settings/sequences/{sequence.pk}/")
        page = alice.client.get(url).content.decode()
        assert [f'value="{do}"' in page for do in ("resume", "end", "skip")] == [True, True, False]
        assert "There is no template" in page, "why"
        run = alice.url(f"settings/rules/runs/{run_of(process).pk}/")
        assert run in page
        log = alice.client.get(run).content.decode()
        assert f'href="{url}"' in log, "back to the sequence, which is no rule"
        assert "Version 1 of the sequence" in log
        assert "It failed" in alice.client.get(alice.url(f"customers/{ada.pk}/")).content.decode()
        change = alice.url(f"settings/sequences/runs/{run_of(process).pk}/")
        assert alice.client.post(change, {"do": "end"}).status_code == 302
        assert run_of(process).status == "cancelled"
        assert 'value="end"' not in alice.client.get(url).content.decode()


class TestAfterAMerge:
    @pytest.fixture
    def ended(self, make_sequence, ada, alice, receive):
        """Of two who became one the way that ended."""
        sequence = make_sequence(stop_on_reply=False)
        ben = receive("I am Ben", sender="+447700900778")
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        process = sequences.enrol(sequence=sequence, customer=ben, actor=alice.actor)
        merging.merge(loser=ben, survivor=ada, actor=alice.actor)
        return run_of(process)

    @pytest.mark.parametrize("do", [waits.go_on, sequences.skip])
    def test_nobody_has_the_ended_way_go_on(self, ended, alice, do):
        with pytest.raises(waits.NotWaiting):
            do(run=ended, actor=alice.actor)
        assert Process.objects.get(pk=ended.process_id).status == "cancelled"

    def test_taking_out_ends_the_one_that_is_open(self, ended, ada):
        assert sequences.stop(sequence=ended.workflow_id, customer=ada, why="Enough.")
        assert set(Process.objects.values_list("status", flat=True)) == {"cancelled"}

    def test_it_ends_with_the_merge(self, ended):
        assert (ended.status, ended.steps[-1]["detail"][:15]) == ("cancelled", "They became one")
        assert not RunWait.objects.filter(run=ended).exists()

    @pytest.mark.parametrize("status", ["paused", "held", "failed"])
    def test_so_does_one_that_rests(self, status, make_sequence, ada, alice, receive):
        sequence = make_sequence(stop_on_reply=False)
        ben = receive("I am Ben", sender="+447700900778")
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        run = run_of(sequences.enrol(sequence=sequence, customer=ben, actor=alice.actor))
        if status == "failed":
            RunWait.objects.filter(run=run).delete()
        else:
            RunWait.objects.filter(run=run).update(due_at=None)
        WorkflowRun.objects.filter(pk=run.pk).update(status=status)
        runs.show(run)
        merging.merge(loser=ben, survivor=ada, actor=alice.actor)
        run.refresh_from_db()
        assert (run.status, RunWait.objects.filter(run=run).exists()) == ("cancelled", False)
        assert queries.sequences().get(pk=sequence.pk).inside == 1

    def test_two_again_what_ended_stays_ended(self, make_sequence, ada, alice, receive):
        both, only = make_sequence(stop_on_reply=False), make_sequence(name="Only Ben", stop_on_reply=False)
        ben = receive("I am Ben", sender="+447700900778")
        sequences.enrol(sequence=both, customer=ada, actor=alice.actor)
        ended = sequences.enrol(sequence=both, customer=ben, actor=alice.actor)
        completed = sequences.enrol(sequence=only, customer=ben, actor=alice.actor)
        change_set = merging.merge(loser=ben, survivor=ada, actor=alice.actor)
        for _step in (2, 3):
            sequences.skip(run=run_of(completed), actor=alice.actor)
        undo.undo(change_set=change_set, actor=alice.actor, user=alice.user)
        with every_organization("the worker looks for all"):
            all_jobs.run_due()
        rows = Process.objects.filter(customer=ben).order_by("created_at")
        assert [(row.pk, row.status) for row in rows] == [(ended.pk, "cancelled"), (completed.pk, "completed")]
        assert Process.objects.get(customer=ada).status == "active"
        # And is begun again.
        assert sequences.enrol(sequence=both, customer=ben, actor=alice.actor).status == "active"

    def test_the_panel_has_the_open_one(self, ended, ada, alice):
        shown: Any = panel.sequences_of(ada, alice.member)
        assert [row["run"].process.status for row in shown["rows"]] == ["active"]


def test_the_panel_asks_no_more_for_ways_by_older_versions(make_sequence, ada, alice, django_assert_num_queries):
    """Three ways by three versions are three queries, as one is."""
    for number in range(3):
        sequence = make_sequence(name=f"Chase {number}")
        for more in range(number):
            changes: Any = {"steps": [*STEPS, *STEPS[: more + 1]]}
            sequences.update(sequence=sequence, actor=alice.actor, changes=changes)
            sequence.refresh_from_db()
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        sequences.update(sequence=sequence, actor=alice.actor, changes={"steps": STEPS[:1]})  # type: ignore[typeddict-item]
    with django_assert_num_queries(3):
        shown: Any = panel.sequences_of(ada, alice.member)
    assert [row["of"] for row in shown["rows"]] == [3, 4, 5]


class TestACalendarThatNeverOpens:
    @pytest.fixture
    def close(self, alice, inside):
        """Have the calendar say that it is closed for good."""

        def make() -> None:
            BusinessCalendar.objects.update(weekly={})

        return make

    def test_nothing_is_done_outside_of_hours(self, make_sequence, ada, alice, weekdays, close):
        close()
        process = sequences.enrol(sequence=make_sequence(business_hours_only=True), customer=ada, actor=alice.actor)
        assert (process.status, run_of(process).status, names(ada)) == ("paused", "failed", set())
        assert "no opening" in run_of(process).steps[-1]["detail"]

    def test_one_that_closed_meanwhile(self, make_sequence, ada, alice, weekdays, close):
        with time_machine.travel(datetime(2026, 6, 5, 16, 30, tzinfo=UTC), tick=True):
            process = sequences.enrol(sequence=make_sequence(business_hours_only=True), customer=ada, actor=alice.actor)
        close()
        with time_machine.travel(datetime(2026, 6, 8, 9, 30, tzinfo=UTC), tick=True):
            go_on()
            assert (run_of(process).status, names(ada)) == ("waiting", set())


def test_what_was_set_aside_is_shown_as_resting(make_sequence, ada, alice):
    process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
    with every_organization("the worker looks for all"):
        wait = RunWait.objects.select_related("organization").get()
        RunWait.objects.update(claim_token="0b5e8f0e-7f3c-4d53-8df0-8b1f0d2f3d55")
        wait.refresh_from_db()
        going_on._set_aside(wait, "killed")
    process.refresh_from_db()
    assert (process.status, run_of(process).status) == ("paused", "held")


def test_another_moment_does_not_wake_what_asks_a_person(make_sequence, ada, alice):
    process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
    with later(days=9):
        go_on()
        assert run_of(process).status == "held"
        at = timezone.now() + timedelta(minutes=1)
        processes.update(process=Process.objects.get(), actor=alice.actor, changes={"next_follow_up_at": at})
    with later(days=9, minutes=5):
        go_on()
        assert (run_of(process).status, names(ada)) == ("held", {"began"})
        processes.resume(process=Process.objects.get(), actor=alice.actor)
        go_on()
        assert names(ada) == {"began", "second"}


def test_the_panel_counts_the_steps_of_the_version_by_which_it_goes(make_sequence, ada, alice):
    sequence = make_sequence()
    sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
    sequences.update(sequence=sequence, actor=alice.actor, changes={"steps": STEPS[:1]})  # type: ignore[typeddict-item]
    shown: Any = panel.sequences_of(ada, alice.member)
    assert [(row["step"], row["of"]) for row in shown["rows"]] == [(2, 3)]


def test_who_waits_inside_of_a_step_is_counted_with_it(make_sequence, ada, alice, receive):
    inner = [{"action": "wait", "minutes": A_DAY}]
    chosen = {"action": "branch", "branches": [{"conditions": {}, "actions": inner}], "otherwise": []}
    sequence = make_sequence([{"delay_minutes": 60, "action": chosen}], stop_on_reply=False)
    sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
    with later(minutes=61):
        go_on()
    sequences.enrol(sequence=sequence, customer=receive("Ben", sender="+447700900778"), actor=alice.actor)
    page = alice.client.get(alice.url(f"settings/sequences/{sequence.pk}/"))
    assert [step["count"] for step in page.context["steps"]] == [2]


def test_a_job_stops_where_the_sequence_is_switched_off(make_sequence, alice, make_customer, monkeypatch):
    for number in range(3):
        make_customer(name=f"C{number}", tags=["vip"])
    sequence = make_sequence()
    segment = Segment.objects.create(
        organization=alice.organization, owner=alice.user, name="VIP", filter={"tag": "vip"}
    )
    job = bulk.start(sequence=sequence, segment=segment, member=alice.member, actor=alice.actor)
    enrol = sequences.enrol

    def then_off(**given: Any) -> Any:
        result = enrol(**given)
        Workflow.objects.filter(pk=sequence.pk).update(is_enabled=False)
        return result

    monkeypatch.setattr(changes, "STEP", 1)
    monkeypatch.setattr(sequences, "enrol", then_off)
    with every_organization("the worker looks for all"):
        all_jobs.run_due()
    job.refresh_from_db()
    assert (job.status, Process.objects.count()) == ("failed", 1)


def test_too_many_steps_altogether_are_refused_at_the_steps(make_sequence):
    tags: Any = [{"action": "add_tag", "tag": "x"}] * 40
    branch = {"action": "branch", "branches": [{"conditions": {}, "actions": tags}], "otherwise": tags}
    with pytest.raises(InvalidWorkflow) as refused:
        make_sequence([{"delay_minutes": 0, "action": branch}])
    assert refused.value.field == "steps"


def test_rules_changed_within_one_tick_of_the_clock_are_read_again(make_rule, alice, inside):
    rule = make_rule("message.received", {}, [{"action": "add_tag", "tag": "one"}])
    first = enabled_for(inside.pk, "message.received")
    actions = [{"action": "add_tag", "tag": "two"}]
    # As a second change of the same tick leaves it.
    Workflow.objects.filter(pk=rule.pk).update(version=2, actions=actions, updated_at=rule.updated_at)
    second = enabled_for(inside.pk, "message.received")
    assert first is not None
    assert second is not None
    assert [rules.rules[0].steps[0].params["tag"] for rules in (first, second)] == ["one", "two"]  # type: ignore[union-attr]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["cancel", "skip", "delete"])
def test_a_person_and_one_who_holds_the_customer_do_not_wait_for_each_other(make_sequence, ada, alice, how):
    """Whoever holds the customer, as a worker does, gets the wait: a person waits for the customer first."""
    from django.db import transaction

    sequence = make_sequence()
    process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
    run, errors = run_of(process), []

    def act() -> None:
        try:
            with organization_scope(alice.organization):
                if how == "cancel":
                    waits.cancel(run=run, actor=alice.actor)
                elif how == "skip":
                    sequences.skip(run=run, actor=alice.actor)
                else:
                    sequences.delete(sequence=sequence, actor=alice.actor)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        runs.hold_customer(run.event)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the customer"
        # Refused at once where the person holds it.
        RunWait.objects.select_for_update(of=("self",), nowait=True).get(run=run)
        Process.objects.select_for_update(of=("self",), nowait=True).get(pk=process.pk)
    thread.join()
    assert errors == []
