"""A filter that means nothing any more shows nobody, says so, and is mended by a link; it never shows everybody."""

from __future__ import annotations

import pytest
from django.utils import timezone

from activity import jobs
from core.tenancy import organization_scope
from customers.data.bulk import services as bulk
from customers.models import Customer, Segment, Stage
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.segments import services as segments
from customers.people.tags import services as tags
from customers.pipeline.stages import services as stages
from customers.work.tasks import services as tasks

pytestmark = pytest.mark.django_db

NAME = "Maya Okafor"


@pytest.fixture
def customer(alice, make_customer):
    return make_customer(alice, name=NAME)


def saved(alice, given):
    with organization_scope(alice.organization):
        return segments.create(member=alice.member, actor=alice.actor, name="Mine", filter=given)


def take_stage(alice, key):
    with organization_scope(alice.organization):
        stages.remove(stage=Stage.objects.get(key=key), home=None, actor=alice.actor, member=alice.member)


def stage_gone(alice):
    segment = saved(alice, {"stage": "contacted"})
    take_stage(alice, "contacted")
    return segment


def field_gone(alice):
    with organization_scope(alice.organization):
        field = custom_fields.create(
            organization=alice.organization, actor=alice.actor, key="grade", label="Grade", type="text"
        )
    segment = saved(alice, {"custom.grade": "A"})
    with organization_scope(alice.organization):
        custom_fields.delete(field=field, actor=alice.actor)
    return segment


def choice_gone(alice):
    with organization_scope(alice.organization):
        field = custom_fields.create(
            organization=alice.organization, actor=alice.actor, key="plan", label="Plan", type="choice",
            choices=["Gold", "Tin"],
        )  # fmt: skip
    segment = saved(alice, {"custom.plan": "Tin"})
    with organization_scope(alice.organization):
        custom_fields.update(field=field, actor=alice.actor, changes={"choices": ["Gold"]})
    return segment


def tag_gone(alice):
    with organization_scope(alice.organization):
        tag = tags.create(organization=alice.organization, name="vip", actor=alice.actor)
    segment = saved(alice, {"tag": ["vip"]})
    with organization_scope(alice.organization):
        tags.delete(tag=tag, actor=alice.actor)
    return segment


GONE = [stage_gone, field_gone, choice_gone, tag_gone]


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("page", ["customers/", "pipeline/"])
def test_a_saved_view_shows_nobody_and_says_why(alice, customer, gone, page):
    segment = gone(alice)
    text = alice.client.get(alice.url(f"{page}?segment={segment.pk}")).content.decode()
    assert NAME not in text
    assert "Nobody is shown until this is mended" in text


@pytest.mark.parametrize("gone", GONE)
def test_what_is_opened_from_it_takes_nobody(alice, customer, gone):
    segment = gone(alice)
    page = alice.client.get(alice.url(f"customers/?segment={segment.pk}"))
    export = page.context["links"]["export"]
    answer = alice.client.get(export)
    if gone is not tag_gone:
        assert answer.status_code == 400
        assert alice.client.get(export.replace("export/", "export/file/")).status_code == 400
    assert answer.context["count"] == 0
    answer = alice.htmx.post(
        alice.url("customers/bulk/"), {"do": "status:inactive", "all": "1", "state": f"segment={segment.pk}"}
    )
    assert answer.status_code == 422
    customer.refresh_from_db()
    assert customer.status != "inactive"


@pytest.mark.parametrize("gone", GONE[:3])
def test_the_api_says_it_too(alice, customer, gone):
    segment = gone(alice)
    answer = alice.api.get(f"/api/v1/segments/{segment.pk}/customers")
    assert answer.status_code == 400
    assert NAME not in answer.content.decode()


def test_mended_it_shows_them_again(alice, customer):
    segment = stage_gone(alice)
    page = alice.client.get(alice.url(f"customers/?segment={segment.pk}"))
    chip = next(one for one in page.context["chips"] if one.name == "stage")
    mended = alice.client.get(alice.url("customers/") + chip.remove)
    assert NAME in mended.content.decode()


@pytest.mark.parametrize(
    "query",
    ["stage=nowhere", "colour=red", "custom.nothing=1", "overdue=perhaps", "created_from=soon",
     "segment=01980000-0000-7000-8000-000000000000"],
)  # fmt: skip
def test_an_address_that_asks_for_nothing_known_shows_nobody(alice, customer, query):
    text = alice.client.get(alice.url(f"customers/?{query}")).content.decode()
    assert NAME not in text
    assert "Nobody is shown" in text


@pytest.mark.parametrize("query", ["stage=nowhere", "status=perhaps", "owner=x", "month=soon"])
def test_deals_that_ask_for_nothing_known_are_none(alice, customer, query):
    from customers.pipeline.deals import services as deals

    with organization_scope(alice.organization):
        deals.create(customer=customer, actor=alice.actor, title="Braces upper", amount=5)
    for page in ("deals/", "deals/board/"):
        answer = alice.client.get(alice.url(f"{page}?{query}"), follow=True)
        text = answer.content.decode()
        assert "No deal is shown" in text, page
        assert "Braces upper" not in text, page


def test_a_renamed_tag_is_still_what_the_saved_view_asks_for(alice, customer):
    with organization_scope(alice.organization):
        tag = tags.create(organization=alice.organization, name="vip", actor=alice.actor)
        tags.add(customer=customer, names=["vip"], actor=alice.actor)
    segment = saved(alice, {"tag": ["VIP"]})
    with organization_scope(alice.organization):
        tags.update(tag=tag, actor=alice.actor, changes={"name": "very important"})
        assert Segment.objects.get(name="Mine").filter == {"tag": ["very important"]}
    assert NAME in alice.client.get(alice.url(f"customers/?segment={segment.pk}")).content.decode()


def test_a_change_that_waited_while_its_stage_went_changes_nobody(alice, customer):
    with organization_scope(alice.organization):
        job = bulk.start(
            member=alice.member, actor=alice.actor, action="status", params={"status": "inactive"},
            filter_values={"stage": "contacted"},
        )  # fmt: skip
    take_stage(alice, "contacted")
    jobs.run_due()
    job.refresh_from_db()
    with organization_scope(alice.organization):
        assert not Customer.objects.filter(status="inactive").exists()
    assert job.status == "failed"


def test_a_view_that_asked_for_somebody_erased_says_so_and_shows_nobody(alice, customer):
    segment = saved(alice, {"status": "lead"})
    with organization_scope(alice.organization):
        Segment.objects.filter(pk=segment.pk).update(filter={"status": "lead", "erased": "1"})
    page = alice.client.get(alice.url(f"customers/?segment={segment.pk}")).content.decode()
    assert "asked for somebody who was erased" in page
    assert NAME not in page
    answer = alice.api.get("/api/v1/customers?erased=1")
    assert answer.status_code == 400
    assert "erased" in answer.content.decode()


@pytest.mark.parametrize("path", ["tasks/", "tasks/calendar/", "followups/"])
@pytest.mark.parametrize("who", ["x", "0", "01980000-0000-7000-8000-000000000000", "all,none"])
def test_a_list_of_nobody_known_says_so_and_shows_nothing(alice, customer, path, who):
    with organization_scope(alice.organization):
        tasks.create(
            organization=alice.organization, actor=alice.actor, title="Ring Maya", due_at=timezone.now(),
            assigned_to=alice.user,
        )  # fmt: skip
        customers.set_follow_up(customer=customer, at=timezone.now(), actor=alice.actor)
    own = alice.client.get(alice.url(path)).content.decode()
    assert "Ring Maya" in own or NAME in own
    page = alice.client.get(alice.url(path), {"who": who}).content.decode()
    assert "that is not here, so nothing is shown" in page
    assert "Ring Maya" not in page
    assert NAME not in page
