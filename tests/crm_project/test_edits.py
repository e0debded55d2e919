"""What somebody else changed since a page was opened stays; what both changed asks. By one mechanism everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers.models import Identity, OutcomeType
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.settings import services as customer_settings
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.stages import services as stages
from customers.work.tasks import services as tasks
from messaging.models import Channel, Template
from messaging.settings import services as channels
from messaging.texts.templates import services as templates
from tests.ledger import forget_events
from tests.pages import form_of, save

pytestmark = pytest.mark.django_db


class World:
    """A record of each kind, with how a colleague changes it and what a person changes on its page."""

    def __init__(self, alice: Any, customer: Any) -> None:
        self.alice, self.customer, self.by = alice, customer, {"actor": alice.actor}


@pytest.fixture
def world(alice, make_customer):
    return World(alice, make_customer(alice, name="Maya", phone="+447700900111"))


def a_customer(world):
    row = world.customer
    return f"customers/{row.pk}/edit/", row, lambda **given: customers.update(customer=row, changes=given, **world.by)


def a_contact(world):
    row = contacts.create(customer=world.customer, name="Tobi", phone="+447700900222", **world.by)
    return f"contacts/{row.pk}/", row, lambda **given: contacts.update(contact=row, changes=given, **world.by)


def a_deal(world):
    row = deals.create(customer=world.customer, title="Braces", amount=5, **world.by)
    return f"deals/{row.pk}/", row, lambda **given: deals.update(deal=row, changes=given, **world.by)


def a_task(world):
    row = tasks.create(organization=world.alice.organization, title="Call", due_at=timezone.now(), **world.by)
    return f"tasks/{row.pk}/", row, lambda **given: tasks.update(task=row, changes=given, **world.by)


def an_outcome(world):
    kind = OutcomeType.objects.get(key="deposit_paid")
    row = outcomes.record_outcome(customer=world.customer, type=kind, note="First", **world.by)
    return f"outcomes/{row.pk}/", row, lambda **given: outcomes.update(outcome=row, changes=given, **world.by)


def an_outcome_type(world):
    row = OutcomeType.objects.get(key="deposit_paid")
    return (
        f"settings/outcomes/{row.pk}/",
        row,
        lambda **given: outcomes.update_type(outcome_type=row, changes=given, **world.by),
    )


def a_stage(world):
    row = world.customer.stage
    return f"settings/pipeline/{row.pk}/", row, lambda **given: stages.update(stage=row, changes=given, **world.by)


def a_field(world):
    row = custom_fields.create(
        organization=world.alice.organization, key="grade", label="Grade", type="choice", choices=["A"], **world.by
    )
    return (
        f"settings/fields/{row.pk}/",
        row,
        lambda **given: custom_fields.update(field=row, changes=given, **world.by),
    )


def a_template(world):
    row = Template.objects.filter(provider_template_id="").order_by("name").first()
    return f"templates/{row.pk}/", row, lambda **given: templates.update(template=row, changes=given, **world.by)


def a_channel(world):
    row = Channel.objects.filter(kind="email").first()
    return f"channels/{row.pk}/edit/", row, lambda **given: channels.update(channel=row, changes=given, **world.by)


# make, what the colleague changes, what the person changes, which field and value of the colleague's must be there then
CASES: list[Any] = [
    (a_customer, {"do_not_contact": True}, {"company": "Quay Ltd"}),
    (a_customer, {"phone": "+447700900999"}, {"name": "Maya O."}),
    (a_customer, {"address": {"city": "Bristol"}}, {"street": "1 Quay"}),
    (a_customer, {"notes": "Allergic to latex"}, {"email": "maya@okafor.example"}),
    (a_contact, {"phone": "+447700900333"}, {"name": "Tobias"}),
    (a_deal, {"status": "won"}, {"title": "Braces, upper"}),
    (a_deal, {"amount": 900}, {"probability": "70"}),
    (a_task, {"status": "done"}, {"title": "Call soon"}),
    (a_task, {"priority": "urgent"}, {"description": "By phone"}),
    (an_outcome, {"note": "Second"}, {"amount": "80"}),
    (an_outcome_type, {"name": "Paid"}, {"color": "rose"}),
    (a_stage, {"sla_hours": 5}, {"color": "rose"}),
    (a_field, {"choices": ["A", "B"]}, {"label": "Mark"}),
    (a_template, {"body": "Good day"}, {"name": "Opening"}),
    (a_channel, {"is_enabled": False}, {"name": "Front desk"}),
]


def named(case: Any) -> str:
    return f"{case[0].__name__}-{'-'.join(case[1])}" if isinstance(case, tuple) else ""


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_a_colleague_changed_meanwhile_stays(alice, world, case):
    make, theirs, mine = case
    with organization_scope(alice.organization):
        address, row, change = make(world)
    opened = form_of(alice.client, alice.url(address))
    with organization_scope(alice.organization):
        change(**theirs)
        forget_events()
    answer = alice.client.post(alice.url(address), opened.data(**mine))
    assert answer.status_code == 302, answer.context["form"].errors
    row.refresh_from_db()
    for name, value in theirs.items():
        now = getattr(row, name)
        assert now == value if not isinstance(value, dict) else value.items() <= now.items(), name
    for name, value in mine.items():
        if name != "street":
            assert (
                str(getattr(row, name)) == value or getattr(row, name) == value or str(int(getattr(row, name))) == value
            )
    with organization_scope(alice.organization):
        told = [set(event.payload.get("changes") or ()) for event in Event.objects.all()]
    assert all(one <= {*mine, "address"} for one in told), told


def test_the_new_phone_keeps_its_identity(alice, world):
    address = alice.url(f"customers/{world.customer.pk}/edit/")
    opened = form_of(alice.client, address)
    with organization_scope(alice.organization):
        customers.update(customer=world.customer, actor=alice.actor, changes={"phone": "+447700900999"})
    assert alice.client.post(address, opened.data(name="Maya O.")).status_code == 302
    with organization_scope(alice.organization):
        assert Identity.objects.filter(customer=world.customer, value="+447700900999").exists()


class TestBothChanged:
    @pytest.fixture
    def asked(self, alice, world):
        address = alice.url(f"customers/{world.customer.pk}/edit/")
        opened = form_of(alice.client, address)
        with organization_scope(alice.organization):
            customers.update(customer=world.customer, actor=alice.actor, changes={"company": "Theirs Ltd"})
        answer = alice.client.post(address, opened.data(company="Mine Ltd", notes="Kept"))
        assert answer.status_code == 422
        text = answer.content.decode()
        assert "Mine Ltd" in text
        assert "Theirs Ltd" in text
        world.customer.refresh_from_db()
        assert (world.customer.company, world.customer.notes) == ("Theirs Ltd", "")
        from tests.pages import forms_of

        again = next(one for one in forms_of(text) if "snapshot" in one.names())
        assert dict(again.pairs)["notes"] == "Kept"
        return address, again

    @pytest.mark.parametrize(("choice", "company"), [("mine", "Mine Ltd"), ("theirs", "Theirs Ltd")])
    def test_the_choice_decides(self, alice, world, asked, choice, company):
        address, again = asked
        assert alice.client.post(address, again.data(**{"keep-company": choice})).status_code == 302
        world.customer.refresh_from_db()
        assert (world.customer.company, world.customer.notes) == (company, "Kept")

    def test_without_a_choice_it_asks_again(self, alice, world, asked):
        address, again = asked
        assert alice.client.post(address, again.data()).status_code == 422
        world.customer.refresh_from_db()
        assert world.customer.company == "Theirs Ltd"

    def test_a_third_change_is_asked_about_too(self, alice, world, asked):
        address, again = asked
        with organization_scope(alice.organization):
            customers.update(customer=world.customer, actor=alice.actor, changes={"notes": "Somebody’s"})
        answer = alice.client.post(address, again.data(**{"keep-company": "mine"}))
        assert answer.status_code == 422
        assert "Somebody’s" in answer.content.decode()


@pytest.mark.parametrize("how", ["none", "of another record", "touched"])
def test_a_page_that_nobody_can_vouch_for_asks(alice, world, make_customer, how):
    address = alice.url(f"customers/{world.customer.pk}/edit/")
    data = form_of(alice.client, address).data(company="Mine Ltd")
    if how == "none":
        del data["snapshot"]
    elif how == "of another record":
        other = make_customer(alice, name="Other", phone="+447700900444")
        data["snapshot"] = form_of(alice.client, alice.url(f"customers/{other.pk}/edit/")).data()["snapshot"]
    else:
        data["snapshot"] = [data["snapshot"][0][:-3] + "abc"]
    answer = alice.client.post(address, data)
    assert answer.status_code == 422
    assert "Mine Ltd" in answer.content.decode()
    world.customer.refresh_from_db()
    assert world.customer.company == ""


def test_the_pipelines_rules_are_one_of_them(alice):
    page, address = alice.url("settings/pipeline/"), alice.url("settings/pipeline/rules/")
    opened = form_of(alice.client, page)
    with organization_scope(alice.organization):
        customer_settings.change(organization=alice.organization, actor=alice.actor, changes={"stalled_days": 9})
    assert alice.client.post(address, opened.data(follow_up_days="11")).status_code == 302
    with organization_scope(alice.organization):
        decided = customer_settings.of(alice.organization)
    assert (decided.follow_up_days, decided.stalled_days) == (11, 9)


def test_a_choice_that_is_gone_is_shown_and_stays(alice, world):
    with organization_scope(alice.organization):
        one = custom_fields.create(
            organization=alice.organization, actor=alice.actor, key="plan", label="Plan", type="choice",
            choices=["Gold", "Tin"],
        )  # fmt: skip
        many = custom_fields.create(
            organization=alice.organization, actor=alice.actor, key="langs", label="Langs", type="multi_choice",
            choices=["en", "fr"],
        )  # fmt: skip
        customers.update(
            customer=world.customer,
            actor=alice.actor,
            changes={"custom_fields": {"plan": "Tin", "langs": ["en", "fr"]}},
        )
        custom_fields.update(field=one, actor=alice.actor, changes={"choices": ["Gold"]})
        custom_fields.update(field=many, actor=alice.actor, changes={"choices": ["en", "de"]})
    address = alice.url(f"customers/{world.customer.pk}/edit/")
    assert "Tin (no longer in the list)" in alice.client.get(address).content.decode()
    assert save(alice.client, address, company="X", own_langs=["fr", "de"]).status_code == 302
    world.customer.refresh_from_db()
    assert world.customer.custom_fields == {"plan": "Tin", "langs": ["fr", "de"]}


def awkward(world, row):
    """Values that came by another way than the page, and that a form finds hard to show."""
    texts = {"company": " a\nb ", "source": "x\u202ey", "relationship": "line\none", "title": " t\nu",
             "note": "a\r\nb\n", "description": "a\nb\n\n", "notes": "\n a\nb", "entry_task": " e"}  # fmt: skip
    names = {field.attname for field in row._meta.fields}
    type(row)._base_manager.filter(pk=row.pk).update(**{name: text for name, text in texts.items() if name in names})
    more = {"birth_date": "2015-04-02", "repeat_until": "2031-12-31", "repeat_unit": "week"}
    type(row)._base_manager.filter(pk=row.pk).update(**{name: text for name, text in more.items() if name in names})


def columns(row):
    """The record as the database has it; of sealed values what is in them."""
    found = type(row)._base_manager.get(pk=row.pk)
    values = {field.attname: getattr(found, field.attname) for field in found._meta.fields}
    return {name: dict(value) if name == "credentials" else value for name, value in values.items()}


@pytest.mark.parametrize("make", list(dict.fromkeys(case[0] for case in CASES)))
@pytest.mark.parametrize("is_awkward", [False, True])
def test_saving_unchanged_changes_nothing(alice, world, make, is_awkward):
    with organization_scope(alice.organization):
        address, row, _ = make(world)
        if is_awkward:
            awkward(world, row)
        before = columns(row)
        forget_events()
    answer = save(alice.client, alice.url(address))
    assert answer.status_code == 302, answer.context["form"].errors
    with organization_scope(alice.organization):
        assert columns(row) == before
        assert not Event.objects.exists()
