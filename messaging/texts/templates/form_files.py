"""The files of a template while it is written: those that stay, and those that were chosen now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from activity.actor import current_actor
from core.http import Request
from core.ids import parse_uuids
from core.refused_pages import on_form
from messaging.channels import kinds
from messaging.channels.base import Capabilities, Kind
from messaging.files import services as media
from messaging.models import MediaFile, Template
from messaging.texts.templates.forms import TemplateForm

_TAKES: Final[dict[str, Capabilities]] = {Kind.WHATSAPP: kinds.WHATSAPP, Kind.SMS: kinds.SMS, Kind.EMAIL: kinds.EMAIL}


def of(template: Template | None) -> list[MediaFile]:
    """Those that it has."""
    return list(template.files.order_by("created_at", "id")) if template is not None else []


def posted(request: Request, form: TemplateForm, template: Template | None) -> list[MediaFile]:
    """Those that are to stay, and those chosen now, which are kept even where something else in the form is wrong.

    Files that can't be sent become errors of the form's field.
    """
    if "uploads" not in form.fields:
        return []
    named = _ids(request, "attached")
    own = {file.pk: file for file in of(template)}
    before = displayed(request, list(own.values()))
    # What somebody else added since stays, and what they took away does not come back.
    files = [file for pk, file in own.items() if pk in named or pk not in before]
    with on_form(request, form):
        others = [pk for pk in named if pk not in own and pk not in before]
        files += media.unused(others, organization=request.organization, actor=current_actor())
    capabilities = _TAKES.get(form.cleaned_data.get("channel", ""))
    chosen = form.cleaned_data.get("uploads") or []
    if capabilities is None:
        if chosen or files:
            form.add_error("uploads", "Files go with e-mails and with free WhatsApp texts only.")
        return files
    for upload in chosen:
        kind = upload.content_type or "application/octet-stream"
        with on_form(request, form):
            files.append(
                media.upload(
                    organization=request.organization,
                    content=upload,
                    name=upload.name or "file",
                    content_type=kind,
                    capabilities=capabilities,
                    actor=current_actor(),
                )
            )
    _require_fit(request, form, capabilities, files)
    return files


def _require_fit(request: Request, form: TemplateForm, capabilities: Capabilities, files: list[MediaFile]) -> None:
    """The channel may be another one than the files were chosen for."""
    if len(files) > capabilities.max_files:
        most = capabilities.max_files
        text = (
            f"takes at most {most} file{'s' if most != 1 else ''}. Leave some out"
            if most
            else "takes no files. Leave them out"
        )
        form.add_error("uploads", f"{capabilities.label} {text}.")
        return
    for file in files:
        with on_form(request, form):
            media.require_sendable(capabilities, name=file.name, content_type=file.content_type, size=file.size)


def displayed(request: Request, held: Sequence[MediaFile]) -> list[UUID]:
    """The template's own files that the page has shown so far; of a form that does not say so, those `held`."""
    return _ids(request, "attached-before") or [file.pk for file in held]


def _ids(request: Request, name: str) -> list[UUID]:
    """The ids that the form sent along by this name, without what is none."""
    return list(dict.fromkeys(parse_uuids(request.POST.getlist(name)[:100])))
