"""The versions of a rule, and going back to one of them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message
from workflows.models import Workflow
from workflows.rules import queries, versions
from workflows.rules import services as workflows
from workflows.rules.words import Words

SIZE: Final = 20
MAX_DIGITS: Final = 9


@requires("workflows.view")
@require_safe
def version_list(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Every version, the newest first; `?before=` a number goes on."""
    rule = _rule(pk)
    rows = versions.newest(rule, Words(), count=SIZE, before=_number(request.GET.get("before", "")) or None)
    last = rows[-1].version.number if rows else 1
    context = {
        "rule": rule,
        "versions": rows,
        "before": last if last > 1 else None,
        "can_change": request.member.may("workflows.edit"),
    }
    return render(request, "workflows/rules/version_list.html", context)


@requires("workflows.edit")
@require_POST
def go_back(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The content of version `number` again, if `version` is still the newest."""
    rule = _rule(pk)
    number, shown = _number(request.POST.get("number", "")), _number(request.POST.get("version", ""))
    with as_message(request):
        before = rule.version
        rule = workflows.go_back(workflow=rule, number=number, shown=shown, actor=current_actor())
        if rule.version == before:
            toasts.success(request, _("The rule is as version %(number)s already.") % {"number": number})
        else:
            toasts.success(request, _("The rule is as version %(number)s again.") % {"number": number})
    return redirect("workflows:rule", organization, pk)


def _rule(pk: UUID) -> Workflow:
    return first_or_404(queries.workflows().filter(pk=pk), _("There is no such rule."))


def _number(text: str) -> int:
    """A number that a page sent; 0, which is no version, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0
