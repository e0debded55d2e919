"""Approved templates as they are read from the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from core.tenancy import every_organization, organization_scope
from messaging.models import Channel, ContentSync, Template
from messaging.texts.contents import services as contents
from messaging.texts.templates import services as templates
from tests.fakes.twilio import Content, FakeTwilio
from tests.messaging.conftest import all_of
from tests.messaging.texts.conftest import sync, theirs

OWN_SID = "HX" + "a" * 32


class TestReading:
    def test_each_becomes_a_template_with_its_state(self, twilio: FakeTwilio, whatsapp: Channel):
        states = ["approved", "pending", "received", "rejected", "paused", "disabled"]
        for state in states:
            approval = {"name": state, "category": "UTILITY", "status": state, "rejection_reason": f"why {state}"}
            twilio.contents.append(Content(f"t_{state}", approval=approval))
        twilio.contents.append(Content("t_none", approval=None, language="pt_BR"))
        row = sync()
        assert (row.count, row.last_error, row.synced_at is not None, row.due_at is not None) == (7, "", True, True)
        found = {one.name: one for one in all_of(Template, name__startswith="t_")}
        assert {name: one.content_status for name, one in found.items()} == {
            "t_approved": "approved", "t_pending": "pending", "t_received": "pending", "t_rejected": "rejected",
            "t_paused": "paused", "t_disabled": "disabled", "t_none": "unsubmitted",
        }  # fmt: skip
        assert found["t_none"].language == "pt-BR"
        assert found["t_rejected"].content_reason == "why rejected"
        assert (found["t_approved"].body, found["t_approved"].content["variables"]) == ("Hello {{1}}", {"1": "Zoë"})
        assert [one.can_be_sent for one in found.values()].count(True) == 1

    def test_a_second_reading_makes_nothing_new_and_follows_changes(self, twilio: FakeTwilio, approved: Template):
        sync()
        assert theirs(approved.provider_template_id).pk == approved.pk
        twilio.contents[0] = replace(
            twilio.contents[0],
            types={"twilio/text": {"body": "Good day {{1}}"}},
            approval={"name": "visit", "category": "UTILITY", "status": "paused"},
        )
        sync()
        after = theirs(approved.provider_template_id)
        assert (after.body, after.content_status, after.can_be_sent) == ("Good day {{1}}", "paused", False)

    def test_one_that_is_gone_is_shown_as_gone_and_can_come_back(self, twilio: FakeTwilio, approved: Template):
        (held,) = twilio.contents
        twilio.contents.clear()
        sync()
        assert (theirs(held.sid).content_status, theirs(held.sid).can_be_sent) == ("gone", False)
        twilio.contents.append(held)
        sync()
        assert theirs(held.sid).content_status == "approved"

    def test_a_text_of_ours_is_never_touched(self, alice: Any, twilio: FakeTwilio, whatsapp: Channel):
        with organization_scope(alice.organization):
            own = templates.create(
                organization=alice.organization, actor=alice.actor, name="Ours", channel="whatsapp",
                body="Dear {{1}}, come at nine.", provider_template_id=OWN_SID,
                content_variables={"1": "{{ customer.name }}"},
            )  # fmt: skip
        twilio.contents.append(Content("theirs", sid=OWN_SID, types={"twilio/text": {"body": "Another text {{1}}"}}))
        for _ in range(3):
            sync()
        after = theirs(OWN_SID)
        assert (after.pk, after.name, after.body) == (own.pk, "Ours", "Dear {{1}}, come at nine.")
        assert (after.content_variables, after.content_status) == ({"1": "{{ customer.name }}"}, "approved")
        with organization_scope(alice.organization):
            changed = templates.update(template=after, actor=alice.actor, changes={"body": "Dear {{1}}, come."})
        assert changed.body == "Dear {{1}}, come."
        twilio.contents.clear()
        sync()
        assert (theirs(OWN_SID).body, theirs(OWN_SID).content_status) == ("Dear {{1}}, come.", "gone")

    def test_free_texts_stay_what_they_are(self, twilio: FakeTwilio, whatsapp: Channel):
        before = [(row.pk, row.body, row.content_status) for row in all_of(Template, provider_template_id="")]
        sync()
        assert [(row.pk, row.body, row.content_status) for row in all_of(Template, provider_template_id="")] == before

    def test_two_of_one_name_are_two(self, twilio: FakeTwilio, whatsapp: Channel):
        twilio.contents += [Content("visit"), Content("visit"), Content("visit", language="de")]
        sync()
        assert len(all_of(Template, name="visit")) == 3

    def test_another_organization_has_none_of_it(self, twilio: FakeTwilio, approved: Template, charlie: Any):
        with organization_scope(charlie.organization):
            assert (
                not Template.objects.exclude(provider_template_id="")
                .filter(provider_template_id=approved.provider_template_id)
                .exists()
            )

    def test_what_can_not_be_read_is_read_later_and_keeps_what_is_known(self, twilio: FakeTwilio, approved: Template):
        right = dict(twilio.tokens)
        twilio.tokens.update(dict.fromkeys(right, "another"))
        row = sync()
        assert row.last_error
        assert row.due_at is not None
        assert theirs(approved.provider_template_id).content_status == "approved"
        twilio.tokens.update(right)
        assert sync().last_error == ""

    @pytest.mark.parametrize(
        "body",
        [{}, {"meta": {"key": "errors", "next_page_url": None}, "errors": []}, {"contents": {}}, {"contents": []},
         b"<html>Sign in</html>", b"", b'{"contents": [', {"contents": None, "meta": {"key": "contents"}}],
    )  # fmt: skip
    def test_an_answer_without_a_list_lets_no_template_go(
        self, twilio: FakeTwilio, approved: Template, monkeypatch: Any, body: Any
    ):
        def rows() -> list[Mapping[str, Any]]:
            with every_organization("the test looks at its template"):
                return list(Template.objects.filter(provider_template_id=approved.provider_template_id).values())

        before = rows()
        with monkeypatch.context() as patch:
            right = twilio.answer
            patch.setattr(twilio, "answer", lambda *given: replace(right(*given), body=body))
            row = sync()
        assert row.last_error
        assert row.due_at is not None
        assert rows() == before
        assert sync().last_error == ""

    def test_who_lost_the_claim_writes_nothing(self, twilio: FakeTwilio, approved: Template, monkeypatch: Any):
        twilio.contents.clear()
        real = contents.settle

        def late(row: Any, **given: Any) -> bool:
            with every_organization("another worker took it"):
                ContentSync.objects.filter(pk=row.pk).update(claim_token=None)
            return real(row, **given)

        monkeypatch.setattr(contents, "settle", late)
        sync()
        assert theirs(approved.provider_template_id).content_status == "approved"
