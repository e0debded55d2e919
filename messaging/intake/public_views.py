"""Without signing in: a file for the provider that was told its address, and the end of automatic messages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from core.tenancy import every_organization
from messaging.channels import kinds
from messaging.files import links
from messaging.files.serving import respond
from messaging.intake import subscriptions
from messaging.models import MediaFile

LABELS = {"whatsapp": kinds.WHATSAPP.label, "sms": kinds.SMS.label, "email": kinds.EMAIL.label}


@require_safe
def file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """A file whose address was given to a provider; 404 once the address has expired."""
    pk = links.file_of(token)
    with every_organization("the signed address names the file"):
        row = MediaFile.objects.select_related("organization").filter(pk=pk).first()
    if row is None or not row.organization.is_active:
        raise Http404("There is no such file.")
    return respond(row, is_public=True)


# A mail program posts here by itself (RFC 8058), without a page of ours before it: the signature is the permission.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once; a POST ends the messages. A mail program's scanner that only looks at the address ends nothing."""
    subscription = links.subscription_of(token)
    organization = subscriptions.organization_of(subscription)
    if organization is None:
        raise Http404("There is nobody of this address any more.")
    context = {"organization": organization, "kind": LABELS.get(subscription.kind, "messages"), "is_done": False}
    if request.method == "POST":
        subscriptions.end(subscription, organization=organization)
        context["is_done"] = True
    return render(request, "messaging/intake/unsubscribe.html", context)
