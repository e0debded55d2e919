"""The confirmation page before something is deleted; it works without scripts."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render

from core.http import Request


def ask(
    request: Request,
    *,
    question: str,
    consequence: str,
    back: tuple[str, str],
    action: str = "Delete",
    pairs: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """A form that posts `pairs` to its own address; `back` is the link to cancel, as URL and label."""
    url, label = back
    context = {"question": question, "consequence": consequence, "action": action, "back": url, "back_label": label}
    return render(request, "customers/people/confirm.html", {**context, "pairs": pairs})
