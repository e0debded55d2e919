"""What Twilio calls: verified, stored, answered; the work comes after.

A delivery that no channel is found for is kept as well. Without a channel there is no token to verify it with: it is
kept with its signature, and only worked on once a channel's token has verified it (`messaging/intake/unverified.py`).
"""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.tenancy import every_organization
from messaging.channels.base import InvalidPayload
from messaging.channels.text import clean
from messaging.channels.twilio import payload, signature
from messaging.inbound_deliveries.store import Proof, store, webhook_key
from messaging.intake import routing, unverified
from messaging.models import Arrival, Channel

# Twilio's own are a few kilobytes.
MAX_BYTES = 64 * 1024
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
PROVIDER = "twilio"


@csrf_exempt
@require_POST
def twilio_message(request: HttpRequest, kind: str) -> HttpResponse:
    """An inbound message; 403 without a valid signature of the channel's own token."""
    if (refused := _too_large(request)) is not None:
        return refused
    params = _params(request)
    with every_organization("the payload decides whose it is"):
        result = routing.candidates(
            provider=PROVIDER,
            kind=kind,
            to=params.get("To", "").removeprefix("whatsapp:"),
            messaging_service_id=params.get("MessagingServiceSid", ""),
            account_id=params.get("AccountSid", ""),
        )
        return _take(request, params, result, arrival_type=Arrival.Type.MESSAGE, kind=kind, about=kind)


@csrf_exempt
@require_POST
def twilio_status(request: HttpRequest) -> HttpResponse:
    """What became of a message of ours; 403 without a valid signature."""
    if (refused := _too_large(request)) is not None:
        return refused
    params = _params(request)
    status = f"{params.get('MessageStatus') or params.get('SmsStatus', '')}:{params.get('ErrorCode', '')}"
    with every_organization("the payload decides whose it is"):
        result = routing.senders(provider=PROVIDER, params=params, query=request.META.get("QUERY_STRING", ""))
        return _take(request, params, result, arrival_type=Arrival.Type.STATUS, kind="", about=f"status:{status}")


def _take(
    request: HttpRequest,
    params: dict[str, str],
    found: list[Channel],
    *,
    arrival_type: Arrival.Type,
    kind: str,
    about: str,
) -> HttpResponse:
    proof = Proof(
        signature=request.headers.get(signature.HEADER, ""),
        url=signature.webhook_url(request.get_full_path()),
        path=request.get_full_path(),
        content_type=request.content_type or "",
    )
    channel, why_not = unverified.signed_for(found, proof, request.body)
    if not found:
        why_not = _(
            "No channel has this address. Set one up with the auth token of this account, then process it again."
        )
    if channel is None and not why_not:
        return _plain(403, "The signature is not valid.")
    sid = params.get("MessageSid") or hashlib.sha256(request.body).hexdigest()
    # What nobody verified is never in the way of the real one.
    of_nobody = f"{PROVIDER}:unroutable:{params.get('AccountSid', '')}:{sid}:{about}"
    store(
        key=webhook_key(channel, sid, about) if channel else of_nobody,
        provider=PROVIDER,
        kind=channel.kind if channel else kind,
        arrival_type=arrival_type,
        body=request.body,
        query=request.META.get("QUERY_STRING", ""),
        channel=channel,
        why_not=why_not,
        proof=proof,
        account_id=params.get("AccountSid", ""),
    )
    return HttpResponse(EMPTY_TWIML, content_type="text/xml")


def _params(request: HttpRequest) -> dict[str, str]:
    """The first value of each parameter, for routing; a body that is no form has none and is kept all the same."""
    try:
        pairs = payload.form_pairs(request.body)
    except InvalidPayload:
        return {}
    return {clean(name): clean(value) for name, value in reversed(pairs)}


def _too_large(request: HttpRequest) -> HttpResponse | None:
    # A body sent in chunks states no length.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES or len(request.body) > MAX_BYTES:
        return _plain(413, f"At most {MAX_BYTES} bytes.")
    return None


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
