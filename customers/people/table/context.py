"""What the table of customers shows around and in its rows; the board shows the same frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Member
from core.http import Request
from core.ids import parse_uuid
from core.pagination import page_after
from customers.models import Customer, CustomField, Segment, Stage
from customers.models.querysets import CustomerQuerySet
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.queries import order_columns
from customers.people.filters.parse import DEFAULT_ORDERING
from customers.people.segments.services import may_change, snapshot_of
from customers.people.table import chips
from customers.people.table import columns as table
from customers.people.table.selection import has_menus, menus_for
from customers.people.table.state import ListState, read_state
from customers.people.windowed_search import page_of_matches

ROWS = 50
MAX_STATE_LENGTH = 8000


# What only a part of this page needs is loaded when that part is asked for, and not before.
UNUSED_COLUMNS = ("notes", "search_text", "former_codes", "company_key", "address_key")


def rows_context(
    request: Request, customers: CustomerQuerySet, state: ListState, fields: Sequence[CustomField]
) -> dict[str, object]:
    """A page of rows, and where the next begins. Raises Http404 for a cursor that is none."""
    cursor = request.GET.get("after", "")
    if state.filters.get("q") and state.ordering == DEFAULT_ORDERING:
        page = page_of_matches(with_relations(customers), cursor=cursor, size=ROWS)
    else:
        order = order_columns(state.ordering)
        page = page_after(with_relations(customers), cursor=cursor, size=ROWS, order=order)
    columns = columns_for(state, fields)
    more = f"{state.query()}&after={page.next_cursor}".replace("?&", "?") if page.next_cursor else ""
    return {
        "rows": table.rows_of(page.rows, columns),
        "headings": [
            (heading, state.query(ordering=heading.ordering)) for heading in table.headings_of(columns, state.ordering)
        ],
        "next_cursor": page.next_cursor,
        "more": more,
        "state": state,
        "width": len(columns) + 1,
        **permissions(request.member),
    }


def permissions(member: Member) -> dict[str, bool]:
    """What the rows and the bar offer."""
    may = {f"can_{action}": member.may(f"customers.{action}") for action in ("create", "edit", "delete")}
    may |= {"can_edit_customer": may["can_edit"]}
    chooses = may["can_edit"] or may["can_delete"] or member.may("customers.export") or has_menus(member)
    return may | {"can_choose": chooses}


def row_of(member: Member, pk: UUID, state: ListState, fields: Sequence[CustomField]) -> table.Row | None:
    """One row as the list shows it; None when it is out of the member's reach."""
    row = with_relations(Customer.objects.visible_to(member).filter(pk=pk)).first()
    return table.rows_of([row], columns_for(state, fields))[0] if row else None


def frame(member: Member, state: ListState, words: chips.Words, segments: list[Segment]) -> dict[str, object]:
    """What stands around the rows."""
    chosen = table.columns_of(words.fields.values())
    requested = chips.form_of(state, words)
    plain = ListState()
    has_filters = bool(state.requested)
    return {
        "chips": chips.chips_of(state, words),
        "q": state.requested.get("q", ""),
        "filter_form": requested,
        "filter_pairs": state.pairs(*chips.names_in(requested), "segment"),
        "column_pairs": state.pairs("columns"),
        "search_pairs": state.pairs("q"),
        "sorted_by": state.query(),
        "cleared": ListState(ordering=state.ordering, columns=state.columns).query() if has_filters else "",
        "columns": [*(chosen[key] for key in state.columns), *(c for k, c in chosen.items() if k not in state.columns)],
        "segments": [(segment, f"?segment={segment.pk}") for segment in segments],
        "everybody": plain.query(),
        "is_changed": state.is_changed,
        "segment_shown": snapshot_of(state.segment) if state.segment is not None else {},
        "may_change_segment": state.segment is not None and may_change(state.segment, member),
        "stages": words.stages,
        "owners": words.owners,
        "statuses": Customer.Status.choices,
        "links": links(member, state),
        "menus": menus_for(member),
    }


def links(member: Member, state: ListState) -> dict[str, str]:
    """Addresses of the pages beside the list that this member may open."""
    pages = {
        "import": ("customers:imports", "customers.import"),
        "export": ("customers:export", "customers.export"),
        "duplicates": ("customers:duplicates", "customers.edit"),
        "deleted": ("customers:deleted", "customers.delete"),
    }
    slug = member.organization.slug
    results = {
        name: reverse(url_name, args=[slug]) for name, (url_name, allowed) in pages.items() if member.may(allowed)
    }
    if "export" in results:
        # The filters themselves: an export knows no segments.
        results["export"] += replace(state, segment=None).query()
    return results


def columns_for(state: ListState, fields: Sequence[CustomField]) -> list[table.Column]:
    known = table.columns_of(fields)
    return [known[key] for key in state.columns]


def with_relations(rows: CustomerQuerySet) -> CustomerQuerySet:
    return rows.with_list_relations().defer(*UNUSED_COLUMNS)


def opened(request: Request) -> UUID | None:
    """Whose panel stands open beside the list."""
    return parse_uuid(request.GET.get("open", ""))


def state_of_form(request: Request) -> ListState:
    """The state of the list that a form was on: `state` is the list's query."""
    return read_state(
        QueryDict(request.POST.get("state", "").lstrip("?")[:MAX_STATE_LENGTH]),
        fields=custom_fields.definitions(CustomField.Entity.CUSTOMER),
        stages=[stage.key for stage in Stage.objects.all()],
        segments=list(Segment.objects.visible_to(request.member)),
    )
