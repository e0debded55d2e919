"""Why somebody is lost is asked wherever one moves them, where the organization wants to know."""

from __future__ import annotations

import pytest

from activity import jobs
from core.tenancy import organization_scope
from customers.models import ChangeSet, CustomerSettings, Stage, StageChange

WHY = {"reason": "Too expensive", "words": "By half."}
TOLD = "Too expensive: By half."


def stage_id(who, key):
    with organization_scope(who.organization):
        return str(Stage.objects.get(key=key).pk)


def moves(who):
    with organization_scope(who.organization):
        return list(StageChange.objects.order_by("changed_at").values_list("to_stage__key", "reason"))


def do_not_ask(who):
    with organization_scope(who.organization):
        CustomerSettings.objects.update_or_create(organization=who.organization, defaults={"asks_lost_reason": False})


def is_the_question(answer):
    assert (answer.status_code, answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (
        422,
        "body",
        "beforeend",
    )
    text = answer.content.decode()
    return "data-lost-asked" in text and 'name="words"' in text and "Went elsewhere" in text


# Where one moves: the address under the customer's, and what is sent there for the stage with this id or key.
PLACES = pytest.mark.parametrize(
    ("path", "body"),
    [
        ("stage/", lambda who, key: {"stage": stage_id(who, key)}),
        ("row/?columns=name,stage", lambda who, key: {"field": "stage", "value": key}),
    ],
    ids=["panel", "cell"],
)


@PLACES
def test_panel_and_cell_ask_first_and_keep_the_answer(alice, make_customer, path, body):
    customer = make_customer(alice)
    address = alice.url(f"customers/{customer.pk}/{path}")
    assert is_the_question(alice.htmx.post(address, body(alice, "lost")))
    assert is_the_question(alice.htmx.post(address, {**body(alice, "lost"), "reason": "", "words": "  "}))
    assert moves(alice) == []
    assert alice.htmx.post(address, {**body(alice, "lost"), **WHY}).status_code == 200
    assert moves(alice) == [("lost", TOLD)]
    assert alice.htmx.post(address, body(alice, "lost")).status_code == 200
    assert len(moves(alice)) == 1


@PLACES
def test_nobody_is_asked_about_another_stage_or_against_the_settings(alice, make_customer, path, body):
    customer = make_customer(alice)
    address = alice.url(f"customers/{customer.pk}/{path}")
    assert alice.htmx.post(address, body(alice, "contacted")).status_code == 200
    do_not_ask(alice)
    assert alice.htmx.post(address, body(alice, "lost")).status_code == 200
    assert moves(alice) == [("contacted", ""), ("lost", "")]


@PLACES
def test_without_a_script_a_page_asks(alice, make_customer, path, body):
    customer = make_customer(alice)
    asked = alice.client.post(alice.url(f"customers/{customer.pk}/{path}"), body(alice, "lost"))
    assert asked.headers["Location"] == alice.url(f"customers/{customer.pk}/move/?stage=lost&from=customer")
    assert alice.client.get(asked.headers["Location"]).context["target"].key == "lost"
    assert moves(alice) == []


@pytest.mark.parametrize("browser", ["client", "htmx"])
def test_a_change_of_many_asks_once_for_all(alice, make_customer, browser):
    chosen = [make_customer(alice, name=name) for name in ("Ada", "Ben")]
    post = getattr(alice, browser).post
    body = {"do": "stage:lost", "ids": [str(one.pk) for one in chosen], "state": "?"}
    asked = post(alice.url("customers/bulk/"), body)
    assert 'name="words"' in asked.content.decode()
    assert "Choose a reason" not in asked.content.decode()
    again = post(alice.url("customers/bulk/"), {**body, "confirmed": "1", "words": " "})
    assert "Choose a reason, or write a few words." in again.content.decode()
    post(alice.url("customers/bulk/"), {**body, "confirmed": "1", **WHY})
    jobs.run_due()
    assert moves(alice) == [("lost", TOLD)] * 2


def test_a_change_of_many_is_undone_though_it_had_a_reason(alice, make_customer):
    customer = make_customer(alice)
    body = {"do": "stage:lost", "ids": [str(customer.pk)], "state": "?", "confirmed": "1", "words": "Moved away"}
    alice.client.post(alice.url("customers/bulk/"), body)
    jobs.run_due()
    with organization_scope(alice.organization):
        change_set = ChangeSet.objects.get()
    alice.client.post(alice.url(f"customers/changes/{change_set.pk}/undo/"))
    jobs.run_due()
    customer.refresh_from_db()
    assert customer.stage.key == "new"


def test_a_change_of_many_does_not_ask_against_the_settings(alice, make_customer):
    do_not_ask(alice)
    customer = make_customer(alice)
    alice.client.post(alice.url("customers/bulk/"), {"do": "stage:lost", "ids": [str(customer.pk)], "state": "?"})
    jobs.run_due()
    assert moves(alice) == [("lost", "")]


def test_through_the_api_a_reason_is_welcome_and_not_needed(alice, make_customer):
    first, second = make_customer(alice), make_customer(alice)
    for customer, params in ((first, {"stage": "lost"}), (second, {"stage": "lost", "reason": "Moved  away"})):
        body = {"ids": [str(customer.pk)], "action": "stage", "params": params}
        assert alice.api.post("/api/v1/customers/bulk", body, format="json").status_code == 202
        jobs.run_due()
    assert moves(alice) == [("lost", ""), ("lost", "Moved away")]


@pytest.mark.parametrize(
    ("action", "params", "field"),
    [
        ("stage", {"stage": "lost", "reason": 5}, "params.reason"),
        ("stage", {"stage": "lost", "reason": "x" * 301}, "params.reason"),
        ("status", {"status": "active", "reason": "x"}, "params.reason"),
    ],
)
def test_a_reason_that_is_none_is_refused_by_name(alice, make_customer, action, params, field):
    body = {"ids": [str(make_customer(alice).pk)], "action": action, "params": params}
    answer = alice.api.post("/api/v1/customers/bulk", body, format="json")
    assert answer.status_code == 400
    assert field in answer.content.decode()
