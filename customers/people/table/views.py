"""The list of customers: columns, order, filters and segments, all of it in the address."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from core.counting import capped_counts
from core.htmx import render_page
from core.http import Request, listed
from core.ids import parse_uuids
from customers.models import Customer, CustomField, Segment, Stage
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.queries import customers_for
from customers.people.owners import possible_owners
from customers.people.table import chips
from customers.people.table import columns as table
from customers.people.table.context import columns_for, frame, opened, permissions, rows_context, with_relations
from customers.people.table.state import read_state

COUNTED_TO = 1000
# So many rows are asked about at once when something changed.
MAX_ROWS = 400
PARTIALS = {"customer-list": "customers/people/table/list.html", "more-customers": "customers/people/table/rows.html"}


@requires("customers.view")
@require_safe
def customer_list(request: Request, organization: str) -> HttpResponse:
    """Customers within reach that fit the address."""
    fields = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    stages = list(Stage.objects.all())
    segments = list(Segment.objects.visible_to(request.member))
    state = read_state(request.GET, fields=fields, stages=[stage.key for stage in stages], segments=segments)
    rows = customers_for(request.member, state.filters)
    context = rows_context(request, rows, state, fields)
    if request.htmx.target != "more-customers" or request.htmx.boosted:
        words = chips.Words(stages=stages, owners=possible_owners(), fields=fields, me=request.member.user)
        context |= frame(request.member, state, words, segments) | {
            "count": capped_counts({"count": rows}, cap=COUNTED_TO + 1)["count"],
            "open": opened(request),
        }
    return render_page(request, "customers/people/table/page.html", context, partials=PARTIALS)


@requires("customers.view")
@require_http_methods(["GET", "HEAD", "POST"])
def rows(request: Request, organization: str) -> HttpResponse:
    """Some rows anew, after something changed; who is out of reach by now is not among them.

    Changes nothing; the `ids`, which may be many, come in a POST's body.
    """
    fields = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    state = read_state(_only(request, "columns"), fields=fields)
    requested = Customer.objects.visible_to(request.member).filter(
        pk__in=parse_uuids(listed(request, "ids")[:MAX_ROWS])
    )
    columns = columns_for(state, fields)
    context = {
        "rows": table.rows_of(with_relations(requested).order_by("pk"), columns),
        "state": state,
        **permissions(request.member),
    }
    return render(request, "customers/people/table/changed_rows.html", context)


def _only(request: Request, *names: str) -> QueryDict:
    requested = request.GET.copy()
    for name in list(requested):
        if name not in names:
            del requested[name]
    return requested
