"""The editor while somebody writes: what a draft would match by now, and rules to begin with."""

from __future__ import annotations

import pytest

from accounts.models import Member
from accounts.roles import services as roles
from tests.pages import form_of
from tests.workflows.conftest import work
from tests.workflows.rules.editor.conftest import NEW, RULES, TAGGED, edit, opened, page_of
from workflows.models import Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db


class TestLive:
    def test_the_last_events_say_whether_it_would_act_and_why_not(self, alice, make_rule, receive):
        for number in range(7):
            receive(f"Good morning {number}", sender=f"+4477009008{number:02d}")
        receive("The price?")
        data = opened(alice, NEW) | {
            "conditions.rows.0.field": ["message_body"], "conditions.rows.0.op": ["icontains"],
            "conditions.rows.0.value": ["price"],
        }  # fmt: skip
        page = page_of(alice.htmx.post(alice.url(f"{NEW}matches/"), data))
        assert "It would have acted on 1 of the last 5." in page
        assert "Does not hold: Text of the message contains “price”. It is “Good morning 6”." in page
        assert "Good morning 1" not in page
        assert not Workflow.objects.exists()

    def test_a_rule_that_is_not_complete_is_not_tried(self, alice, make_rule, receive):
        receive("The price?")
        data = opened(alice, NEW) | {"conditions.rows.0.field": ["customer_stage"], "conditions.rows.0.value": [""]}
        assert "a condition is not complete" in page_of(alice.htmx.post(alice.url(f"{NEW}matches/"), data))
        # A row that was just added says nothing yet.
        data["conditions.rows.0.field"] = [""]
        assert "acted on 1 of the last 1" in page_of(alice.htmx.post(alice.url(f"{NEW}matches/"), data))

    def test_what_it_did_in_fact_counts_for_one_that_acts_once(self, alice, make_rule, receive):

        rule = make_rule("message.received", {}, TAGGED, is_once=True)
        receive("One")
        work()
        for number in range(5):
            receive(f"More {number}")
        data = form_of(alice.client, alice.url(edit(rule))).data()
        page = page_of(alice.htmx.post(alice.url(f"{RULES}{rule.pk}/matches/"), data))
        assert "It would have acted on 0 of the last 5." in page
        assert "It acted for this customer before." in page
        assert WorkflowVersion.objects.filter(workflow=rule).count() == 1

    def test_events_out_of_reach_are_not_shown(self, alice, mona, bob, make_customer, make_rule):
        desk = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Desk", reach="team",
            permissions=["customers.view", "customers.edit", "workflows.view", "workflows.create"],
        )  # fmt: skip
        Member.objects.filter(pk=mona.member.pk).update(role=desk)
        make_customer(bob, name="Of Bob")
        make_customer(alice, name="Of Alice")
        data = opened(mona, NEW) | {"trigger_event": ["customer.created"]}
        page = page_of(mona.htmx.post(mona.url(f"{NEW}matches/"), data))
        assert "Of Bob" in page
        assert "Of Alice" not in page
        data |= {"name": "x", "actions.0.action": ["add_tag"], "actions.0.params.tag": ["x"]}
        answer = mona.client.post(mona.url(NEW), data)
        assert "Only who sees every record sets one up" in page_of(answer)
        assert not Workflow.objects.exists()


class TestStartingPoints:
    def test_they_are_offered_where_no_such_rule_is_there_and_land_switched_off(self, alice, inside):
        page = page_of(alice.client.get(alice.url(NEW)))
        for words in ("Say that nobody is there", "Chase what nobody answered", "Ask for a review"):
            assert words in page
        for words in ("Welcome somebody new", "Call a lead that went quiet", "Remind of the visit"):
            assert words not in page, words
        data = form_of(alice.client, alice.url(f"{NEW}?from=away"), having="trigger_event").data()
        assert alice.client.post(alice.url(NEW), data).status_code == 302
        rule = Workflow.objects.get(name="Say that nobody is there")
        assert (rule.hours, rule.is_enabled, rule.actions[0]["action"]) == ("closed", False, "send_text")
        assert "Say that nobody is there" not in page_of(alice.client.get(alice.url(NEW)))

    def test_each_can_be_saved_as_it_stands(self, alice, charlie, without_rules):
        for person in (alice, charlie):
            for key in ("welcome", "away", "no_answer", "stalled", "review", "review_won", "visit_reminder"):
                url = person.url(f"{NEW}?from={key}")
                data = form_of(person.client, url, having="trigger_event").data()
                if data["name"] != [""]:
                    assert person.client.post(person.url(NEW), data).status_code == 302, key
        assert Workflow.objects.filter(organization=alice.organization).count() == 5
