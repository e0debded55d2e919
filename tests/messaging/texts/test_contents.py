"""Approved templates: read from the provider, sent by their id, standing in when the reply window has closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.tenancy import every_organization, organization_scope
from customers.people.consent import services as consent
from messaging.delivery import sending
from messaging.intake import processing
from messaging.models import Attachment, Channel, ContentSync, Conversation, Message, Template
from messaging.texts.contents import services as contents
from messaging.texts.templates import services as templates
from messaging.threads import services as conversations
from tests.fakes.twilio import Content, FakeTwilio, Step
from tests.messaging.conftest import (
    THEIR_NUMBER,
    all_of,
    current,
    inbound_params,
    make_due,
    only,
    open_thread,
    status_params,
)

API = "/api/v1"
OWN_SID = "HX" + "a" * 32


def sync() -> ContentSync:
    make_due(ContentSync)
    contents.sync_due()
    return only(ContentSync, channel__provider="twilio")


def theirs(sid: str) -> Template:
    found: Template = only(Template, provider_template_id=sid)
    return found


@pytest.fixture
def approved(twilio: FakeTwilio, whatsapp: Channel) -> Template:
    """An approved template with two variables."""
    twilio.contents.append(
        Content(
            "visit", types={"twilio/text": {"body": "Hello {{1}}, see you at {{2}}."}},
            variables={"1": "Zoë", "2": "nine"},
        )
    )  # fmt: skip
    sync()
    return theirs(twilio.contents[0].sid)


@pytest.fixture
def closed(whatsapp: Channel, make_customer: Any) -> Conversation:
    """The customer wrote two days ago."""
    thread = open_thread(whatsapp, make_customer(phone=THEIR_NUMBER, name="Ada Lovelace"))
    return heard(thread, timezone.now() - timedelta(days=2))


def heard(thread: Conversation, at: Any) -> Conversation:
    with organization_scope(thread.organization):
        Conversation.objects.filter(pk=thread.pk).update(last_inbound_at=at)
        return Conversation.objects.select_related("customer__organization", "channel", "organization").get(
            pk=thread.pk
        )


def post(person: Any, thread: Conversation, **body: Any) -> Any:
    return person.api.post(f"{API}/conversations/{thread.pk}/messages", body, format="json")


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.data["errors"][0]["code"]


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

    def test_one_that_is_gone_is_said_to_be_and_can_come_back(self, twilio: FakeTwilio, approved: Template):
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


class TestSending:
    def test_it_leaves_by_its_id_and_never_by_its_body(
        self, alice: Any, twilio: FakeTwilio, approved: Template, closed: Conversation
    ):
        answer = post(alice, closed, template=str(approved.pk), variables={"1": "Ada", "2": "10:30"})
        assert answer.status_code == 201, answer.data
        assert answer.data["body"] == "Hello Ada, see you at 10:30."
        sending.deliver_due()
        (request,) = twilio.store.requests
        assert request["ContentSid"] == approved.provider_template_id
        assert json.loads(request["ContentVariables"]) == {"1": "Ada", "2": "10:30"}
        assert "Body" not in request
        assert "MediaUrl" not in request
        assert twilio.store.all()[0].body == only(Message).body
        assert twilio.violations == []
        assert only(Message).status == "sent"

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("", "is empty"),
            ("   ", "is empty"),
            ("a\nb", "line break"),
            ("a\tb", "a tab"),
            ("a\u2028b", "line break"),
            ("a     b", "more than four spaces"),
            ("x" * 1025, "longer than 1024"),
        ],
    )
    def test_a_value_that_would_be_refused_is_refused_before_sending(
        self, alice: Any, twilio: FakeTwilio, approved: Template, closed: Conversation, value: str, words: str
    ):
        answer = post(alice, closed, template=str(approved.pk), variables={"1": value, "2": "nine"})
        assert (answer.status_code, words in str(answer.data)) == (400, True), answer.data
        assert answer.data["errors"][0]["attr"].startswith("variables")
        by_page = alice.htmx.post(
            alice.url(f"inbox/{closed.pk}/templates/{approved.pk}/"),
            {"variable-1": value, "variable-2": "nine", "send": "1"},
        )
        if value.strip() or not value:
            assert by_page.status_code == 422
        assert (all_of(Message), twilio.store.requests) == ([], [])

    def test_four_spaces_go(self, alice: Any, approved: Template, closed: Conversation):
        assert post(alice, closed, template=str(approved.pk), variables={"1": "a    b", "2": "x"}).status_code == 201

    def test_a_missing_and_an_unknown_value_are_named(self, alice: Any, approved: Template, closed: Conversation):
        missing = post(alice, closed, template=str(approved.pk), variables={"1": "Ada"})
        assert (missing.status_code, "Variable 2 has no value" in str(missing.data)) == (400, True)
        unknown = post(alice, closed, template=str(approved.pk), variables={"1": "a", "2": "b", "9": "c"})
        assert (unknown.status_code, "no variable of this template; it has 1, 2" in str(unknown.data)) == (400, True)

    @pytest.mark.parametrize("state", ["pending", "rejected", "paused", "disabled", "gone", "unsubmitted"])
    def test_one_that_is_not_approved_does_not_go(
        self, alice: Any, approved: Template, closed: Conversation, state: str
    ):
        with organization_scope(alice.organization):
            Template.objects.filter(pk=approved.pk).update(content_status=state)
        answer = post(alice, closed, template=str(approved.pk), variables={"1": "a", "2": "b"})
        assert (answer.status_code, "can’t be sent" in str(answer.data)) == (400, True)

    def test_the_page_shows_it_and_sends_it(self, alice: Any, approved: Template, closed: Conversation):
        url = alice.url(f"inbox/{closed.pk}/templates/{approved.pk}/")
        assert alice.htmx.get(url).status_code == 200
        assert alice.htmx.post(url, {"variable-1": "Ada", "variable-2": "9", "send": "1"}).status_code == 200
        assert only(Message).content_variables == {"1": "Ada", "2": "9"}

    def test_nobody_elses_template_can_be_sent(self, charlie: Any, bob: Any, approved: Template, closed: Conversation):
        for person in (bob, charlie):
            assert post(person, closed, template=str(approved.pk)).status_code == 404
            assert person.htmx.get(person.url(f"inbox/{closed.pk}/templates/{approved.pk}/")).status_code == 404


class TestClosedWindow:
    def test_free_text_is_a_conflict(self, alice: Any, closed: Conversation):
        assert code_of(post(alice, closed, body="Hello?")) == (409, "window_closed")
        assert all_of(Message) == []

    def test_a_template_goes_to_who_wrote_before(self, alice: Any, approved: Template, closed: Conversation):
        assert post(alice, closed, template=str(approved.pk), variables={"1": "a", "2": "b"}).status_code == 201

    def test_nobody_is_written_to_first_without_their_word(
        self, alice: Any, approved: Template, whatsapp: Channel, make_customer: Any
    ):
        customer = make_customer(phone=THEIR_NUMBER)
        with organization_scope(alice.organization):
            thread = conversations.begin(customer=customer, channel=whatsapp)
        given = {"template": str(approved.pk), "variables": {"1": "a", "2": "b"}}
        assert code_of(post(alice, thread, **given)) == (403, "opt_in_missing")
        assert code_of(post(alice, thread, body="Hello")) == (409, "window_closed")
        with organization_scope(alice.organization):
            consent.change(customer=customer, channel="whatsapp", is_granted=True, how="on paper", actor=alice.actor)
        assert post(alice, thread, **given).status_code == 201

    def test_the_opt_in_is_asked_for_again_when_it_is_due(
        self, alice: Any, twilio: FakeTwilio, approved: Template, closed: Conversation
    ):
        assert post(alice, closed, template=str(approved.pk), variables={"1": "a", "2": "b"}).status_code == 201
        with organization_scope(alice.organization):
            customer = closed.customer
            consent.change(customer=customer, channel="whatsapp", is_granted=False, how="by phone", actor=alice.actor)
        sending.deliver_due()
        assert (only(Message).status, only(Message).error_code) == ("failed", "opted_out")
        assert twilio.store.requests == []


class TestFallback:
    LATER = timedelta(hours=30)

    def later(self, alice: Any, thread: Conversation, **more: Any) -> Any:
        at = (timezone.now() + self.LATER).isoformat()
        return post(alice, thread, **{"body": "Tomorrow at nine?", "not_before_at": at, **more})

    def fallback(self, approved: Template) -> dict[str, Any]:
        return {"fallback_template": str(approved.pk), "fallback_variables": {"1": "Ada", "2": "nine"}}

    def test_past_the_window_a_fallback_is_needed(self, alice: Any, approved: Template, thread: Conversation):
        assert code_of(self.later(alice, thread)) == (409, "window_closed")
        assert self.later(alice, thread, **self.fallback(approved)).status_code == 201
        near = (timezone.now() + timedelta(hours=2)).isoformat()
        assert post(alice, thread, body="Soon", not_before_at=near).status_code == 201

    def test_the_fallback_has_to_be_complete(self, alice: Any, approved: Template, thread: Conversation):
        given = {"fallback_template": str(approved.pk), "fallback_variables": {"1": "Ada"}}
        answer = self.later(alice, thread, **given)
        assert (answer.status_code, answer.data["errors"][0]["attr"].partition(".")[0]) == (400, "fallback_variables")

    def test_the_template_goes_when_the_window_has_closed_by_then(
        self, alice: Any, twilio: FakeTwilio, approved: Template, thread: Conversation
    ):
        assert self.later(alice, thread, **self.fallback(approved)).status_code == 201
        with time_machine.travel(timezone.now() + self.LATER + timedelta(minutes=1)):
            sending.deliver_due()
        (request,) = twilio.store.requests
        assert (request["ContentSid"], "Body" in request) == (approved.provider_template_id, False)
        sent = only(Message)
        assert (sent.status, sent.body) == ("sent", "Hello Ada, see you at nine.")
        assert sent.template_id == approved.pk

    def test_the_text_goes_when_the_customer_wrote_meanwhile(
        self, alice: Any, twilio: FakeTwilio, approved: Template, thread: Conversation
    ):
        assert self.later(alice, thread, **self.fallback(approved)).status_code == 201
        at = timezone.now() + self.LATER + timedelta(minutes=1)
        heard(thread, at - timedelta(hours=1))
        with time_machine.travel(at):
            sending.deliver_due()
        assert [request.get("Body") for request in twilio.store.requests] == ["Tomorrow at nine?"]

    def test_a_fallback_that_was_withdrawn_is_said_so(
        self, alice: Any, twilio: FakeTwilio, approved: Template, thread: Conversation
    ):
        self.later(alice, thread, **self.fallback(approved))
        with organization_scope(alice.organization):
            Template.objects.filter(pk=approved.pk).update(content_status="paused")
        with time_machine.travel(timezone.now() + self.LATER + timedelta(minutes=1)):
            sending.deliver_due()
        failed = only(Message)
        assert (failed.status, failed.error_code, "paused" in failed.error_message) == ("failed", "fallback", True)
        assert twilio.store.requests == []

    def test_it_goes_without_the_texts_files_and_says_so(
        self, alice: Any, twilio: FakeTwilio, approved: Template, thread: Conversation, disk: Path
    ):
        file = SimpleUploadedFile("plan.pdf", b"%PDF", "application/pdf")
        key = alice.api.post(f"{API}/media", {"file": file}, format="multipart").data["id"]
        assert self.later(alice, thread, attachments=[key], **self.fallback(approved)).status_code == 201
        with time_machine.travel(timezone.now() + self.LATER + timedelta(minutes=1)):
            sending.deliver_due()
        (request,) = twilio.store.requests
        assert ("MediaUrl" in request, request["ContentSid"]) == (False, approved.provider_template_id)
        assert only(Message).status == "sent"
        assert (only(Attachment).state, "Not sent" in only(Attachment).reason) == ("failed", True)

    def test_several_files_do_not_become_several_templates(
        self, alice: Any, approved: Template, thread: Conversation, disk: Path
    ):
        at = (timezone.now() + self.LATER).strftime("%Y-%m-%dT%H:%M+00:00")
        files = [SimpleUploadedFile(name, b"%PDF", "application/pdf") for name in ("a.pdf", "b.pdf")]
        with organization_scope(alice.organization):
            Template.objects.filter(pk=approved.pk).update(content_variables={"1": "{{ customer.name }}", "2": "nine"})
        given = {"mode": "reply", "body": "Both", "not_before_at": at, "fallback_template": str(approved.pk)}
        url = alice.url(f"inbox/{thread.pk}/reply/")
        answer = alice.htmx.post(url, {**given, "file": files})
        assert (answer.status_code, "once for each file" in answer.content.decode()) == (422, True)
        assert all_of(Message) == []
        one = SimpleUploadedFile("a.pdf", b"%PDF", "application/pdf")
        assert alice.htmx.post(url, {**given, "file": one}).status_code == 200
        assert only(Message).fallback_template_id == approved.pk


class TestTheProviderKnowsBetter:
    """63016: the reply window is closed, whatever we counted."""

    @pytest.fixture(params=["by the API", "by a callback"])
    def refused(self, request: Any, twilio: FakeTwilio, queue: Any, webhooks: Any, settings: Any) -> Any:
        def send(**more: Any) -> Message:
            is_late = request.param == "by a callback"
            twilio.plan(Step(statuses=()) if is_late else Step.refused(63016))
            message = queue("Hello", **more)
            sending.deliver_due()
            if is_late:
                sent = current(message)
                params = status_params(sent.provider_message_id, "undelivered", ErrorCode="63016")
                assert webhooks.status(params, message=sent).status_code == 200
                processing.process_due()
            return current(message)

        return send

    def test_the_window_is_closed_until_they_write(
        self, alice: Any, refused: Any, thread: Conversation, webhooks: Any, twilio: FakeTwilio
    ):
        failed = refused()
        assert (failed.status, failed.error_code) == ("failed", "63016")
        assert not failed.conversation.is_window_open
        assert code_of(post(alice, thread, body="Again")) == (409, "window_closed")
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            assert webhooks.whatsapp(inbound_params("SM" + "7" * 32)).status_code == 200
            processing.process_due()
            assert post(alice, thread, body="Again").status_code == 201

    def test_the_fallback_goes_out_instead(self, refused: Any, approved: Template, twilio: FakeTwilio):
        message = refused(fallback_template=approved, fallback_variables={"1": "Ada", "2": "nine"})
        twilio.plan(Step(statuses=()))
        make_due(Message)
        sending.deliver_due()
        sent = current(message)
        assert (sent.status, sent.provider_template_id, sent.error_code) == ("sent", approved.provider_template_id, "")
        assert [("Body" in request, "ContentSid" in request) for request in twilio.store.requests] == [
            (True, False), (False, True),
        ]  # fmt: skip
        assert not sent.conversation.is_window_open

    def test_a_template_that_is_refused_so_fails(
        self, alice: Any, twilio: FakeTwilio, approved: Template, closed: Conversation
    ):
        twilio.plan(Step.refused(63016))
        post(alice, closed, template=str(approved.pk), variables={"1": "a", "2": "b"})
        sending.deliver_due()
        assert (only(Message).status, len(twilio.store.requests)) == ("failed", 1)
