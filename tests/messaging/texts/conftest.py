"""The provider's templates."""

from __future__ import annotations

import pytest

from messaging.models import Channel, ContentSync, Template
from messaging.texts.contents import services as contents
from tests.fakes.twilio import Content, FakeTwilio
from tests.messaging.conftest import make_due, only


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
