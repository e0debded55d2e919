"""The stream: signals of what changed, to whoever may see it, until they may not.

The stream carries ids and event names only; the browser asks for what changed and is shown what it may see. Every
signal is asked again whether this member still is one and may see that conversation: who is shut out is out at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.access.pages import SignedIn, streams
from messaging.inbox.live_updates import HEARTBEAT, PERMISSION, Credentials, rooms

# A stream ends by itself after this and the browser opens it again, signed in or not.
MAX_SECONDS = 30 * 60
MAX_DIGITS = 14


@streams(PERMISSION)
async def live(request: HttpRequest, signed_in: SignedIn) -> HttpResponseBase:
    """Server-sent events: `conversation` and `customers` for what changed, `heartbeat` between.

    `since`: when the page was rendered, in milliseconds of Unix time. What changed after it is sent first. Without it
    the page asks for everything by itself, which is right after a break in the stream.
    """
    if request.method != "GET":
        return HttpResponse(status=405)
    member = signed_in.member
    credentials = Credentials(
        member.pk,
        member.organization_id,
        signed_in.session_key,
        member.user.get_session_auth_hash(),
        signed_in.ways,
        signed_in.impersonation_id,
    )
    response = StreamingHttpResponse(_events(credentials, request.GET.get("since")), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the stream back
    return response


async def _events(credentials: Credentials, since: str | None) -> AsyncGenerator[str]:
    ends = time.monotonic() + MAX_SECONDS
    async with rooms().watching(credentials) as queue:
        yield f"retry: 1000\n\n{HEARTBEAT}"
        if since is not None:
            missed = await rooms().missed(credentials, _moment(since))
            if missed is None:
                return
            if missed:
                yield missed
        while (left := ends - time.monotonic()) > 0:
            try:
                text = await asyncio.wait_for(queue.get(), left)
            except TimeoutError:
                return
            if text is None:
                return
            yield text


def _moment(milliseconds: str) -> datetime | None:
    """The time that the page named; None for none."""
    if not (milliseconds.isascii() and milliseconds.isdecimal()) or len(milliseconds) > MAX_DIGITS:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
