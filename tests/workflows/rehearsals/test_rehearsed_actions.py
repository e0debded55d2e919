"""Actions and histories that a rehearsal takes as the engine would: teams, merges, what comes in, what was stopped."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from activity.actor import SYSTEM
from customers.models import Customer
from messaging.models import Template
from tests.workflows.rehearsals.conftest import at

pytestmark = pytest.mark.django_db

SEND: Any = {"action": "send_text", "body": "Are you still there?"}
AN_HOUR: Any = {"action": "wait", "minutes": 60}


def steps(row: Any) -> list[tuple[str, str]]:
    return [(step["action"], step["status"]) for step in row.steps]


def test_customers_are_given_to_a_team_one_after_the_other(make_rule, past, rehearse, alice, bob, mona):
    team = Team.objects.filter(members=bob.member).first()
    for _ in range(2):
        past().writes(at(0))
    rehearsal = rehearse(
        make_rule("message.received", {}, [{"action": "assign", "team": str(team.pk), "how": "in_turn"}])
    )
    assert [steps(row) for row in rehearsal.events.all()] == [[("assign", "done")]] * 2


def test_what_was_of_one_who_was_merged_into_them_was_never_theirs(make_rule, past, rehearse, make_customer):
    ada, other = past(), make_customer(name="The other")
    ada.event("customer.stage_changed", at(1), {"from": "engaged", "to": "contacted", "reason": ""}, subject=other)
    ada.writes(at(2))
    stage = ada.customer.stage.key
    rehearsal = rehearse(make_rule("message.received", {"customer_stage": stage}, [SEND]))
    assert rehearsal.totals["reasons"] == {"matched": 1}


def test_the_message_that_made_the_customer_is_no_reply_to_it(make_rule, past, rehearse):
    ada = past()
    ada.event(
        "customer.created", at(0), {"code": "C1", "source": "whatsapp", "stage": ada.customer.stage.key}, actor=SYSTEM
    )
    ada.writes(at(0.0001), is_new_customer=True)
    rehearsal = rehearse(make_rule("customer.created", {}, [AN_HOUR, SEND], cancel_on=["reply"]))
    assert steps(rehearsal.events.get(occurred_at=at(0))) == [("wait", "done"), ("send_text", "done")]


def test_what_was_stopped_on_the_way_has_not_acted(make_rule, past, rehearse):
    ada = past()
    for hour in (0, 0.5, 24):
        ada.writes(at(hour))
    rehearsal = rehearse(make_rule("message.received", {}, [AN_HOUR, SEND], cancel_on=["reply"], is_once=True))
    # The first was ended by the second, which acted; the third finds that.
    assert rehearsal.totals["reasons"] == {"matched": 2, "once": 1}


def test_an_unapproved_template_fails_as_it_would(make_rule, past, rehearse, alice):
    Template.objects.create(
        organization=alice.organization, key="promo", name="Promo", channel="whatsapp", body="Hi",
        provider_template_id="HX1", content_status="rejected",
    )  # fmt: skip
    past().writes(at(0))
    rehearsal = rehearse(make_rule("message.received", {}, [{"action": "send_template", "template": "promo"}]))
    (row,) = rehearsal.events.all()
    assert steps(row) == [("send_template", "failed")]


def test_who_never_wrote_and_agreed_to_nothing_is_not_written_to(make_rule, past, rehearse):
    ada = past()
    ada.event("customer.tag_added", at(0), {"tag": "imported"})
    type(ada.conversation).objects.filter(pk=ada.conversation.pk).update(last_inbound_at=None)
    rehearsal = rehearse(make_rule("customer.tag_added", {}, [SEND]))
    (row,) = rehearsal.events.all()
    assert [status for _action, status in steps(row)] == ["skipped"]


def test_tags_are_compared_in_any_case(make_rule, past, rehearse, alice):
    ada = past()
    ada.event("customer.tag_added", at(0), {"tag": "vip"})
    ada.writes(at(1))
    ada.customer.tags.create(organization=alice.organization, name="vip")
    rehearsal = rehearse(make_rule("message.received", {}, [{"action": "add_tag", "tag": "VIP"}]))
    (row,) = rehearsal.events.all()
    assert steps(row) == [("add_tag", "skipped")]
    assert Customer.objects.get(pk=ada.customer.pk).tags.count() == 1


@pytest.mark.parametrize(
    "body",
    [{"until": "0001-01-15T00:00:00Z"}, {"since": "0001-01-15T00:00:00Z"}, {"until": "9999-12-31T00:00:00Z"}],
)
def test_a_span_outside_of_all_calendars_is_refused(alice, make_rule, body):
    rule = make_rule("message.received", {}, [SEND])
    for call in ("rehearsals", "dry-run"):
        answer = alice.api.post(f"/api/v1/workflows/{rule.pk}/{call}", body)
        assert answer.status_code == 400
