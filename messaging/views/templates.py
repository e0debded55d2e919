"""Templates: the list, writing one with its preview, and choosing one while a reply is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires
from activity.actor import current_actor
from core.http import Request
from customers.models import Customer, CustomField
from customers.services import custom_fields
from customers.views import confirm
from messaging import placeholders
from messaging.forms import LABELS, TemplateForm
from messaging.models import Template
from messaging.services import rendering, templates
from messaging.views import context

NAMES = ("name", "channel", "language", "category", "subject", "body")
OFFERED = 60
LONGEST_TEXT = 20_000


@requires("templates.view")
@require_safe
def template_list(request: Request, organization: str) -> HttpResponse:
    """Every template, channel by channel."""
    found = defaultdict(list)
    for template in Template.objects.visible_to(request.member).order_by("name", "language", "id"):
        found[template.channel].append(template)
    groups = [(label, found[kind.value]) for kind, label in LABELS.items() if found[kind.value]]
    may = request.member.may
    shown = {"groups": groups, "can_create": may("templates.create"), "can_edit": may("templates.edit")}
    return render(request, "messaging/templates/list.html", shown)


@requires("templates.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_template(request: Request, organization: str) -> HttpResponse:
    form = TemplateForm(request.POST or None, initial={"language": "und"})
    if request.method == "POST" and form.is_valid():
        try:
            templates.create(organization=request.organization, actor=current_actor(), **_values(form))
        except templates.InvalidTemplate as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            toasts.success(request, "The template can be used from now on.")
            return redirect("messaging:templates", organization)
    return _form(request, form, None)


@requires("templates.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_template(request: Request, organization: str, pk: UUID) -> HttpResponse:
    template = _found(pk)
    form = TemplateForm(request.POST or None, initial={name: getattr(template, name) for name in NAMES})
    if request.method == "POST" and form.is_valid():
        try:
            templates.update(template=template, actor=current_actor(), changes=_values(form))
        except templates.InvalidTemplate as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("messaging:templates", organization)
    return _form(request, form, template)


@requires("templates.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_template(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    template = _found(pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete “{template.name}”?",
            consequence="What was sent with it stays as it is.",
            back=(reverse("messaging:edit_template", args=[organization, pk]), template.name),
        )
    templates.delete(template=template, actor=current_actor())
    return redirect("messaging:templates", organization)


@requires("templates.view")
@require_POST
def preview(request: Request, organization: str) -> HttpResponse:
    """The text as it stands in the form, filled in for the customer who was heard last."""
    customer = (
        Customer.objects.visible_to(request.member).select_related("organization").order_by("-last_activity_at").first()
    )
    shown: dict[str, Any] = {"customer": customer}
    subject, body = request.POST.get("subject", "")[:200], request.POST.get("body", "")[:LONGEST_TEXT]
    try:
        fields = [field.key for field in custom_fields.definitions(CustomField.Entity.CUSTOMER)]
        for text in (subject, body):
            placeholders.check(text, fields=fields)
        if customer is not None:
            draft = Template(organization=request.organization, subject=subject, body=body)
            filled = rendering.render(template=draft, customer=customer, agent=request.member.user)
            shown |= {"preview_subject": filled.subject, "preview_body": filled.body}
    except (placeholders.InvalidPlaceholder, placeholders.MissingValue) as error:
        shown["error"] = str(error)
    return render(request, "messaging/templates/preview.html", shown)


@requires("conversations.edit")
@require_safe
def offered(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The templates of a conversation's channel, filled in for its customer, to be put into the composer.

    Of one key that for the customer's language comes first, the others after it.
    """
    conversation, _ = context.open_conversation(request, pk)
    if not request.member.may("templates.view"):
        return render(request, "messaging/templates/offered.html", {"offers": []})
    asked = request.GET.get("q", "").strip()[:100]
    rows = Template.objects.visible_to(request.member).filter(channel=conversation.channel.kind)
    rows = rows.exclude(content_status=Template.ContentStatus.GONE)
    is_closed = not conversation.is_window_open
    if is_closed:
        rows = rows.exclude(content_sid="")
    if asked:
        rows = rows.filter(name__icontains=asked)
    found = list(rows.order_by("name", "language", "id")[:OFFERED])
    language = conversation.customer.language.lower()
    found.sort(key=lambda one: (one.name.casefold(), not _serves(one, language), one.language))
    values = rendering.values_for(conversation.customer, request.member.user)
    offers = [_offer(one, values) for one in found]
    shown = {
        "conversation": conversation,
        "offers": offers,
        "asked": asked,
        "is_window_closed": is_closed,
        "can_edit": request.member.may("templates.edit"),
    }
    return render(request, "messaging/templates/offered.html", shown)


def _serves(template: Template, language: str) -> bool:
    own = template.language.lower()
    return bool(language) and own in (language, language.split("-")[0])


def _offer(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    if template.is_content:
        return {"template": template}  # its values are asked for when it is chosen
    try:
        filled = rendering.fill(template, values)
    except (placeholders.MissingValue, rendering.InvalidVariable) as error:
        return {"template": template, "error": str(error)}
    return {"template": template, "subject": filled.subject, "body": filled.body}


def _values(form: TemplateForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in NAMES}


def _form(request: Request, form: TemplateForm, template: Template | None) -> HttpResponse:
    own = [(f"{placeholders.CUSTOM}{f.key}", f.label) for f in custom_fields.definitions(CustomField.Entity.CUSTOMER)]
    shown = {
        "form": form,
        "template": template,
        "names": [*placeholders.NAMES.items(), *own],
        "can_delete": request.member.may("templates.delete"),
    }
    return render(request, "messaging/templates/form.html", shown, status=422 if form.errors else 200)


def _found(pk: UUID) -> Template:
    template: Template | None = Template.objects.select_related("organization").filter(pk=pk).first()
    if template is None:
        raise Http404("There is no such template.")
    return template
