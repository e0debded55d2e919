"""The pages of duplicates: likely pairs, the comparison of both sides, and the merge."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import Attempt
from customers.data import undo
from customers.data.merging import duplicates
from customers.data.merging import services as merging
from customers.models import Customer, CustomField
from customers.people.access import find_visible
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.queries import customers_for, duplicates_for
from customers.people.fields import FIELDS, in_words
from customers.people.windowed_search import newest_matches

ROWS = 50
MAX_MATCHES = 8
REASONS = {
    "phone": "the same phone",
    "email": "the same e-mail",
    "name_and_company": "nearly the same name, the same company",
    "name_and_address": "nearly the same name, the same address",
}

MOVED = {
    "messages": ("message", "messages"),
    "conversations": ("conversation", "conversations"),
    "deals": ("deal", "deals"),
    "tasks": ("task", "tasks"),
    "contacts": ("contact", "contacts"),
    "identities": ("phone or e-mail", "phones and e-mails"),
    "interactions": ("note or call", "notes and calls"),
    "customer files": ("file", "files"),
}


@requires("customers.view")
@require_safe
def pairs(request: Request, organization: str) -> HttpResponse:
    """Pairs that are likely one, likeliest first."""
    rows = list(duplicates_for(request.member).order_by("-score", "-id")[: ROWS + 1])
    context = {
        "pairs": [(pair, [REASONS[reason] for reason in pair.reasons]) for pair in rows[:ROWS]],
        "has_more": len(rows) > ROWS,
        "can_edit_customer": request.member.may("customers.edit"),
        "merges": undo.visible_change_sets(request.member).filter(kind="merge").order_by("-created_at")[:10],
    }
    return render(request, "customers/data/merging/duplicates.html", context)


@requires("customers.edit")
@require_POST
def dismiss(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Mark the pair as two customers."""
    rows = duplicates_for(request.member).filter(pk=pk)
    pair = first_or_404(rows, "There is no such pair, or it is not yours to see.")
    duplicates.dismiss(pair=pair, actor=current_actor())
    toasts.success(request, "Kept as two; they will not be proposed again.")
    return redirect("customers:duplicates", organization)


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Search the other customer (`q`), compare both sides (`into`), choose field by field, and merge."""
    customer = find_visible(request, pk)
    target = request.POST.get("into") or request.GET.get("into", "")
    if not target:
        q = request.GET.get("q", "").strip()[:200]
        rows = customers_for(request.member, {"q": q}).exclude(pk=pk).select_related("stage")
        result = newest_matches(rows, size=MAX_MATCHES) if q else []
        return render(
            request, "customers/data/merging/merge_find.html", {"customer": customer, "q": q, "matches": result}
        )
    into = parse_uuid(target)
    if into is None:
        raise Http404("This address is not complete.")
    survivor = find_visible(request, into)
    attempt = Attempt(request)
    if request.method == "POST":
        prefix = "choose_"
        chosen = {n.removeprefix(prefix): request.POST[n] for n in request.POST if n.startswith(prefix)}
        with attempt:
            change_set = merging.merge(loser=customer, survivor=survivor, actor=current_actor(), chosen=chosen)
            toasts.success(request, f"{change_set.summary}. It can be undone for 30 days, under Duplicates.")
            return redirect("customers:detail", organization, survivor.pk)
    context = {
        "customer": customer,
        "survivor": survivor,
        "rows": _rows(customer, survivor),
        "moved": _moved(customer),
        "problem": attempt.error,
    }
    return render(request, "customers/data/merging/merge.html", context, status=422 if attempt.error else 200)


def _moved(customer: Customer) -> list[str]:
    """The records that move, as counts in words; without internal records."""
    counts = merging.moved_counts(customer)
    named = ((counts[one], singular, plural) for one, (singular, plural) in MOVED.items() if counts.get(one))
    return [f"{count} {singular if count == 1 else plural}" for count, singular, plural in named]


def _rows(loser: Customer, survivor: Customer) -> list[dict[str, object]]:
    """Every field in which the two differ, in words."""
    labels = {f"custom.{field.key}": field for field in custom_fields.definitions(CustomField.Entity.CUSTOMER)}
    rows: list[dict[str, object]] = []
    for choice in merging.choices(loser=loser, survivor=survivor):
        if choice.is_equal:
            continue
        field = labels.get(choice.field)
        rows.append(
            {
                "name": choice.field,
                "label": field.label if field else choice.label,
                "into": _words(field or choice.field, choice.into, survivor),
                "from_": _words(field or choice.field, choice.from_, loser),
                "chosen": choice.chosen,
            }
        )
    return rows


def _words(field: CustomField | str, value: object, customer: Customer) -> str:
    if isinstance(field, CustomField):
        return custom_fields.show(field, value)
    # A value under a key that no field of the organization has (any more) is shown as it is.
    return FIELDS[field].text_of(customer) if field in FIELDS else in_words(value)
