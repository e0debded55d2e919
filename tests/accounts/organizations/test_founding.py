"""An organization that the operator makes: whole from the beginning, and nobody's until its administrator joins."""

from __future__ import annotations

import io
import re

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.invitations import founding, sending
from accounts.models import Invitation, Member, Organization, Role, User
from accounts.organizations import life
from activity.actor import Actor
from activity.models import Event
from core.refused import Invalid
from core.tenancy import every_organization, organization_scope
from customers.models import Segment, Stage
from tests.conftest import PASSWORD
from tests.pages import forms_of

pytestmark = pytest.mark.django_db
GIVEN = {"name": "Lakeside Dental", "administrator": "Ada@lakeside.example", "pack": "clinic", "country": "de",
         "timezone": "Europe/Berlin", "currency": "eur"}  # fmt: skip


@pytest.fixture
def operator():
    return Actor.for_user(User.objects.create_superuser("root@installation.example", PASSWORD))


def test_it_is_whole_and_the_mail_and_the_page_have_one_link(operator):
    made = founding.found(actor=operator, **GIVEN)
    organization = Organization.objects.get(slug="lakeside-dental")
    assert (organization.default_country, organization.timezone, organization.currency) == (
        "DE",
        "Europe/Berlin",
        "EUR",
    )
    with organization_scope(organization):
        assert Role.objects.count() == 3
        assert Stage.objects.exists()
        assert not Member.objects.exists()
        created = Event.objects.get(type="organization.created")
    assert created.actor_id == operator.id
    sending.send_due()
    [message] = mail.outbox
    assert message.to == ["ada@lakeside.example"]
    assert made.link in message.body


def test_the_administrator_joins_by_the_link_once(operator):
    made = founding.found(actor=operator, **GIVEN)
    path = (
        made.link.removeprefix("http://testserver")
        if "testserver" in made.link
        else re.sub(r"^https?://[^/]+", "", made.link)
    )
    client = Client()
    assert "Lakeside Dental" in client.get(path).content.decode()
    answer = client.post(path, {"name": "Ada Byron", "password": PASSWORD, "password_again": PASSWORD})
    assert answer.status_code == 302, answer.content
    with organization_scope(made.organization):
        member = Member.objects.get()
        # What the pack has for somebody is theirs; of who made it there is nothing.
        assert set(Segment.objects.values_list("owner", flat=True)) == {member.user_id}
    assert (member.user.email, member.role.key) == ("ada@lakeside.example", "admin")
    assert Client().get(path).status_code != 200
    assert founding.waiting(made.organization) is None


def test_a_new_link_while_nobody_has_joined(operator, alice):
    made = founding.found(actor=operator, **GIVEN)
    again = founding.send_again(organization=made.organization, actor=operator)
    assert again is not None
    assert again.link != made.link
    assert founding.send_again(organization=alice.organization, actor=operator) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("administrator", "nobody"), ("slug", "admin"), ("slug", "harbour-clinic"),
        ("slug", "a b"), ("slug", "a_b"), ("slug", "-a"), ("slug", "a" * 61),
        ("pack", "none"), ("country", "XX"), ("timezone", "Mars/Base"), ("currency", "pounds"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_made(operator, alice, field, value):
    before = Organization.objects.count()
    with pytest.raises(Invalid) as refused:
        founding.found(actor=operator, **{**GIVEN, field: value})
    assert refused.value.field == field
    assert Organization.objects.count() == before
    with every_organization("the test looks"):
        assert not Invitation.objects.exists()


def test_a_long_name_has_an_address_too(operator):
    made = founding.found(
        actor=operator, **{**GIVEN, "name": "A very long name of an organization that somebody has typed"}
    )
    assert not made.organization.slug.endswith("-")


def test_only_by_the_operator(alice):
    with pytest.raises(life.OperatorsOnly) as refused:
        founding.found(actor=alice.actor, **GIVEN)
    assert refused.value.status == 403


def test_by_command(db):
    out = io.StringIO()
    call_command("create_organization", "Lakeside Dental", "ada@lakeside.example", "--pack=clinic", stdout=out)
    assert "/invitation/" in out.getvalue()
    assert Organization.objects.filter(slug="lakeside-dental").exists()
    with pytest.raises(CommandError, match="slug"):
        call_command("create_organization", "Other", "ada@lakeside.example", "--slug=lakeside-dental")


class TestPages:
    @pytest.fixture
    def superuser(self, operator):
        client = Client()
        client.force_login(User.objects.get(pk=operator.id))
        return client

    def confirm(self, client: Client) -> None:
        answer = client.post("/account/confirm/", {"password": PASSWORD})
        assert answer.status_code == 302

    def test_made_on_a_page_and_the_link_is_shown_once(self, superuser):
        answer = superuser.post("/admin/accounts/organization/add/", {**GIVEN, "slug": "", "country": "DE"})
        founding_link = re.compile(rb"/invitation/[\w-]{43}/")
        assert founding_link.search(answer.content)
        organization = Organization.objects.get(slug="lakeside-dental")
        page = superuser.get(f"/admin/accounts/organization/{organization.pk}/change/").content
        assert founding_link.search(page) is None
        assert b"Invite its administrator again" in page
        again = superuser.post(f"/admin/accounts/organization/{organization.pk}/invite/")
        assert founding_link.search(again.content)

    def test_a_wrong_value_stands_at_its_field(self, superuser):
        answer = superuser.post("/admin/accounts/organization/add/", {**GIVEN, "slug": "api", "country": "DE"})
        assert b"Another organization has this address" in answer.content
        assert not Organization.objects.exists()

    def test_suspended_resumed_deleted_restored(self, superuser, alice):
        at = f"/admin/accounts/organization/{alice.organization.pk}"
        assert superuser.get(f"{at}/suspend/").status_code == 200
        assert b"errorlist" in superuser.post(f"{at}/suspend/", {"reason": ""}).content
        assert superuser.post(f"{at}/suspend/", {"reason": "The bill"}).status_code == 302
        assert b"The bill" in superuser.get(f"{at}/change/").content
        assert superuser.get(f"{at}/resume/").status_code == 403
        assert superuser.post(f"{at}/resume/").status_code == 302
        assert Organization.objects.get(pk=alice.organization.pk).is_active
        # Who deletes has shown who they are a short while ago.
        assert superuser.get(f"{at}/remove/").headers["Location"].startswith("/account/confirm/")
        self.confirm(superuser)
        assert b"Backups hold it" in superuser.get(f"{at}/remove/").content
        assert b"errorlist" in superuser.post(f"{at}/remove/", {"typed_name": "x"}).content
        assert superuser.post(f"{at}/remove/", {"typed_name": "Harbour Clinic"}).status_code == 302
        assert b"Deleted on" in superuser.get("/admin/accounts/organization/").content
        assert b"harbour-clinic" in superuser.get("/admin/accounts/organizationdeletion/").content
        assert superuser.post(f"{at}/restore/").status_code == 302
        assert Organization.objects.get(pk=alice.organization.pk).is_active

    def test_others_of_the_staff_do_nothing(self, alice):
        User.objects.filter(pk=alice.user.pk).update(is_staff=True)
        at = f"/admin/accounts/organization/{alice.organization.pk}"
        for action in ("suspend", "resume", "remove", "restore", "invite"):
            assert alice.client.post(f"{at}/{action}/", {"reason": "x"}).status_code == 403
        assert alice.client.get("/admin/accounts/organization/add/").status_code == 403

    @pytest.mark.parametrize("rows", [1, 9])
    def test_the_list_takes_the_same_queries(self, superuser, operator, rows, django_assert_max_num_queries):
        for number in range(rows):
            founding.found(actor=operator, **{**GIVEN, "name": f"Clinic {number}"})
        with django_assert_max_num_queries(6):
            assert superuser.get("/admin/accounts/organization/").status_code == 200

    def test_what_the_form_changes_stands_in_the_organizations_log(self, superuser, operator):
        founding.found(actor=operator, **GIVEN)
        organization = Organization.objects.get(slug="lakeside-dental")
        page = f"/admin/accounts/organization/{organization.pk}/change/"
        form = next(one for one in forms_of(superuser.get(page).content.decode()) if "timezone" in one.data())
        data = form.data(name="Lakeside", default_country="FR", requires_second_factor="on", _save="Save")
        superuser.post(page, {**data, "requires_second_factor": ""})
        superuser.post(page, {**data, "requires_second_factor": ""})
        with organization_scope(organization):
            rows = Event.objects.filter(type="organization.changed").order_by("pk")
            assert [(row.actor_id, row.payload["changes"]) for row in rows] == [
                (
                    operator.id,
                    {"country": {"from": "DE", "to": "FR"}, "name": {"from": "Lakeside Dental", "to": "Lakeside"}},
                )
            ]

    def test_the_button_that_deletes_looks_like_one(self, superuser, operator):
        founding.found(actor=operator, **GIVEN)
        at = f"/admin/accounts/organization/{Organization.objects.get(slug='lakeside-dental').pk}"
        self.confirm(superuser)
        for name, looks in (("remove", "danger-button"), ("suspend", "default")):
            page = superuser.get(f"{at}/{name}/", follow=True).content.decode()
            assert f'class="{looks}" type="submit"' in page
