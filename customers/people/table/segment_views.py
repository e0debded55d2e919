"""Segments: the view that is on the screen saved, changed, renamed, shared, deleted; each leads back to the list."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core import inline
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message
from core.row_locks import lock_rows, writes_at_once
from customers.models import Segment
from customers.people.segments import services as segments
from customers.people.table import columns as table
from customers.people.table.context import state_of_form
from customers.people.table.state import ListState


@requires("segments.create")
@require_POST
def save(request: Request, organization: str) -> HttpResponse:
    """Keep what the list shows under a name: `state` is the list's query."""
    state = state_of_form(request)
    fields = {**_fields(state), "is_shared": "is_shared" in request.POST}
    return _answer(
        request,
        state,
        lambda: segments.create(
            member=request.member, actor=current_actor(), name=request.POST.get("name", ""), **fields
        ),
        "Saved as “{name}”.",
    )


@requires("segments.edit")
@require_POST
@writes_at_once
def change(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Take what the list shows now (`state`), or another name and other readers (`name`, `is_shared`)."""
    segment, state = _find(request, pk), state_of_form(request)
    lock_rows(request, segment)
    part = "name" if "name" in request.POST else "view"
    if inline.is_outdated(segment, part, segments.snapshot_of(segment)[part], request.POST.get(inline.SNAPSHOT)):
        toasts.error(request, _("“%(name)s” was changed by somebody else meanwhile. Look at it, then save again.")
                     % {"name": segment.name})  # fmt: skip
        return redirect(_list(request) + (f"?segment={pk}" if part == "name" else state.query()))
    changes: dict[str, object] = (
        {"name": request.POST["name"], "is_shared": "is_shared" in request.POST}
        if "name" in request.POST
        else _fields(state)
    )
    return _answer(
        request,
        state,
        lambda: segments.update(segment=segment, member=request.member, actor=current_actor(), changes=changes),
        "“{name}” is changed.",
        keeps_state="name" in request.POST,
    )


@requires("segments.delete")
@require_POST
def delete(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The customers stay, of course; only the view goes."""
    segment = _find(request, pk)
    with as_message(request):
        segments.delete(segment=segment, member=request.member, actor=current_actor())
        toasts.success(request, f"The segment “{segment.name}” is deleted. Its customers are still here.")
        return redirect(_list(request))
    return redirect(_list(request) + f"?segment={pk}")


def _answer(
    request: Request,
    state: ListState,
    write: Callable[[], Segment],
    message: str,
    *,
    keeps_state: bool = False,
) -> HttpResponse:
    with as_message(request):
        segment = write()
        toasts.success(request, message.format(name=segment.name))
        return redirect(_list(request) + (state.query() if keeps_state else f"?segment={segment.pk}"))
    return redirect(_list(request) + state.query())


def _fields(state: ListState) -> dict[str, object]:
    is_plain = tuple(state.columns) == table.DEFAULT
    return {
        "filter": dict(state.requested),
        "ordering": state.ordering,
        "columns": [] if is_plain else list(state.columns),
    }


def _find(request: Request, pk: UUID) -> Segment:
    rows = Segment.objects.visible_to(request.member).filter(pk=pk)
    return first_or_404(rows, "There is no such segment, or it is not shared with you.")


def _list(request: Request) -> str:
    """The list, or the board where the view was named on the board."""
    name = "customers:board" if request.POST.get("on") == "board" else "customers:list"
    return reverse(name, args=[request.organization.slug])
