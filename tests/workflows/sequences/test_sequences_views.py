"""The pages of sequences: the list, who is where, putting in and taking out, for who may see whom."""

from __future__ import annotations

from typing import Any

import pytest

from activity import jobs
from core.tenancy import every_organization
from customers.models import Process, Segment
from tests.workflows.sequences.test_sequences import STEPS
from workflows.models import Workflow, WorkflowRun
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db


@pytest.fixture
def sequence(alice: Any, inside: Any, without_rules: None) -> Workflow:
    values: Any = {"name": "Chase <them>", "steps": STEPS, "is_enabled": True, "business_hours_only": False}
    return sequences.create(organization=inside, actor=alice.actor, values=values)


def text(client: Any, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def after(client: Any, url: str, **data: str) -> str:
    """The page that a POST leads to."""
    answer = client.post(url, data, follow=True)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def test_the_list_says_what_each_does_and_how_many_are_in_it(alice, sequence, make_customer):
    assert "Chase &lt;them&gt;" in text(alice.client, alice.url("settings/sequences/"))
    sequences.enrol(sequence=sequence, customer=make_customer(), actor=alice.actor)
    page = text(alice.client, alice.url("settings/sequences/"))
    for words in ("1 customer is in it.", "at once", "after 1 day", "Add a tag: “second”"):
        assert words in page, words


def test_nothing_yet(alice, without_rules):
    assert "No sequence yet" in text(alice.client, alice.url("settings/sequences/"))


def test_who_is_where_and_what_can_be_done(alice, sequence, make_customer):
    ada = make_customer(name="Ada <b>")
    process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
    url = alice.url(f"settings/sequences/{sequence.pk}/")
    page = text(alice.client, url)
    for words in ("Ada &lt;b&gt;", "Waiting", "It stops when the customer writes.", "1 waiting", "Take out"):
        assert words in page, words
    run = WorkflowRun.objects.get(process=process)
    act = alice.url(f"settings/sequences/runs/{run.pk}/")
    for do, status in (("pause", "paused"), ("resume", "active"), ("skip", "active"), ("end", "cancelled")):
        assert alice.client.post(act, {"do": do}).status_code == 302
        process.refresh_from_db()
        assert process.status == status, do
    assert "Ada &lt;b&gt; ended" not in text(alice.client, url)
    assert "Stopped" in text(alice.client, url)
    assert "does not wait any more" in after(alice.client, act, do="skip")
    assert "Choose what to do" in after(alice.client, act, do="dance")


def test_from_the_customers_page(alice, sequence, make_customer):
    ada = make_customer()
    page = alice.url(f"customers/{ada.pk}/")
    assert "In no sequence." in text(alice.client, page)
    alice.client.post(alice.url(f"customers/{ada.pk}/sequences/"), {"sequence": str(sequence.pk)})
    assert "Step 2 of 3" in text(alice.client, page)
    for wrong in ("", "x", "00000000-0000-0000-0000-000000000000"):
        assert "Choose a sequence" in after(alice.client, alice.url(f"customers/{ada.pk}/sequences/"), sequence=wrong)
    assert Process.objects.filter(customer=ada).count() == 1


def test_everybody_of_a_view(alice, sequence, make_customer):
    for number in range(3):
        make_customer(name=f"C{number}", tags=["vip"])
    other = make_customer()
    segment = Segment.objects.create(
        organization=alice.organization, owner=alice.user, name="VIP", filter={"tag": "vip"}
    )
    url = alice.url(f"settings/sequences/{sequence.pk}/enrol/")
    answer = alice.client.post(url, {"segment": str(segment.pk)})
    with every_organization("the worker looks for all"):
        jobs.run_due()
    page = text(alice.client, answer.url)
    assert "3 customers were put in." in page
    assert not Process.objects.filter(customer=other).exists()
    again = alice.client.post(url, {"segment": str(segment.pk)})
    with every_organization("the worker looks for all"):
        jobs.run_due()
    page = text(alice.client, again.url)
    assert "3 were not." in page
    assert "3 × <bdi>The customer has an open process of this kind already.</bdi>" in page
    assert "Choose a view" in after(alice.client, url, segment="")


def test_switched_and_deleted(alice, sequence, make_customer):
    process = sequences.enrol(sequence=sequence, customer=make_customer(), actor=alice.actor)
    url = alice.url(f"settings/sequences/{sequence.pk}/")
    assert "those inside rest" in after(alice.client, f"{url}switch/", to="off")
    assert "1 customer is in it and is taken out." in text(alice.client, f"{url}delete/")
    alice.client.post(f"{url}delete/")
    process.refresh_from_db()
    assert process.status == "cancelled"
    assert not Workflow.objects.exists()


def test_who_may_what(alice, bob, mona, charlie, sequence, make_customer):
    hidden = make_customer(owner=alice, name="Zebulon")
    process = sequences.enrol(sequence=sequence, customer=hidden, actor=alice.actor)
    run = WorkflowRun.objects.get(process=process)
    url = f"settings/sequences/{sequence.pk}/"
    for person in (bob, mona):
        answer = person.client.get(person.url(url))
        assert answer.status_code in (200, 403)
        assert b"Zebulon" not in answer.content
        assert person.client.post(person.url(f"{url}switch/"), {"to": "off"}).status_code == 403
        assert person.client.post(person.url(f"settings/sequences/runs/{run.pk}/"), {"do": "end"}).status_code in (
            403,
            404,
        )
        assert person.client.post(person.url(f"customers/{hidden.pk}/sequences/"), {}).status_code in (403, 404)
    assert charlie.client.get(charlie.url(url)).status_code == 404
    assert charlie.client.post(charlie.url(f"{url}delete/")).status_code == 404
    process.refresh_from_db()
    assert process.status == "active"


@pytest.mark.parametrize("count", [1, 12])
def test_the_same_number_of_queries_for_any_number(
    count, alice, sequence, make_customer, django_assert_max_num_queries
):
    for number in range(count):
        sequences.enrol(sequence=sequence, customer=make_customer(name=f"C{number}"), actor=alice.actor)
    url = alice.url(f"settings/sequences/{sequence.pk}/")
    alice.client.get(url)
    with django_assert_max_num_queries(32):
        alice.client.get(url)
    with django_assert_max_num_queries(29):
        alice.client.get(alice.url("settings/sequences/"))
