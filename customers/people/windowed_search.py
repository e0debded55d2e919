"""The newest customers that fit a search, without looking at all that fit.

A trigram index gives every match at once, and then they have to be fetched and sorted: too slow where ten thousand
fit. So the newest are asked for first, window by window in the order of codes. The index begins with the window, which
makes one cost a millisecond or two. What was found so far says how dense the matches are: where only few can be left,
the rest is asked for in one go.
"""

from __future__ import annotations

from core.pagination import InvalidCursor, Page, cursor_of, decode_cursor
from core.tenancy import current_organization
from customers import search
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet

# So many of the newest are looked at one by one.
NEWEST = 512
# Matches that may be fetched in one go.
FEW = 400
# So many windows are asked for in one statement at most: each is a way through the index.
MAX_WINDOWS = 4
# More rounds than that are never needed for a page: by then the rest is asked for.
ROUNDS = 6


def page_of_matches(rows: CustomerQuerySet, *, cursor: str, size: int) -> Page[Customer]:
    """A page of what fits, newest code first. Raises InvalidCursor for a cursor that is none of ours."""
    top = None
    if cursor:
        number, _ = decode_cursor(cursor, Customer._meta.get_field("code_number"))
        if not isinstance(number, int):
            raise InvalidCursor("This cursor is not one that the list gave.")
        top = number - 1
    result = newest_matches(rows, size=size + 1, top=top)
    page_rows = result[:size]
    return Page(page_rows, cursor_of(page_rows[-1], "code_number") if len(result) > size else "")


def newest_matches(rows: CustomerQuerySet, *, size: int, top: int | None = None) -> list[Customer]:
    """Up to `size` customers of the open organization, from the code `top` (the last one given out) downwards."""
    rows = rows.order_by("-code_number", "-id")
    if top is None:
        newest = Customer.objects.order_by("-code_number").values_list("code_number", flat=True).first()
        top = newest or 0
    size_of_window = 1 << search.WINDOW_BITS
    # What nearly everybody has is found among the newest, without an index of words.
    results = list(rows.filter(code_number__range=(top - NEWEST + 1, top))[:size])
    if len(results) >= size or top < NEWEST:
        return results
    highest, windows, lowest = top - NEWEST, 1, top - NEWEST + 1
    for _ in range(ROUNDS):
        # The newest window may have only just begun: the first look goes over a whole one's worth.
        lowest = max(0, (highest - windows * size_of_window + 1) // size_of_window * size_of_window)
        results += _between(rows, lowest, highest)[: size - len(results)]
        if len(results) >= size or lowest == 0:
            return results
        density = len(results) / (top - lowest + 1)
        if density * lowest <= FEW:
            break
        expected = (size - len(results)) / (density * size_of_window)
        highest, windows = lowest - 1, min(MAX_WINDOWS, int(expected * 1.3) + 1)
    return results + list(rows.filter(code_number__lt=lowest)[: size - len(results)])


def _between(rows: CustomerQuerySet, lowest: int, highest: int) -> CustomerQuerySet:
    """Those with these codes: by the window, which one index knows, and by the range, which another does."""
    organization = current_organization().pk
    steps = range(lowest, highest + 1, 1 << search.WINDOW_BITS)
    windows = {search.window_of(organization, code) for code in (*steps, highest)}
    return rows.filter(search_window__in=windows, code_number__range=(lowest, highest))
