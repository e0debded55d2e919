"""Pages and partials: one view, two answers, chosen in one place."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import render
from django_htmx.http import trigger_client_event

from core.http import Request


def render_page(
    request: Request, page: str, context: Mapping[str, object], *, partials: dict[str, str] | None = None
) -> HttpResponse:
    """The whole page, or the partial that the HTMX request's target names (`partials`: target id → template).

    A boosted or restored request gets the page, so that every URL works by reload, back and deep link.
    """
    template = page
    if request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request:
        template = (partials or {}).get(request.htmx.target or "", page)
    response = render(request, template, context)
    response.headers["Vary"] = "HX-Request, HX-Target"
    return response


def toast(
    response: HttpResponse, text: str, *, level: str = "success", undo: str = "", target: str = ""
) -> HttpResponse:
    """Have the page show a short notice (`success` or `error`) beside the answer.

    With `undo`, an address that takes a POST, it has a button; what that answers takes the place of `target`, a
    selector, where there is one.
    """
    detail = {"text": text, "level": level}
    if undo:
        detail |= {"undo": undo, "target": target}
    return trigger_client_event(response, "parley:toast", detail)
