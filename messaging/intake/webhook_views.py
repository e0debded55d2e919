"""Webhooks of providers: verified, stored, answered; processing comes after.

A delivery that no channel is found for is kept as well. Without a channel there is no secret to verify it with: it is
kept with its signature, and only worked on once a channel's secret has verified it (`messaging/intake/unverified.py`).
"""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from core.tenancy import every_organization
from messaging.channels import registry
from messaging.channels.abilities import MESSAGE, Hook, Proof, ReceivesWebhooks, WebhookRequest, WebhookRoute
from messaging.channels.public_address import webhook_url
from messaging.inbound_deliveries.store import store, webhook_key
from messaging.intake import routing, unverified
from messaging.models import Channel


@csrf_exempt
def receive(request: HttpRequest, provider: str, hook: str) -> HttpResponse:
    """A request of any provider; 403 where a channel is found and the signature is not made with its secret."""
    receiver, known_hook = _receiver(provider, hook)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    most = receiver.max_webhook_bytes
    # A body sent in chunks states no length.
    if int(request.META.get("CONTENT_LENGTH") or 0) > most or len(request.body) > most:
        return _plain(413, f"At most {most} bytes.")
    route = receiver.route(WebhookRequest(known_hook, request.body, request.headers))
    with every_organization("the payload decides whose it is"):
        return _take(request, provider, receiver, known_hook, route)


def _receiver(provider: str, hook: str) -> tuple[ReceivesWebhooks, Hook]:
    """Raises Http404 for what no provider has."""
    receiver: object = registry.providers().get(provider)
    if not isinstance(receiver, ReceivesWebhooks) or hook not in receiver.hooks:
        raise Http404("No provider has this address.")
    return receiver, receiver.hooks[hook]


def _take(
    request: HttpRequest, provider: str, receiver: ReceivesWebhooks, hook: Hook, route: WebhookRoute
) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    candidates = routing.channels_for(provider=provider, delivery_type=hook.type, route=route, query=query)
    path = request.get_full_path()
    proof = Proof(signature=route.signature, url=webhook_url(path), path=path, content_type=request.content_type or "")
    channel, why_not = unverified.signed_for(candidates, receiver, proof, request.body)
    if channel is None and candidates and not why_not:
        return _plain(403, "The signature is not valid.")
    if not candidates:
        why_not = _no_channel(receiver)
    store(
        key=_key(request, provider, channel, hook, route),
        provider=provider,
        kind=channel.kind if channel else (route.kind if hook.type == MESSAGE else hook.kind),
        arrival_type=hook.type,
        body=request.body,
        query=query,
        channel=channel,
        why_not=why_not,
        proof=proof,
        account_id=route.account_id,
    )
    reply = receiver.webhook_reply()
    return HttpResponse(reply.body, content_type=reply.content_type)


def _key(request: HttpRequest, provider: str, channel: Channel | None, hook: Hook, route: WebhookRoute) -> str:
    """What makes a delivery one. What nobody verified is never in the way of the real one."""
    about = route.kind if hook.type == MESSAGE else f"status:{route.about}"
    message_id = route.provider_message_id or hashlib.sha256(request.body).hexdigest()
    if channel is not None:
        return webhook_key(channel, message_id, about)
    return f"{provider}:unroutable:{route.account_id}:{message_id}:{about}"


def _no_channel(receiver: ReceivesWebhooks) -> str:
    text = _("No channel has this address. Set one up with the %(secret)s of this account, then process it again.")
    return text % {"secret": receiver.signing_credential}


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
