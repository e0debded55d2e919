"""Every attribute with every operator and values of every kind: the database answers, or the filter is refused."""

from __future__ import annotations

import json
from itertools import product

import pytest

from accounts.scim import group_queries, user_queries
from accounts.scim.errors import InvalidFilter
from accounts.scim.filters import OPERATORS, parse
from core.tenancy import organization_scope

pytestmark = pytest.mark.django_db

VALUES = ["", "True", "100% _\\'\"é", "2026-11-30T12:00:00Z", "2026-13-99T12:00:00Z",
          "01980000-0000-7000-8000-000000000000", True, None, 10**30]  # fmt: skip
KINDS = {"users": user_queries, "groups": group_queries}
SHAPES = ["{0}", "not ({0}) and (id pr or {0})"]


@pytest.mark.parametrize(
    ("kind", "attribute"), [(kind, attribute) for kind, module in KINDS.items() for attribute in module._LOOK_UPS]
)
def test_any_question_is_answered_or_refused(okta, kind, attribute):
    zoe = okta.user("zoe@harbour.example", externalId="1", title="x", name={"givenName": "Zoe"}).json()
    for name in ("Nurses", "Ward"):
        okta.group(name, members=[{"value": zoe["id"]}])
    module, answered = KINDS[kind], 0
    questions = [f"{attribute} {operator} {json.dumps(value)}" for operator, value in product(OPERATORS, VALUES)]
    with organization_scope(okta.connection.organization):
        for question in [*questions, f"{attribute} pr"]:
            for shape in SHAPES:
                try:
                    rows = module.matching(module.rows(), parse(shape.format(question)))
                except InvalidFilter:
                    continue
                answered += 1
                found = list(rows.values_list("pk", flat=True))
                assert len(found) == len(set(found)), "each once"
    assert answered


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_can_be_sorted_by_all_that_is_named(okta, kind):
    okta.user("zoe@harbour.example", externalId="1")
    okta.group("Nurses")
    for name in KINDS[kind].ORDERINGS:
        for order in ("ascending", "descending"):
            answer = okta.get(f"/{kind.title()}?sortBy={name}&sortOrder={order}")
            assert answer.status_code == 200
            assert answer.json()["totalResults"] == len({one["id"] for one in answer.json()["Resources"]})
    assert okta.get(f"/{kind.title()}?sortBy=nothing").status_code == 200
