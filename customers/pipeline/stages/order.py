"""A list that an administrator puts in order, by dragging or a step at a time."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages as toasts
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect

from core.htmx import toast
from core.http import Request
from core.refused_pages import Attempt


def reorder(
    request: Request,
    rows: QuerySet[Model],
    write: Callable[[list[str]], None],
    part: Callable[[], HttpResponse],
    page: str,
) -> HttpResponse:
    """Have `write` put the rows in the order asked for; the answer is the list's `part`, or leads to its `page`.

    `order` has all ids in their new order; `move` is an id and `up` or `down`.
    """
    with Attempt(request) as attempt:
        write(request.POST.getlist("order") or _moved(rows, request.POST.get("move", "")))
    if request.htmx:
        return toast(part(), attempt.error, level="error") if attempt.error else part()
    if attempt.error:
        toasts.error(request, attempt.error)
    return redirect(page, request.organization.slug)


def _moved(rows: QuerySet[Model], move: str) -> list[str]:
    """The ids with one of them a step up or down; none, which no service takes, where the page is out of date."""
    ids = [str(pk) for pk in rows.values_list("pk", flat=True)]
    key, _, direction = move.partition(":")
    if key not in ids or direction not in ("up", "down"):
        return []
    at = ids.index(key)
    ids.insert(max(at + (1 if direction == "down" else -1), 0), ids.pop(at))
    return ids
