"""The board: what stands in its columns, for whom, in how many queries; moving, the reason, undoing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from core.tenancy import organization_scope
from customers.models import Customer, CustomerSettings, Segment, Stage, StageChange
from customers.people.customers import stage_moves
from customers.people.segments import services as segments
from customers.people.tags import services as tags
from customers.pipeline.board.queries import CARDS
from customers.pipeline.deals import services as deals

pytestmark = pytest.mark.django_db

BOARD, CHANGES = "pipeline/", "pipeline/changes/"
JSON = {"Accept": "application/json"}
MAX_QUERIES = 12


def columns(who: Any, query: str = "") -> dict[str, list[str]]:
    """The names in each column."""
    answer = who.client.get(who.url(f"{BOARD}{query}"))
    assert answer.status_code == 200, answer.content
    return {column.stage.key: [row.name for row in column.rows] for column in answer.context["board"]}


def everybody(found: dict[str, list[str]]) -> list[str]:
    return [name for names in found.values() for name in names]


def stand(alice: Any, customer: Customer, key: str, *, quiet: timedelta | None = None) -> Customer:
    """Put somebody into a stage, quiet for so long."""
    at = timezone.now() - (quiet or timedelta())
    with organization_scope(alice.organization):
        stage = Stage.objects.get(key=key)
        Customer.objects.filter(pk=customer.pk).update(stage=stage, last_activity_at=at, stage_since=at)
        found: Customer = Customer.objects.get(pk=customer.pk)
        return found


def crowd(alice: Any, count: int, key: str = "new") -> None:
    """So many customers at once, the first the one that was heard of last."""
    now = timezone.now()
    with organization_scope(alice.organization):
        stage = Stage.objects.get(key=key)
        Customer.objects.bulk_create(
            Customer(
                organization=alice.organization, name=f"{key} {n:03}", code=f"{key}{n}", stage=stage,
                assigned_to=alice.user if n % 2 else None, last_activity_at=now - timedelta(minutes=n),
                open_value=n, next_follow_up_at=now,
            )
            for n in range(count)
        )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 15])
def test_the_board_takes_the_same_queries_for_any_number_of_cards(alice, make_customer, rows):
    for key in ("new", "engaged", "contacted", "treatment_done", "lost"):
        crowd(alice, rows, key)
    with organization_scope(alice.organization):
        for customer in Customer.objects.all()[: rows * 2]:
            tags.add(customer=customer, names=["vip", "second"], actor=alice.actor)
    browser = alice.client
    for address in (f"{BOARD}?overdue=false&tag=vip", f"{CHANGES}?all=1"):
        browser.get(alice.url(address))
        with CaptureQueriesContext(connection) as queries:
            answer = browser.get(alice.url(address))
        assert answer.status_code == 200
        assert len(queries) <= MAX_QUERIES, "\n".join(query["sql"][:170] for query in queries)


def test_columns_hold_what_stands_in_each_stage_latest_first(alice, make_customer):
    for number, hours in enumerate((3, 1, 2)):
        stand(alice, make_customer(alice, name=f"N{number}"), "new", quiet=timedelta(hours=hours))
    stand(alice, make_customer(alice, name="Won"), "treatment_done")
    found = columns(alice)
    assert found["new"] == ["N1", "N2", "N0"]
    assert found["treatment_done"] == ["Won"]
    assert found["engaged"] == []
    assert columns(alice, "?ordering=last_activity_at")["new"] == ["N0", "N2", "N1"]


def test_heads_count_sum_and_tell_who_is_overdue(alice, make_customer):
    first = stand(alice, make_customer(alice), "new", quiet=timedelta(hours=25))
    stand(alice, make_customer(alice), "new", quiet=timedelta(hours=23))
    with organization_scope(alice.organization):
        deals.create(customer=first, actor=alice.actor, title="Crown", amount=1200)
    stand(alice, first, "new", quiet=timedelta(hours=25))
    page = alice.client.get(alice.url(BOARD))
    head = next(column for column in page.context["board"] if column.stage.key == "new")
    assert (head.count, head.value, head.overdue) == (2, 1200, 1)
    assert "1,200 GBP" in page.content.decode()
    assert page.content.decode().count("board-card__late") == 1


def test_a_column_goes_on_where_it_ended(alice):
    crowd(alice, 2 * CARDS + 3)
    for query in ("", "?ordering=last_activity_at"):
        page = alice.client.get(alice.url(BOARD + query))
        column = next(one for one in page.context["board"] if one.stage.key == "new")
        names = [row.name for row in column.rows]
        while column.cursor:
            more = alice.client.get(
                alice.url(f"{BOARD}?{query[1:]}&column=new&after={column.cursor}"),
                headers={"HX-Request": "true", "HX-Target": "more-new"},
            )
            assert b"<html" not in more.content
            column = more.context["column"]
            names += [row.name for row in column.rows]
        expected = [f"new {n:03}" for n in range(2 * CARDS + 3)]
        assert names == (expected if not query else expected[::-1])


def test_without_a_script_a_column_is_read_page_by_page(alice):
    crowd(alice, CARDS + 5)
    column = next(one for one in alice.client.get(alice.url(BOARD)).context["board"] if one.stage.key == "new")
    page = alice.client.get(alice.url(f"{BOARD}?column=new&after={column.cursor}"))
    assert [len(one.rows) for one in page.context["board"]] == [5]
    assert page.context["board"][0].count == CARDS + 5
    assert b"<html" in page.content


@pytest.mark.parametrize("query", ["?column=none", "?column=new&after=x", "?column=new&after=W10"])
def test_a_column_or_place_that_is_none_is_not_found(alice, query):
    assert alice.client.get(alice.url(BOARD + query)).status_code == 404


def test_filters_segments_and_search_are_those_of_the_list(alice, make_customer, inside):
    ada = stand(alice, make_customer(alice, name="Ada", email="ada@mail.example"), "new")
    stand(alice, make_customer(None, name="Ben"), "engaged", quiet=timedelta(days=3))
    tags.add(customer=ada, names=["vip"], actor=alice.actor)
    assert everybody(columns(alice, "?q=ada@mail")) == ["Ada"]
    assert everybody(columns(alice, "?tag=vip")) == ["Ada"]
    assert everybody(columns(alice, "?assigned_to=none")) == ["Ben"]
    assert everybody(columns(alice, "?overdue=true")) == ["Ben"]
    assert everybody(columns(alice, "?overdue=false")) == ["Ada"]
    assert list(columns(alice, "?stage=engaged")) == ["engaged"]
    segment = segments.create(member=alice.member, actor=alice.actor, name="Very", filter={"tag": ["vip"]})
    assert everybody(columns(alice, f"?segment={segment.pk}")) == ["Ada"]
    wrong = alice.client.get(alice.url(f"{BOARD}?overdue=maybe&colour=red"))
    assert len(wrong.context["state"].problems) == 2
    assert "Nobody found" in alice.client.get(alice.url(f"{BOARD}?q=zzz")).content.decode()


def test_a_view_that_is_saved_on_the_board_is_shown_on_the_board(alice):
    answer = alice.client.post(
        alice.url("customers/segments/"), {"name": "Late", "state": "?overdue=true", "on": "board"}
    )
    with organization_scope(alice.organization):
        segment = Segment.objects.get(name="Late")
        assert segment.filter == {"overdue": "true"}
    assert answer.headers["Location"] == alice.url(f"{BOARD}?segment={segment.pk}")


def test_everybody_sees_their_own_board(alice, bob, mona, charlie, make_customer):
    stand(alice, make_customer(bob, name="Bobs"), "new")
    stand(alice, make_customer(alice, name="Alices"), "new")
    stand(alice, make_customer(None, name="Nobodys"), "new")
    assert set(columns(alice)["new"]) == {"Bobs", "Alices", "Nobodys"}
    assert columns(bob)["new"] == ["Bobs"]
    assert set(columns(mona)["new"]) == {"Bobs", "Nobodys"}
    assert everybody(columns(charlie)) == []
    for address in (BOARD, CHANGES):
        assert charlie.client.get(alice.url(address)).status_code == 404


def test_changes_bring_the_cards_that_fit_and_all_heads(alice, bob, make_customer):
    one, other = make_customer(bob, name="One"), make_customer(alice, name="Other")
    page = alice.client.post(alice.url(f"{CHANGES}?q=one"), {"ids": f"{one.pk},{other.pk},x"})
    assert [row.name for row in page.context["cards"]] == ["One"]
    assert page.content.decode().count("column__head") == 7
    assert f"card-{other.pk}" not in page.content.decode()
    theirs = bob.client.get(bob.url(f"{CHANGES}?ids={one.pk},{other.pk}"))
    assert [row.name for row in theirs.context["cards"]] == ["One"]
    every = alice.client.get(alice.url(f"{CHANGES}?ids={one.pk}&all=1"))
    assert sorted(row.name for row in every.context["cards"]) == ["One", "Other"]


def move(who: Any, customer: Customer, *, page: bool = False, **data: str) -> Any:
    return who.client.post(who.url(f"customers/{customer.pk}/move/"), data, headers={} if page else JSON)


def test_a_move_is_written_recorded_and_undone(alice, make_customer):
    customer = make_customer(alice, name="Ada")
    answer = move(alice, customer, stage="contacted", reason="called")
    assert answer.json()["text"] == "Ada moved to Contacted."
    customer.refresh_from_db()
    assert customer.stage.key == "contacted"
    with organization_scope(alice.organization):
        change = StageChange.objects.get(customer=customer)
        assert (change.from_name, change.to_name, change.reason) == ("New", "Contacted", "called")
    undone = alice.client.post(answer.json()["undo"], headers=JSON)
    assert undone.json()["text"] == "Ada is back in New."
    customer.refresh_from_db()
    assert customer.stage.key == "new"
    again = alice.client.post(answer.json()["undo"], headers=JSON)
    assert again.status_code == 409
    assert "moved on meanwhile" in again.json()["detail"]
    assert move(alice, customer, stage="new").json() == {"text": "", "undo": "", "values": {}}


def test_a_lost_one_needs_a_reason_where_the_organization_asks(alice, make_customer):
    customer = make_customer(alice)
    refused = move(alice, customer, stage="lost")
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")
    assert move(alice, customer, stage="lost", reason="Too expensive", words="By half.").status_code == 200
    with organization_scope(alice.organization):
        assert StageChange.objects.get(customer=customer).reason == "Too expensive: By half."
        CustomerSettings.objects.update_or_create(organization=alice.organization, defaults={"asks_lost_reason": False})
    assert move(alice, make_customer(alice), stage="lost").status_code == 200


@pytest.mark.parametrize("stage", ["", "nowhere", "x" * 500])
def test_a_stage_that_is_none_is_reported(alice, make_customer, stage):
    customer = make_customer(alice)
    assert move(alice, customer, stage=stage).json()["detail"] == "Choose one of the stages."
    assert move(alice, customer, page=True, stage=stage).status_code == 422


def test_moving_works_without_a_script(alice, make_customer):
    customer = make_customer(alice)
    page = alice.client.get(alice.url(f"customers/{customer.pk}/move/?stage=lost&state=q%3Dcust"))
    assert page.context["target"].key == "lost"
    refused = move(alice, customer, page=True, stage="lost", state="q=cust")
    assert refused.status_code == 422
    assert "why they are lost" in refused.content.decode()
    answer = move(alice, customer, page=True, stage="engaged", state="q=cust&ordering=last_activity_at")
    assert answer.headers["Location"] == alice.url(f"{BOARD}?q=cust&ordering=last_activity_at")
    home = move(alice, customer, page=True, stage="new", **{"from": "customer"})
    assert home.headers["Location"] == alice.url(f"customers/{customer.pk}/")


def test_the_customers_page_asks_why_somebody_is_lost(alice, make_customer):
    customer = make_customer(alice)
    address = alice.url(f"customers/{customer.pk}/stage/")
    asked = alice.client.post(address, {"stage": "lost"})
    assert asked.headers["Location"] == alice.url(f"customers/{customer.pk}/move/?stage=lost&from=customer")
    question = alice.client.get(asked.headers["Location"])
    assert (question.context["target"].key, question.context["pairs"]) == ("lost", [("from", "customer")])
    assert alice.client.post(address, {"stage": "engaged"}).headers["Location"].endswith(f"{customer.pk}/")
    customer.refresh_from_db()
    assert customer.stage.key == "engaged"


def test_who_is_overdue_is_marked_in_list_page_and_panel(alice, make_customer):
    late = stand(alice, make_customer(alice), "new", quiet=timedelta(hours=25))
    early = stand(alice, make_customer(alice), "new", quiet=timedelta(hours=23))
    for browser, path in ((alice.client, ""), (alice.htmx, "panel/")):
        assert "Overdue</span>" in browser.get(alice.url(f"customers/{late.pk}/{path}")).content.decode()
        assert "Overdue</span>" not in browser.get(alice.url(f"customers/{early.pk}/{path}")).content.decode()
    page = alice.client.get(alice.url("customers/")).content.decode()
    assert page.count("overdue--short") == 1
    rows = alice.client.get(alice.url("customers/?overdue=true")).context["rows"]
    assert [row.customer.pk for row in rows] == [late.pk]
    assert len(alice.api.get("/api/v1/customers?overdue=false").data["results"]) == 1


def test_who_may_not_see_or_change_a_customer_moves_nobody(alice, bob, charlie, make_customer):
    customer, own = make_customer(alice), make_customer(bob)
    with organization_scope(alice.organization):
        change = stage_moves.move(customer=customer, stage=Stage.objects.get(key="engaged"), actor=alice.actor)
    for person in (bob, charlie):
        assert move(person, customer, stage="lost").status_code == 404
        undo = person.url(f"customers/{customer.pk}/moves/{change.pk}/undo/")
        assert person.client.post(undo, headers=JSON).status_code == 404
    # Somebody else's move, by way of one's own customer.
    assert bob.client.post(bob.url(f"customers/{own.pk}/moves/{change.pk}/undo/"), headers=JSON).status_code == 404
    with organization_scope(alice.organization):
        bob.member.role = Role.objects.create(
            organization=alice.organization, key="looker", name="Looker", stored_permissions=["customers.view"]
        )
        bob.member.save(update_fields=["role"])
    assert "data-can-move" not in bob.client.get(bob.url(BOARD)).content.decode()
    assert move(bob, own, stage="engaged").status_code == 403
    customer.refresh_from_db()
    assert customer.stage.key == "engaged"
