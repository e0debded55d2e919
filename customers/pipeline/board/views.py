"""The pipeline as a board: a column a stage, its cards, and moving them. Its whole state is its address."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.access.viewing import only_reads
from activity.actor import current_actor
from core.htmx import render_page
from core.http import Request
from core.lookups import first_or_404
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, CustomField, Segment, Stage, StageChange
from customers.people.access import find_visible
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import stage_moves
from customers.people.filters.parse import DEFAULT_ORDERING, KNOWN_STAGES
from customers.people.locking import CustomerMissing
from customers.people.owners import possible_owners
from customers.people.table import chips
from customers.people.table.context import frame, opened
from customers.people.table.state import ListState, read_state
from customers.pipeline.board import queries as board_queries
from customers.pipeline.board.moves import Move
from customers.pipeline.board.queries import FALLING, RISING, Column
from customers.pipeline.board.requests import MAX_STATE_LENGTH, ids_of, moved_meanwhile, wants_json, without
from customers.pipeline.stages.lost_reasons import LOST_REASONS, lacks_reason, reason_of

QUIET = "last_activity_at"
PARTIALS = {"board-view": "customers/pipeline/board/view.html"}


@requires("customers.view")
@require_safe
def board(request: Request, organization: str) -> HttpResponse:
    """Customers within reach that fit the address, by stage; `column` and `after` ask for more of one."""
    fields = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    stages = list(Stage.objects.all())
    segments = list(Segment.objects.visible_to(request.member))
    state = read_state(
        without(request, "column"), fields=fields, stages=[stage.key for stage in stages], segments=segments
    )
    if request.htmx.target and request.htmx.target.startswith("more-") and not request.htmx.boosted:
        column = _column(request, stages, state)
        return render(
            request, "customers/pipeline/board/cards.html", _board_context(request, state) | {"column": column}
        )
    if "column" in request.GET:
        page_context = [_column(request, stages, state)]
    else:
        filters = {**state.filters, KNOWN_STAGES: stages}
        page_context = board_queries.columns(request.member, filters, order_of(state), stages)
    words = chips.Words(stages=stages, owners=possible_owners(), fields=fields, me=request.member.user)
    context = frame(request.member, state, words, segments) | _board_context(request, state)
    context |= {
        "board": page_context,
        "count": sum(column.count for column in page_context),
        "stages": stages,
        "open": opened(request),
        "can_create": request.member.may("customers.create"),
        "reasons": LOST_REASONS,
        "orders": _orders(state),
    }
    return render_page(request, "customers/pipeline/board/board.html", context, partials=PARTIALS)


@requires("customers.view")
@only_reads
@require_http_methods(["GET", "HEAD", "POST"])
def changes(request: Request, organization: str) -> HttpResponse:
    """The heads of all columns, and some cards anew: those of `ids`, with `all` the first of every column too.

    Changes nothing; the `ids`, which may be many, come in a POST's body.
    """
    stages = list(Stage.objects.all())
    state = read_state(
        without(request, "ids", "all"),
        fields=custom_fields.definitions(CustomField.Entity.CUSTOMER),
        stages=[stage.key for stage in stages],
        segments=list(Segment.objects.visible_to(request.member)),
    )
    filters = {**state.filters, KNOWN_STAGES: stages}
    if "all" in request.GET:
        columns = board_queries.columns(request.member, filters, order_of(state), stages)
    else:
        columns = board_queries.heads(request.member, filters, stages)
    first = {row.pk for column in columns for row in column.rows}
    ids = [pk for pk in ids_of(request) if pk not in first]
    rows = board_queries.customers_in(request.member, filters).filter(pk__in=ids)
    cards = list(board_queries.with_card_relations(rows)) if ids else []
    context = {"board": columns, "cards": [*cards, *(row for column in columns for row in column.rows)]}
    return render(request, "customers/pipeline/board/changes.html", _board_context(request, state) | context)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def move(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Move a customer to `stage` (key or id); a lost one needs a `reason` where the organization asks for it.

    GET: the question as a page. A POST that accepts JSON is told what was done, and where it is undone.
    """
    customer = find_visible(request, pk)
    requested = Move(
        request,
        customer.name,
        reverse("customers:move", args=[organization, pk]),
        customer.stage,
        back=_back_url(request, customer),
        pairs=[(name, _parameter(request, name)) for name in ("from", "state") if _parameter(request, name)],
    )
    if request.method != "POST":
        return requested.ask()
    stage, reason = requested.stage, reason_of(request)
    if stage is None:
        return requested.refuse("Choose one of the stages.")
    lock_rows(request, customer)
    if problem := moved_meanwhile(request, customer.stage, stage):
        return requested.refuse(problem, status=409)
    if lacks_reason(request, stage, reason):
        return requested.refuse("Say in a few words why they are lost.", field="reason")
    try:
        change = stage_moves.move(customer=customer, stage=stage, actor=current_actor(), reason=reason)
    except CustomerMissing as error:
        return requested.refuse(str(error), status=409)
    text = f"{customer.name} moved to {stage.name}."
    undo = reverse("customers:undo_move", args=[organization, pk, change.pk]) if change else ""
    return requested.done(text, {"text": text if change else "", "undo": undo, "values": {}})


@requires("customers.edit")
@require_POST
def undo_move(request: Request, organization: str, pk: UUID, change: UUID) -> HttpResponse:
    """Take a move back, as long as it was the last one and is fresh."""
    customer = find_visible(request, pk)
    result = StageChange.objects.filter(customer=customer, pk=change).select_related(
        "customer__organization", "from_stage"
    )
    undone = first_or_404(result, "There is no such move.")
    try:
        stage_moves.undo_move(change=undone, actor=current_actor())
    except (stage_moves.CannotUndo, CustomerMissing) as error:
        if wants_json(request):
            return JsonResponse({"detail": str(error)}, status=409)
        toasts.error(request, str(error))
        return _back(request, customer)
    text = f"{customer.name} is back in {undone.from_name}."
    if wants_json(request):
        return JsonResponse({"text": text})
    toasts.success(request, text)
    return _back(request, customer)


# --- parts ------------------------------------------------------------------------------------------------------------


def order_of(state: ListState) -> board_queries.Order:
    """The latest activity first, unless the address asks for those that were quiet longest."""
    return RISING if state.ordering == QUIET else FALLING


def _orders(state: ListState) -> list[tuple[str, str, bool]]:
    """The two orders: label, query, whether it is the one that is shown."""
    is_quiet = state.ordering == QUIET
    usual = state.segment.ordering if state.segment and state.segment.ordering != QUIET else ""
    latest = state.query(ordering=usual or DEFAULT_ORDERING) if is_quiet else state.query()
    return [
        ("Latest activity", latest, not is_quiet),
        ("Longest quiet", state.query(ordering=QUIET), is_quiet),
    ]


def _column(request: Request, stages: Sequence[Stage], state: ListState) -> Column[Customer]:
    """One column from the cursor in the address on. Raises Http404 for a stage or a cursor that is none."""
    stage = next((one for one in stages if one.key == request.GET.get("column")), None)
    if stage is None:
        raise Http404("There is no such stage.")
    if request.htmx:
        column: Column[Customer] = Column(stage)
    else:
        column = board_queries.heads(request.member, {**state.filters, "stage": stage.key}, [stage])[0]
    rows = board_queries.with_card_relations(board_queries.customers_in(request.member, state.filters))
    board_queries.following(rows, column, request.GET.get("after", ""), order_of(state))
    return column


def _board_context(request: Request, state: ListState) -> dict[str, object]:
    """What every part of the board needs."""
    query = state.query()
    return {
        "state": state,
        "query": query.lstrip("?"),
        "card_template": "customers/pipeline/board/card.html",
        "can_move": request.member.may("customers.edit"),
        "currency": request.organization.currency,
        "board_url": reverse("customers:board", args=[request.organization.slug]),
        "changes_url": reverse("customers:board_changes", args=[request.organization.slug]),
        "list_url": reverse("customers:board", args=[request.organization.slug]),
        "is_rising": state.ordering == QUIET,
        "many": "customers",
    }


def _back(request: Request, customer: Customer) -> HttpResponse:
    return redirect(_back_url(request, customer))


def _back_url(request: Request, customer: Customer) -> str:
    """Where a move was asked for: the customer's page (`from=customer`), or the board in its `state`."""
    slug = request.organization.slug
    if _parameter(request, "from") == "customer":
        return reverse("customers:detail", args=[slug, customer.pk])
    query = QueryDict(_parameter(request, "state").lstrip("?")[:MAX_STATE_LENGTH]).urlencode()
    return reverse("customers:board", args=[slug]) + (f"?{query}" if query else "")


def _parameter(request: Request, name: str) -> str:
    return request.POST.get(name, "") or request.GET.get(name, "")
