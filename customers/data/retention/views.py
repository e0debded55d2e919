"""For how long people are kept: the organization's choice."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core import inline
from core.http import Request
from core.refused import Refused
from core.refused_pages import Attempt
from core.row_locks import lock_rows, writes_at_once
from customers.data.deletion import services as deletion
from customers.data.retention import services as retention

KEEPING = "retention_months"


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def keeping(request: Request, organization: str) -> HttpResponse:
    """The retention time, and how many people each choice would erase now."""
    attempt, now = Attempt(request), request.organization
    lock_rows(request, now)
    posted = request.POST.get("retention_months", "")
    if request.method == "POST":
        with attempt:
            months = _months(posted, now.retention_months)
            is_outdated = inline.is_outdated(now, KEEPING, now.retention_months, request.POST.get(inline.SNAPSHOT))
            if months != now.retention_months and is_outdated:
                raise ChangedMeanwhile(_in_words(now.retention_months))
            if months != now.retention_months:
                retention.set_months(organization=now, months=months, actor=current_actor())
            messages.success(request, "Saved.")
            return redirect("customers:keeping", organization)
    chosen = posted if attempt.error else str(now.retention_months or "")
    context = {"choices": _choices(now.retention_months, chosen), "error": attempt.error, "days": deletion.RESTORE_DAYS}
    context |= {"tab": "data", "can_edit_settings": True}
    return render(request, "customers/data/retention/keeping.html", context, status=422 if attempt.error else 200)


class ChangedMeanwhile(Refused):
    """Somebody else changed the time since the page was opened."""

    status = 409

    def __init__(self, current: str) -> None:
        text = _("Somebody changed this to “%(theirs)s” meanwhile. Save again if you still want your choice.")
        super().__init__(text % {"theirs": current})


def _months(text: str, now: int | None) -> int | None:
    if not text:
        return None
    if text == str(now):
        # What is so already may be no longer among what is offered.
        return now
    if not (text.isascii() and text.isdigit()):
        raise retention.NotOffered
    return int(text[:4])


def _choices(held: int | None, chosen: str) -> list[dict[str, object]]:
    """The choices, with the present value where it is none of them."""
    now = timezone.now()
    never = {"months": "", "label": _in_words(None), "count": 0, "is_chosen": not chosen}
    offered = sorted({*retention.MONTHS, *([held] if held else [])})
    return [never] + [
        {
            "months": months,
            "label": _in_words(months),
            "count": retention.inactive(months, now=now).count(),
            "is_chosen": chosen == str(months),
        }
        for months in offered
    ]


def _in_words(months: int | None) -> str:
    if months is None:
        return "Never"
    if months % 12:
        return f"{months} months"
    return f"{months // 12} year{'s' if months > 12 else ''}"
