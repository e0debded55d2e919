"""A list that asks for somebody who is nobody's colleague here says so and shows nobody; the API refuses by name."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.data.bulk import services as bulk
from customers.models import Segment
from customers.people.customers import services as customers
from customers.people.filters import parse as filters
from customers.people.segments import services as segments
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks

pytestmark = pytest.mark.django_db

NAME, DEAL = "Maya Okafor", "Braces upper"
STRANGER = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def customer(alice, make_customer):
    customer = make_customer(alice, name=NAME)
    with organization_scope(alice.organization):
        deals.create(customer=customer, actor=alice.actor, title=DEAL, amount=5, owner=alice.user)
        customers.set_follow_up(customer=customer, at=timezone.now(), actor=alice.actor)
        tasks.create(
            organization=alice.organization, actor=alice.actor, title="Ring Maya", due_at=timezone.now(),
            assigned_to=alice.user,
        )  # fmt: skip
    return customer


@pytest.fixture(params=["nobody", "elsewhere"])
def stranger(request, charlie):
    """An id that is no user's, or that of a user of another organization."""
    return STRANGER if request.param == "nobody" else str(charlie.user.pk)


def text_of(answer):
    return answer.content.decode()


@pytest.mark.parametrize("path", ["customers/", "pipeline/"])
@pytest.mark.parametrize("written", [str, str.upper, lambda text: text.replace("-", "")])
def test_customers_of_a_stranger_are_nobody_and_it_says_so(alice, customer, stranger, path, written):
    text = text_of(alice.client.get(alice.url(path), {"assigned_to": written(stranger)}))
    assert "Nobody is shown" in text
    assert "Nobody of your organization has this id" in text
    assert NAME not in text


@pytest.mark.parametrize("path", ["deals/", "deals/board/"])
def test_deals_of_a_stranger_are_none_and_it_says_so(alice, customer, stranger, path):
    text = text_of(alice.client.get(alice.url(path), {"owner": stranger}, follow=True))
    assert "No deal is shown" in text
    assert DEAL not in text


@pytest.mark.parametrize(
    ("path", "name"),
    [("customers", "assigned_to"), ("customers/search", "assigned_to"), ("leads", "assigned_to"),
     ("tasks", "assigned_to"), ("deals", "owner"), ("deals/summary", "owner"), ("followups", "assigned_to"),
     ("conversations", "assigned_to"), ("inbox/customers", "assigned_to")],
)  # fmt: skip
def test_the_api_refuses_a_stranger_by_the_filters_name(alice, customer, stranger, path, name):
    answer = alice.api.get(f"/api/v1/{path}", {name: stranger})
    assert answer.status_code == 400, answer.content
    assert [error["attr"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize(
    ("query", "name"),
    [("assigned_to=x", "assigned_to"), ("assigned_to=all", "assigned_to"), ("status=perhaps", "status"),
     ("status=OPEN", "status"), ("view=today", "view"), ("view=nonsense", "view"), ("who=me", "who")],
)  # fmt: skip
def test_tasks_that_ask_for_nothing_known_are_refused_by_name(alice, customer, query, name):
    answer = alice.api.get(f"/api/v1/tasks?{query}")
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [name]


def test_a_colleague_with_nothing_and_one_who_left_can_be_asked_for(alice, bob, customer):
    for is_active in (True, False):
        with organization_scope(alice.organization):
            type(bob.member).objects.filter(pk=bob.member.pk).update(is_active=is_active)
        text = text_of(alice.client.get(alice.url("customers/"), {"assigned_to": str(bob.user.pk)}))
        assert "Nobody is shown" not in text
        assert NAME not in text
        assert alice.api.get("/api/v1/tasks", {"assigned_to": str(bob.user.pk)}).status_code == 200
        assert alice.api.get("/api/v1/deals", {"owner": str(bob.user.pk)}).status_code == 200
        assert "No deal is shown" not in text_of(alice.client.get(alice.url("deals/"), {"owner": str(bob.user.pk)}))


@pytest.mark.parametrize("owner", ["me", "alice"])
def test_ones_own_are_shown(alice, customer, owner):
    owner = str(alice.user.pk) if owner == "alice" else owner
    assert NAME in text_of(alice.client.get(alice.url("customers/"), {"assigned_to": owner}))
    assert DEAL in text_of(alice.client.get(alice.url("deals/"), {"owner": owner}))
    for path, name in (("customers", "assigned_to"), ("tasks", "assigned_to"), ("deals", "owner")):
        assert len(alice.api.get(f"/api/v1/{path}", {name: owner}).json()["results"]) == 1, path


def test_a_view_whose_member_is_gone_is_refused_wherever_it_is_used(alice, customer):
    with organization_scope(alice.organization):
        segment = segments.create(
            member=alice.member, actor=alice.actor, name="Mine", filter={"assigned_to": str(alice.user.pk)}
        )
        Segment.objects.filter(pk=segment.pk).update(filter={"assigned_to": STRANGER})
    page = alice.client.get(alice.url(f"customers/?segment={segment.pk}"))
    assert "Nobody is shown" in text_of(page)
    assert NAME not in text_of(page)
    export = page.context["links"]["export"]
    assert alice.client.get(export).status_code == 400
    assert alice.client.get(export.replace("export/", "export/file/")).status_code == 400
    assert alice.api.get(f"/api/v1/segments/{segment.pk}/customers").status_code == 400
    answer = alice.htmx.post(
        alice.url("customers/bulk/"), {"do": "status:inactive", "all": "1", "state": f"segment={segment.pk}"}
    )
    assert answer.status_code == 422
    customer.refresh_from_db()
    assert customer.status != "inactive"


def test_a_view_or_a_change_of_a_stranger_is_not_begun(alice, customer):
    stranger = str(uuid.uuid4())
    with organization_scope(alice.organization):
        with pytest.raises(segments.InvalidSegment):
            segments.create(member=alice.member, actor=alice.actor, name="Mine", filter={"assigned_to": stranger})
        with pytest.raises(filters.InvalidFilter):
            bulk.start(
                member=alice.member, actor=alice.actor, action="status", params={"status": "inactive"},
                filter_values={"assigned_to": stranger},
            )  # fmt: skip
