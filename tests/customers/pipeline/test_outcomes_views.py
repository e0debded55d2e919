"""Outcomes in pages: recorded from the customer's page and the conversation, corrected, deleted, listed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer, Outcome, OutcomeType
from customers.pipeline.outcomes import services as outcomes
from tests.pages import submit


@pytest.fixture
def recorded(alice, bob, make_customer):
    """Makes outcomes; Bob's customer unless told."""

    def make(key="deposit_paid", customer=None, **fields):
        with organization_scope(alice.organization):
            return outcomes.record_outcome(
                customer=customer or make_customer(bob), actor=alice.actor, type=OutcomeType.objects.get(key=key),
                **fields,
            )  # fmt: skip

    return make


def all_of(person):
    with organization_scope(person.organization):
        return list(Outcome.objects.select_related("type", "customer__stage").order_by("pk"))


class TestRecording:
    def test_it_is_recorded_without_a_script_and_moves_the_customer(self, alice, make_customer):
        customer = make_customer(alice)
        browser = alice.client
        data = {"type": "deposit_paid", "amount": "250.50", "note": "by card", "occurred_at": "2026-03-02T09:30"}
        answer = browser.post(alice.url(f"customers/{customer.pk}/outcomes/new/"), data)
        assert answer.url == alice.url(f"customers/{customer.pk}/")
        made = all_of(alice)[0]
        assert (made.type.key, made.amount, made.currency, made.note) == (
            "deposit_paid",
            Decimal("250.50"),
            "GBP",
            "by card",
        )
        assert made.occurred_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        assert made.customer.stage.key == "deposit_paid"
        page = browser.get(answer.url).content.decode()
        assert "Deposit paid recorded; moved to Deposit paid." in page
        assert "250.5" in page

    def test_the_panel_answers_with_itself(self, alice, make_customer):
        customer = make_customer(alice)
        url = alice.url(f"customers/{customer.pk}/outcomes/new/?in=panel")
        answer = alice.htmx.post(url, {"type": "consult_booked", "amount": "99"})
        body = answer.content.decode()
        assert f'id="outcomes-{customer.pk}"' in body
        assert "<html" not in body
        assert "Consult booked recorded" in answer.headers["HX-Trigger"]
        assert "customer-changed" in answer.headers["HX-Trigger"]
        # What a field that isn't shown still held is nobody's intention.
        assert all_of(alice)[0].amount is None

    def test_beside_a_conversation_the_button_becomes_the_form_and_is_one_again(self, alice, make_conversation):
        conversation = make_conversation(alice)
        page = alice.client.get(alice.url(f"inbox/{conversation.pk}/")).content.decode()
        url = alice.url(f"customers/{conversation.customer_id}/outcomes/new/?in=conversation")
        assert f'hx-get="{url}"' in page
        form = alice.htmx.get(url).content.decode()
        assert 'value="treatment_done"' in form
        answer = alice.htmx.post(url, {"type": "treatment_done", "amount": "1200"})
        assert answer.status_code == 200
        assert f'hx-get="{url}"' in answer.content.decode()
        assert all_of(alice)[0].amount == 1200

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            ({}, "required"),
            ({"type": "nothing"}, "Select a valid choice"),
            ({"type": "deposit_paid", "amount": "-5"}, "greater than or equal"),
            ({"type": "deposit_paid", "amount": "lots"}, "Enter a number"),
            ({"type": "deposit_paid", "currency": "pounds"}, "Three capital letters"),
            ({"type": "deposit_paid", "occurred_at": "2099-01-01T10:00"}, "A result has happened"),
            ({"type": "deposit_paid", "occurred_at": "yesterday"}, "Enter a day and a time"),
            ({"type": "deposit_paid", "amount": "99999999999999"}, "no more than"),
        ],
    )
    @pytest.mark.parametrize("place", ["", "panel", "conversation"])
    def test_what_is_wrong_is_reported_and_nothing_recorded(self, alice, make_customer, data, told, place):
        customer = make_customer(alice)
        browser = alice.htmx if place else alice.client
        answer = browser.post(alice.url(f"customers/{customer.pk}/outcomes/new/?in={place}"), data)
        assert answer.status_code == 422
        assert told in answer.content.decode()
        assert all_of(alice) == []

    def test_only_where_one_reaches(self, alice, bob, charlie, make_customer):
        customer = make_customer(alice)
        path = f"customers/{customer.pk}/outcomes/new/"
        for person in (bob, charlie):
            assert person.client.post(person.url(path), {"type": "lost"}).status_code == 404
        assert charlie.client.post(alice.url(path), {"type": "lost"}).status_code == 404
        assert all_of(alice) == []

    def test_another_organizations_type_is_none(self, alice, charlie, make_customer):
        answer = alice.client.post(
            alice.url(f"customers/{make_customer(alice).pk}/outcomes/new/"), {"type": "enrolled"}
        )
        assert answer.status_code == 422


class TestChanging:
    def test_a_correction_moves_nobody(self, alice, recorded):
        outcome = recorded("consult_booked")
        page = alice.client.get(alice.url(f"outcomes/{outcome.pk}/")).content.decode()
        choices = re.findall(r'<input type="radio" name="type" value="(\w+)"', page)
        assert choices == ["consult_booked", "deposit_paid", "treatment_done", "lost", "no_show"]
        assert "Change outcome" in page
        data = {
            "type": "deposit_paid",
            "amount": "80",
            "currency": "EUR",
            "note": "euro",
            "occurred_at": "2026-02-01T08:00",
        }
        answer = submit(alice.client, alice.url(f"outcomes/{outcome.pk}/"), data)
        assert answer.url == alice.url(f"customers/{outcome.customer_id}/")
        changed = all_of(alice)[0]
        assert (changed.type.key, changed.amount, changed.currency, changed.note) == ("deposit_paid", 80, "EUR", "euro")
        assert changed.customer.stage.key == "consult_booked"

    def test_deleting_asks_first(self, alice, recorded):
        outcome = recorded()
        assert (
            "They stay in their stage" in alice.client.get(alice.url(f"outcomes/{outcome.pk}/delete/")).content.decode()
        )
        assert len(all_of(alice)) == 1
        alice.client.post(alice.url(f"outcomes/{outcome.pk}/delete/"))
        assert all_of(alice) == []
        with organization_scope(alice.organization):
            assert Customer.objects.get().stage_id == outcome.type.stage_id

    def test_who_may(self, alice, bob, charlie, make_customer, recorded):
        own, hidden = recorded(), recorded(customer=make_customer(alice))
        assert bob.client.get(bob.url(f"outcomes/{own.pk}/")).status_code == 200
        assert bob.client.post(bob.url(f"outcomes/{own.pk}/delete/")).status_code == 403
        for person, outcome in ((bob, hidden), (charlie, own)):
            assert person.client.get(person.url(f"outcomes/{outcome.pk}/")).status_code == 404
            assert person.client.post(person.url(f"outcomes/{outcome.pk}/"), {"type": "lost"}).status_code == 404
        assert charlie.client.post(charlie.url(f"outcomes/{own.pk}/delete/")).status_code == 404
        assert len(all_of(alice)) == 2


class TestList:
    def test_the_newest_first_with_what_they_come_to(self, alice, recorded):
        now = timezone.now()
        recorded(amount=Decimal(100), occurred_at=now - timedelta(days=2))
        recorded(amount=Decimal(50), occurred_at=now - timedelta(days=1))
        recorded(amount=Decimal(70), currency="EUR")
        recorded("consult_booked")
        page = alice.client.get(alice.url("outcomes/"))
        assert [row.amount for row in page.context["outcomes"]][1:] == [70, 50, 100]
        totals = {(one.name, one.currency): (one.count, one.amount) for one in page.context["totals"]}
        assert totals == {
            ("Deposit paid", "GBP"): (2, 150), ("Deposit paid", "EUR"): (1, 70), ("Consult booked", "GBP"): (1, None),
        }  # fmt: skip

    def test_days_are_the_organizations(self, alice, recorded):
        # In London clocks were an hour ahead: half past eleven in the evening, UTC, was the next day.
        late = recorded(occurred_at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
        first = recorded(occurred_at=datetime(2026, 6, 30, 22, 30, tzinfo=UTC))

        def shown(**query):
            return [row.pk for row in alice.client.get(alice.url("outcomes/"), query).context["outcomes"]]

        assert shown(**{"from": "2026-07-01", "to": "2026-07-01"}) == [late.pk]
        assert shown(to="2026-06-30") == [first.pk]
        assert shown(type="lost") == []
        assert shown(type="deposit_paid") == [late.pk, first.pk]

    @pytest.mark.parametrize(
        "query", [{"type": "x"}, {"from": "soon"}, {"to": "0001-01-01"}, {"to": "9999-12-31"}, {"from": "2026-02-30"}]
    )
    def test_what_can_not_be_asked_is_reported_and_shows_none(self, alice, recorded, query):
        recorded()
        page = alice.client.get(alice.url("outcomes/"), query)
        assert page.status_code == 200
        assert page.context["state"].problems
        assert len(page.context["outcomes"]) == 0

    def test_the_next_page_begins_where_this_one_ends(self, alice, recorded, make_customer, monkeypatch):
        monkeypatch.setattr("customers.pipeline.outcomes.views.ROWS", 2)
        customer = make_customer(alice)
        made = [
            recorded(customer=customer, occurred_at=timezone.now() - timedelta(days=number)).pk for number in range(5)
        ]
        seen, after = [], ""
        for _ in range(3):
            page = alice.client.get(alice.url("outcomes/"), {"after": after})
            seen += [row.pk for row in page.context["outcomes"]]
            after = page.context["next_cursor"]
        assert (seen, after) == (made, "")
        more = alice.client.get(
            alice.url("outcomes/"), headers={"HX-Request": "true", "HX-Target": "more-outcomes"}
        ).content.decode()
        assert "<html" not in more
        assert alice.client.get(alice.url("outcomes/"), {"after": "odd"}).status_code == 404

    def test_everybody_sees_their_own_reach(self, alice, bob, mona, charlie, make_customer, recorded):
        recorded(amount=Decimal(10))
        recorded(customer=make_customer(alice), amount=Decimal(30))
        for person, sums in ((alice, [40]), (bob, [10]), (mona, [10]), (charlie, [])):
            page = person.client.get(person.url("outcomes/"))
            assert [one.amount for one in page.context["totals"]] == sums

    @pytest.mark.parametrize("rows", [1, 15])
    def test_the_same_queries_for_any_number_of_rows(self, alice, recorded, rows):
        for _ in range(rows):
            recorded()
        browser = alice.client
        browser.get(alice.url("outcomes/"))
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(alice.url("outcomes/")).status_code == 200
        assert len(asked) <= 8


class TestSettings:
    def test_a_type_is_made_changed_and_deleted(self, alice):
        data = {"name": "Second opinion", "color": "teal", "stage": "contacted", "is_converting": "on"}
        assert alice.client.post(alice.url("settings/outcomes/new/"), data).status_code == 302
        with organization_scope(alice.organization):
            kind = OutcomeType.objects.select_related("stage").get(key="second_opinion")
            assert (kind.stage.key, kind.is_converting, kind.has_amount) == ("contacted", True, False)
        page = alice.client.get(alice.url("settings/outcomes/")).content.decode()
        assert "Second opinion" in page
        data = {"name": "Opinion", "color": "rose", "stage": "", "has_amount": "on"}
        submit(alice.client, alice.url(f"settings/outcomes/{kind.pk}/"), data)
        with organization_scope(alice.organization):
            kind.refresh_from_db()
            assert (kind.key, kind.name, kind.stage, kind.is_converting, kind.has_amount) == (
                "second_opinion", "Opinion", None, False, True,
            )  # fmt: skip
        assert "Delete" in alice.client.get(alice.url(f"settings/outcomes/{kind.pk}/delete/")).content.decode()
        alice.client.post(alice.url(f"settings/outcomes/{kind.pk}/delete/"))
        with organization_scope(alice.organization):
            assert not OutcomeType.objects.filter(pk=kind.pk).exists()

    def test_one_in_use_stays(self, alice, recorded):
        outcome = recorded()
        browser = alice.client
        answer = browser.post(alice.url(f"settings/outcomes/{outcome.type_id}/delete/"))
        assert "it stays" in browser.get(answer.url).content.decode()
        assert len(all_of(alice)) == 1

    @pytest.mark.parametrize("data", [{"name": ""}, {"color": "pink"}, {"stage": "nowhere"}, {"name": "Deposit paid"}])
    def test_what_is_wrong_is_reported_at_its_field(self, alice, data):
        given = {"name": "Fine", "color": "slate", "stage": ""} | data
        answer = alice.client.post(alice.url("settings/outcomes/new/"), given)
        assert answer.status_code == 422
        assert "field__error" in answer.content.decode()

    def test_they_are_put_in_order(self, alice):
        def order():
            with organization_scope(alice.organization):
                return [str(pk) for pk in OutcomeType.objects.values_list("pk", flat=True)]

        first, second, third, fourth, fifth = order()
        alice.client.post(alice.url("settings/outcomes/order/"), {"move": f"{first}:down"})
        assert order() == [second, first, third, fourth, fifth]
        alice.client.post(alice.url("settings/outcomes/order/"), {"move": f"{second}:up"})
        assert order() == [second, first, third, fourth, fifth]
        answer = alice.htmx.post(
            alice.url("settings/outcomes/order/"), {"order": [fifth, fourth, third, second, first]}
        )
        assert order() == [fifth, fourth, third, second, first]
        assert "<html" not in answer.content.decode()
        alice.client.post(alice.url("settings/outcomes/order/"), {"order": [first]})
        assert order() == [fifth, fourth, third, second, first]

    def test_who_may(self, alice, bob, mona, charlie):
        with organization_scope(alice.organization):
            kind = OutcomeType.objects.first()
        for path in ("new/", f"{kind.pk}/", f"{kind.pk}/delete/", "order/"):
            for person in (bob, mona):
                assert person.client.post(person.url(f"settings/outcomes/{path}")).status_code == 403
        for path in (f"{kind.pk}/", f"{kind.pk}/delete/"):
            assert charlie.client.post(charlie.url(f"settings/outcomes/{path}")).status_code == 404


def test_the_timeline_tells_of_outcomes_and_processes(alice, make_customer, recorded):
    from customers.work.processes import services as processes

    customer = make_customer(alice)
    recorded("treatment_done", customer=customer, amount=Decimal(900), note="all well")
    with organization_scope(alice.organization):
        processes.log_action(customer=customer, actor=alice.actor, action_type="call", content="Rang")
    page = alice.client.get(alice.url(f"customers/{customer.pk}/")).content.decode()
    assert "all well" in page
    assert "Follow-up</bdi> began" in page
    rows = alice.api.get(f"/api/v1/customers/{customer.pk}/timeline?types=outcome,process").data["results"]
    assert {row["type"] for row in rows} == {"outcome", "process"}
