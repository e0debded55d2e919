"""Moves and their undoing, stages and their going, deals that take their customer along."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from activity import jobs
from activity.models import Event
from core.tenancy import organization_scope
from customers.data import undo
from customers.data.deletion import services as deletions
from customers.data.merging import services as merging
from customers.models import Customer, Deal, Segment, Stage, StageChange, Task
from customers.people.customers import stage_moves
from customers.people.settings import services as customer_settings
from customers.pipeline.board import summary as board
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.stages import services as stages
from customers.work.tasks import services as tasks
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)


@pytest.fixture
def customer(inside: Any, make_customer: Any) -> Customer:
    return make_customer()


def stage(key: str) -> Stage:
    return Stage.objects.select_related("organization").get(key=key)


def standing(customer: Customer) -> tuple[str, datetime]:
    customer.refresh_from_db()
    return customer.stage.key, customer.stage_since


class TestMoves:
    def test_a_move_knows_how_long_they_had_stood_where_they_left(self, customer, alice):
        Customer.objects.filter(pk=customer.pk).update(stage_since=NOW - timedelta(days=3))
        with time_machine.travel(NOW, tick=False):
            change = stage_moves.move(customer=customer, stage=stage("contacted"), actor=alice.actor)
        assert (change.from_name, change.to_name, change.days) == ("New", "Contacted", 3.0)
        assert standing(customer) == ("contacted", NOW)

    def test_taken_back_it_is_as_if_it_had_not_been_and_stays_in_the_history(self, customer, alice):
        came = standing(customer)
        change = stage_moves.move(customer=customer, stage=stage("lost"), actor=alice.actor, reason="Wrong card")
        stage_moves.undo_move(change=change, actor=alice.actor)
        assert standing(customer) == came
        change.refresh_from_db()
        assert change.undone_at is not None
        assert Event.objects.filter(type="customer.stage_change_undone", customer_id=customer.pk).exists()
        with pytest.raises(stage_moves.CannotUndo):
            stage_moves.undo_move(change=change, actor=alice.actor)

    def test_who_was_moved_on_or_long_ago_stays(self, customer, alice):
        first = stage_moves.move(customer=customer, stage=stage("contacted"), actor=alice.actor)
        second = stage_moves.move(customer=customer, stage=stage("lost"), actor=alice.actor)
        with pytest.raises(stage_moves.CannotUndo, match="meanwhile"):
            stage_moves.undo_move(change=first, actor=alice.actor)
        with (
            time_machine.travel(timezone.now() + stage_moves.UNDO_WITHIN + timedelta(minutes=1)),
            pytest.raises(stage_moves.CannotUndo, match="a while ago"),
        ):
            stage_moves.undo_move(change=second, actor=alice.actor)
        assert standing(customer)[0] == "lost"

    def test_a_stage_can_begin_with_a_task(self, customer, alice, bob):
        Customer.objects.filter(pk=customer.pk).update(assigned_to=bob.user)
        stages.update(stage=stage("consult_booked"), actor=alice.actor, changes={"entry_task": "Prepare for visit"})
        with time_machine.travel(datetime(2026, 6, 12, 10, tzinfo=UTC), tick=False):
            for key in ("consult_booked", "new", "consult_booked"):
                stage_moves.move(customer=customer, stage=stage(key), actor=alice.actor)
        task = Task.objects.get(customer=customer)
        assert (task.title, task.assigned_to) == ("Prepare for visit", bob.user)
        # Moved on a Friday: the next working day at nine there.
        assert task.due_at == datetime(2026, 6, 15, 8, tzinfo=UTC)

    def test_who_is_made_in_such_a_stage_has_the_task_at_once(self, inside, alice, bob, make_customer):
        stages.update(stage=stage("consult_booked"), actor=alice.actor, changes={"entry_task": "Prepare for visit"})
        visited, fresh = make_customer(bob, stage=stage("consult_booked")), make_customer()
        task = Task.objects.get(customer=visited)
        assert (task.title, task.assigned_to) == ("Prepare for visit", bob.user)
        assert not Task.objects.filter(customer=fresh).exists()

    def test_an_owner_who_left_gets_no_task_and_keeps_nobody_from_moving(self, customer, alice, bob):
        Customer.objects.filter(pk=customer.pk).update(assigned_to=bob.user)
        stages.update(stage=stage("contacted"), actor=alice.actor, changes={"entry_task": "Ring them"})
        bob.member.is_active = False
        bob.member.save()
        stage_moves.move(customer=customer, stage=stage("contacted"), actor=alice.actor)
        assert Task.objects.get(customer=customer).assigned_to is None


class TestOverdue:
    @pytest.mark.parametrize(("hours", "late"), [(23, False), (25, True)])
    def test_who_was_quiet_for_longer_than_the_stage_allows(self, customer, alice, hours, late):
        Customer.objects.filter(pk=customer.pk).update(last_activity_at=timezone.now() - timedelta(hours=hours))
        customer.refresh_from_db()
        rows = {row.stage.key: row for row in board.summary(alice.member)}
        assert (customer.is_overdue, rows["new"].overdue) == (late, int(late))
        assert board.summary(alice.member, {"overdue": True})[0].count == int(late)

    def test_nobody_is_waited_for_where_it_was_won_or_lost(self, customer, alice):
        stage_moves.move(customer=customer, stage=stage("lost"), actor=alice.actor)
        Customer.objects.filter(pk=customer.pk).update(last_activity_at=timezone.now() - timedelta(days=400))
        customer.refresh_from_db()
        assert not customer.is_overdue
        assert sum(row.overdue for row in board.summary(alice.member)) == 0


class TestSummary:
    def test_every_stage_stands_in_it_with_count_value_and_age(self, customer, alice, make_customer):
        other = make_customer()
        for one, days in ((customer, 2), (other, 4)):
            Customer.objects.filter(pk=one.pk).update(stage_since=timezone.now() - timedelta(days=days))
        deals.create(customer=customer, actor=alice.actor, title="Braces", amount=Decimal("1200.50"))
        deals.create(customer=other, actor=alice.actor, title="Crown", amount=Decimal(300), currency="EUR")
        rows = board.summary(alice.member)
        assert [row.stage.key for row in rows] == list(Stage.objects.values_list("key", flat=True))
        assert (rows[0].count, rows[0].value, rows[0].average_days) == (2, Decimal("1200.50"), 3.0)
        assert [row.count for row in rows[1:]] == [0] * (len(rows) - 1)

    def test_each_counts_what_they_may_see(self, customer, alice, bob, charlie, make_customer):
        make_customer(bob)
        counts = []
        for person in (alice, bob, charlie):
            with organization_scope(person.organization):
                counts.append(sum(row.count for row in board.summary(person.member)))
        assert counts == [2, 1, 0]

    @pytest.mark.parametrize("rows", [1, 30])
    def test_two_queries_however_many_stand_there(self, alice, make_customer, inside, rows, django_assert_num_queries):
        for _ in range(rows):
            make_customer()
        with django_assert_num_queries(2):
            board.summary(alice.member)


class TestStages:
    def test_a_new_open_one_stands_after_the_open_ones_with_a_key_of_its_own(self, inside, alice):
        made = stages.create(organization=inside, actor=alice.actor, name="Thinking it over", sla_hours=48)
        again = stages.create(organization=inside, actor=alice.actor, name="Thinking it over")
        keys = list(Stage.objects.values_list("key", flat=True))
        assert (made.key, again.key) == ("thinking_it_over", "thinking_it_over_2")
        assert keys[-4:] == ["thinking_it_over", "thinking_it_over_2", "treatment_done", "lost"]
        assert list(Stage.objects.values_list("position", flat=True)) == list(range(len(keys)))

    def test_an_order_names_every_stage(self, inside, alice):
        ids = [str(pk) for pk in Stage.objects.values_list("pk", flat=True)]
        stages.reorder(organization=inside, actor=alice.actor, ids=[ids[1], ids[0], *ids[2:]])
        assert Stage.objects.values_list("key", flat=True)[0] == "engaged"
        with pytest.raises(stages.InvalidStage):
            stages.reorder(organization=inside, actor=alice.actor, ids=ids[1:])

    def test_what_is_won_or_lost_is_not_waited_for(self, inside, alice):
        changed = stages.update(stage=stage("deposit_paid"), actor=alice.actor, changes={"kind": "won"})
        assert (changed.sla_hours, changed.probability) == (None, 100)

    def test_an_open_stage_is_left(self, inside, alice):
        for key in ("engaged", "contacted", "consult_booked", "deposit_paid"):
            stages.remove(stage=stage(key), home=None, actor=alice.actor, member=alice.member)
        with pytest.raises(stages.InvalidStage):
            stages.remove(stage=stage("new"), home=stage("lost"), actor=alice.actor, member=alice.member)
        with pytest.raises(stages.InvalidStage):
            stages.update(stage=stage("new"), actor=alice.actor, changes={"kind": "lost"})
        assert stage("new").kind == "open"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [({"name": " "}, "name"), ({"probability": 101}, "probability"), ({"color": "pink"}, "color"),
         ({"sla_hours": 0}, "sla_hours"), ({"key": "x"}, "key"), ({"kind": "maybe"}, "kind")],
        ids=["name", "probability", "color", "hours", "key", "kind"],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, inside, alice, changes, field):
        with pytest.raises(stages.InvalidStage) as refused:
            stages.update(stage=stage("new"), actor=alice.actor, changes=changes)
        assert refused.value.field == field

    def test_one_in_use_needs_a_home_and_goes_when_everybody_has_moved(self, customer, alice, inside, make_customer):
        deleted = make_customer()
        for one in (customer, deleted):
            stage_moves.move(customer=one, stage=stage("contacted"), actor=alice.actor)
        deals.create(customer=customer, actor=alice.actor, title="Braces", amount=10)
        deletions.delete(customer=deleted, actor=alice.actor)
        Segment.objects.create(organization=inside, owner=alice.user, name="Theirs", filter={"stage": "contacted"})
        kind = outcomes.create_type(organization=inside, actor=alice.actor, name="Rang", stage=stage("contacted"))
        with pytest.raises(stages.StageInUse, match="2 customers and 1 deal"):
            stages.remove(stage=stage("contacted"), home=None, actor=alice.actor, member=alice.member)
        job = stages.remove(stage=stage("contacted"), home=stage("engaged"), actor=alice.actor, member=alice.member)
        jobs.run_due()
        job.refresh_from_db()
        assert (job.status, job.result["moved"]) == ("done", 2)
        assert not Stage.objects.filter(key="contacted").exists()
        assert standing(customer)[0] == "engaged"
        change = StageChange.objects.filter(customer=customer).latest("changed_at")
        assert (change.from_name, change.to_name) == ("Contacted", "Engaged")
        assert Deal.objects.get(customer=customer).stage.key == "engaged"
        assert Segment.objects.get(name="Theirs").filter == {"stage": "engaged"}
        kind.refresh_from_db()
        assert kind.stage.key == "engaged"
        deletions.restore(customer=deleted, actor=alice.actor)
        assert standing(deleted)[0] == "engaged"

    def test_the_last_open_one_stays_also_where_it_was_to_go_when_there_was_another(self, customer, alice):
        for key in ("contacted", "consult_booked", "deposit_paid"):
            stages.remove(stage=stage(key), home=None, actor=alice.actor, member=alice.member)
        job = stages.remove(stage=stage("new"), home=stage("treatment_done"), actor=alice.actor, member=alice.member)
        stages.remove(stage=stage("engaged"), home=None, actor=alice.actor, member=alice.member)
        jobs.run_due()
        job.refresh_from_db()
        assert (job.status, stage("new").kind) == ("failed", "open")
        assert "needs an open stage" in job.error

    def test_closed_deals_move_nobody_to_what_became_another_kind(self, inside, alice):
        chosen = {"won_deal_stage": stage("treatment_done"), "lost_deal_stage": stage("lost")}
        customer_settings.change(organization=inside, actor=alice.actor, changes=chosen)
        stages.update(stage=stage("treatment_done"), actor=alice.actor, changes={"kind": "open"})
        decided = customer_settings.of(inside)
        assert (decided.won_deal_stage, decided.lost_deal_stage) == (None, stage("lost"))

    def test_an_empty_one_goes_at_once(self, inside, alice):
        assert stages.remove(stage=stage("engaged"), home=None, actor=alice.actor, member=alice.member) is None
        assert not Stage.objects.filter(key="engaged").exists()


class TestDeals:
    def test_stage_and_status_say_one_thing(self, customer, alice):
        deal = deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        assert (deal.stage.key, deal.status, deal.chance) == ("new", "open", 5)
        deal = deals.update(deal=deal, actor=alice.actor, changes={"status": "won"})
        assert (deal.stage.key, deal.chance) == ("treatment_done", 100)
        deal = deals.update(deal=deal, actor=alice.actor, changes={"stage": stage("contacted")})
        assert (deal.status, deal.closed_at) == ("open", None)
        deal = deals.update(deal=deal, actor=alice.actor, changes={"stage": stage("lost"), "lost_reason": "Price"})
        assert (deal.status, deal.closed_at is None) == ("lost", False)
        with pytest.raises(deals.InvalidDeal, match="leave the stage or the status out"):
            deals.update(deal=deal, actor=alice.actor, changes={"stage": stage("contacted"), "status": "won"})

    def test_what_the_open_ones_come_to_stands_on_the_customer(self, customer, alice, make_customer):
        def worth(one: Customer = customer) -> Decimal:
            return Customer.objects.get(pk=one.pk).open_value

        deal = deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        deals.create(customer=customer, actor=alice.actor, title="Crown", amount=50)
        deals.create(customer=customer, actor=alice.actor, title="Abroad", amount=70, currency="EUR")
        assert worth() == 150
        deals.update(deal=deal, actor=alice.actor, changes={"amount": Decimal(120)})
        assert worth() == 170
        other = make_customer()
        change_set = merging.merge(loser=customer, survivor=other, actor=alice.actor)
        assert [worth(customer), worth(other)] == [0, 170]
        undo.undo(change_set=change_set, actor=alice.actor, user=alice.user)
        jobs.run_due()
        assert [worth(customer), worth(other)] == [170, 0]
        deals.update(deal=deal, actor=alice.actor, changes={"status": "lost"})
        assert worth() == 50
        deals.delete(deal=Deal.objects.get(title="Crown"), actor=alice.actor)
        assert worth() == 0

    def test_won_and_lost_move_the_customer_where_that_is_wanted(self, customer, alice, inside):
        deal = deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        deals.update(deal=deal, actor=alice.actor, changes={"status": "won"})
        assert standing(customer)[0] == "new"
        customer_settings.change(
            organization=inside, actor=alice.actor,
            changes={"won_deal_stage": stage("treatment_done"), "lost_deal_stage": stage("lost")},
        )  # fmt: skip
        deals.update(deal=deal, actor=alice.actor, changes={"status": "open"})
        second = deals.create(customer=customer, actor=alice.actor, title="Crown", amount=10)
        deals.update(deal=second, actor=alice.actor, changes={"status": "lost"})
        assert standing(customer)[0] == "new", "another is open"
        deals.update(deal=deal, actor=alice.actor, changes={"status": "won"})
        assert standing(customer)[0] == "treatment_done"

    def test_a_second_won_deal_takes_nobody_back(self, customer, alice, inside):
        later = stages.create(organization=inside, actor=alice.actor, name="Regular", kind="won")
        customer_settings.change(
            organization=inside, actor=alice.actor, changes={"won_deal_stage": stage("deposit_paid")}
        )
        first = deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        deals.update(deal=first, actor=alice.actor, changes={"status": "won"})
        assert standing(customer)[0] == "deposit_paid", "an open stage may be where a won deal leads"
        stage_moves.move(customer=customer, stage=later, actor=alice.actor)
        second = deals.create(customer=customer, actor=alice.actor, title="Crown", amount=10)
        deals.update(deal=second, actor=alice.actor, changes={"status": "won"})
        assert standing(customer)[0] == later.key

    def test_a_deletion_loses_deals_and_moves_nobody(self, customer, alice, inside):
        customer_settings.change(
            organization=inside, actor=alice.actor, changes={"lost_deal_stage": stage("lost")}
        )  # fmt: skip
        deals.create(customer=customer, actor=alice.actor, title="Braces", amount=100)
        deletions.delete(customer=customer, actor=alice.actor, force=True)
        customer.refresh_from_db()
        assert (customer.stage.key, customer.open_value) == ("new", 0)


def test_what_two_delete_is_reported_once(customer, alice):
    deal = deals.create(customer=customer, actor=alice.actor, title="Braces", amount=10)
    task = tasks.create(organization=customer.organization, customer=customer, actor=alice.actor, title="Call")
    kind = outcomes.find_type(organization=customer.organization, key="consult_booked")
    outcome = outcomes.record_outcome(customer=customer, actor=alice.actor, type=kind)
    # Two who read the same, and delete it one after the other.
    read = [(copy(deal), copy(task), copy(outcome)) for _ in range(2)]
    for one_deal, one_task, one_outcome in read:
        deals.delete(deal=one_deal, actor=alice.actor)
        tasks.delete(task=one_task, actor=alice.actor)
        outcomes.delete(outcome=one_outcome, actor=alice.actor)
    for name in ("deal.deleted", "task.deleted", "outcome.deleted"):
        assert Event.objects.filter(type=name).count() == 1, name


@pytest.mark.django_db(transaction=True)
def test_many_deals_at_once_are_all_in_the_sum(alice, make_customer):
    customer = make_customer()

    def make(number: int) -> Any:
        with organization_scope(alice.organization):
            return deals.create(customer=customer, actor=alice.actor, title=f"Deal {number}", amount=number).pk

    in_threads(make, 8)
    with organization_scope(alice.organization):
        assert Customer.objects.get(pk=customer.pk).open_value == sum(range(8))


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_are_two_moves_one_after_the_other(alice, make_customer):
    customer = make_customer()

    def go(number: int) -> Any:
        with organization_scope(alice.organization):
            target = stage(("contacted", "lost")[number])
            return stage_moves.move(customer=customer, stage=target, actor=alice.actor).pk

    in_threads(go, 2)
    with organization_scope(alice.organization):
        changes = list(StageChange.objects.filter(customer=customer).order_by("changed_at", "pk"))
        assert changes[0].to_stage_id == changes[1].from_stage_id
        assert Customer.objects.get(pk=customer.pk).stage_id == changes[1].to_stage_id
