"""The export page: columns, format, and the file."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request, listed
from core.ids import parse_uuids
from core.streaming import streamed
from customers.data.exports import services as exports
from customers.people.customers.queries import customers_for
from customers.people.fields import CUSTOM
from customers.people.filters import parse as filters

# So many customers can be chosen one by one: they come in a POST's body.
MAX_IDS = 400
# What the file's own form says, beside the list's filters.
OWN = frozenset({"format", "columns", "column", "bom", "ids", "after", "open", "segment", "csrfmiddlewaretoken"})


@requires(exports.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: Request, organization: str) -> HttpResponse:
    """The form of an export. Nothing is changed, here or in `file`; chosen customers come in a POST."""
    read, refused = filters.read_each(_criteria(request))
    if refused:
        read[filters.REFUSED] = True
    chosen_ids = _chosen(request)
    read |= chosen_ids
    columns = exports.available_columns()
    requested = {name for text in _parameters(request).getlist("columns") for name in text.split(",") if name}
    chosen = requested & {column.name for column in columns} or {column.name for column in columns}
    pairs = _pairs(request)
    context = {
        "columns": [{"name": one.name, "header": one.header, "is_chosen": one.name in chosen} for one in columns],
        "count": customers_for(request.member, read).order_by().count(),
        "pairs": [*pairs, ("ids", ",".join(chosen_ids["ids"]))] if chosen_ids else pairs,
        "is_selection": "ids" in read,
        "shown_pairs": [(name.removeprefix("custom.").replace("_", " "), value) for name, value in pairs
                        if name != "ordering"],
        "query": urlencode(pairs),
        "problems": [f"{error.field.removeprefix(CUSTOM)}: {error}" for error in refused],
    }  # fmt: skip
    return render(request, "customers/data/exports/export.html", context, status=400 if refused else 200)


@requires(exports.PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def file(request: Request, organization: str) -> HttpResponseBase:
    """The file itself, streamed."""
    try:
        result = exports.begin(
            member=request.member,
            actor=current_actor(),
            filters=filters.read(_criteria(request)) | _chosen(request),
            columns=_parameters(request).getlist("column") or None,
            format=_parameters(request).get("format") or exports.CSV,
        )
    except (exports.InvalidExport, filters.InvalidFilter) as error:
        return HttpResponse(f"{error.field}: {error}", status=400, content_type="text/plain; charset=utf-8")
    return streamed(request, result.pieces(), content_type=result.content_type, filename=result.filename)


def _chosen(request: Request) -> dict[str, list[str]]:
    """The customers that were chosen one by one (`ids`, with commas between), where any were."""
    results = [str(pk) for pk in parse_uuids(listed(request, "ids")[:MAX_IDS])]
    return {"ids": results} if results else {}


def _parameters(request: Request) -> QueryDict:
    """The parameters of the address and the body together."""
    requested = request.GET.copy()
    for name, values in request.POST.lists():
        requested.setlist(name, values)
    return requested


def _criteria(request: Request) -> QueryDict:
    """The list's filters, without what else its address has, for instance an open panel."""
    parameters = _parameters(request)
    for name in list(parameters):
        if name in OWN:
            del parameters[name]
    return parameters


def _pairs(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name, values in _criteria(request).lists() for value in values if value]
