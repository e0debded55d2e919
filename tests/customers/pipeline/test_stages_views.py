"""The pipeline's settings: stages made, changed, put in order and taken away, the rules, and who may do it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from activity import jobs
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.settings import services as customer_settings
from customers.pipeline.deals import services as deals
from tests.pages import submit

pytestmark = pytest.mark.django_db

ADDRESS = "settings/pipeline/"
STAGE = {"name": "Waiting for papers", "kind": "open", "color": "amber", "probability": "40", "sla_hours": "36"}


def keys(alice: Any) -> list[str]:
    with organization_scope(alice.organization):
        return list(Stage.objects.values_list("key", flat=True))


def stage(alice: Any, key: str) -> Stage:
    with organization_scope(alice.organization):
        found: Stage = Stage.objects.get(key=key)
        return found


def test_the_page_shows_the_stages_and_the_rules(alice, make_customer):
    make_customer(alice)
    page = alice.client.get(alice.url(ADDRESS))
    text = page.content.decode()
    assert [one.key for one in page.context["stages"]] == keys(alice)
    assert "1 customer<" in text
    assert "overdue after 24 h" in text
    assert "overdue after 2 days" in text
    assert page.context["form"].initial["follow_up_days"] == 7


@pytest.mark.parametrize("rows", [1, 15])
def test_the_page_takes_the_same_queries_for_any_number_of_customers(alice, make_customer, rows):
    for _ in range(rows):
        make_customer(alice)
    browser = alice.client
    browser.get(alice.url(ADDRESS))
    with CaptureQueriesContext(connection) as queries:
        browser.get(alice.url(ADDRESS))
    assert len(queries) <= 12, len(queries)


def test_who_may_not_edit_settings_changes_nothing(alice, bob, mona, charlie):
    first = stage(alice, "new")
    with organization_scope(alice.organization):
        mona.member.role = Role.objects.create(
            organization=alice.organization, key="looker", name="Looker", stored_permissions=["settings.view"]
        )
        mona.member.save()
    before = keys(alice)
    calls = ["new/", "order/", "rules/", f"{first.pk}/", f"{first.pk}/remove/"]
    for person in (bob, mona):
        for call in calls:
            assert person.client.post(person.url(ADDRESS + call), STAGE).status_code == 403, call
    assert bob.client.get(bob.url(ADDRESS)).status_code == 403
    assert mona.client.get(mona.url(ADDRESS)).status_code == 200
    for call in calls[-2:]:
        assert charlie.client.post(charlie.url(ADDRESS + call), STAGE).status_code == 404, call
        assert charlie.client.get(alice.url(ADDRESS + call)).status_code == 404, call
    assert keys(alice) == before


def test_a_stage_is_made_and_changed(alice):
    answer = alice.client.post(alice.url(f"{ADDRESS}new/"), {**STAGE, "entry_task": "Ask for the papers"})
    assert answer.status_code == 302
    made = stage(alice, "waiting_for_papers")
    assert (made.probability, made.sla_hours, made.entry_task, made.color) == (40, 36, "Ask for the papers", "amber")
    assert keys(alice).index(made.key) == keys(alice).index("deposit_paid") + 1
    changed = submit(alice.client, alice.url(f"{ADDRESS}{made.pk}/"), {**STAGE, "name": "Papers", "sla_hours": ""})
    assert changed.status_code == 302
    made.refresh_from_db()
    assert (made.name, made.key, made.sla_hours) == ("Papers", "waiting_for_papers", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 81), ("kind", "maybe"), ("color", "red"), ("probability", "101"), ("sla_hours", "0")],
)
def test_a_value_that_is_none_is_reported_at_its_field(alice, field, value):
    answer = alice.client.post(alice.url(f"{ADDRESS}new/"), {**STAGE, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "waiting_for_papers" not in keys(alice)


def test_the_last_open_stage_stays_open_and_stays(alice):
    open_ones = [key for key in keys(alice) if key not in ("treatment_done", "lost")]
    for key in open_ones[1:]:
        assert alice.client.post(alice.url(f"{ADDRESS}{stage(alice, key).pk}/remove/")).status_code == 302
    last = stage(alice, open_ones[0])
    changed = alice.client.post(alice.url(f"{ADDRESS}{last.pk}/"), {**STAGE, "kind": "won"})
    assert changed.status_code == 422
    assert "kind" in changed.context["form"].errors
    asked = alice.client.get(alice.url(f"{ADDRESS}{last.pk}/remove/"))
    assert asked.context["is_last_open"]
    assert alice.client.post(alice.url(f"{ADDRESS}{last.pk}/remove/")).status_code == 422
    assert keys(alice) == [last.key, "treatment_done", "lost"]


def test_stages_are_moved_by_button_and_by_order(alice):
    before = keys(alice)
    second = stage(alice, before[1])
    assert alice.client.post(alice.url(f"{ADDRESS}order/"), {"move": f"{second.pk}:up"}).status_code == 302
    assert keys(alice)[:2] == [before[1], before[0]]
    alice.client.post(alice.url(f"{ADDRESS}order/"), {"move": f"{second.pk}:up"})
    assert keys(alice)[:2] == [before[1], before[0]]
    ids = [str(stage(alice, key).pk) for key in reversed(before)]
    assert alice.htmx.post(alice.url(f"{ADDRESS}order/"), {"order": ids}).status_code == 200
    assert keys(alice) == before[::-1]


@pytest.mark.parametrize("data", [{"order": ["x"]}, {"move": "x:up"}, {"move": ""}, {}])
def test_an_order_that_is_none_changes_nothing(alice, data):
    before = keys(alice)
    assert alice.client.post(alice.url(f"{ADDRESS}order/"), data).status_code == 302
    answer = alice.htmx.post(alice.url(f"{ADDRESS}order/"), data)
    assert "changed meanwhile" in answer.headers["HX-Trigger"]
    assert keys(alice) == before


def test_a_stage_in_use_asks_for_a_home_and_moves_everybody_there(alice, make_customer):
    customer, home = make_customer(alice), stage(alice, "engaged")
    going = stage(alice, "new")
    with organization_scope(alice.organization):
        deal = deals.create(customer=customer, actor=alice.actor, title="Crown")
    asked = alice.client.get(alice.url(f"{ADDRESS}{going.pk}/remove/"))
    assert asked.context["counts"] == {"customers": 1, "deals": 1}
    assert asked.context["proposed"].key == "engaged"
    refused = alice.client.post(alice.url(f"{ADDRESS}{going.pk}/remove/"), {"home": ""})
    assert refused.status_code == 422
    assert "Say which stage" in refused.content.decode()
    answer = alice.client.post(alice.url(f"{ADDRESS}{going.pk}/remove/"), {"home": str(home.pk)})
    assert answer.status_code == 302
    assert "/jobs/" in answer.headers["Location"]
    jobs.run_due()
    assert "is gone" in alice.client.get(answer.headers["Location"]).content.decode()
    with organization_scope(alice.organization):
        assert Customer.objects.get(pk=customer.pk).stage_id == home.pk
        deal.refresh_from_db()
        assert deal.stage_id == home.pk
    assert "new" not in keys(alice)


def test_the_rules_are_saved_and_checked(alice):
    won = stage(alice, "treatment_done")
    data = {
        "follow_up_days": "10",
        "stalled_days": "2",
        "unanswered_minutes": "60",
        "won_deal_stage": str(won.pk),
        "lost_deal_stage": "",
    }
    rules, page = alice.url(f"{ADDRESS}rules/"), alice.url(ADDRESS)
    assert submit(alice.client, rules, data, page=page).status_code == 302
    with organization_scope(alice.organization):
        decided = customer_settings.of(alice.organization)
        assert (decided.follow_up_days, decided.stalled_days) == (10, 2)
        assert decided.won_deal_stage_id == won.pk
        assert not decided.asks_lost_reason
    wrong = submit(alice.client, rules, {**data, "follow_up_days": "0", "lost_deal_stage": "x"}, page=page)
    assert wrong.status_code == 422
    assert {"follow_up_days", "lost_deal_stage"} <= set(wrong.context["form"].errors)
    lost = stage(alice, "lost")
    crossed = submit(alice.client, rules, {**data, "won_deal_stage": str(lost.pk)}, page=page)
    assert crossed.status_code == 422
