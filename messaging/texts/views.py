"""Templates: the list, writing one with its preview, and choosing one while a reply is written."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.access.viewing import only_reads
from accounts.models import Team
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import CustomField
from customers.people import confirm
from customers.people.custom_fields import services as custom_fields
from messaging.channels.base import Kind
from messaging.models import Channel, MediaFile, Template
from messaging.texts import placeholders
from messaging.texts.contents import services as contents
from messaging.texts.templates import form_files
from messaging.texts.templates import preview as template_preview
from messaging.texts.templates import services as templates
from messaging.texts.templates.forms import LABELS, TemplateForm


@requires("templates.view")
@require_safe
def template_list(request: Request, organization: str) -> HttpResponse:
    """The templates that the member may use, channel by channel; `channel`, `category` and `q` narrow them."""
    visible = Template.objects.visible_to(request.member)
    requested = {name: request.GET.get(name, "").strip()[:100] for name in ("channel", "category", "q")}
    rows, categories = visible, _categories(request)
    unknown = {
        "channel": requested["channel"] not in ("", *LABELS),
        "category": requested["category"] not in ("", *categories),
    }
    if any(unknown.values()):
        rows = rows.none()
    if requested["channel"]:
        rows = rows.filter(channel=requested["channel"])
    if requested["category"]:
        rows = rows.filter(category=requested["category"])
    if requested["q"]:
        text = requested["q"]
        rows = rows.filter(Q(name__icontains=text) | Q(subject__icontains=text) | Q(body__icontains=text))
    result = defaultdict(list)
    counted = rows.select_related("team").annotate(file_count=Count("files")).order_by("name", "language", "id")
    for template in counted:
        result[template.channel].append(template)
    may = request.member.may
    readings = _readings() if requested["channel"] in ("", Kind.WHATSAPP) else []
    context = {
        "groups": [(label, result[kind.value]) for kind, label in LABELS.items() if result[kind.value]],
        "requested": requested,
        "is_narrowed": any(requested.values()),
        "channels": [(kind.value, label) for kind, label in LABELS.items()],
        "categories": categories,
        "gone": unknown,
        "is_refused": any(unknown.values()),
        "readings": readings,
        "is_being_read": any(one["is_being_read"] for one in readings),
        "query": urlencode(requested),
        "can_create": may("templates.create"),
        "can_edit": may("templates.edit"),
    }
    partials = {"template-list": "messaging/texts/rows.html"}
    return render_page(request, "messaging/texts/list.html", context, partials=partials)


@requires("templates.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_template(request: Request, organization: str) -> HttpResponse:
    return _write(request, None)


@requires("templates.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_template(request: Request, organization: str, pk: UUID) -> HttpResponse:
    template = _template(request, pk)
    lock_rows(request, template)
    return _write(request, template)


@requires("templates.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_template(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    template = _template(request, pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete “{template.name}”?",
            consequence="What was sent with it stays as it is."
            + (
                " The provider keeps its own: while it does, it comes back when they are read." * bool(template.content)
            ),
            back=(reverse("messaging:edit_template", args=[organization, pk]), template.name),
        )
    templates.delete(template=template, actor=current_actor())
    return redirect("messaging:templates", organization)


@requires("templates.view")
@only_reads
@require_POST
def preview(request: Request, organization: str) -> HttpResponse:
    """The text as it stands in the form, filled in for a customer within reach: the one heard last, or one's choice."""
    named = request.POST.get("template", "")
    pk = parse_uuid(named)
    if named and pk is None:
        raise Http404("There is no such template.")
    template = _template(request, pk) if pk else None
    return render(request, "messaging/texts/preview.html", template_preview.of(request, template))


def _write(request: Request, template: Template | None) -> HttpResponse:
    """The form, new or of this template; a POST saves it, or shows the preview where there is no script."""
    teams = list(Team.objects.order_by("name"))
    own = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    is_post = request.method == "POST"
    form = TemplateForm(
        request.POST if is_post else None,
        request.FILES if is_post else None,
        template=template,
        teams=teams,
        known=[field.key for field in own],
        user_id=request.member.user_id,
    )
    attached = form_files.of(template)
    if is_post and "preview" not in request.POST:
        is_valid = form.is_valid()
        attached = form_files.posted(request, form, template)
        if is_valid and not form.errors and _save(request, form, template, attached):
            return redirect("messaging:templates", request.organization.slug)
    context = {
        "form": form,
        "template": template,
        "attached": attached,
        "attached_before": form_files.displayed(request, attached),
        "categories": _categories(request),
        "names": [*placeholders.NAMES.items(), *((f"{placeholders.CUSTOM}{one.key}", one.label) for one in own)],
        "can_delete": request.member.may("templates.delete"),
        **template_preview.of(request, template),
    }
    is_wrong = is_post and "preview" not in request.POST
    return render(request, "messaging/texts/form.html", context, status=422 if is_wrong else 200)


def _save(request: Request, form: TemplateForm, template: Template | None, attached: list[MediaFile]) -> bool:
    """True where it was saved; what the service refuses stands at its field."""
    actor = current_actor()
    with on_form(request, form):
        if template is None:
            templates.create(organization=request.organization, actor=actor, files=attached, **form.values())
            toasts.success(request, "The template can be used from now on.")
        else:
            is_same = {file.pk for file in attached} == {file.pk for file in form_files.of(template)}
            changes = form.values()
            if changes or not is_same:
                templates.update(template=template, actor=actor, changes=changes, files=None if is_same else attached)
            toasts.success(request, "Saved.")
        return True
    return False


def _categories(request: Request) -> list[str]:
    """Those in use among the templates that the member sees."""
    rows = Template.objects.visible_to(request.member).exclude(category="")
    return list(rows.order_by("category").values_list("category", flat=True).distinct())


def _readings() -> list[dict[str, object]]:
    """The channels whose approved templates are read at the provider, each with when that was."""
    rows = Channel.objects.filter(kind=Kind.WHATSAPP, is_enabled=True).select_related("content_sync")
    now = timezone.now()
    readings = []
    for channel in rows.order_by("created_at", "id"):
        if contents.has_content(channel):
            sync = getattr(channel, "content_sync", None)
            is_being_read = sync is not None and sync.due_at is not None and sync.due_at <= now
            readings.append(
                {
                    "channel": channel,
                    "sync": sync,
                    "is_being_read": is_being_read,
                    "is_stale": not is_being_read and contents.is_stale(sync),
                }
            )
    return readings


def _template(request: Request, pk: UUID) -> Template:
    """One that the member may use. Raises Http404."""
    rows = Template.objects.visible_to(request.member).select_related("organization", "team")
    return first_or_404(rows.filter(pk=pk), "There is no such template.")
