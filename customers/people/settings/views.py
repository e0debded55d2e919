"""What an administrator sets for customers: fields of the organization's own, and tags."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Count
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once
from customers.models import CustomField, Tag
from customers.people import confirm
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.forms import CustomFieldForm, TagForm
from customers.people.tags import services as tags


@requires("settings.view")
@require_safe
def field_list(request: Request, organization: str) -> HttpResponse:
    """The organization's own fields, by what they belong to."""
    rows = list(CustomField.objects.order_by("entity", "position", "id"))
    groups = [(label, [row for row in rows if row.entity == value]) for value, label in CustomField.Entity.choices]
    context = {"groups": groups, "can_edit_settings": request.member.may("settings.edit"), "tab": "fields"}
    return render(request, "customers/people/settings/fields.html", context)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_field(request: Request, organization: str) -> HttpResponse:
    form = CustomFieldForm(request.POST or None, initial={"entity": request.GET.get("entity", "customer")})
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            field = custom_fields.create(organization=request.organization, actor=current_actor(), **form.cleaned_data)
            toasts.success(request, f"{field.label} can be filled in from now on.")
            return redirect("customers:fields", organization)
    return _form(request, form, None)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_field(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Label, choices, whether it has to be filled in; the rest is for good."""
    field = _field(pk)
    lock_rows(request, field)
    plain = {name: getattr(field, name) for name in ("entity", "label", "key", "type", "is_required")}
    form = CustomFieldForm(
        request.POST or None,
        initial={**plain, "choices": "\n".join(field.choices)},
        use_required_attribute=False,
        record=field,
    )
    for name in ("entity", "key", "type"):
        form.fields[name].disabled = True
    if request.method == "POST" and form.is_valid():
        settable = {"label", "is_required"} | ({"choices"} if field.has_choices else set())
        changes = {name: value for name, value in form.changed.items() if name in settable}
        with on_form(request, form):
            if changes:
                custom_fields.update(field=field, actor=current_actor(), changes=changes)
            return redirect("customers:fields", organization)
    return _form(request, form, field)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_field(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST takes the field away."""
    field = _field(pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Take “{field.label}” away?",
            consequence=f"It leaves every form, list and export. Its values come back with a field “{field.key}”.",
            action="Take away",
            back=(reverse("customers:change_field", args=[organization, pk]), field.label),
        )
    custom_fields.delete(field=field, actor=current_actor())
    toasts.success(request, f"{field.label} is gone; its values come back with a field “{field.key}”.")
    return redirect("customers:fields", organization)


@requires("settings.view")
@require_safe
def tag_list(request: Request, organization: str) -> HttpResponse:
    """The tags, with how many carry each."""
    return _tags(request)


def _tags(request: Request, wrong: TagForm | None = None) -> HttpResponse:
    """The page; `wrong` is the form of a tag that could not be saved as it was entered."""
    rows = []
    for row in Tag.objects.annotate(carried=Count("customers")).order_by("name"):
        form = _tag_form(row)
        if wrong is not None and wrong.edited is not None and wrong.edited.pk == row.pk:
            form = wrong
        rows.append({"pk": row.pk, "name": row.name, "color": row.color, "carried": row.carried, "form": form})
    context = {
        "tags": rows,
        "colors": tags.COLORS,
        "can_edit_settings": request.member.may("settings.edit"),
        "tab": "tags",
    }
    return render(request, "customers/people/settings/tags.html", context, status=422 if wrong else 200)


def _tag_form(tag: Tag, posted: QueryDict | None = None) -> TagForm:
    return TagForm(posted, initial={"name": tag.name, "color": tag.color}, record=tag, auto_id=f"tag-{tag.pk}-%s")


@requires("settings.edit")
@require_POST
@writes_at_once
def save_tag(request: Request, organization: str) -> HttpResponse:
    """A new tag, or with `id` another name and colour for one."""
    name, color, key = (request.POST.get(part, "").strip() for part in ("name", "color", "id"))
    if key:
        return _save_tag(request, _tag(key))
    with as_message(request):
        tags.create(organization=request.organization, name=name, actor=current_actor(), color=color or "slate")
    return redirect("customers:tags", organization)


def _save_tag(request: Request, tag: Tag) -> HttpResponse:
    lock_rows(request, tag)
    form = _tag_form(tag, request.POST)
    if form.is_valid():
        with on_form(request, form):
            if form.changed:
                tags.update(tag=tag, actor=current_actor(), changes=form.changed)
            return redirect("customers:tags", request.organization.slug)
    return _tags(request, form)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_tag(request: Request, organization: str) -> HttpResponse:
    """Ask once, naming how many carry it; a POST deletes."""
    if request.method != "POST":
        tag = _tag(request.GET.get("id", ""))
        carried = tag.customers.count()
        return confirm.ask(
            request,
            question=f"Delete the tag “{tag.name}”?",
            consequence=f"It is taken off {carried} customer{'' if carried == 1 else 's'}; they themselves stay.",
            back=(reverse("customers:tags", args=[organization]), "Tags"),
            pairs=[("id", str(tag.pk))],
        )
    tags.delete(tag=_tag(request.POST.get("id", "")), actor=current_actor())
    return redirect("customers:tags", organization)


def _tag(key: str) -> Tag:
    pk = parse_uuid(key)
    tag = Tag.objects.filter(pk=pk).first() if pk else None
    if tag is None:
        raise Http404("There is no such tag.")
    return tag


def _field(pk: UUID) -> CustomField:
    return first_or_404(CustomField.objects.filter(pk=pk), "There is no such field.")


def _form(request: Request, form: CustomFieldForm, field: CustomField | None) -> HttpResponse:
    context = {"form": form, "field": field, "back": reverse("customers:fields", args=[request.organization.slug])}
    return render(request, "customers/people/settings/field_form.html", context, status=422 if form.errors else 200)
