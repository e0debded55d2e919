"""The pack that an organization works with: what another one would add, and the change to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from customers.packs import Pack, contents, packs
from customers.packs import services as service

HOME = "home."


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def pack(request: Request, organization: str) -> HttpResponse:
    """Choose a pack (`?pack=`) and see what it adds; a POST changes to it."""
    if request.method == "POST":
        return _change(request, _chosen(request.POST.get("pack", "")))
    return _page(request, _chosen(request.GET.get("pack", "") or request.organization.pack))


def _change(request: Request, chosen: Pack) -> HttpResponse:
    homes = {name.removeprefix(HOME): str(request.POST[name]) for name in request.POST if name.startswith(HOME)}
    try:
        changed = service.change(
            organization=request.organization, member=request.member, actor=current_actor(), pack=chosen, homes=homes
        )
    except service.InvalidHome as error:
        return _page(request, chosen, refused={error.stage: str(error)}, homes=homes)
    slug = request.organization.slug
    if changed.jobs:
        toasts.success(request, f"You work with the pack “{chosen.name}” now; customers are being moved.")
        return redirect("organization:job", slug, changed.jobs[0].pk)
    if changed.plan.is_current and changed.plan.adds_nothing and not changed.removed:
        toasts.success(request, f"Everything of the pack “{chosen.name}” is here already.")
    else:
        toasts.success(request, f"You work with the pack “{chosen.name}” now.")
    return redirect("customers:pack", slug)


def _page(
    request: Request,
    chosen: Pack,
    *,
    refused: dict[str, str] | None = None,
    homes: dict[str, str] | None = None,
) -> HttpResponse:
    plan = service.plan(organization=request.organization, pack=chosen)
    context = {
        "offered": [
            {"pack": pack, "contents": contents.in_words(pack), "is_current": pack.key == request.organization.pack}
            for pack in packs().values()
        ],
        "plan": plan,
        "added": _added(plan),
        "others": [_other(other, refused or {}, homes or {}) for other in plan.others],
        "homes": chosen.stages,
        "KEEP": service.KEEP,
        "TAKE_AWAY": service.TAKE_AWAY,
        "can_edit_settings": True,
        "tab": "pack",
    }
    return render(request, "customers/packs/pack.html", context, status=422 if refused else 200)


def _added(plan: service.Plan) -> list[tuple[str, list[str]]]:
    parts = (
        ("Stages", [row["name"] for row in plan.stages]),
        ("Outcomes", [row["name"] for row in plan.outcome_types]),
        ("Fields", [row["label"] for row in plan.custom_fields]),
        ("Tags", [row["name"] for row in plan.tags]),
        ("Views of the list", [row["name"] for row in plan.segments]),
        ("Relationships of contacts", plan.relationships),
        # Those that are there already stay; which ones is known on the floor above.
        ("Templates, those that you lack", [] if plan.is_current else _names(plan.pack.templates)),
    )
    return [(part, names) for part, names in parts if names]


def _names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Each once: a template has one for each language."""
    return list(dict.fromkeys(row["name"] for row in rows))


def _other(other: service.OtherStage, refused: dict[str, str], homes: dict[str, str]) -> dict[str, object]:
    key = other.stage.key
    return {"other": other, "choice": homes.get(key, other.proposed), "error": refused.get(key, "")}


def _chosen(key: str) -> Pack:
    return service.find(key)
