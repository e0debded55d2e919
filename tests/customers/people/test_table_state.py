"""The list's address: read, written, read again."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.models import CustomField, Segment
from customers.people.filters.parse import ORDERINGS
from customers.people.table.columns import columns_of
from customers.people.table.state import ListState, read_state

FIELDS = [
    CustomField(key="size", label="Size", type="number"),
    CustomField(key="colour", label="Colour", type="choice", choices=["red", "blue"]),
]
STAGES = ["new", "contacted"]


def read(query: str, *segments: Segment) -> ListState:
    return read_state(QueryDict(query.lstrip("?")), fields=FIELDS, stages=STAGES, segments=segments, checks_tags=False)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    str.strip
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "q": words.map(str.strip),
        "status": st.sampled_from(["lead", "active"]),
        "stage": st.sampled_from(STAGES),
        "source": words.map(str.strip),
        "assigned_to": st.sampled_from(["me", "none"]),
        "tag": st.lists(words.map(str.strip), min_size=1, max_size=3, unique=True),
        "created_from": st.dates().map(str).filter(lambda day: "1900" < day < "2200"),
        "has_open_task": st.sampled_from(["true", "false"]),
        "custom.size__gte": st.integers(-1000, 1000).map(str),
        "custom.colour": st.sampled_from(["red", "blue"]),
    },
)
others = [key for key in [*columns_of([]), "custom.size"] if key != "name"]
columns = st.lists(st.sampled_from(others), unique=True).map(lambda keys: ("name", *keys))


@settings(max_examples=150, deadline=None)
@given(given_filters=filters, ordering=st.sampled_from(ORDERINGS), chosen=columns)
def test_what_is_written_is_read(inside_zone: Any, given_filters: dict[str, Any], ordering: str, chosen: Any):
    segment = Segment(
        name="Saved", filter={"status": "lead", "tag": ["vip"]}, ordering="name", columns=["name", "city"]
    )
    for based_on in (None, segment):
        state = ListState(requested=given_filters, ordering=ordering, columns=chosen, segment=based_on)
        again = read(state.query(), segment)
        assert again.problems == []
        assert (again.requested, again.ordering, tuple(again.columns)) == (given_filters, ordering, chosen)
        assert again.segment == based_on
        assert again.query() == state.query()


@pytest.fixture(scope="module")
def inside_zone() -> Any:
    """Days are of an organization's zone."""
    from accounts.models import Organization
    from core.tenancy import organization_scope

    with organization_scope(Organization(name="x", slug="x", timezone="Europe/London")):
        yield


@pytest.fixture
def saved() -> Segment:
    return Segment(
        name="Saved",
        filter={"stage": "new", "tag": ["vip", "late"], "has_open_task": True, "custom.size__gte": 5},
        ordering="name",
        columns=["name", "stage"],
    )


def test_a_segment_alone_is_short_and_shows_itself(inside_zone, saved):
    state = read(f"segment={saved.pk}", saved)
    assert state.query() == f"?segment={saved.pk}"
    assert not state.is_changed
    assert (state.ordering, tuple(state.columns)) == ("name", ("name", "stage"))
    assert state.requested["has_open_task"] == "true"
    assert state.checked["has_open_task"] is True
    assert state.checked["custom.size__gte"] == {"type": "number", "value": 5}


def test_a_filter_of_a_segment_can_be_taken_away(inside_zone, saved):
    state = read(f"segment={saved.pk}", saved)
    for name in saved.filter:
        state = state.without(name)
    again = read(state.query(), saved)
    assert (again.requested, again.is_changed, again.segment) == ({}, True, saved)
    assert (again.ordering, tuple(again.columns)) == ("name", ("name", "stage"))


def test_one_tag_of_several_is_taken_away(inside_zone):
    state = read("tag=vip&tag=late&tag=vip")
    assert state.requested == {"tag": ["vip", "late"]}
    assert state.without("tag", "vip").requested == {"tag": ["late"]}
    assert state.without("tag", "vip").without("tag", "late").requested == {}


def test_a_segment_whose_field_is_gone_says_so(inside_zone):
    stale = Segment(name="Old", filter={"custom.gone": "1", "stage": "new"}, columns=["name", "custom.gone"])
    state = read(f"segment={stale.pk}", stale)
    assert len(state.problems) == 2
    assert state.requested == {"custom.gone": "1", "stage": "new"}
    assert state.is_refused
    assert state.is_changed


def test_a_form_hands_on_what_it_does_not_ask(inside_zone):
    state = read("q=a&tag=x&tag=y&stage=new&columns=name,city")
    assert state.pairs("stage", "columns") == [("q", "a"), ("tag", "x"), ("tag", "y"), ("ordering", "-created_at")]
