"""Traces of a person outside of their own records: in saved views, filters of exports and jobs, file names, the ledger.

A text is a trace when it has one of their names or addresses in it. A search is a trace also when it finds them and
nobody else: half of a rare name says as much as the whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from activity.audit import amending
from activity.models import Event
from activity.registry import EVENTS
from customers.models import Customer, CustomerImport, Segment
from customers.people.filters.parse import ERASED

SEARCHES = ("q", "search")
STEP = 500


class Traces:
    """Finds traces of a customer, and of those merged into them, in texts and filters. Made before rows are emptied."""

    def __init__(self, family: Collection[Customer], words: Collection[str]) -> None:
        self._family = [one.pk for one in family]
        self._words = [word.casefold() for word in words]
        self._searches: dict[str, bool] = {}

    def in_text(self, text: str) -> bool:
        """Whether the text has one of their names or addresses, in any case."""
        folded = text.casefold()
        return any(word in folded for word in self._words)

    def in_value(self, value: object) -> bool:
        """The same for a value of JSON."""
        return self.in_text(json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False))

    def in_filter(self, name: str, value: object) -> bool:
        """Whether a list's filter is about them."""
        return self.in_value(value) or (name in SEARCHES and isinstance(value, str) and self._is_about_them(value))

    def without(self, filters: Mapping[str, object]) -> dict[str, object]:
        """The filter without the values that are about them."""
        return {name: value for name, value in filters.items() if not self.in_filter(name, value)}

    def _is_about_them(self, text: str) -> bool:
        if text not in self._searches:
            result = Customer.objects.matching(text)
            own = Q(pk__in=self._family)
            is_of_customer = bool(text.strip()) and result.filter(own).exists()
            self._searches[text] = is_of_customer and not result.exclude(own).exists()
        return self._searches[text]


def purge_segments(traces: Traces) -> None:
    """Make saved views that filter for the person match nobody, and rename those that have their name."""
    for segment in Segment.objects.iterator(chunk_size=STEP):
        remaining = traces.without(segment.filter)
        if remaining != segment.filter:
            # Without it the view would show others: it has to be mended first.
            remaining[ERASED] = "1"
        name = f"Segment {segment.pk.hex[-8:]}" if traces.in_text(segment.name) else segment.name
        if remaining != segment.filter or name != segment.name:
            Segment.objects.filter(pk=segment.pk).update(filter=remaining, name=name)


def purge_file_names(traces: Traces) -> None:
    """Replace file names of imports that have the person's name."""
    for upload in CustomerImport.objects.only("pk", "name").iterator(chunk_size=STEP):
        if traces.in_text(upload.name):
            CustomerImport.objects.filter(pk=upload.pk).update(name=f"Import {upload.pk.hex[-8:]}")


def purge_events(traces: Traces) -> None:
    """Remove texts and filters about the person from events without a customer."""
    types = [event.event_type for event in EVENTS if event.may_name_people]
    rows = Event.objects.filter(customer_id=None, type__in=types).only("pk", "payload")
    changed = [event.pk for event in rows.iterator(chunk_size=STEP) if _without(event.payload, traces) != event.payload]
    amending.erase(ids=changed, remaining=lambda event: _without(event.payload, traces))


def _without(payload: Mapping[str, object], traces: Traces) -> dict[str, object]:
    filters = payload.get("filters")
    remaining = {name: value for name, value in payload.items() if name != "filters" and not traces.in_value(value)}
    if isinstance(filters, dict):
        remaining["filters"] = traces.without(filters)
    elif filters is not None and not traces.in_value(filters):
        remaining["filters"] = filters
    return {name: remaining[name] for name in payload if name in remaining}
