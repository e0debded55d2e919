"""A value that is edited where it stands asks where somebody else has set it since it was shown."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from messaging.models import Conversation
from tests.messaging.conftest import in_threads
from tests.pages import form_of, forms_of

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def inline_form(who, customer, path, *, field=""):
    # The name is edited in place beside the conversation, the rest on the customer's page as well.
    page = who.client.get(who.url(f"customers/{customer.pk}/")).content.decode()
    if field == "name":
        with organization_scope(who.organization):
            conversation = Conversation.objects.get(customer=customer)
        page = who.client.get(who.url(f"inbox/{conversation.pk}/")).content.decode()
    return next(
        one
        for one in forms_of(page)
        if one.action == who.url(f"customers/{customer.pk}/{path}/") and (not field or ("field", field) in one.pairs)
    )


@pytest.mark.parametrize(
    ("field", "theirs", "mine"),
    [
        ("name", "Maya Theirs", "Maya Mine"),
        ("phone", "+447700900333", "+447700900444"),
        ("email", "theirs@x.example", "mine@x.example"),
    ],
)
def test_both_values_are_shown_and_nothing_is_overwritten(alice, make_conversation, field, theirs, mine):
    customer = make_conversation(owner=alice, name="Maya").customer
    opened = inline_form(alice, customer, "field", field=field)
    with organization_scope(alice.organization):
        customers.update(customer=customer, actor=alice.actor, changes={field: theirs})
    answer = alice.htmx.post(opened.action, opened.data(value=mine))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert theirs in text
    assert mine in text
    customer.refresh_from_db()
    assert getattr(customer, field) == theirs
    again = forms_of(text)[0]
    assert alice.htmx.post(opened.action, again.data(keep="theirs")).status_code == 200
    customer.refresh_from_db()
    assert getattr(customer, field) == theirs
    assert alice.htmx.post(opened.action, again.data()).status_code == 200
    customer.refresh_from_db()
    assert getattr(customer, field) == mine


@pytest.mark.parametrize("shown", ["nonsense", ""])
def test_what_nobody_can_vouch_for_asks(alice, make_customer, shown):
    customer = make_customer(alice, name="Maya")
    data = {"field": "name", "value": "Mine", "shown": shown}
    assert alice.htmx.post(alice.url(f"customers/{customer.pk}/field/"), data).status_code == 422
    customer.refresh_from_db()
    assert customer.name == "Maya"


def test_what_another_field_showed_does_not_vouch_for_this_one(alice, make_customer):
    customer = make_customer(alice, name="Maya", phone="+447700900111")
    other = dict(inline_form(alice, customer, "field", field="phone").pairs)["shown"]
    data = {"field": "name", "value": "Mine", "shown": other}
    assert alice.htmx.post(alice.url(f"customers/{customer.pk}/field/"), data).status_code == 422


def test_an_owner_that_somebody_else_gave_meanwhile_stays(alice, bob, make_customer):
    customer = make_customer(alice, name="Maya")
    opened = inline_form(alice, customer, "owner")
    with organization_scope(alice.organization):
        customers.assign(customer=customer, owner=bob.user, actor=alice.actor)
    answer = alice.htmx.post(opened.action, opened.data(assigned_to=""))
    assert answer.status_code == 422
    assert bob.user.get_full_name() in answer.content.decode()
    customer.refresh_from_db()
    assert customer.assigned_to == bob.user


@pytest.mark.parametrize("way", ["page", "cell", "board"])
def test_a_stage_that_somebody_else_chose_meanwhile_stays(alice, make_customer, way):
    customer = make_customer(alice, name="Maya")
    with organization_scope(alice.organization):
        first, second, third = Stage.objects.order_by("position")[:3]
    assert customer.stage_id == first.pk
    if way == "page":
        url, data = alice.url(f"customers/{customer.pk}/stage/"), inline_form(alice, customer, "stage").data()
        data["stage"] = str(third.pk)
    elif way == "cell":
        url = alice.url(f"customers/{customer.pk}/row/")
        data = forms_of(alice.htmx.get(url + "?field=stage").content.decode())[0].data(value=third.key)
    else:
        url, data = alice.url(f"customers/{customer.pk}/move/"), {"stage": third.key, "was": first.key}
    with organization_scope(alice.organization):
        stage_moves.move(customer=customer, stage=second, actor=alice.actor)
    answer = alice.client.post(url, data, headers=JSON) if way == "board" else alice.htmx.post(url, data)
    assert answer.status_code in (409, 422)
    assert second.name in answer.content.decode()
    customer.refresh_from_db()
    assert customer.stage_id == second.pk


def test_what_both_chose_alike_asks_nobody(alice, make_conversation):
    customer = make_conversation(owner=alice, name="Maya").customer
    opened = inline_form(alice, customer, "field", field="name")
    with organization_scope(alice.organization):
        customers.update(customer=customer, actor=alice.actor, changes={"name": "Same"})
    assert alice.htmx.post(opened.action, opened.data(value="Same")).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["inline", "page"])
def test_of_two_at_the_same_moment_one_is_asked(alice, make_conversation, way):
    """Between the comparison and the write nothing slips in."""
    customer = make_conversation(owner=alice, name="Maya").customer
    if way == "inline":
        opened = inline_form(alice, customer, "field", field="name")
        url, datas = opened.action, [opened.data(value=f"Maya {i}") for i in range(2)]
    else:
        url = alice.url(f"customers/{customer.pk}/edit/")
        opened = form_of(alice.client, url)
        datas = [opened.data(name=f"Maya {i}") for i in range(2)]
    browsers = [alice.htmx if way == "inline" else alice.client for _ in datas]
    codes = in_threads(lambda number: browsers[number].post(url, datas[number]).status_code, 2)
    assert sorted(codes) in ([200, 422], [302, 422])


def follow_up_form(who, customer, way):
    path = "followups/" if way == "list" else f"customers/{customer.pk}/"
    page = who.client.get(who.url(path), {"who": "all"} if way == "list" else {}).content.decode()
    return next(one for one in forms_of(page) if one.action == who.url(f"customers/{customer.pk}/follow-up/"))


def set_follow_up(who, customer, at):
    with organization_scope(who.organization):
        customers.set_follow_up(customer=customer, at=at, actor=who.actor)
        return Customer.objects.get(pk=customer.pk).next_follow_up_at


IN_A_MONTH = timezone.now() + timedelta(days=30)


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.parametrize("mine", [{"done": "1"}, {"to": "tomorrow"}, {"day": "2027-02-03"}, {"to": "next_week"}])
@pytest.mark.parametrize("is_script", [True, False])
def test_a_follow_up_that_somebody_else_put_off_meanwhile_stays(alice, make_customer, way, mine, is_script):
    customer = make_customer(alice, name="Maya")
    set_follow_up(alice, customer, timezone.now() - timedelta(hours=1))
    opened = follow_up_form(alice, customer, way)
    theirs = set_follow_up(alice, customer, IN_A_MONTH)
    given = {name: value for name, value in opened.pairs if name in ("shown", "next")} | mine
    browser = alice.htmx if is_script else alice.client
    answer = browser.post(f"{opened.action}?in={way}", given, follow=not is_script)
    if is_script:
        assert answer.status_code == 422
        toast = json.loads(answer.headers["HX-Trigger"])["parley:toast"]
        assert toast["level"] == "error"
        assert "changed this follow-up meanwhile" in toast["text"]
        again = forms_of(answer.content.decode())[0]
    else:
        assert "changed this follow-up meanwhile" in answer.content.decode()
        again = follow_up_form(alice, customer, way)
    customer.refresh_from_db()
    assert customer.next_follow_up_at == theirs
    given = {name: value for name, value in again.pairs if name in ("shown", "next")} | mine
    assert alice.htmx.post(f"{opened.action}?in={way}", given).status_code == 200
    customer.refresh_from_db()
    assert customer.next_follow_up_at != theirs


def test_a_follow_up_planned_by_two_and_one_done_by_two(alice, make_customer):
    customer = make_customer(alice, name="Maya")
    opened = follow_up_form(alice, customer, "page")
    theirs = set_follow_up(alice, customer, IN_A_MONTH)
    shown = dict(opened.pairs)["shown"]
    assert alice.htmx.post(opened.action, {"to": "tomorrow", "shown": shown}).status_code == 422
    customer.refresh_from_db()
    assert customer.next_follow_up_at == theirs
    opened = follow_up_form(alice, customer, "page")
    set_follow_up(alice, customer, None)
    shown = dict(opened.pairs)["shown"]
    assert alice.htmx.post(opened.action, {"done": "1", "shown": shown}).status_code == 200


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Tokyo", "America/New_York"])
def test_a_follow_up_that_nobody_else_set_is_saved_again_and_again(alice, make_customer, zone):
    Organization.objects.filter(pk=alice.organization.pk).update(timezone=zone)
    customer = make_customer(alice, name="Maya")
    form = follow_up_form(alice, customer, "page")
    today = timezone.localdate(timezone=ZoneInfo(zone))
    for mine in ({"to": "tomorrow"}, {"to": "next_week"}, {"done": "1"}, {"day": today.isoformat()}):
        answer = alice.htmx.post(f"{form.action}?in=page", {"shown": dict(form.pairs)["shown"]} | mine)
        assert answer.status_code == 200, mine
        form = forms_of(answer.content.decode())[0]
