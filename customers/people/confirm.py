"""The question before something is gone; a page, so that it needs no script."""

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
    """A form that posts `pairs` to the address it stands at; `back` is where a no leads, as URL and label."""
    url, label = back
    context = {"question": question, "consequence": consequence, "action": action, "back": url, "back_label": label}
    return render(request, "customers/people/confirm.html", {**context, "pairs": pairs})
