"""Files of messages: shown to whoever may see them, fetched again, taken for sending; an e-mail's own page."""

from __future__ import annotations

import re
from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from core.compression import shows_secret
from core.htmx import toast
from core.http import Request
from core.lookups import first_or_404
from messaging.files import fetching, links
from messaging.files.serving import respond
from messaging.models import Attachment, MailDetails, Message

_CID = re.compile(r"""(?<=["'(])cid:([^"'()\s<>]{1,255})""")


@requires("conversations.view")
@require_safe
def attachment(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """A message's file; `?thumbnail` for a small picture of it."""
    row = _attachment(request, pk)
    if row.file is None:
        raise Http404("The file is not here (yet).")
    return respond(row.file, is_thumbnail="thumbnail" in request.GET)


@requires("conversations.edit")
@require_POST
def fetch_again(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Fetch a file once more that could not be fetched."""
    row = _attachment(request, pk)
    if not fetching.try_again(row):
        toasts.error(request, "This file can’t be fetched again.")
    message = row.message
    if not request.htmx:
        return redirect("messaging:conversation", organization, message.conversation_id)
    reloaded = Message.objects.with_thread_relations().select_related("conversation__customer").get(pk=message.pk)
    return toast(
        render(request, "messaging/inbox/message.html", {"message": reloaded, "conversation": reloaded.conversation}),
        "It is being fetched.",
    )


@requires("conversations.view")
@shows_secret
@xframe_options_sameorigin
@require_safe
def mail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """An e-mail as its sender laid it out, for a sandboxed frame. Pictures from elsewhere only with `?images=1`.

    Signed addresses of its pictures stand in it beside what a stranger wrote: hence `shows_secret`.
    """
    message = Message.objects.visible_to(request.member).filter(pk=pk).first()
    details = MailDetails.objects.filter(message=message).first() if message is not None else None
    if message is None or details is None or not details.html:
        raise Http404("There is no such mail, or it is not yours to see.")
    with_images = request.GET.get("images") == "1"
    response = render(request, "messaging/files/mail_frame.html", {"html": _with_pictures(message, details.html)})
    here = f"{request.scheme}://{request.get_host()}"
    pictures = f"data: {here}" + (" https: http:" if with_images else "")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline' {here}; img-src {pictures}; frame-ancestors 'self'; "
        "form-action 'none'; base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _attachment(request: Request, pk: UUID) -> Attachment:
    visible = Message.objects.visible_to(request.member)
    rows = Attachment.objects.select_related("file", "message").filter(pk=pk, message__in=visible)
    return first_or_404(rows, "There is no such file, or it is not yours to see.")


def _with_pictures(message: Message, html: str) -> str:
    """The pictures that the mail itself carries, by addresses that need no session: a sandbox has none."""
    if "cid:" not in html:
        return html
    rows = Attachment.objects.filter(message=message, file__isnull=False).exclude(content_id="").select_related("file")
    pictures = {row.content_id: row.file for row in rows if row.file is not None and row.file.is_picture}
    return _CID.sub(lambda match: links.file_path(pictures[match[1]]) if match[1] in pictures else "data:,", html)
