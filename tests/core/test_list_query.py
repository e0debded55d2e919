"""The state of a list in its address: what is written, what is left out, and that no change touches the first."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from core.list_query import ListQuery

PLAIN = {"view": "today", "who": "me"}


def test_what_is_empty_or_as_usual_is_not_written():
    query = ListQuery({"view": "today", "who": "all", "q": ""}, PLAIN)
    assert (query.encoded(), query.address()) == ("who=all", "?who=all")
    assert ListQuery({"view": "today"}, PLAIN).address() == "?"


def test_values_keep_their_order_and_lists_are_written_one_by_one():
    query = ListQuery({"tag": ["a b", "ü"], "q": "x&y"})
    assert query.address() == "?tag=a+b&tag=%C3%BC&q=x%26y"


def test_a_change_takes_the_place_of_the_value_and_new_ones_stand_last():
    query = ListQuery({"view": "done", "who": "all"}, PLAIN)
    changed = query.with_({"from": "2026-03-31"}, view="overdue", after="c")
    assert changed.address() == "?view=overdue&who=all&from=2026-03-31&after=c"
    assert query.address() == "?view=done&who=all"
    assert query.with_(view="").address() == "?who=all"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tag", None, "?q=x"),
        ("tag", "a", "?tag=b&q=x"),
        ("tag", "c", "?tag=a&tag=b&q=x"),
        ("q", "x", "?tag=a&tag=b"),
        ("other", None, "?tag=a&tag=b&q=x"),
    ],
)
def test_a_name_or_one_of_its_values_is_taken_away(name, value, expected):
    assert ListQuery({"tag": ["a", "b"], "q": "x"}).without(name, value).address() == expected


def test_a_name_goes_with_its_last_value():
    assert ListQuery({"tag": ["a"]}).without("tag", "a").values == {}


def test_only_some_names_are_kept():
    assert ListQuery({"q": "x", "month": "2026-03", "owner": "me"}).only("q", "owner").address() == "?q=x&owner=me"


def test_a_form_hands_on_all_but_what_it_asks():
    query = ListQuery({"q": "x", "tag": ["a", "b"], "ordering": "name"}, {"ordering": "name"})
    assert query.pairs("q") == [("tag", "a"), ("tag", "b"), ("ordering", "name")]


def test_an_address_is_read_by_its_names():
    query = ListQuery.read(QueryDict("q=+x+&who=&elsewhere=1"), ("view", "who", "q"), PLAIN)
    assert tuple(query.get(name) for name in ("view", "who", "q", "elsewhere")) == ("today", "me", "x", "")
    assert query.address() == "?q=x"
