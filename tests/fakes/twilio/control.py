"""The stand-in's own paths, for tests whose worker runs in another process.

GET messages, callbacks; POST script (`{"to": "*", "steps": [{…}]}`), status (`{"sid", "statuses", "error_code"?}`)
and reset.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tests.fakes.twilio.answers import Answer
from tests.fakes.twilio.steps import EVERYBODY, Step
from tests.fakes.twilio.webhooks import Progress

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio


def control(twilio: FakeTwilio, method: str, name: str, query: Mapping[str, str], body: bytes) -> Answer:
    try:
        if method == "GET" and name == "messages":
            return Answer(200, _messages(twilio, query))
        if method == "GET" and name == "callbacks":
            return Answer(200, {"callbacks": [asdict(call) for call in list(twilio.statuses.calls)]})
        if method == "POST":
            return _change(twilio, name, json.loads(body or b"{}"))
    except (ValueError, LookupError, TypeError) as problem:
        return Answer(400, {"detail": str(problem)})
    return Answer(404, {"detail": "no such control"})


def _messages(twilio: FakeTwilio, query: Mapping[str, str]) -> dict[str, Any]:
    """Every message, the requests to create one, and how often each text was created for each recipient."""
    wanted = query.get("To", "")
    creates = {key: count for key, count in twilio.store.creates.copy().items() if wanted in ("", key[0])}
    requests = Counter((form.get("To", ""), form.get("Body", "")) for form in list(twilio.store.requests))
    return {
        "created": sum(creates.values()),
        "creates": [{"to": to, "body": body, "count": count} for (to, body), count in creates.items()],
        "requests": [
            {"to": to, "body": body, "count": count} for (to, body), count in requests.items() if wanted in ("", to)
        ],
        "messages": [one.resource() for one in twilio.store.all() if wanted in ("", one.to)],
    }


def _change(twilio: FakeTwilio, name: str, data: Mapping[str, Any]) -> Answer:
    if name == "reset":
        twilio.reset()
    elif name == "script":
        twilio.plan(*[Step.of(step) for step in data["steps"]], to=data.get("to", EVERYBODY))
    elif name == "status":
        message = twilio.store.get(data["sid"])
        if message is None:
            return Answer(404, {"detail": "no such message"})
        twilio.statuses.now(Progress(message, data["statuses"], data.get("error_code"), 0))
    else:
        return Answer(404, {"detail": "no such control"})
    return Answer(200, {"ok": True})
