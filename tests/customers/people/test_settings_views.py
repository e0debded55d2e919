"""The settings of customers: fields of the organization's own, tags, and who may change them."""

from __future__ import annotations

import pytest

from accounts.models import Role
from core.tenancy import organization_scope
from customers.models import CustomField, Tag
from customers.people.custom_fields import services as custom_fields
from customers.people.tags import services as tags
from tests.pages import forms_of, submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_pack")]

FIELD = {"entity": "customer", "label": "Grade", "key": "grade", "type": "text"}


@pytest.fixture
def make_field(alice):
    def make(key="grade", **more):
        with organization_scope(alice.organization):
            return custom_fields.create(
                organization=alice.organization, actor=alice.actor,
                **{"key": key, "label": key.title(), "type": "text", **more},
            )  # fmt: skip

    return make


@pytest.fixture
def make_tag(alice):
    def make(name="vip", color="slate"):
        with organization_scope(alice.organization):
            return tags.create(organization=alice.organization, name=name, actor=alice.actor, color=color)

    return make


def changes(person, field, tag):
    """Every way to change something here, as address and data."""
    return [
        (person.url("settings/fields/new/"), FIELD | {"key": "other"}),
        (person.url(f"settings/fields/{field.pk}/"), FIELD | {"label": "Mark"}),
        (person.url(f"settings/fields/{field.pk}/delete/"), {}),
        (person.url("settings/tags/save/"), {"name": "new"}),
        (person.url("settings/tags/save/"), {"id": str(tag.pk), "name": "changed"}),
        (person.url("settings/tags/delete/"), {"id": str(tag.pk)}),
    ]


def held(alice):
    with organization_scope(alice.organization):
        return list(CustomField.objects.values_list("label", flat=True)), list(Tag.objects.values_list("name", "color"))


def test_only_who_may_edit_settings_changes_fields_and_tags(alice, bob, mona, charlie, make_field, make_tag):
    field, tag = make_field(), make_tag()
    before = held(alice)
    for person in (bob, mona):
        for address, data in changes(person, field, tag):
            assert person.client.post(address, data).status_code == 403, address
    # Charlie is an administrator, elsewhere: neither by this organization's address nor by his own.
    for address, data in changes(alice, field, tag):
        assert charlie.client.post(address, data).status_code == 404, address
    for address, data in changes(charlie, field, tag):
        if str(field.pk) in address or str(tag.pk) in data.values():
            assert charlie.client.post(address, data).status_code == 404, address
            assert charlie.client.get(address, data).status_code in (404, 405), address
    assert held(alice) == before


def test_lists_are_for_who_may_see_settings_and_tabs_show_what_may_be_opened(alice, bob, charlie, make_field, make_tag):
    make_field(label="Grade of old"), make_tag("regular")
    for path, words in (("settings/fields/", "Grade of old"), ("settings/tags/", "regular")):
        page = alice.client.get(alice.url(path)).content.decode()
        assert words in page
        assert alice.url("settings/data/") in page
        assert bob.client.get(bob.url(path)).status_code == 403
        assert words not in charlie.client.get(charlie.url(path)).content.decode()
        assert charlie.client.get(alice.url(path)).status_code == 404
    assert 'aria-current="page">Keeping data' in alice.client.get(alice.url("settings/data/")).content.decode()


def test_who_sees_settings_but_does_not_edit_them_is_offered_no_change(alice, bob, make_field, make_tag):
    field, tag = make_field(), make_tag()
    with organization_scope(alice.organization):
        bob.member.role = Role.objects.create(
            organization=alice.organization, key="auditor", name="Auditor",
            stored_permissions=[*bob.member.role.permissions, "settings.view"],
        )  # fmt: skip
        bob.member.save(update_fields=["role"])
    for path in ("settings/fields/", "settings/tags/"):
        page = bob.client.get(bob.url(path)).content.decode()
        for address in ("settings/data/", "settings/fields/new/", f"{field.pk}", "settings/tags/save/", f"{tag.pk}"):
            assert address not in page, (path, address)


def test_a_field_is_made_changed_and_taken_away(alice):
    browser = alice.client
    made = browser.post(
        alice.url("settings/fields/new/"),
        FIELD | {"type": "choice", "choices": "One\n\n Two \n", "is_required": "on"},
    )
    assert made.status_code == 302
    with organization_scope(alice.organization):
        field = CustomField.objects.get()
    assert (field.key, field.type, field.choices, field.is_required) == ("grade", "choice", ["One", "Two"], True)
    address = alice.url(f"settings/fields/{field.pk}/")
    # Key, entity and type are for good, whatever is sent.
    sent = {"label": "Mark", "choices": "One\nTwo\nThree", "key": "other", "type": "number", "entity": "deal"}
    assert submit(browser, address, sent).status_code == 302
    field.refresh_from_db()
    assert (field.label, field.key, field.type, field.entity) == ("Mark", "grade", "choice", "customer")
    assert (field.choices, field.is_required) == (["One", "Two", "Three"], False)
    asked = browser.get(f"{address}delete/").content.decode()
    assert "Take “Mark” away?" in asked
    with organization_scope(alice.organization):
        assert CustomField.objects.exists()
    assert browser.post(f"{address}delete/").status_code == 302
    with organization_scope(alice.organization):
        assert not CustomField.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"label": ""}, "required"),
        ({"key": ""}, "required"),
        ({"key": "Grade Of"}, "letters"),
        ({"key": "taken"}, "already"),
        ({"type": "colour"}, "valid choice"),
        ({"entity": "invoice"}, "valid choice"),
        ({"type": "choice", "choices": " \n "}, "choice"),
        ({"type": "choice", "choices": "A\nA"}, "twice"),
        ({"label": "x" * 81}, "80"),
    ],
)
def test_a_field_that_can_not_be_is_refused_at_its_field(alice, make_field, data, words):
    make_field("taken")
    answer = alice.client.post(alice.url("settings/fields/new/"), FIELD | data)
    assert answer.status_code == 422
    errors = " ".join(part.split("</div>")[0] for part in answer.content.decode().split('class="field__error"')[1:])
    assert words in errors
    with organization_scope(alice.organization):
        assert CustomField.objects.count() == 1


def save_tag(who, tag, **changes):
    """Change a tag's line of the page, and save it."""
    browser = who.client
    page = forms_of(browser.get(who.url("settings/tags/")).content.decode())
    line = next(one for one in page if ("id", str(tag.pk)) in one.pairs)
    return browser.post(who.url("settings/tags/save/"), line.data(**changes))


def test_a_tag_is_made_renamed_coloured_and_deleted(alice, make_customer):
    browser = alice.client
    customer = make_customer(tags=["vip"])
    with organization_scope(alice.organization):
        tag = Tag.objects.get()
    save_tag(alice, tag, name="Very important", color="rose")
    tag.refresh_from_db()
    assert (tag.name, tag.color) == ("Very important", "rose")
    assert "hue--rose" in browser.get(alice.url(f"customers/{customer.pk}/")).content.decode()
    browser.post(alice.url("settings/tags/save/"), {"name": "plain"})
    page = browser.get(alice.url("settings/tags/")).content.decode()
    assert "plain" in page
    asked = browser.get(alice.url("settings/tags/delete/"), {"id": str(tag.pk)}).content.decode()
    assert "It is taken off 1 customer;" in asked
    assert browser.post(alice.url("settings/tags/delete/"), {"id": str(tag.pk)}).status_code == 302
    with organization_scope(alice.organization):
        assert not customer.tags.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": ""}, "1 to 50 characters"),
        ({"name": "x" * 51}, "1 to 50 characters"),
        ({"name": "odd", "color": "ultraviolet"}, "one of the colours"),
        ({"name": "VIP"}, "already"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_tag_that_can_not_be_is_refused_in_words(alice, make_tag, data, words, is_new):
    make_tag("vip")
    other = make_tag("other")
    before = held(alice)
    url = alice.url("settings/tags/save/")
    answer = alice.client.post(url, data, follow=True) if is_new else save_tag(alice, other, **data)
    assert words in answer.content.decode()
    assert held(alice) == before


@pytest.mark.parametrize("key", ["", "nonsense", "01980000-0000-7000-8000-000000000000"])
def test_a_tag_that_is_not_there_is_not_found(alice, key):
    assert alice.client.post(alice.url("settings/tags/delete/"), {"id": key}).status_code == 404
    assert alice.client.get(alice.url("settings/tags/delete/"), {"id": key}).status_code == 404
    if key:
        assert alice.client.post(alice.url("settings/tags/save/"), {"id": key, "name": "x"}).status_code == 404


@pytest.mark.parametrize("rows", [1, 50])
@pytest.mark.parametrize(("path", "count"), [("settings/fields/", 5), ("settings/tags/", 5)])
def test_lists_take_the_same_queries_for_any_number_of_rows(
    alice, make_field, make_tag, path, count, rows, django_assert_num_queries
):
    for number in range(rows):
        make_field(f"f{number}")
        make_tag(f"tag {number}")
    browser = alice.client
    browser.get(alice.url(path))
    with django_assert_num_queries(count):
        assert browser.get(alice.url(path)).status_code == 200
