"""Moving a card on the board of customers or of deals: the question, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.contrib import messages as toasts
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from core.http import Request
from customers.models import Stage
from customers.pipeline.board.requests import wants_json
from customers.pipeline.stages.lost_reasons import LOST_REASONS


@dataclass
class Move:
    """A requested move. A script gets JSON; everybody else a page, and then the redirect to `back`."""

    request: Request
    # Of the card; the address that the question is posted to.
    name: str
    action: str
    current: Stage | None
    back: str
    # What the question's form carries along.
    pairs: Sequence[tuple[str, str]]
    stages: Sequence[Stage] = field(default_factory=lambda: list(Stage.objects.all()))

    @cached_property
    def stage(self) -> Stage | None:
        """The stage to go to, by its key or id; None where there is no such one."""
        requested = self.request.POST.get("stage", "") or self.request.GET.get("stage", "")
        return next((one for one in self.stages if requested in (str(one.pk), one.key)), None)

    def ask(self, error: str = "", status: int = 200) -> HttpResponse:
        """The question as a page."""
        context = {
            "name": self.name,
            "action": self.action,
            "current": self.current.pk if self.current else None,
            "stages": self.stages,
            "target": self.stage,
            "error": error,
            "reasons": LOST_REASONS,
            "words": self.request.POST.get("words", ""),
            "reason": self.request.POST.get("reason", ""),
            "back": self.back,
            "pairs": self.pairs,
        }
        return render(self.request, "customers/pipeline/board/move.html", context, status=status)

    def refuse(self, detail: str, *, field: str = "stage", status: int = 422) -> HttpResponse:
        """The answer to a refused move; `field` says what to correct."""
        if wants_json(self.request):
            return JsonResponse({"detail": detail, "field": field}, status=status)
        return self.ask(detail, status)

    def done(self, text: str, answer: dict[str, object]) -> HttpResponse:
        """The answer to a move, in words; a script gets `answer`, with the change and how to undo it."""
        if wants_json(self.request):
            return JsonResponse(answer)
        toasts.success(self.request, text)
        return redirect(self.back)
