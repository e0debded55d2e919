"""The list: what an address shows, to whom, in how many queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer, CustomField, Stage
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import stage_moves
from customers.people.table.columns import columns_of
from customers.people.tags import services as tags
from customers.work.tasks import services as tasks

MAX_QUERIES = 12


@pytest.fixture
def own_fields(alice: Any, inside: Any) -> list[CustomField]:
    """One of every type."""
    made = []
    for kind in CustomField.Type:
        choices = ["red", "blue"] if kind in (CustomField.Type.CHOICE, CustomField.Type.MULTI_CHOICE) else []
        made.append(
            custom_fields.create(
                organization=alice.organization, actor=alice.actor, key=kind.value.replace("_", "-"),
                label=f"Our {kind.label}", type=kind, choices=choices,
            )
        )  # fmt: skip
    return made


def shown(who: Any, query: str = "") -> list[str]:
    """The names in the list, in order."""
    answer = who.client.get(who.url(f"customers/{query}"))
    assert answer.status_code == 200
    return [row.customer.name for row in answer.context["rows"]]


def walk(who: Any, query: str) -> list[str]:
    """The names of all pages."""
    names: list[str] = []
    address = f"customers/{query}"
    while True:
        answer = who.client.get(who.url(address))
        names += [row.customer.name for row in answer.context["rows"]]
        if not answer.context["more"]:
            return names
        address = f"customers/{answer.context['more']}"


@pytest.mark.parametrize("rows", [1, 60])
@pytest.mark.parametrize("ordering", ["-created_at", "next_follow_up_at"])
def test_the_list_takes_the_same_queries_for_any_rows_columns_and_filters(
    alice, make_customer, own_fields, rows, ordering
):
    values = {"text": "a", "number": 3, "date": "2026-03-31", "boolean": True, "choice": "red", "multi-choice": ["red"]}
    with organization_scope(alice.organization):
        first = make_customer(alice, own_fields=values)
        Customer.objects.bulk_create(
            Customer(
                organization=alice.organization, name=f"More {n}", code=f"X{n}", stage=first.stage,
                assigned_to=alice.user, custom_fields=values, search_text=f" more {n}",
                next_follow_up_at=timezone.now() if n % 2 else None,
            )
            for n in range(rows - 1)
        )  # fmt: skip
        for customer in Customer.objects.all()[:15]:
            tags.add(customer=customer, names=["vip", "second"], actor=alice.actor)
    columns = ",".join(columns_of(own_fields))
    asked = {"columns": columns, "ordering": ordering, "stage": "new", "custom.number__gte": "1",
             "custom.choice": "red", "assigned_to": "me", "custom.boolean": "yes"}  # fmt: skip
    browser, address = alice.client, alice.url(f"customers/?{urlencode(asked)}")
    browser.get(address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = browser.get(address)
    assert len(answer.context["rows"]) == min(rows, 50)
    assert answer.context["count"] == rows
    assert not answer.context["state"].problems
    assert len(captured) <= MAX_QUERIES, "\n".join(query["sql"] for query in captured)


@pytest.mark.parametrize("rows", [1, 15])
def test_rows_asked_for_again_take_the_same_queries(alice, make_customer, rows, django_assert_max_num_queries):
    ids = ",".join(str(make_customer(alice).pk) for _ in range(rows))
    browser = alice.client
    with django_assert_max_num_queries(6):
        answer = browser.post(alice.url("customers/rows/"), {"ids": ids})
    assert answer.content.count(b"<tr") == rows


def test_who_sees_whom(alice, mona, bob, charlie, make_customer):
    make_customer(alice, name="Of Alice")
    make_customer(bob, name="Of Bob")
    make_customer(None, name="Of nobody")
    assert set(shown(alice)) == {"Of Alice", "Of Bob", "Of nobody"}
    assert set(shown(mona)) == {"Of Bob", "Of nobody"}
    assert shown(bob) == ["Of Bob"]
    answer = bob.client.get(bob.url("customers/"))
    assert answer.context["count"] == 1
    assert "1 customer" in answer.content.decode()
    assert b"Of Alice" not in answer.content
    assert charlie.client.get(alice.url("customers/")).status_code == 404
    assert charlie.client.get(alice.url("customers/rows/")).status_code == 404
    assert shown(charlie) == []


def test_rows_of_others_are_not_given(alice, bob, make_customer):
    hers, his = make_customer(alice, name="Of Alice"), make_customer(bob, name="Of Bob")
    answer = bob.client.get(bob.url(f"customers/rows/?ids={hers.pk},{his.pk},nonsense,"))
    assert b"Of Bob" in answer.content
    assert b"Of Alice" not in answer.content


@pytest.mark.parametrize("can", ["customers.import", "customers.export", "customers.delete"])
def test_what_a_role_does_not_permit_is_not_offered(bob, make_customer, can):
    make_customer(bob)
    assert not bob.member.may(can)
    text = bob.client.get(bob.url("customers/")).content.decode()
    assert 'value="delete"' not in text
    assert "Export" not in text
    assert "Import" not in text


def test_an_export_takes_what_is_on_the_screen_or_what_was_selected(alice, bob, make_customer):
    hers, his = make_customer(alice, name="Hers", status="active"), make_customer(bob, name="His", status="active")
    make_customer(bob, name="A lead")
    page = alice.client.get(alice.url("customers/?status=active&ordering=name&columns=name,stage"))
    link = page.context["links"]["export"]
    assert link.startswith(alice.url("customers/export/?status=active&ordering=name"))
    assert alice.client.get(link).context["count"] == 2
    chosen = alice.client.post(link, {"ids": f"{his.pk},nonsense"})
    assert chosen.context["count"] == 1
    assert "that you selected" in chosen.content.decode()
    assert f'name="ids" value="{his.pk}"' in chosen.content.decode()
    assert 'method="post"' in chosen.content.decode().partition("export/file/")[0].rpartition("<form")[2]
    out = alice.client.post(alice.url("customers/export/file/"), {"format": "csv", "ids": str(his.pk)})
    text = b"".join(out.streaming_content).decode() if out.streaming else out.content.decode()
    assert "His" in text
    assert "Hers" not in text
    assert hers.name == "Hers"


class TestFilters:
    """Each alone, through the address."""

    @pytest.fixture(autouse=True)
    def people(self, alice, bob, make_customer, own_fields):
        now = timezone.now()
        with organization_scope(alice.organization):
            ada = make_customer(
                alice, name="Ada", source="ad", next_follow_up_at=now - timedelta(days=1),
                own_fields={"number": 5, "date": "2026-03-31", "boolean": True, "choice": "red",
                               "multi-choice": ["red", "blue"], "text": "Tall tree", "url": "https://a.example/x"},
            )  # fmt: skip
            ben = make_customer(bob, name="Ben", status="active", type="business", own_fields={"number": 9})
            make_customer(None, name="Cleo")
            stage_moves.move(customer=ben, stage=Stage.objects.get(key="contacted"), actor=alice.actor)
            tags.add(customer=ada, names=["vip", "late"], actor=alice.actor)
            tags.add(customer=ben, names=["vip"], actor=alice.actor)
            tasks.create(
                organization=alice.organization, actor=alice.actor, customer=ben, title="Call", assigned_to=None
            )
            Customer.objects.filter(pk=ada.pk).update(created_at=now - timedelta(days=400))
        self.bob_id = str(bob.user.pk)
        self.year_ago = (now - timedelta(days=300)).date().isoformat()

    @pytest.mark.parametrize(
        ("name", "value", "names"),
        [
            ("q", "ad", {"Ada"}),
            ("q", "C002", {"Ben"}),
            ("stage", "contacted", {"Ben"}),
            ("assigned_to", "me", {"Ada"}),
            ("assigned_to", "none", {"Cleo"}),
            ("status", "active", {"Ben"}),
            ("type", "business", {"Ben"}),
            ("source", "AD", {"Ada"}),
            ("tag", "vip", {"Ada", "Ben"}),
            ("tag", ["vip", "late"], {"Ada"}),
            ("has_open_task", "true", {"Ben"}),
            ("has_open_task", "false", {"Ada", "Cleo"}),
            ("follow_up_before", "2099-01-01", {"Ada"}),
            ("custom.number__gte", "6", {"Ben"}),
            ("custom.number__lte", "5", {"Ada"}),
            ("custom.date__gte", "2026-01-01", {"Ada"}),
            ("custom.boolean", "yes", {"Ada"}),
            ("custom.choice", "RED", {"Ada"}),
            ("custom.multi-choice", "blue", {"Ada"}),
            ("custom.text", "tree", {"Ada"}),
            ("custom.url", "a.example", {"Ada"}),
        ],
    )
    def test_filter(self, alice, name, value, names):
        answer = alice.client.get(alice.url("customers/?" + urlencode({name: value}, doseq=True)))
        assert {row.customer.name for row in answer.context["rows"]} == names
        assert answer.context["count"] == len(names)
        assert not answer.context["state"].problems
        chips = answer.context["chips"]
        if name == "q":
            assert (answer.context["q"], chips) == (value, [])
            return
        assert len(chips) == (len(value) if isinstance(value, list) else 1)
        # Each chip leads to the list without its filter.
        without = alice.client.get(alice.url(f"customers/{chips[0].remove}"))
        assert len(without.context["chips"]) == len(chips) - 1

    def test_an_owner_by_id_and_days(self, alice):
        assert shown(alice, f"?assigned_to={self.bob_id}") == ["Ben"]
        assert shown(alice, f"?created_to={self.year_ago}") == ["Ada"]
        assert set(shown(alice, f"?created_from={self.year_ago}")) == {"Ben", "Cleo"}

    def test_chips_speak_of_people_stages_and_labels(self, alice):
        query = {
            "assigned_to": self.bob_id,
            "stage": "contacted",
            "custom.number__gte": "6",
            "created_from": "2026-01-02",
        }
        answer = alice.client.get(alice.url(f"customers/?{urlencode(query)}"))
        said = {chip.label: chip.value for chip in answer.context["chips"]}
        assert said == {
            "Owner": "Bob Reyes", "Stage": "Contacted", "Our Number from": "6", "Created from": "2 Jan 2026",
        }  # fmt: skip

    def test_nobody_found_offers_the_way_back(self, alice):
        text = alice.client.get(alice.url("customers/?q=zzz&ordering=name")).content.decode()
        assert "Nobody found" in text
        assert 'href="?ordering=name"' in text


@pytest.mark.parametrize(
    "query",
    [
        "stage=nonsense", "status=x", "type=x", "assigned_to=somebody", "created_from=soon", "has_open_task=perhaps",
        "ordering=shoe_size", "custom.nothing=1", "custom.number=many", "custom.text__gte=1", "colour=red",
        "columns=name,shoe", "segment=nonsense", "tag=" + "&tag=".join("abcdefghijkl"), "q=" + "x" * 201,
        "custom.number__gte=1e999", "created_to=9999-12-31", "custom.=1", "custom.number__gt=1",
        "follow_up_before=2026-13-45", "assigned_to=%F0%9F%8D%8E",
    ],
)  # fmt: skip
def test_what_is_not_good_in_an_address_is_reported(alice, make_customer, own_fields, query):
    make_customer(alice, name="Ada")
    answer = alice.client.get(alice.url(f"customers/?{query}"))
    assert answer.status_code == 200
    assert len(answer.context["state"].problems) == 1
    assert 'class="notice notice--warning"' in answer.content.decode()
    # An order or a column that is none takes nobody in or out; a filter that means nothing shows nobody.
    shown = ["Ada"] if query.startswith(("ordering=", "columns=")) else []
    assert [row.customer.name for row in answer.context["rows"]] == shown


@pytest.mark.parametrize("query", ["open=nonsense", "segment=", "q=", "stage=&ordering=", "tag=&tag="])
def test_empty_parameters_say_nothing(alice, make_customer, query):
    make_customer(alice, name="Ada")
    answer = alice.client.get(alice.url(f"customers/?{query}"))
    assert (answer.status_code, answer.context["state"].problems, answer.context["state"].query()) == (200, [], "?")


def test_a_cursor_of_somebody_elses_making_is_a_404(alice):
    assert alice.client.get(alice.url("customers/?after=nonsense")).status_code == 404


@pytest.mark.parametrize(
    "ordering",
    ["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at", "code", "-code",
     "last_activity_at", "-last_activity_at", "next_follow_up_at", "-next_follow_up_at"],
)  # fmt: skip
def test_every_row_once_in_every_order(alice, make_customer, ordering):
    now = timezone.now()
    with organization_scope(alice.organization):
        stage = Stage.objects.order_by("position").first()
        Customer.objects.bulk_create(
            Customer(
                organization=alice.organization, name=f"N{n}", code=f"X{n}", stage=stage,
                sort_name=f"same {n // 40}", code_number=n // 30,
                created_at=now - timedelta(days=n // 60), updated_at=now - timedelta(days=n // 60),
                last_activity_at=now - timedelta(days=n // 60),
                next_follow_up_at=now + timedelta(days=n // 20) if 20 < n < 80 else None,
            )
            for n in range(130)
        )  # fmt: skip
        field = {"name": "sort_name", "code": "code_number"}.get(ordering.lstrip("-"), ordering.lstrip("-"))
        values = dict(Customer.objects.values_list("name", field))
    names = walk(alice, f"?ordering={ordering}")
    assert len(names) == len(set(names)) == 130
    seen = [values[name] for name in names if values[name] is not None]
    assert seen == sorted(seen, reverse=ordering.startswith("-"))
    assert all(values[name] is None for name in names[len(seen) :])


def test_more_is_a_partial_of_rows_with_the_address_kept(alice, make_customer):
    for number in range(52):
        make_customer(alice, name=f"Person {number}", status="active")
    page = alice.client.get(alice.url("customers/?status=active&columns=name,code"))
    more = alice.client.get(
        alice.url(f"customers/{page.context['more']}"), headers={"HX-Request": "true", "HX-Target": "more-customers"}
    ).content.decode()
    assert more.count("<tr") == 2
    assert "<table" not in more
    assert "columns=name%2Ccode" in page.context["more"]


def test_headings_sort_and_turn_round(alice, make_customer):
    make_customer(alice, name="Ben")
    make_customer(alice, name="Ada")
    answer = alice.client.get(alice.url("customers/?ordering=name"))
    text = answer.content.decode()
    assert [row.customer.name for row in answer.context["rows"]] == ["Ada", "Ben"]
    assert text.count("aria-sort") == 1
    assert 'aria-sort="ascending"' in text
    assert 'href="?ordering=-name"' in text
    assert 'href="?ordering=-last_activity_at"' in text  # moments fall first


def test_columns_are_chosen_and_ordered_by_the_address(alice, make_customer, own_fields):
    make_customer(
        alice, name="Ada", company="Elm", address={"city": "Leeds", "country": "GB"},
        own_fields={"number": 7, "date": "2026-03-31", "boolean": False, "multi-choice": ["red", "blue"],
                       "url": "https://elm.example/about"},
    )  # fmt: skip
    keys = ["city", "custom.number", "company", "country", "custom.date", "custom.boolean", "custom.multi-choice",
            "custom.url", "custom.text"]  # fmt: skip
    answer = alice.client.get(alice.url(f"customers/?columns={','.join(keys)}"))
    row = answer.context["rows"][0]
    assert [cell.column.key for cell in row.cells] == ["name", *keys]
    assert [cell.text for cell in row.cells[1:]] == [
        "Leeds", "7", "Elm", "GB", "31 Mar 2026", "No", "red, blue", "https://elm.example/about", "",
    ]  # fmt: skip
    assert row.cells[-1].is_empty
    text = answer.content.decode()
    assert 'href="https://elm.example/about"' in text
    # A form without script sends each box; the first column can't be taken away.
    boxes = alice.client.get(alice.url("customers/?columns=name&columns=stage"))
    assert boxes.context["state"].columns == ("name", "stage")


def test_a_hostile_name_stays_text(alice, make_customer):
    make_customer(alice, name="<script>alert(1)</script>", company='"><b>')
    text = alice.client.get(alice.url("customers/?columns=name,company")).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert '"><b>' not in text


def test_a_count_is_capped(alice, make_customer):
    with organization_scope(alice.organization):
        stage = Stage.objects.order_by("position").first()
        Customer.objects.bulk_create(
            Customer(organization=alice.organization, name="x", code=f"X{n}", stage=stage) for n in range(1005)
        )
    answer = alice.client.get(alice.url("customers/"))
    assert answer.context["count"] == 1001
    assert "1,000+ customers" in answer.content.decode()
