"""Twilio's resources, as far as Parley uses them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.twilio import content, schema
from tests.fakes.twilio.answers import Answer, error
from tests.fakes.twilio.media import File
from tests.fakes.twilio.steps import Step
from tests.fakes.twilio.store import API_VERSION, Message, page
from tests.fakes.twilio.webhooks import Progress

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio

MAX_BODY_LENGTH = 1600
MAX_MEDIA = 10
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


def create_message(twilio: FakeTwilio, *, account: str, form: Mapping[str, Any], **_: Any) -> Answer:
    twilio.store.requested(form)
    if wrong := schema.problems(MESSAGES, form):
        twilio.violations += wrong
        return error(400, 20001, f"Not as documented: {wrong[0]}")
    if refused := _refused(form) or content.refused(twilio, form):
        return refused
    step = twilio.script.next_for(form["To"])
    message = _message(account, form, content.rendered(twilio, form))
    if step.is_stored:
        twilio.store.add(message)
        _move_along(twilio, message, step)
    if step.seconds:
        time.sleep(step.seconds)
    return _answer(message, step)


def fetch_message(twilio: FakeTwilio, *, account: str, sid: str, **_: Any) -> Answer:
    message = twilio.store.get(sid)
    if message is None or message.account_sid != account:
        return error(404, 20404, "The requested resource was not found")
    return Answer(200, message.resource())


def list_messages(twilio: FakeTwilio, *, account: str, query: Mapping[str, str], path: str, **_: Any) -> Answer:
    try:
        return Answer(200, page(twilio.store.listed(account, query), path, query))
    except ValueError:
        return error(400, 20001, "A filter can't be read")


def fetch_account(twilio: FakeTwilio, *, account: str, **_: Any) -> Answer:
    resource = {
        "sid": account,
        "friendly_name": "A stand-in",
        "status": twilio.account_status,
        "type": "Full",
        "uri": f"/{API_VERSION}/Accounts/{account}.json",
    }
    return Answer(200, resource)


def _refused(form: Mapping[str, Any]) -> Answer | None:
    """What Twilio refuses whoever asks."""
    checks = (
        (not form.get("To"), 21604, "A 'To' phone number is required."),
        (not (form.get("From") or form.get("MessagingServiceSid")), 21603, "A 'From' phone number is required."),
        (not (form.get("Body") or form.get("MediaUrl") or form.get("ContentSid")), 21602, "Message body is required."),
        (len(form.get("Body", "")) > MAX_BODY_LENGTH, 21617, "The message body exceeds the 1600 character limit."),
        (len(form.get("MediaUrl", ())) > _most_media(form), 21623, "Number of media files exceeds allowed limit."),
    )
    return next((error(400, code, text) for is_wrong, code, text in checks if is_wrong), None)


def _most_media(form: Mapping[str, Any]) -> int:
    return 1 if form["To"].startswith("whatsapp:") else MAX_MEDIA


def _message(account: str, form: Mapping[str, Any], body: str) -> Message:
    service = form.get("MessagingServiceSid")
    return Message(
        account_sid=account,
        to=form["To"],
        sender=form.get("From"),  # of a messaging service nobody knows yet who sends
        body=body,
        messaging_service_sid=service,
        status_callback=form.get("StatusCallback", ""),
        status="accepted" if service else "queued",
        files=[File(b"", "image/png", url.rpartition("/")[2]) for url in form.get("MediaUrl", ())],
    )


def _move_along(twilio: FakeTwilio, message: Message, step: Step) -> None:
    progress = Progress(message, step.statuses, step.error_code, step.gap)
    if step.callbacks_first:
        twilio.statuses.now(progress)
    else:
        twilio.statuses.plan(progress)


def _answer(message: Message, step: Step) -> Answer:
    if step.kind == "drop":
        return Answer(0, b"", is_dropped=True)
    if step.kind == "garbage":
        return Answer(201, b'{"sid": "SM')
    if step.kind == "refuse":
        headers = [("Retry-After", step.retry_after)] if step.retry_after else []
        return error(step.http, step.code, "Refused by the script", headers)
    return Answer(201, message.resource())
