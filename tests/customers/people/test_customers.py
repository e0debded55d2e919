from __future__ import annotations

from typing import Any

import pytest

from activity.models import Event
from core import phones
from customers.models import Customer, Identity, StageChange
from customers.people.consent import services as consent
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.identities import services as identities
from customers.people.tags import services as tags
from customers.search import normalize

# --- Phones -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+44 7700 900123", "+447700900123"),
        ("07700 900123", "+447700900123"),
        ("(07700) 900-123", "+447700900123"),
        ("+1 500 555 0006", "+15005550006"),
        ("0044 7700 900123", "+447700900123"),
    ],
)
def test_a_phone_is_read_as_people_write_it(text, e164):
    assert phones.parse(text) == e164


def test_a_phone_without_plus_is_read_in_the_organizations_country():
    assert phones.parse("030 901820", country="DE") == "+4930901820"


@pytest.mark.parametrize("text", ["", "hello", "123", "+44 1", "+999 123456789", "7" * 60])
def test_what_is_no_possible_number_is_refused_with_a_reason(text):
    with pytest.raises(phones.InvalidPhone, match=r".{10,}"):
        phones.parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+551187654321"),  # Brazil: the ninth digit
        ("+5491123456789", "+541123456789"),  # Argentina: the mobile's 9
        ("+5215512345678", "+525512345678"),  # Mexico: the old 1
    ],
)
def test_national_variants_are_one_number(one, other):
    assert phones.match_key(one) == phones.match_key(other)


def test_a_brazilian_landline_is_not_taken_for_a_mobile():
    assert phones.match_key("+551133334444") != phones.match_key("+5511933334444")


# --- Records ----------------------------------------------------------------------------------------------------------


def test_codes_count_up_and_grow_beyond_three_digits(inside, make_customer):
    assert [make_customer().code for _ in range(3)] == ["C001", "C002", "C003"]
    from customers.models import CustomerCounter

    CustomerCounter.objects.update(last_number=999)
    assert make_customer().code == "C1000"


def test_codes_are_each_organizations_own(alice, charlie, make_customer):
    make_customer()
    from core.tenancy import organization_scope

    with organization_scope(charlie.organization):
        made = customers.create(organization=charlie.organization, actor=charlie.actor, name="First of the school")
    assert made.code == "C001"


def test_an_address_has_one_owner_and_the_conflict_names_them(inside, alice, make_customer):
    first = make_customer(name="First", phone="+447700900500")
    with pytest.raises(identities.IdentityTaken, match=r"First \(C001\)") as taken:
        make_customer(name="Second", phone="07700 900500")
    assert taken.value.customer == first
    assert Customer.objects.count() == 1


def test_emails_are_compared_without_case(inside, make_customer):
    make_customer(email="Ana@Example.com")
    with pytest.raises(identities.IdentityTaken):
        make_customer(email="ana@example.COM")


def test_a_wanted_duplicate_is_made_and_the_identity_stays_with_the_first(inside, make_customer):
    first = make_customer(phone="+447700900500")
    second = make_customer(phone="+447700900500", allow_duplicate=True)
    assert second.phone == "+447700900500"
    assert Identity.objects.get(value="+447700900500").customer == first


def test_a_new_primary_phone_replaces_the_old_one(inside, alice, make_customer):
    customer = make_customer(phone="+447700900500")
    customers.update(customer=customer, actor=alice.actor, changes={"phone": "+447700900501"})
    assert customer.phone == "+447700900501"
    assert [i.value for i in customer.identities.all()] == ["+447700900501"]
    make_customer(phone="+447700900500")


def test_a_change_is_reported_with_from_and_to(inside, alice, make_customer):
    customer = make_customer(name="Before")
    customers.update(customer=customer, actor=alice.actor, changes={"name": "After", "company": ""})
    event = Event.objects.get(type="customer.updated")
    assert event.payload["changes"] == {"name": {"from": "Before", "to": "After"}}


def test_only_listed_fields_can_be_set(inside, alice, make_customer):
    with pytest.raises(ValueError, match="code"):
        customers.update(customer=make_customer(), actor=alice.actor, changes={"code": "C999"})


def test_a_field_that_create_does_not_take_is_refused_and_not_lost(inside, alice):
    for name in ("custom_fields", "deleted_at", "code"):
        given: dict[str, Any] = {name: {}}
        with pytest.raises(ValueError, match=name):
            customers.create(organization=inside, actor=alice.actor, name="X", **given)


def test_moving_writes_the_history_once(inside, alice, make_customer):
    customer = make_customer()
    stage = stage_moves.find_stage(organization=inside, key="contacted")
    assert stage_moves.move(customer=customer, stage=stage, actor=alice.actor) is not None
    assert stage_moves.move(customer=customer, stage=stage, actor=alice.actor) is None
    change = StageChange.objects.get(customer=customer)
    assert (change.from_stage.key, change.to_stage.key, change.actor_label) == ("new", "contacted", "Alice Hart")


def test_an_unknown_stage_is_reported_with_those_there_are(inside):
    with pytest.raises(stage_moves.UnknownStage, match="consult_booked"):
        stage_moves.find_stage(organization=inside, key="visit_scheduled")


def test_tags_have_one_spelling_and_adding_twice_is_once(inside, alice, make_customer):
    customer = make_customer()
    tags.add(customer=customer, names=["VIP", "vip ", " Vip"], actor=alice.actor)
    assert [tag.name for tag in customer.tags.all()] == ["VIP"]
    assert Event.objects.filter(type="customer.tag_added").count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 51])
def test_a_tag_without_a_name_is_refused(inside, alice, make_customer, name):
    with pytest.raises(tags.InvalidTag):
        tags.add(customer=make_customer(), names=[name], actor=alice.actor)


def test_somebody_of_another_organization_is_no_owner(inside, alice, charlie, make_customer):
    with pytest.raises(customers.UnknownOwner):
        customers.assign(customer=make_customer(), owner=charlie.user, actor=alice.actor)


def test_the_newest_row_of_the_consent_ledger_is_in_force(inside, alice, make_customer):
    customer = make_customer()
    change = {"customer": customer, "channel": "sms", "actor": alice.actor, "how": "told us"}
    assert consent.is_opted_out(customer=customer, channel="sms") is False
    consent.change(is_granted=False, **change)
    assert consent.is_opted_out(customer=customer, channel="sms") is True
    assert consent.is_opted_out(customer=customer, channel="whatsapp") is False
    consent.change(is_granted=True, **change)
    assert consent.is_opted_out(customer=customer, channel="sms") is False
    assert customer.consents.count() == 2


# --- Finding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "q", ["josé", "JOSE", "García", "garc", "jose garcia", "garcia jose", "7700 900777", "+44 7700", "@ex", "C001"]
)
def test_a_part_finds_in_any_case_and_without_accents(inside, make_customer, q):
    wanted = make_customer(name="José García", phone="+447700900777", email="jose@example.com")
    make_customer(name="Somebody Else", phone="+15005550100")
    assert wanted in Customer.objects.matching(q)


def test_every_word_has_to_be_found(inside, make_customer):
    make_customer(name="José García")
    assert not Customer.objects.matching("jose pereira").exists()


@pytest.mark.parametrize("q", ["%", "_", "\\", "100%"])
def test_wildcards_are_letters(inside, make_customer, q):
    make_customer(name="Plain Name")
    assert not Customer.objects.matching(q).exists()


def test_a_number_loses_its_filling_and_a_date_does_not():
    assert normalize("+44 (7700) 900-123") == "+447700900123"
    assert normalize("Zoë  O’Neill") == "zoe o’neill"
