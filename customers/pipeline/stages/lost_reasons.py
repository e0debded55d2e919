"""Why a customer is lost: the proposed reasons, what a form sends, and the question where it is missing."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from core.http import Request
from customers.models import Stage
from customers.people.customers.stage_moves import MAX_REASON_LENGTH
from customers.people.settings import services as customer_settings

LOST_REASONS = ("Too expensive", "Went elsewhere", "No answer any more", "Not the right time", "Not a fit")


def reason_of(request: Request) -> str:
    """Why: one of the proposed reasons (`reason`), words (`words`), or both."""
    parts = (" ".join(request.POST.get(name, "").split()) for name in ("reason", "words"))
    return ": ".join(part for part in parts if part)[:MAX_REASON_LENGTH]


def lacks_reason(request: Request, stage: Stage, reason: str) -> bool:
    """Whether the organization wants to know why before somebody is lost."""
    return stage.kind == Stage.Kind.LOST and not reason and customer_settings.of(request.organization).asks_lost_reason


def ask_reason(request: Request) -> HttpResponse:
    """Answer a form of HTMX that lacks the reason: the question, after which static/js/lost.js sends it again."""
    context = {"reasons": LOST_REASONS, "lost_id": "why", "is_asked": True}
    response = render(request, "customers/pipeline/stages/lost_dialog.html", context, status=422)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "body", "beforeend"
    return response
