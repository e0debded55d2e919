"""A stand-in for Twilio's REST API over real HTTP on loopback: small, stateful, scripted, countable.

In a test: `with FakeTwilio() as twilio: settings.TWILIO_API_BASE_URL = twilio.url`. As a process of its own:
`python -m tests.fakes.twilio --port 9000 --delay-ms 50 --control`.
"""

from tests.fakes.twilio.content import Content
from tests.fakes.twilio.inbound import webhook as inbound_webhook
from tests.fakes.twilio.media import File
from tests.fakes.twilio.server import FakeTwilio
from tests.fakes.twilio.steps import Step
from tests.fakes.twilio.store import ACCOUNT_SID, AUTH_TOKEN
from tests.fakes.twilio.webhooks import post_signed, signature

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "Content",
    "FakeTwilio",
    "File",
    "Step",
    "inbound_webhook",
    "post_signed",
    "signature",
]
