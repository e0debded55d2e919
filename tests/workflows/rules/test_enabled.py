"""What a process keeps of the enabled rules: used for as long as none changed, and never a moment longer."""

from __future__ import annotations

import pytest

from workflows.models import Workflow
from workflows.rules import services
from workflows.rules.enabled import enabled_for

pytestmark = pytest.mark.django_db

TRIGGER = "message.received"
TAG = [{"action": "add_tag", "tag": "asked"}]


@pytest.fixture
def names(alice):
    """`names()`: the rules of the trigger, by their names, as a run would take them."""

    def read() -> list[str]:
        rules = enabled_for(alice.organization.pk, TRIGGER)
        return [rule.name for rule in rules.rules] if rules else []

    return read


def test_unchanged_rules_are_parsed_once(make_rule, alice, django_assert_num_queries):
    make_rule(TRIGGER, {}, TAG)
    with django_assert_num_queries(2):
        first = enabled_for(alice.organization.pk, TRIGGER)
    with django_assert_num_queries(1):
        assert enabled_for(alice.organization.pk, TRIGGER) is first


def test_a_change_counts_for_the_next_run(make_rule, names, alice):
    rule = make_rule(TRIGGER, {}, TAG, name="Before")
    assert names() == ["Before"]
    services.update(workflow=rule, actor=alice.actor, changes={"name": "After"})
    assert names() == ["After"]


def test_a_new_rule_and_one_that_is_switched_off_count_for_the_next_run(make_rule, names, alice):
    first = make_rule(TRIGGER, {}, TAG, name="First")
    assert names() == ["First"]
    make_rule(TRIGGER, {}, TAG, name="Second")
    assert names() == ["First", "Second"]
    services.update(workflow=first, actor=alice.actor, changes={"is_enabled": False})
    assert names() == ["Second"]


def test_another_order_counts_for_the_next_run(make_rule, names, alice):
    first, second = (make_rule(TRIGGER, {}, TAG, name=name) for name in ("First", "Second"))
    assert names() == ["First", "Second"]
    services.reorder(organization=alice.organization, actor=alice.actor, ids=[second.pk, first.pk])
    assert names() == ["Second", "First"]


@pytest.mark.parametrize("column", ["version", "failures"])
def test_a_change_within_one_tick_of_the_clock_counts(make_rule, names, column):
    rule = make_rule(TRIGGER, {}, TAG, name="Before")
    assert names() == ["Before"]
    # `update()` leaves `updated_at` as it was: the clock shows no difference.
    Workflow.objects.filter(pk=rule.pk).update(name="After", **{column: 7})
    assert names() == ["After"]
