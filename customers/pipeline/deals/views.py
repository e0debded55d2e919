"""Deals as a list with its sums, and as a board; their whole state is their address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.access.viewing import only_reads
from activity.actor import current_actor
from core.counting import capped_counts
from core.htmx import render_page
from core.http import Request
from core.pagination import page_after
from core.row_locks import lock_rows, writes_at_once
from customers import days
from customers.models import Deal, Stage
from customers.people.locking import CustomerMissing
from customers.people.owners import possible_owners
from customers.people.table.chips import name_of
from customers.pipeline.board import queries as board_queries
from customers.pipeline.board.moves import Move
from customers.pipeline.board.queries import Column
from customers.pipeline.board.requests import MAX_CARDS, MAX_STATE_LENGTH, ids_of, moved_meanwhile, without
from customers.pipeline.deals import queries as deal_queries
from customers.pipeline.deals import services as deals
from customers.pipeline.deals.access import find_deal
from customers.pipeline.deals.queries import ORDERINGS, DealState
from customers.pipeline.stages.lost_reasons import LOST_REASONS, lacks_reason, reason_of

ROWS = 50
COUNTED_TO = 1000
# Heading, the order that it stands for, whether it is sorted from its largest value first.
HEADINGS = (
    ("Deal", "title", False),
    ("Stage", "", False),
    ("Amount", "amount", True),
    ("Chance", "", False),
    ("Expected", "expected_close_on", False),
    ("Owner", "", False),
    ("Changed", "updated_at", True),
)


@requires("deals.view")
@require_safe
def deal_list(request: Request, organization: str) -> HttpResponse:
    """The deals of customers within reach, what they come to, and what is to be expected."""
    stages = list(Stage.objects.all())
    state = deal_queries.read_deals(without(request, "after"), stages=[stage.key for stage in stages])
    rows = deal_queries.deals_for(request.member, state)
    page = page_after(
        deal_queries.with_relations(rows),
        cursor=request.GET.get("after", ""),
        size=ROWS,
        order=ORDERINGS[state.ordering],
    )
    today = days.today(request.organization.zone)
    context = _list_context(request, state, stages, "deals") | {
        "rows": page.rows,
        "more": page.next_cursor,
        "today": today,
    }
    if request.htmx.target == "more-deals" and not request.htmx.boosted:
        return render(request, "customers/pipeline/deals/rows.html", context)
    # What is to come does not depend on the day that is asked for.
    outlook = deal_queries.deals_for(request.member, state.only("q", "owner", "stage", "status"))
    context |= _frame(request, state, stages) | {
        "count": capped_counts({"count": rows}, cap=COUNTED_TO + 1)["count"],
        "headings": _headings(state),
        "totals": deal_queries.totals(rows),
        "by_stage": deal_queries.by_stage(rows, stages),
        "by_month": deal_queries.by_month(outlook, today=today),
    }
    return render_page(
        request,
        "customers/pipeline/deals/list.html",
        context,
        partials={"board-view": "customers/pipeline/deals/view.html"},
    )


@requires("deals.view")
@require_safe
def deal_board(request: Request, organization: str) -> HttpResponse:
    """The deals by stage; `column` and `after` ask for more of one."""
    stages = list(Stage.objects.all())
    state = deal_queries.read_deals(without(request, "column", "after"), stages=[stage.key for stage in stages])
    context = _list_context(request, state, stages, "board")
    if request.htmx.target and request.htmx.target.startswith("more-") and not request.htmx.boosted:
        return render(
            request, "customers/pipeline/board/cards.html", context | {"column": _column(request, stages, state)}
        )
    if "column" in request.GET:
        columns = [_column(request, stages, state)]
    else:
        columns = deal_queries.columns(request.member, state, stages, today=context["today"])
    context |= _frame(request, state, stages) | {
        "board": columns,
        "count": sum(column.count for column in columns),
        "stages": stages,
        "reasons": LOST_REASONS,
        "totals": deal_queries.totals(deal_queries.deals_for(request.member, state)),
    }
    return render_page(
        request,
        "customers/pipeline/deals/board.html",
        context,
        partials={"board-view": "customers/pipeline/deals/board_view.html"},
    )


@requires("deals.view")
@only_reads
@require_http_methods(["GET", "HEAD", "POST"])
def deal_changes(request: Request, organization: str) -> HttpResponse:
    """The heads of all columns, and the cards of the customers in `ids` anew; with `all` the first of every column.

    Changes nothing; the `ids`, which may be many, come in a POST's body.
    """
    stages = list(Stage.objects.all())
    state = deal_queries.read_deals(without(request, "ids", "all"), stages=[stage.key for stage in stages])
    context = _list_context(request, state, stages, "board")
    read = deal_queries.columns if "all" in request.GET else deal_queries.heads
    columns = read(request.member, state, stages, today=context["today"])
    first = {row.pk for column in columns for row in column.rows}
    ids = ids_of(request)
    others = deal_queries.deals_for(request.member, state).filter(customer__in=ids).exclude(pk__in=first)
    cards = list(deal_queries.with_relations(others)[:MAX_CARDS]) if ids else []
    context |= {"board": columns, "cards": [*cards, *(row for column in columns for row in column.rows)]}
    return render(request, "customers/pipeline/board/changes.html", context)


@requires("deals.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def move_deal(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Move a deal to `stage` (key or id): a won or lost stage closes it, a lost one needs a reason where asked for."""
    deal = find_deal(request, pk)
    state = _requested_state(request)
    requested = Move(
        request,
        deal.title,
        reverse("customers:move_deal", args=[organization, pk]),
        deal.stage,
        back=_board_url(request),
        pairs=[("state", state)] if state else [],
    )
    if request.method != "POST":
        return requested.ask()
    stage, reason = requested.stage, reason_of(request)
    if stage is None:
        return requested.refuse("Choose one of the stages.")
    lock_rows(request, deal.customer, deal)
    if problem := moved_meanwhile(request, deal.stage, stage):
        return requested.refuse(problem, status=409)
    if stage.pk != deal.stage_id and lacks_reason(request, stage, reason):
        return requested.refuse("Say in a few words why it is lost.", field="reason")
    before, why = deal.stage, deal.lost_reason
    changes = {"stage": stage, "lost_reason": reason if stage.kind == Stage.Kind.LOST else ""}
    try:
        if stage.pk != deal.stage_id:
            deals.update(deal=deal, actor=current_actor(), changes=changes)
    except (deals.InvalidDeal, CustomerMissing) as error:
        return requested.refuse(str(error), status=409)
    text = f"“{deal.title}” is {stage.kind}." if stage.is_terminal else f"“{deal.title}” moved to {stage.name}."
    if before is None or before.pk == stage.pk:
        return requested.done(text, {"text": text if before is None else "", "undo": "", "values": {}})
    # The way back is a move like any other.
    values = {"stage": before.key, "words": why, "was": stage.key}
    return requested.done(text, {"text": text, "undo": requested.action, "values": values})


def _list_context(request: Request, state: DealState, stages: list[Stage], tab: str) -> dict[str, Any]:
    """What every part needs."""
    slug = request.organization.slug
    query = state.query()
    list_url, board_url = reverse("customers:deals", args=[slug]), reverse("customers:deal_board", args=[slug])
    return {
        "state": state,
        "query": query,
        "tab": tab,
        "list_url": list_url,
        "board_url": board_url,
        "own_url": list_url if tab == "deals" else board_url,
        "changes_url": reverse("customers:deal_changes", args=[slug]),
        "card_template": "customers/pipeline/deals/card.html",
        "many": "deals",
        "currency": request.organization.currency,
        "today": days.today(request.organization.zone),
        "can_move": request.member.may("deals.edit"),
        "can_edit": request.member.may("deals.edit"),
        "can_create": request.member.may("deals.create"),
        "sees_customers": request.member.may("customers.view"),
    }


def _frame(request: Request, state: DealState, stages: list[Stage]) -> dict[str, object]:
    """What stands around rows and columns: the filters with their choices."""
    today = days.today(request.organization.zone)
    month = state.requested.get("month", "")
    months = deal_queries.months(today)
    if month and month not in dict(months):
        months.append((month, month))
    owners = [("me", "Me"), ("none", "Nobody yet"), *((str(user.pk), name_of(user)) for user in possible_owners())]
    requested = (
        ("status", "Status", Deal.Status.choices),
        ("stage", "Stage", [(stage.key, stage.name) for stage in stages]),
        ("owner", "Owner", owners),
        ("month", "Closing", months),
    )
    return {
        "filters": [(name, label, choices, state.requested.get(name, "")) for name, label, choices in requested],
        "filter_pairs": [(n, v) for n, v in state.pairs(*(name for name, _, _ in requested)) if n != "ordering" or v],
        "search_pairs": state.pairs("q"),
        "q": state.requested.get("q", ""),
    }


def _headings(state: DealState) -> list[tuple[str, str, str]]:
    """Label, what aria-sort says, and the query that a press asks for; a second press turns the order round."""
    current, is_falling = state.ordering.removeprefix("-"), state.ordering.startswith("-")
    results = []
    for label, name, falls in HEADINGS:
        direction = ""
        if name and name == current:
            direction, falls = ("descending" if is_falling else "ascending"), not is_falling
        results.append((label, direction, f"?{state.query(ordering=f'-{name}' if falls else name)}" if name else ""))
    return results


def _column(request: Request, stages: list[Stage], state: DealState) -> Column[Deal]:
    """One column from the cursor in the address on. Raises Http404 for a stage or a cursor that is none."""
    stage = next((one for one in stages if one.key == request.GET.get("column")), None)
    if stage is None:
        raise Http404("There is no such stage.")
    today = days.today(request.organization.zone)
    heads = [Column[Deal](stage)] if request.htmx else deal_queries.heads(request.member, state, [stage], today=today)
    column = heads[0] if heads else Column[Deal](stage)
    rows = deal_queries.with_relations(deal_queries.deals_for(request.member, state))
    board_queries.following(rows, column, request.GET.get("after", ""), deal_queries.BOARD_ORDER)
    return column


def _requested_state(request: Request) -> str:
    return (request.POST.get("state", "") or request.GET.get("state", ""))[:MAX_STATE_LENGTH]


def _board_url(request: Request) -> str:
    query = QueryDict(_requested_state(request).lstrip("?")).urlencode()
    return reverse("customers:deal_board", args=[request.organization.slug]) + (f"?{query}" if query else "")
