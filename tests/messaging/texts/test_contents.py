"""Approved templates: read from the provider, sent by their id, standing in when the reply window has closed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.tenancy import organization_scope
from customers.people.consent import services as consent
from messaging.delivery import sending
from messaging.intake import processing
from messaging.models import Attachment, Channel, Conversation, Message, Template
from messaging.threads import services as conversations
from tests.fakes.twilio import FakeTwilio, Step
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

    def test_a_fallback_that_was_withdrawn_is_reported(
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
