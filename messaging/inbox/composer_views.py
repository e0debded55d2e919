"""The composer: replies and private notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from core.ids import parse_uuid, parse_uuids
from core.moments import is_showable
from core.refused_pages import Attempt
from messaging.delivery import drafts, parts, suppressions
from messaging.delivery import queue as outbound
from messaging.files import services as media
from messaging.inbox import context, reply_costs
from messaging.inbox import drafts as saved_drafts
from messaging.inbox.requests import template_of
from messaging.models import Conversation, Draft, MediaFile, Message, Template
from messaging.texts.contents import preview as content_preview
from messaging.threads import answer_addresses, mentions, presence

MAX_FILES: Final = 20
FALLBACKS: Final = 50
VARIABLE: Final = "variable-"

FORMS: Final = {
    Draft.Mode.REPLY: "messaging/inbox/composer_reply.html",
    Draft.Mode.NOTE: "messaging/inbox/composer_note.html",
}


@requires("conversations.edit")
@require_POST
def reply(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Queue a reply; what can't be sent comes back with its text, its files and the reason."""
    conversation, _others = context.open_conversation(request, pk)
    if (wrong := _other_mode(request, conversation, Draft.Mode.REPLY)) is not None:
        return wrong
    files: list[MediaFile] = []
    with Attempt(request) as attempt:
        _take_files(request, conversation, files)
        with transaction.atomic():
            written = parts.queue(
                conversation=conversation,
                body=request.POST.get("body", ""),
                subject=request.POST.get("subject", ""),
                files=files,
                cc=[part for part in re.split(r"[,;\s]+", request.POST.get("cc", "")) if part],
                template=template_of(request, conversation.channel.kind)
                if request.POST.get("body", "").strip()
                else None,
                actor=current_actor(),
                author=request.member.user,
                undo_for=timedelta(seconds=conversation.organization.undo_seconds),
                **_later(request),
            )
            saved_drafts.empty(conversation=conversation, member=request.member, mode=Draft.Mode.REPLY)
        return _written(request, conversation, Draft.Mode.REPLY, written)
    return _refused(request, conversation, Draft.Mode.REPLY, attempt.error, files)


@requires("conversations.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def send_template(request: Request, organization: str, pk: UUID, template_id: UUID) -> HttpResponse:
    """An approved template: its preview with the values as they stand; a POST with `send` queues it."""
    conversation, _others = context.open_conversation(request, pk)
    template = (
        Template.objects.visible_to(request.member).filter(pk=template_id, channel=conversation.channel.kind).first()
    )
    if template is None or not template.is_content or not request.member.may("templates.view"):
        raise Http404("There is no such template, or it is not yours to see.")
    values = {
        name.removeprefix(VARIABLE): value.strip()
        for name, value in request.POST.items()
        if name.startswith(VARIABLE) and isinstance(value, str)
    }
    attempt = Attempt(request)
    if "send" in request.POST:
        with attempt:
            message = outbound.queue_message(
                conversation=conversation,
                template=template,
                variables=values,
                actor=current_actor(),
                author=request.member.user,
                undo_for=timedelta(seconds=conversation.organization.undo_seconds),
            )
            response = _written(request, conversation, Draft.Mode.REPLY, [message])
            # The answer is the composer's form, with what was written there, wherever the template's form stood.
            response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#composer-reply", "outerHTML"
            return response
    page_context = content_preview.of(
        template, conversation, request.member.user, values, is_submitted=request.method == "POST"
    )
    cost = reply_costs.of(conversation, "", template=template)
    page = {"conversation": conversation, "template": template, "error": attempt.error, "cost": cost, **page_context}
    name = "messaging/inbox/fill.html" if request.htmx else "messaging/inbox/fill_page.html"
    return render(request, name, page, status=422 if attempt.error else 200)


@requires("conversations.edit")
@require_safe
def fallbacks(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The approved templates that may go out instead of a scheduled text, for the composer."""
    conversation, _others = context.open_conversation(request, pk)
    rows = Template.objects.visible_to(request.member).filter(channel=conversation.channel.kind)
    approved = [row for row in rows.exclude(provider_template_id="").order_by("name")[:FALLBACKS] if row.can_be_sent]
    return render(request, "messaging/inbox/fallbacks.html", {"fallback_templates": approved})


@requires("conversations.edit")
@require_POST
def typing(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Somebody writes here; shown to the customer where the channel can."""
    conversation, _others = context.open_conversation(request, pk)
    presence.typing(conversation)
    return HttpResponse(status=204)


@requires("conversations.edit")
@require_POST
def allow_address(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write to an address again that a mail came back from."""
    conversation, _others = context.open_conversation(request, pk)
    if suppressions.allow(conversation=conversation, actor=current_actor()):
        toasts.success(request, "Mail goes to this address again.")
    if request.htmx:  # the composer's form is HTMX's, whichever of its buttons was pressed
        return HttpResponse(
            status=204, headers={"HX-Redirect": reverse("messaging:conversation", args=[organization, pk])}
        )
    return redirect("messaging:conversation", organization, pk)


@requires("conversations.edit")
@require_POST
def answers_to(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Send answers to the other one of the two addresses that a customer's mail names."""
    conversation = context.open_conversation(request, pk)[0]
    address = request.POST.get("answers_to", "")
    if answer_addresses.choose(conversation=conversation, address=address, actor=current_actor()):
        toasts.success(request, _("Answers go to %(address)s.") % {"address": address})
    else:
        toasts.error(request, _("No mail of this conversation asks for answers at this address."))
    return redirect("messaging:conversation", organization, pk)


@requires("conversations.edit")
@require_POST
def note(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write a note that only colleagues see."""
    conversation, _others = context.open_conversation(request, pk)
    if (wrong := _other_mode(request, conversation, Draft.Mode.NOTE)) is not None:
        return wrong
    with Attempt(request) as attempt:
        with transaction.atomic():
            message = outbound.add_note(
                conversation=conversation,
                body=request.POST.get("body", ""),
                actor=current_actor(),
                author=request.member.user,
            )
            saved_drafts.empty(conversation=conversation, member=request.member, mode=Draft.Mode.NOTE)
        response = _written(request, conversation, Draft.Mode.NOTE, [message])
        if hidden := mentions.out_of_reach(message):
            words = ngettext(
                "%(names)s can’t see this customer, and is not notified.",
                "%(names)s can’t see this customer, and are not notified.", len(hidden),
            ) % {"names": ", ".join(hidden)}  # fmt: skip
            if request.htmx:
                return toast(response, words, level="error")
            toasts.warning(request, words)
        return response
    return _refused(request, conversation, Draft.Mode.NOTE, attempt.error)


def _other_mode(request: Request, conversation: Conversation, mode: str) -> HttpResponse | None:
    """The refusal of a text that does not say it was written in this mode: a note never leaves as a reply.

    The text comes back in the field that it was written in; where it doesn't say which, in the note's, which nobody
    outside can see.
    """
    typed = request.POST.get("mode", "")
    if typed == mode:
        return None
    draft_mode = typed if typed in Draft.Mode.values else Draft.Mode.NOTE
    return _refused(request, conversation, draft_mode, _("Nothing was sent. Check what you wrote, then send it again."))


def _take_files(request: Request, conversation: Conversation, files: list[MediaFile]) -> None:
    """Add the earlier uploads, by their ids, and the files of the form itself to `files`. Raises InvalidUpload.

    What was kept before one was refused stays, so that the form can show it again.
    """
    keys = request.POST.getlist("files")[:MAX_FILES]
    ids = parse_uuids(keys)
    if len(ids) < len(keys):
        raise media.InvalidUpload("A file is not there any more. Attach it again.")
    files += media.unused(ids, organization=request.organization, actor=current_actor())
    for content in request.FILES.getlist("file")[:MAX_FILES]:
        files.append(
            media.upload(
                organization=request.organization,
                content=content,
                name=content.name or "file",
                content_type=content.content_type or "application/octet-stream",
                capabilities=conversation.channel.capabilities,
                actor=current_actor(),
            )
        )


def _later(request: Request) -> dict[str, object]:
    """When it is to leave, in the organization's time, and what goes out past the window. Raises InvalidText."""
    text = request.POST.get("not_before_at", "").strip()
    if not text and "later" not in request.POST:
        return {}
    moment = parse_datetime(text)
    if moment is None:
        raise outbound.InvalidText("Choose a day and a time.", field="not_before_at")
    at = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    if at <= timezone.now():
        raise outbound.InvalidText("This time has passed. Choose a later one.", field="not_before_at")
    if not is_showable(at):
        raise outbound.InvalidText("Choose a day in the next years.", field="not_before_at")
    later: dict[str, object] = {"not_before_at": at, "cancel_on_inbound": "cancel_on_inbound" in request.POST}
    fallback = request.POST.get("fallback_template", "")
    if fallback:
        rows = Template.objects.visible_to(request.member).exclude(provider_template_id="")
        later["fallback_template"] = rows.filter(pk=fallback).first() if parse_uuid(fallback) else None
    return later


def _written(request: Request, conversation: Conversation, mode: str, written: list[Message]) -> HttpResponse:
    """The form of that mode, empty, and what was made; the other mode's form is left alone."""
    if not request.htmx:
        return redirect("messaging:conversation", conversation.organization.slug, conversation.pk)
    new = list(Message.objects.with_thread_relations().filter(pk__in=[message.pk for message in written]))
    new.sort(key=lambda message: (message.created_at, message.pk))
    for message in new:
        message.conversation = conversation
    subject = drafts.answering(request.POST.get("subject", "").strip())
    page_context = context.composer_context(conversation, request.member, subject=subject)
    return render(request, FORMS[Draft.Mode(mode)], {"conversation": conversation, **page_context, "new_messages": new})


def _refused(
    request: Request, conversation: Conversation, mode: str, reason: str, files: Sequence[MediaFile] = ()
) -> HttpResponse:
    """What was written, in the form of its mode, with the reason."""
    page_context = context.composer_context(conversation, request.member)
    draft: Draft = page_context["drafts"][mode]
    for name in ("body", "subject", "cc"):
        setattr(draft, name, request.POST.get(name, ""))
    page_context |= {"composer_mode": mode, "composer_files": files, f"{mode}_error": reason}
    if not request.htmx:
        opened, others = context.open_conversation(request, conversation.pk)
        page = context.list_context(request) | context.thread_context(request, opened)
        return render(
            request,
            "messaging/inbox/page.html",
            page | context.panel_context(request, opened, others) | page_context,
            status=422,
        )
    response = render(request, FORMS[Draft.Mode(mode)], {"conversation": conversation, **page_context}, status=422)
    response.headers["HX-Retarget"] = f"#composer-{mode}"
    return response
