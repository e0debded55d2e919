"""Writing: a reply or a private note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires
from activity.actor import current_actor
from core.http import Request
from core.moments import is_showable
from messaging.models import Conversation, MediaFile, Message, Template
from messaging.services import answers, drafts, media, outbound, parts, refusals, signs, stopped
from messaging.views import content_form, context

MOST_FILES: Final = 20
FALLBACKS: Final = 50
VARIABLE: Final = "variable-"

COMPOSER = "messaging/partials/composer.html"


@requires("conversations.edit")
@require_POST
def reply(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Queue a reply; what can't be sent comes back with its text, its files and the reason."""
    conversation, _ = context.open_conversation(request, pk)
    files: list[MediaFile] = []
    try:
        _take_files(request, conversation, files)
        written = parts.queue(
            conversation=conversation,
            body=request.POST.get("body", ""),
            subject=request.POST.get("subject", ""),
            files=files,
            cc=[part for part in re.split(r"[,;\s]+", request.POST.get("cc", "")) if part],
            template=_template(request, conversation) if request.POST.get("body", "").strip() else None,
            actor=current_actor(),
            author=request.member.user,
            undo_for=timedelta(seconds=conversation.organization.undo_seconds),
            **_later(request),
        )
    except (refusals.Refused, outbound.InvalidText, media.InvalidUpload) as error:
        return _refused(request, conversation, "reply", str(error), files)
    return _written(request, conversation, "reply", written)


@requires("conversations.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def send_template(request: Request, organization: str, pk: UUID, template_id: UUID) -> HttpResponse:
    """An approved template: its preview with the values as they stand; a POST with `send` queues it."""
    conversation, _ = context.open_conversation(request, pk)
    template: Template | None = (
        Template.objects.visible_to(request.member).filter(pk=template_id, channel=conversation.channel.kind).first()
    )
    if template is None or not template.is_content or not request.member.may("templates.view"):
        raise Http404("There is no such template, or it is not yours to see.")
    given = {
        name.removeprefix(VARIABLE): value.strip()
        for name, value in request.POST.items()
        if name.startswith(VARIABLE) and isinstance(value, str)
    }
    error = ""
    if "send" in request.POST:
        try:
            message = outbound.queue_message(
                conversation=conversation,
                template=template,
                variables=given,
                actor=current_actor(),
                author=request.member.user,
                undo_for=timedelta(seconds=conversation.organization.undo_seconds),
            )
        except (refusals.Refused, outbound.InvalidText) as refused:
            error = str(refused)
        else:
            response = _written(request, conversation, "reply", [message])
            # The answer is the composer, wherever the form stood.
            response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#composer", "outerHTML"
            return response
    shown = content_form.of(template, conversation, request.member.user, given, is_asked=request.method == "POST")
    page = {"conversation": conversation, "template": template, "error": error, **shown}
    name = "messaging/templates/fill.html" if request.htmx else "messaging/templates/fill_page.html"
    return render(request, name, page, status=422 if error else 200)


@requires("conversations.edit")
@require_safe
def fallbacks(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The approved templates that may go out instead of a scheduled text, for the composer."""
    conversation, _ = context.open_conversation(request, pk)
    rows = Template.objects.visible_to(request.member).filter(channel=conversation.channel.kind)
    approved = [row for row in rows.exclude(content_sid="").order_by("name")[:FALLBACKS] if row.can_be_sent]
    return render(request, "messaging/partials/fallbacks.html", {"fallback_templates": approved})


@requires("conversations.edit")
@require_POST
def typing(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Somebody writes here; shown to the customer where the channel can."""
    conversation, _ = context.open_conversation(request, pk)
    signs.typing(conversation)
    return HttpResponse(status=204)


@requires("conversations.edit")
@require_POST
def allow_address(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write to an address again that a mail came back from."""
    conversation, _ = context.open_conversation(request, pk)
    if stopped.allow(conversation=conversation, actor=current_actor()):
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
    if answers.choose(conversation=conversation, address=address, actor=current_actor()):
        toasts.success(request, _("Answers go to %(address)s.") % {"address": address})
    else:
        toasts.error(request, _("No mail of this conversation asks for answers at this address."))
    return redirect("messaging:conversation", organization, pk)


@requires("conversations.edit")
@require_POST
def note(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write a note that only colleagues see."""
    conversation, _ = context.open_conversation(request, pk)
    try:
        message = outbound.add_note(
            conversation=conversation,
            body=request.POST.get("body", ""),
            actor=current_actor(),
            author=request.member.user,
        )
    except outbound.InvalidText as error:
        return _refused(request, conversation, "note", str(error))
    return _written(request, conversation, "note", [message])


def _take_files(request: Request, conversation: Conversation, kept: list[MediaFile]) -> None:
    """Those uploaded before, by their ids, and those that come with the form itself, into `kept`. Raises InvalidUpload.

    What was kept before one was refused stays, so that the form can show it again.
    """
    try:
        ids = [UUID(given) for given in request.POST.getlist("files")[:MOST_FILES]]
    except ValueError as error:
        raise media.InvalidUpload("A file is not there any more. Attach it again.") from error
    kept += media.unused(ids, organization=request.organization, actor=current_actor())
    for content in request.FILES.getlist("file")[:MOST_FILES]:
        kept.append(
            media.upload(
                organization=request.organization,
                content=content,
                name=content.name or "file",
                content_type=content.content_type or "application/octet-stream",
                capabilities=conversation.channel.capabilities,
                actor=current_actor(),
            )
        )


def _template(request: Request, conversation: Conversation) -> Template | None:
    """The template that the text came from, so that it is counted; one for free texts only."""
    try:
        pk = UUID(request.POST.get("template", ""))
    except ValueError:
        return None
    rows = Template.objects.visible_to(request.member).filter(channel=conversation.channel.kind, content_sid="")
    found: Template | None = rows.filter(pk=pk).first()
    return found


def _later(request: Request) -> dict[str, Any]:
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
    later: dict[str, Any] = {"not_before_at": at, "cancel_on_inbound": "cancel_on_inbound" in request.POST}
    fallback = request.POST.get("fallback_template", "")
    if fallback:
        rows = Template.objects.visible_to(request.member).exclude(content_sid="")
        later["fallback_template"] = rows.filter(pk=fallback).first() if _is_id(fallback) else None
    return later


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _written(request: Request, conversation: Conversation, mode: str, written: list[Message]) -> HttpResponse:
    if not request.htmx:
        return redirect("messaging:conversation", conversation.organization.slug, conversation.pk)
    new = list(Message.objects.with_thread_relations().filter(pk__in=[message.pk for message in written]))
    new.sort(key=lambda message: (message.created_at, message.pk))
    for message in new:
        message.conversation = conversation
    shown: dict[str, Any] = {
        **_composer(conversation, mode),
        "composer_subject": drafts.answering(request.POST.get("subject", "").strip()),
        "new_messages": new,
    }
    return render(request, COMPOSER, shown)


def _refused(
    request: Request, conversation: Conversation, mode: str, reason: str, files: Sequence[MediaFile] = ()
) -> HttpResponse:
    shown = {
        **_composer(conversation, mode),
        "composer_body": request.POST.get("body", ""),
        "composer_subject": request.POST.get("subject", ""),
        "composer_cc": request.POST.get("cc", ""),
        "composer_files": files,
        "composer_error": reason,
    }
    if not request.htmx:
        opened, others = context.open_conversation(request, conversation.pk)
        page = context.list_context(request) | context.thread_context(request, opened)
        return render(
            request, "messaging/inbox.html", page | context.panel_context(request, opened, others) | shown, status=422
        )
    return render(request, COMPOSER, shown, status=422)


def _composer(conversation: Conversation, mode: str) -> dict[str, Any]:
    return {"conversation": conversation, **context.composer_context(conversation), "composer_mode": mode}
