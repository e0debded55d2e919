"""Deals: the list, its sums and orders, the board, moving, the form; for whom, in how many queries."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from core.tenancy import organization_scope
from customers import days
from customers.models import Customer, CustomerSettings, Deal, Stage
from customers.people.custom_fields import services as custom_fields
from customers.pipeline.deals import services as deals
from tests.pages import submit

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
MAX_QUERIES = 12


@pytest.fixture
def make_deal(alice, make_customer):
    def make(title: str = "Crown", *, owner: Any = None, customer: Customer | None = None, **fields: Any) -> Deal:
        with organization_scope(alice.organization):
            return deals.create(
                customer=customer or make_customer(owner or alice), actor=alice.actor, title=title,
                owner=(owner or alice).user, **fields,
            )  # fmt: skip

    return make


def stage(alice: Any, key: str) -> Stage:
    with organization_scope(alice.organization):
        found: Stage = Stage.objects.get(key=key)
        return found


def titles(who: Any, query: str = "") -> list[str]:
    answer = who.client.get(who.url(f"deals/{query}"))
    assert answer.status_code == 200, answer.content
    return [deal.title for deal in answer.context["rows"]]


def board(who: Any, query: str = "") -> dict[str, list[str]]:
    answer = who.client.get(who.url(f"deals/board/{query}"))
    assert answer.status_code == 200, answer.content
    return {column.stage.key: [row.title for row in column.rows] for column in answer.context["board"] if column.rows}


@pytest.mark.parametrize("rows", [1, 15])
def test_list_and_board_take_the_same_queries_for_any_number_of_deals(alice, make_deal, make_customer, rows):
    for number in range(rows):
        make_deal(f"Deal {number}", amount=number, expected_close_on=date(2026, 3, 1 + number % 28))
        make_deal(f"Won {number}", amount=number, status="won")
    browser = alice.client
    for address in ("deals/?month=late&owner=me&q=deal", "deals/", "deals/board/", "deals/changes/?all=1"):
        browser.get(alice.url(address))
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(alice.url(address)).status_code == 200
        assert len(queries) <= MAX_QUERIES, "\n".join(query["sql"][:170] for query in queries)


@pytest.mark.parametrize("ordering", ["created_at", "updated_at", "expected_close_on", "amount", "title"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_order_walks_through_all_pages(alice, make_customer, ordering, sign):
    customer = make_customer(alice)
    now = timezone.now()
    with organization_scope(alice.organization):
        Deal.objects.bulk_create(
            Deal(
                organization=alice.organization, customer=customer, title=f"Deal {n % 7}", amount=Decimal(n % 5) / 4,
                expected_close_on=date(2026, 1, 1) + timedelta(days=n % 9) if n % 3 else None,
                created_at=now - timedelta(minutes=n), updated_at=now - timedelta(minutes=n % 11),
            )
            for n in range(120)
        )  # fmt: skip
        expected = [getattr(deal, ordering) for deal in Deal.objects.all()]
    found, seen, after = [], set(), ""
    while True:
        answer = alice.client.get(alice.url(f"deals/?ordering={sign}{ordering}{after}"))
        found += [getattr(deal, ordering) for deal in answer.context["rows"]]
        seen |= {deal.pk for deal in answer.context["rows"]}
        if not answer.context["more"]:
            break
        after = f"&after={answer.context['more']}"
    filled = sorted((value for value in expected if value is not None), reverse=bool(sign))
    assert found == filled + [None] * expected.count(None)
    assert len(seen) == 120


def test_filters_find_what_they_say(alice, bob, make_deal):
    today = days.today(alice.organization.zone)
    make_deal("Soon", expected_close_on=today, amount=10)
    make_deal("Late", expected_close_on=today - timedelta(days=40), amount=20, owner=bob)
    make_deal("Done", status="won", amount=30)
    make_deal("Gone", status="lost", lost_reason="price")
    assert titles(alice, "?status=open&ordering=title") == ["Late", "Soon"]
    assert titles(alice, "?status=won") == ["Done"]
    assert titles(alice, "?stage=lost") == ["Gone"]
    assert titles(alice, f"?month={today:%Y-%m}") == ["Soon"]
    assert titles(alice, "?month=late") == ["Late"]
    assert titles(alice, "?month=none&ordering=title") == ["Done", "Gone"]
    assert titles(alice, f"?owner={bob.user.pk}") == ["Late"]
    assert titles(alice, "?owner=me&ordering=title") == ["Done", "Gone", "Soon"]
    assert titles(alice, "?owner=none") == []
    assert titles(alice, "?q=soo") == ["Soon"]
    assert titles(alice, "?q=customer&status=won") == ["Done"]


@pytest.mark.parametrize(
    "query",
    [
        "?status=maybe",
        "?stage=x",
        "?owner=x",
        "?month=2026-13",
        "?month=x",
        "?q=" + "x" * 201,
        "?ordering=color",
    ],
)
def test_what_is_no_filter_is_reported_and_shows_no_deal(alice, make_deal, query):
    make_deal()
    answer = alice.client.get(alice.url(f"deals/{query}"))
    assert answer.status_code == 200
    assert len(answer.context["state"].problems) == 1
    assert len(answer.context["rows"]) == (1 if "ordering" in query else 0)


@pytest.mark.parametrize("query", ["?after=x", "?after=W10", "board/?column=none", "board/?column=new&after=x"])
def test_a_place_that_is_none_is_not_found(alice, query):
    assert alice.client.get(alice.url(f"deals/{query}")).status_code == 404


@pytest.mark.parametrize("ordering", ["amount", "expected_close_on", "title", "-updated_at"])
@pytest.mark.parametrize("value", ["1e9999", "NaN", "x", 5, None, True, [], "2026-02-30", "9" * 40])
def test_a_cursor_of_another_kind_is_not_found(alice, make_deal, ordering, value):
    make_deal()
    text = json.dumps([value, "01980000-0000-7000-8000-000000000000"])
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    answer = alice.client.get(alice.url(f"deals/?ordering={ordering}&after={cursor}"))
    is_possible = (ordering == "title" and isinstance(value, str)) or (ordering, value) == ("expected_close_on", None)
    assert answer.status_code == (200 if is_possible else 404)


def test_sums_weigh_open_deals_by_their_chance(alice, make_deal):
    make_deal("Stage’s chance", amount=1000, stage=stage(alice, "consult_booked"))
    make_deal("Own chance", amount=1000, probability=10)
    make_deal("Won", amount=500, status="won")
    make_deal("Lost", amount=70, status="lost")
    make_deal("Elsewhere", amount=9, currency="EUR", probability=100)
    page = alice.client.get(alice.url("deals/"))
    own, other = page.context["totals"]
    assert (own.currency, own.open, own.weighted, own.won, own.lost) == ("GBP", 2000, 600, 500, 70)
    assert (other.currency, other.open, other.weighted) == ("EUR", 9, 9)
    bars = {bar.key: bar for bar in page.context["by_stage"]}
    assert (bars["consult_booked"].value, bars["consult_booked"].weighted) == (1000, 500)
    assert (bars["new"].count, bars["new"].value) == (1, 1000)
    assert bars["consult_booked"].share == 100


def test_the_outlook_counts_won_ones_on_the_organizations_own_day(alice, make_deal):
    alice.organization.timezone = "Pacific/Auckland"
    alice.organization.save()
    zone = alice.organization.zone
    today = days.today(zone)
    make_deal("Expected", amount=100, probability=50, expected_close_on=today)
    won = make_deal("Won", amount=40, status="won")
    with organization_scope(alice.organization):
        # The first minute of this month there, which is still last month in Greenwich.
        Deal.objects.filter(pk=won.pk).update(
            closed_at=days.start_of(today.replace(day=1), zone) + timedelta(minutes=1)
        )
    bars = {bar.key: bar for bar in alice.client.get(alice.url("deals/")).context["by_month"]}
    this = bars[f"{today:%Y-%m}"]
    assert (this.value, this.weighted, this.won) == (100, 50, 40)
    assert sum(bar.won for bar in bars.values()) == 40


def test_everybody_sees_deals_within_their_reach(alice, bob, mona, charlie, make_deal):
    make_deal("Alices")
    theirs = make_deal("Bobs", owner=bob)
    assert titles(bob) == ["Bobs"]
    assert titles(mona) == ["Bobs"]
    assert titles(charlie) == []
    assert board(bob) == {"new": ["Bobs"]}
    assert board(charlie) == {}
    with organization_scope(alice.organization):
        hidden = Deal.objects.get(title="Alices")
    for person in (bob, charlie):
        for path in ("", "move/", "delete/"):
            answer = person.client.get(person.url(f"deals/{hidden.pk}/{path}"))
            assert answer.status_code == (403 if path == "delete/" and person is bob else 404), path
        assert person.client.post(person.url(f"deals/{hidden.pk}/move/"), {"stage": "lost"}).status_code == 404
        cards = person.client.get(person.url(f"deals/changes/?ids={hidden.customer_id},{theirs.customer_id}"))
        assert [row.title for row in cards.context["cards"]] == (["Bobs"] if person is bob else [])
        assert charlie.client.get(alice.url("deals/")).status_code == 404


def test_columns_go_on_where_they_ended(alice, make_customer):
    customer, first = make_customer(alice), stage(alice, "new")
    now = timezone.now()
    with organization_scope(alice.organization):
        Deal.objects.bulk_create(
            Deal(
                organization=alice.organization, customer=customer, title=f"{n:03}", stage=first,
                amount=2, updated_at=now - timedelta(minutes=n),
            )
            for n in range(60)
        )  # fmt: skip
    page = alice.client.get(alice.url("deals/board/"))
    column = page.context["board"][0]
    assert (column.count, column.value) == (60, 120)
    names = [row.title for row in column.rows]
    while column.cursor:
        more = alice.client.get(
            alice.url(f"deals/board/?column=new&after={column.cursor}"),
            headers={"HX-Request": "true", "HX-Target": "more-new"},
        )
        column = more.context["column"]
        names += [row.title for row in column.rows]
    assert names == [f"{n:03}" for n in range(60)]


def test_a_deal_is_won_and_lost_by_where_it_is_put_and_taken_back(alice, make_deal):
    deal = make_deal(amount=100)
    address = alice.url(f"deals/{deal.pk}/move/")
    answer = alice.client.post(address, {"stage": "treatment_done"}, headers=JSON).json()
    deal.refresh_from_db()
    assert (deal.status, answer["text"]) == ("won", "“Crown” is won.")
    alice.client.post(answer["undo"], answer["values"], headers=JSON)
    deal.refresh_from_db()
    assert (deal.status, deal.stage.key, deal.closed_at) == ("open", "new", None)
    refused = alice.client.post(address, {"stage": "lost"}, headers=JSON)
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")
    lost = alice.client.post(address, {"stage": "lost", "words": "Moved away"}, headers=JSON).json()
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason) == ("lost", "Moved away")
    alice.client.post(lost["undo"], lost["values"], headers=JSON)
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason) == ("open", "")
    assert alice.client.post(address, {"stage": "nowhere"}, headers=JSON).status_code == 422


def test_a_won_deal_takes_its_customer_along_where_that_is_wanted(alice, make_deal):
    deal = make_deal()
    with organization_scope(alice.organization):
        CustomerSettings.objects.update_or_create(
            organization=alice.organization, defaults={"won_deal_stage": stage(alice, "deposit_paid")}
        )
    alice.client.post(alice.url(f"deals/{deal.pk}/move/"), {"stage": "treatment_done"}, headers=JSON)
    with organization_scope(alice.organization):
        assert Customer.objects.select_related("stage").get(pk=deal.customer_id).stage.key == "deposit_paid"


def test_moving_a_deal_works_without_a_script(alice, make_deal):
    deal = make_deal()
    address = alice.url(f"deals/{deal.pk}/move/")
    assert alice.client.get(f"{address}?stage=lost").context["target"].key == "lost"
    refused = alice.client.post(address, {"stage": "lost", "state": "owner=me"})
    assert refused.status_code == 422
    answer = alice.client.post(address, {"stage": "engaged", "state": "owner=me"})
    assert answer.headers["Location"] == alice.url("deals/board/?owner=me")


def test_a_deal_is_made_from_the_list_changed_and_deleted(alice, bob, make_customer):
    customer, hidden = make_customer(bob, name="Ada"), make_customer(alice, name="Zed")
    found = bob.client.get(bob.url("deals/new/?q=ada&from=deals"))
    assert f"customers/{customer.pk}/deals/new/?from=deals" in found.content.decode()
    assert str(hidden.pk) not in bob.client.get(bob.url("deals/new/")).content.decode()
    data = {"title": "Braces", "amount": "1200", "currency": "GBP", "status": "open", "probability": "35",
            "stage": str(stage(alice, "contacted").pk), "owner": str(alice.user.pk)}  # fmt: skip
    made = bob.client.post(bob.url(f"customers/{customer.pk}/deals/new/?from=deals"), data)
    assert made.headers["Location"] == bob.url("deals/")
    with organization_scope(alice.organization):
        deal = Deal.objects.get()
        assert (deal.stage.key, deal.probability, deal.owner, deal.chance) == ("contacted", 35, alice.user, 35)
    address = bob.url(f"deals/{deal.pk}/")
    assert bob.client.get(address).context["form"].initial["stage"] == str(deal.stage_id)
    assert (
        submit(bob.client, f"{address}?from=board", {**data, "status": "won"}).headers["Location"].endswith("/board/")
    )
    deal.refresh_from_db()
    assert (deal.status, deal.stage.key) == ("won", "treatment_done")
    lost = str(stage(alice, "lost").pk)
    submit(bob.client, address, {**data, "status": "won", "stage": lost, "lost_reason": "price"})
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason) == ("lost", "price")
    crossed = submit(bob.client, address, {**data, "status": "open", "stage": str(stage(alice, "treatment_done").pk)})
    assert (crossed.status_code, list(crossed.context["form"].errors)) == (422, ["stage"])
    wrong = submit(bob.client, address, {**data, "probability": "101", "owner": "x", "amount": "-1"})
    assert {"probability", "owner", "amount"} == set(wrong.context["form"].errors)
    assert bob.client.post(f"{address}delete/").status_code == 403
    assert alice.client.get(f"{address}delete/").status_code == 200
    alice.client.post(f"{address}delete/")
    with organization_scope(alice.organization):
        assert not Deal.objects.exists()


def test_own_fields_of_a_deal_are_asked_and_checked(alice, make_customer):
    with organization_scope(alice.organization):
        custom_fields.create(
            organization=alice.organization, actor=alice.actor, entity="deal", key="units", label="Units", type="number"
        )
    address = alice.url(f"customers/{make_customer(alice).pk}/deals/new/")
    data = {"title": "X", "currency": "GBP", "status": "open"}
    wrong = alice.client.post(address, {**data, "own_units": "many"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["own_units"])
    assert alice.client.post(address, {**data, "own_units": "3"}).status_code == 302


def test_who_may_only_look_is_offered_no_change(alice, bob, make_deal):
    deal = make_deal(owner=bob)
    with organization_scope(alice.organization):
        bob.member.role = Role.objects.create(
            organization=alice.organization, key="looker", name="Looker", stored_permissions=["deals.view"]
        )
        bob.member.save(update_fields=["role"])
    assert "data-can-move" not in bob.client.get(bob.url("deals/board/")).content.decode()
    assert "deals/new/" not in bob.client.get(bob.url("deals/")).content.decode()
    for path in (f"deals/{deal.pk}/", f"deals/{deal.pk}/move/", f"deals/{deal.pk}/delete/", "deals/new/"):
        assert bob.client.get(bob.url(path)).status_code == 403, path
