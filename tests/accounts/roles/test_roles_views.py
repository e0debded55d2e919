"""Settings → Roles: sentences to check, and what a change comes to before it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, Role
from accounts.permissions import CATALOG, NEW
from accounts.roles import services as roles
from core.tenancy import organization_scope
from tests.conftest import Person, join
from tests.pages import PageForm, forms_of

pytestmark = pytest.mark.django_db


def make(
    by: Person, name: str = "Desk", permissions: Any = ("customers.view", "tasks.view"), reach: str = "team"
) -> Role:
    with organization_scope(by.organization):
        return roles.create(
            organization=by.organization, by=by.member, actor=by.actor, name=name, permissions=permissions, reach=reach
        )


def form_in(answer: Any) -> PageForm:
    """The page's own form: the one that has a check against forgery and is not the frame's."""
    (form,) = [
        form
        for form in forms_of(answer.content.decode())
        if form.method == "post" and not form.action.startswith(("/sign-out", "/switch"))
    ]
    return form


def stored(role: Role) -> Role:
    with organization_scope(role.organization):
        return Role.objects.get(pk=role.pk)


def permitted(role: Role) -> set[str]:
    return set(stored(role).permissions)


@pytest.fixture
def desk(alice: Person) -> Role:
    return make(alice)


@pytest.fixture
def people(alice: Person, desk: Role) -> list[Person]:
    return [join(alice, f"{name.lower()}@harbour.example", name, "desk") for name in ("Ann", "Ben", "Cleo")]


@pytest.fixture
def url(alice: Person, desk: Role) -> str:
    return alice.url(f"settings/roles/{desk.pk}/")


def test_a_role_is_made_of_checked_sentences(alice: Person) -> None:
    url = alice.url("settings/roles/new/")
    page = alice.client.get(url)
    assert b"export customers" in page.content
    data = form_in(page).data(name="Desk", reach="team", may_customers=["customers.view", "customers.export"])
    answer = alice.client.post(url, data, follow=True)
    assert b"can be given to members" in answer.content
    with organization_scope(alice.organization):
        role = Role.objects.get(key="desk")
    assert role.permissions == {"customers.view", "customers.export"}
    assert role.reach == "team"


def test_a_copy_begins_with_what_the_other_has(alice: Person, bob: Person) -> None:
    url = alice.url(f"settings/roles/new/?from={bob.member.role.pk}")
    data = form_in(alice.client.get(url)).data()
    assert data["name"] == ["Copy of Counselor"]
    alice.client.post(url, data)
    with organization_scope(alice.organization):
        copy = Role.objects.get(name="Copy of Counselor")
    assert (copy.permissions, copy.reach) == (bob.member.role.permissions, bob.member.role.reach)
    assert alice.client.get(alice.url("settings/roles/new/?from=x")).status_code == 404


@pytest.mark.parametrize(
    ("name", "words"), [("", b"required"), ("manager", b"of this name already"), ("x" * 81, b"80")]
)
def test_what_is_wrong_stands_at_its_field_and_the_rest_is_kept(alice: Person, name: str, words: bytes) -> None:
    url = alice.url("settings/roles/new/")
    answer = alice.client.post(url, {"name": name, "reach": "team", "may_deals": ["deals.view"]})
    assert answer.status_code == 422
    assert words in answer.content
    assert dict(form_in(answer).pairs)["may_deals"] == "deals.view"


def test_what_is_made_up_is_refused(alice: Person, url: str) -> None:
    made_up = {"name": "Desk", "reach": "moon", "may_deals": ["deals.fly"], "may_moon": ["moon.view"]}
    assert alice.client.post(f"{url}edit/", made_up).status_code == 422
    assert alice.client.post(alice.url("settings/roles/new/"), made_up).status_code == 422


def test_a_change_is_saved_when_its_difference_is_confirmed(
    alice: Person, desk: Role, people: list[Person], url: str
) -> None:
    form = form_in(alice.client.get(f"{url}edit/"))
    data = form.data(name="Night desk", reach="all", may_tasks=[], may_deals=["deals.view"])
    shown = alice.client.post(f"{url}edit/", data)
    text = shown.content.decode()
    assert "Ann and 2 others will no longer be able to" in text
    assert "view tasks" in text
    assert "Ann and 2 others will be able to" in text
    assert "Ann and 2 others will see every record of the organization, not only records of their own teams." in text
    assert "will be called “Night desk”" in text
    assert permitted(desk) == {"customers.view", "tasks.view"}, "nothing is saved yet"
    answer = alice.client.post(f"{url}edit/", form_in(shown).data())
    assert answer.status_code == 302
    assert permitted(desk) == {"customers.view", "deals.view"}
    assert (stored(desk).name, stored(desk).reach) == ("Night desk", "all")


def test_the_way_back_from_the_difference_keeps_what_was_checked(alice: Person, desk: Role, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(may_deals=["deals.view"])
    shown = form_in(alice.client.post(f"{url}edit/", data))
    again = form_in(alice.client.post(f"{url}edit/", shown.data(back_to_form="1")))
    assert dict(again.pairs)["may_deals"] == "deals.view"
    assert permitted(desk) == {"customers.view", "tasks.view"}
    saved = form_in(alice.client.post(f"{url}edit/", again.data()))
    alice.client.post(f"{url}edit/", saved.data())
    assert permitted(desk) == {"customers.view", "tasks.view", "deals.view"}


def test_a_difference_that_came_to_be_another_is_asked_again(
    alice: Person, desk: Role, people: list[Person], url: str
) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(may_tasks=[])
    confirmed = form_in(alice.client.post(f"{url}edit/", data))
    join(alice, "dan@harbour.example", "Dan", "desk")
    again = alice.client.post(f"{url}edit/", confirmed.data())
    assert "Ann and 3 others" in again.content.decode()
    assert "tasks.view" in permitted(desk)


def test_what_somebody_else_changed_meanwhile_is_asked_about(alice: Person, desk: Role, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(may_customers=["customers.view", "customers.edit"])
    confirmed = form_in(alice.client.post(f"{url}edit/", data))
    with organization_scope(alice.organization):
        roles.update(
            role=desk, by=alice.member, actor=alice.actor, changes={"permissions": ["tasks.view", "customers.import"]}
        )
    answer = alice.client.post(f"{url}edit/", confirmed.data())
    assert answer.status_code == 422
    assert b"changed by somebody else" in answer.content
    assert permitted(desk) == {"tasks.view", "customers.import"}


def test_a_change_of_one_resource_leaves_what_others_changed_of_another(alice: Person, desk: Role, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data(may_tasks=["tasks.view", "tasks.edit"])
    with organization_scope(alice.organization):
        roles.update(role=desk, by=alice.member, actor=alice.actor, changes={"permissions": ["tasks.view"]})
    confirmed = form_in(alice.client.post(f"{url}edit/", data))
    alice.client.post(f"{url}edit/", confirmed.data())
    assert permitted(desk) == {"tasks.view", "tasks.edit"}


def test_saved_as_it_was_nothing_is_asked(alice: Person, url: str) -> None:
    data = form_in(alice.client.get(f"{url}edit/")).data()
    assert b"Nothing was changed" in alice.client.post(f"{url}edit/", data, follow=True).content


def test_one_sees_that_one_gives_up_ones_own_right(alice: Person) -> None:
    role = make(alice, "Keeper", ["roles.view", "roles.edit"], "all")
    kim = join(alice, "kim@harbour.example", "Kim", "keeper")
    url = kim.url(f"settings/roles/{role.pk}/edit/")
    shown = kim.client.post(url, form_in(kim.client.get(url)).data(may_roles=["roles.view"]))
    assert "You will no longer be able to" in shown.content.decode()
    assert b"only somebody else could give it back" in shown.content
    assert kim.client.post(url, form_in(shown).data(), follow=True).status_code == 200
    assert permitted(role) == {"roles.view"}


def test_offered_is_what_one_has_oneself(alice: Person, desk: Role, url: str) -> None:
    make(alice, "Keeper", ["roles.view", "roles.edit", "roles.create", "customers.view", "tasks.view"])
    kim = join(alice, "kim@harbour.example", "Kim", "keeper")
    page = kim.client.get(f"{url}edit/").content.decode()
    assert "customers.view" in page
    assert "customers.export" not in page
    assert 'value="all"' not in page
    strong = make(alice, "Strong", ["customers.export"])
    detail = kim.url(f"settings/roles/{strong.pk}/")
    assert kim.client.get(f"{detail}edit/").headers["Location"] == detail
    assert b"not yours to change" in kim.client.get(detail).content
    sent = {"name": "Copy", "reach": "team", "may_customers": ["customers.export"]}
    assert kim.client.post(kim.url(f"settings/roles/new/?from={strong.pk}"), sent).status_code == 422


def test_the_systems_roles_have_no_form(alice: Person) -> None:
    url = alice.url(f"settings/roles/{alice.member.role.pk}/")
    page = alice.client.get(url).content
    assert b"can\xe2\x80\x99t be changed" in page
    assert b"/edit/" not in page
    for path in ("edit/", "delete/"):
        assert alice.client.post(f"{url}{path}", {"name": "x", "reach": "all"}).headers["Location"] == url


def test_a_role_says_who_has_it(alice: Person, people: list[Person], url: str) -> None:
    page = alice.client.get(url).content.decode()
    assert all(person.user.name in page for person in people)
    assert "view customers" in page
    assert "export customers" not in page


def test_for_each_permission_stands_which_roles_have_it(alice: Person, desk: Role) -> None:
    groups = alice.client.get(alice.url("settings/roles/permissions/")).context["groups"]
    holders = {row.permission.key: {role.key for role in row.roles} for _, rows in groups for row in rows}
    assert set(holders) == CATALOG
    assert holders["customers.view"] == {"admin", "manager", "counselor", "desk"}
    assert holders["customers.export"] == {"admin", "manager"}


def test_deleting_asks_for_the_role_that_members_get(alice: Person, desk: Role, people: list[Person], url: str) -> None:
    with organization_scope(alice.organization):
        counselor = Role.objects.get(key="counselor")
    page = alice.client.get(f"{url}delete/")
    assert b"3 members have it" in page.content
    assert alice.client.post(f"{url}delete/", {"successor": str(desk.pk)}).status_code == 422
    shown = alice.client.post(f"{url}delete/", form_in(page).data(successor=str(counselor.pk)))
    assert "Ann and 2 others will be able to" in shown.content.decode()
    assert stored(desk)
    assert alice.client.post(f"{url}delete/", form_in(shown).data()).status_code == 302
    with organization_scope(alice.organization):
        assert not Role.objects.filter(key="desk").exists()
        assert {Member.objects.get(pk=person.member.pk).role for person in people} == {counselor}


def test_a_role_that_nobody_has_is_deleted_at_once(alice: Person, desk: Role, url: str) -> None:
    page = alice.client.get(f"{url}delete/")
    assert b"Nobody has this role" in page.content
    assert alice.client.post(f"{url}delete/", form_in(page).data()).status_code == 302
    assert alice.client.get(url).status_code == 404


def test_somebody_got_the_role_between_question_and_answer(alice: Person, desk: Role, url: str) -> None:
    sent = form_in(alice.client.get(f"{url}delete/")).data()
    join(alice, "dan@harbour.example", "Dan", "desk")
    answer = alice.client.post(f"{url}delete/", sent)
    assert answer.status_code == 422
    assert stored(desk)


def test_who_may_not_see_roles_has_no_way_to_them(bob: Person, alice: Person, charlie: Person, url: str) -> None:
    assert b"settings/roles/" in alice.client.get(alice.url("settings/")).content
    assert b"settings/roles/" not in bob.client.get(bob.url("settings/")).content
    for path in ("settings/roles/", "settings/roles/new/", "settings/roles/permissions/"):
        assert bob.client.get(bob.url(path)).status_code == 403
    for rest in ("", "edit/", "delete/"):
        assert bob.client.get(url + rest).status_code == 403
        assert charlie.client.get(url.replace("harbour-clinic", charlie.organization.slug) + rest).status_code == 404


@pytest.mark.parametrize("rows", [1, 15])
def test_pages_take_the_same_queries_for_any_number(
    alice: Person, rows: int, django_assert_max_num_queries: Any, desk: Role, url: str
) -> None:
    for number in range(rows):
        make(alice, f"Role {number}")
        join(alice, f"p{number}@harbour.example", f"Person {number}", "desk")
    browser: Client = alice.client
    for address in (
        alice.url("settings/roles/"),
        alice.url("settings/roles/permissions/"),
        url,
        f"{url}edit/",
        f"{url}delete/",
    ):
        with django_assert_max_num_queries(7):
            assert browser.get(address).status_code == 200


def test_a_role_that_had_everything_says_which_new_permission_it_lacks(alice):
    """Whoever upgrades expects it to permit everything still; nobody gets a permission without a person’s saying so."""
    with organization_scope(alice.organization):
        whole = Role.objects.create(
            organization=alice.organization, key="whole", name="Whole", stored_reach="all",
            stored_permissions=sorted(CATALOG - NEW),
        )  # fmt: skip
        little = Role.objects.create(
            organization=alice.organization, key="little", name="Little", stored_reach="all",
            stored_permissions=["users.view", "customers.view"],
        )  # fmt: skip
    words, badge = "act as another member for half an hour”. No role", "Lacks a new permission"
    assert alice.client.get(alice.url("settings/roles/")).content.decode().count(badge) == 1
    shown = {
        role: alice.client.get(alice.url(f"settings/roles/{role.pk}/")).content.decode() for role in (whole, little)
    }
    assert words in shown[whole]
    assert words not in shown[little], "who made it left out others as well"
    with organization_scope(alice.organization):
        Role.objects.filter(pk=whole.pk).update(stored_permissions=sorted(CATALOG))
    assert badge not in alice.client.get(alice.url("settings/roles/")).content.decode()
    assert NEW < CATALOG
