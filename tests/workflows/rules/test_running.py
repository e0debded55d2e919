"""Rules run on what happens: once, in order, all or nothing, and what they did is kept."""

from __future__ import annotations

from typing import Any

import pytest

from activity import dispatch
from activity.models import Event, Receipt
from core.tenancy import every_organization
from customers.models import Customer, Task
from customers.people.customers import services as customers
from customers.people.tags import services as tags
from messaging.models import Message
from tests.workflows.conftest import work
from workflows.models import Evaluation, Workflow, WorkflowRun
from workflows.rules import log, running, runs, services
from workflows.rules.performing import PERFORMERS

pytestmark = pytest.mark.django_db

PRICE = {"message_body__icontains": "price"}
# Not "price": a message with that word gets the tag as it comes in.
TAG = [{"action": "add_tag", "tag": "asked"}]


def tags_of(customer: Customer) -> set[str]:
    return {tag.name for tag in customer.tags.all()}


def steps(run: WorkflowRun) -> list[tuple[str, str]]:
    return [(step["action"], step["status"]) for step in run.steps]


def test_a_message_that_matches_is_acted_on_and_one_that_does_not_is_not(make_rule, receive):
    rule = make_rule("message.received", PRICE, TAG)
    ada = receive("What is the PRICE?")
    ben = receive("Good morning", sender="+447700900778")
    work()
    assert "asked" in tags_of(ada)
    assert "asked" not in tags_of(ben)
    run = WorkflowRun.objects.get()
    assert (run.workflow, run.status, run.version, run.event.customer_id) == (rule, "done", 1, ada.pk)
    assert steps(run) == [("add_tag", "done")]
    assert run.conditions == [
        {"field": "message_body", "op": "icontains", "value": "price", "seen": "What is the PRICE?", "holds": True}
    ]
    (why_not,) = Evaluation.objects.get(event__customer_id=ben.pk, event__type="message.received").decisions
    assert (why_not["reason"], why_not["conditions"][0]["seen"]) == ("conditions", "Good morning")
    event = Event.objects.get(type="customer.tag_added", payload={"tag": "asked"})
    assert (event.actor_kind, event.actor_id, event.actor_label, event.depth) == ("workflow", str(rule.pk), "A rule", 1)


def test_an_event_that_is_dispatched_again_is_run_once(make_rule, receive):
    make_rule("message.received", {}, [{"action": "create_task", "title": "Answer"}])
    receive()
    work()
    with every_organization("dispatched a second time"):
        event = Event.objects.get(type="message.received")
        running.run_rules(event)  # as where the receipt was lost
        Receipt.objects.filter(event=event).delete()
        Event.objects.filter(pk=event.pk).update(dispatch_state="set_aside")
        dispatch.replay(event)
    work()
    assert (WorkflowRun.objects.count(), Task.objects.filter(title="Answer").count()) == (1, 1)


def test_a_run_is_all_or_nothing(make_rule, receive, monkeypatch):
    rule = make_rule(
        "message.received",
        {},
        [{"action": "add_tag", "tag": "vip"}, {"action": "set_stage", "stage": "contacted"}, *TAG],
    )
    Workflow.objects.filter(pk=rule.pk).update(
        actions=[{"action": "add_tag", "tag": "vip"}, {"action": "set_stage", "stage": "nowhere"}, *TAG]
    )
    other = make_rule("message.received", {}, [{"action": "add_tag", "tag": "other"}])
    ada = receive()
    work()
    assert tags_of(ada) & {"vip", "asked", "other"} == {"other"}, "the other rule goes on"
    run = rule.runs.get()
    assert (run.status, steps(run)) == ("failed", [("add_tag", "undone"), ("set_stage", "failed")])
    assert "“nowhere” is not a stage" in run.steps[1]["detail"]
    assert other.runs.get().status == "done"
    assert not Event.objects.filter(type="customer.tag_added", payload={"tag": "vip"}).exists()


def test_a_fault_of_ours_is_no_end_of_the_others(make_rule, receive, monkeypatch):
    def break_down(run: Any, params: Any) -> None:
        raise RuntimeError("broken")

    rule = make_rule("message.received", {}, [{"action": "add_tag", "tag": "vip"}])
    other = make_rule("message.received", {}, [{"action": "add_note", "body": "Seen"}])
    performer = PERFORMERS.get("add_tag")
    monkeypatch.setitem(PERFORMERS._entries, "add_tag", type(performer)("add_tag", break_down))
    receive()
    work()
    assert (rule.runs.get().status, other.runs.get().status) == ("failed", "done")
    assert "for a reason of ours" in rule.runs.get().steps[0]["detail"]
    assert "broken" not in str(rule.runs.get().steps)


def test_rules_run_in_their_order_and_one_can_stop_the_rest(make_rule, receive):
    first = make_rule("message.received", {}, TAG, stop_after=True, position=5)
    second = make_rule("message.received", {}, [{"action": "add_tag", "tag": "late"}], position=9)
    early = make_rule("message.received", {}, [{"action": "add_tag", "tag": "early"}], position=1)
    ada = receive()
    work()
    assert {"early", "asked"} <= tags_of(ada)
    assert "late" not in tags_of(ada)
    decisions = Evaluation.objects.get(event__type="message.received").decisions
    assert [(one["workflow"], one["reason"]) for one in decisions] == [
        (str(early.pk), "matched"), (str(first.pk), "matched"), (str(second.pk), "stopped")
    ]  # fmt: skip


def test_once_for_a_customer(make_rule, receive):
    rule = make_rule("message.received", {}, [{"action": "create_task", "title": "Welcome"}], is_once=True)
    receive()
    receive("And again")
    receive("Somebody else", sender="+447700900778")
    work()
    assert rule.runs.count() == 2
    assert Task.objects.filter(title="Welcome").count() == 2
    assert [one.decisions[0]["reason"] for one in Evaluation.objects.order_by("created_at")] == [
        "matched", "once", "matched"
    ]  # fmt: skip


def test_a_rule_does_not_begin_with_what_it_did_itself(make_rule, make_customer):
    rule = make_rule("customer.tag_added", {}, [{"action": "add_tag", "tag": "more"}])
    customer = make_customer(tags=["first"])
    work()
    assert rule.runs.count() == 1
    own = Evaluation.objects.get(event__payload={"tag": "more"})
    assert (own.event.customer_id, own.decisions[0]["reason"]) == (customer.pk, "own_event")


def test_two_rules_that_cause_one_another_end(make_rule, make_customer, alice):
    for seen, other in (("a", "b"), ("b", "a")):
        make_rule(
            "customer.tag_added",
            {"tag": seen},
            [{"action": "remove_tag", "tag": other}, {"action": "add_tag", "tag": other}],
        )
    make_customer(tags=["a"])
    work()
    assert WorkflowRun.objects.count() == 5
    assert [one["reason"] for one in Evaluation.objects.order_by("-created_at").first().decisions] == [
        "own_event", "depth"
    ]  # fmt: skip


def test_a_rule_that_is_off_does_nothing(make_rule, receive):
    make_rule("message.received", {}, TAG, is_enabled=False)
    receive("price")
    work()
    assert not WorkflowRun.objects.exists()
    assert not Evaluation.objects.exists()


def test_ten_failures_in_a_row_pause_a_rule_and_switching_it_on_begins_again(make_rule, make_customer, alice):
    rule = make_rule("customer.tag_added", {}, [{"action": "set_stage", "stage": "contacted"}])
    Workflow.objects.filter(pk=rule.pk).update(actions=[{"action": "set_stage", "stage": "nowhere"}])
    customer = make_customer()
    for number in range(11):
        tags.add(customer=customer, names=[f"t{number}"], actor=alice.actor)
        work()
    rule.refresh_from_db()
    assert (rule.is_enabled, rule.failures, rule.paused_at is not None, rule.runs.count()) == (False, 10, True, 10)
    paused = Event.objects.get(type="workflow.paused")
    assert (paused.subject_id, paused.payload["failures"]) == (str(rule.pk), 10)
    on = services.update(workflow=rule, actor=alice.actor, changes={"is_enabled": True})
    assert (on.is_enabled, on.failures, on.paused_at) == (True, 0, None)


def test_one_that_works_again_is_not_counted_with_those_before(make_rule, make_customer, alice):
    rule = make_rule("customer.tag_added", {}, [{"action": "set_stage", "stage": "contacted"}])
    Workflow.objects.filter(pk=rule.pk).update(failures=9)
    make_customer(tags=["x"])
    work()
    rule.refresh_from_db()
    assert (rule.failures, rule.runs.get().status) == (0, "done")


def test_a_failed_run_is_done_again_by_the_rule_as_it_is_now(make_rule, make_customer, alice):
    rule = make_rule("customer.tag_added", {}, [{"action": "set_stage", "stage": "contacted"}, *TAG])
    Workflow.objects.filter(pk=rule.pk).update(actions=[{"action": "set_stage", "stage": "nowhere"}, *TAG])
    customer = make_customer(tags=["x"])
    work()
    run = rule.runs.get()
    assert run.status == "failed"
    services.update(
        workflow=rule, actor=alice.actor, changes={"actions": [{"action": "set_stage", "stage": "contacted"}, *TAG]}
    )
    done = services.retry(run=run, actor=alice.actor)
    customer.refresh_from_db()
    assert (done.status, done.tries, done.version, customer.stage.key) == ("done", 2, 2, "contacted")
    assert "asked" in tags_of(customer)
    with pytest.raises(runs.NotFailed):
        services.retry(run=done, actor=alice.actor)


def test_a_customer_who_was_deleted_meanwhile_is_no_failure(make_rule, receive, alice):
    rule = make_rule("message.received", {}, TAG)
    ada = receive()
    Customer.objects.filter(pk=ada.pk).update(deleted_at="2026-01-01T00:00Z")
    work()
    run = rule.runs.get()
    assert (run.status, steps(run)) == ("done", [("add_tag", "skipped")])


def test_within_and_outside_business_hours(make_rule, receive, alice):
    from accounts.calendars import services as calendars

    calendars.create(organization=alice.organization, actor=alice.actor, values={"name": "Never open", "weekly": {}})
    within = make_rule("message.received", {}, TAG, hours="open")
    outside = make_rule("message.received", {"business_hours": False}, TAG, hours="closed")
    receive()
    work()
    assert (within.runs.count(), outside.runs.count()) == (0, 1)


def test_who_belongs_to_another_organization_is_not_touched(make_rule, receive, charlie, make_customer):
    from core.tenancy import organization_scope

    make_rule("customer.created", {}, TAG)
    with organization_scope(charlie.organization):
        theirs = customers.create(organization=charlie.organization, actor=charlie.actor, name="Zed")
    work()
    with organization_scope(charlie.organization):
        assert tags_of(theirs) == set()
        assert not WorkflowRun.objects.exists()


@pytest.mark.parametrize("count", [1, 20])
def test_the_same_number_of_queries_for_any_number_of_rules_that_do_not_match(
    count, make_rule, receive, django_assert_num_queries
):
    for number in range(count):
        parts = [{"message_body": f"no {number}"}, {"customer_tags": "x"}, {"customer_stage": "lost"}]
        make_rule("message.received", {"any": parts}, TAG)
    receive()
    event = Event.objects.select_related("organization").get(type="message.received")
    # Whether something waits for this, what rules there are and in what state (then the rules, for the first event
    # only), the customer (locked, then read), the tags, the message, and what was decided.
    with django_assert_num_queries(8):
        running.run_rules(event)
    with django_assert_num_queries(7):
        running.run_rules(event)


def test_what_was_kept_long_enough_goes(make_rule, receive):
    make_rule("message.received", {}, TAG)
    receive()
    work()
    with every_organization("housekeeping"):
        assert log.purge_log() == 0
        for model in (Evaluation, WorkflowRun):
            model.objects.update(created_at="2020-01-01T00:00Z")
        assert log.purge_log() == 2
    assert Message.objects.exists()
