"""The settings of an organization."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from accounts.grants import NotPermitted
from accounts.models import Organization
from accounts.organizations.services import OwnFactorMissing
from accounts.settings import services as settings
from activity.models import Event
from core.refused import Invalid, Refused
from core.tenancy import organization_scope
from tests.accounts.roles.test_roles_views import make as make_role
from tests.conftest import Person, join
from tests.pages import PageForm, forms_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/admin/settings"


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def stored(person: Person) -> Organization:
    return Organization.objects.get(pk=person.organization.pk)


def changes_of(person: Person) -> list[dict[str, Any]]:
    with organization_scope(person.organization):
        rows = Event.objects.filter(type="organization.changed").order_by("pk")
        return [event.payload["changes"] for event in rows]


def picture(width: int = 800, height: int = 200) -> BytesIO:
    out = BytesIO()
    Image.new("RGBA", (width, height), (10, 120, 90, 128)).save(out, "PNG")
    out.seek(0)
    return out


@pytest.mark.usefixtures("inside")
class TestServices:
    def test_what_changed_is_in_the_ledger_with_before_and_after(self, alice: Person) -> None:
        changes = {"name": "Harbour  Clinic", "country": "de", "currency": "EUR", "undo_seconds": 0}
        settings.update(organization=alice.organization, actor=alice.actor, changes=changes)
        assert changes_of(alice) == [
            {
                "country": {"from": "", "to": "DE"},
                "currency": {"from": "GBP", "to": "EUR"},
                "undo_seconds": {"from": 10, "to": 0},
            }
        ]
        assert (stored(alice).default_country, stored(alice).undo_seconds) == ("DE", 0)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 151}, "name"),
            ({"country": "XX"}, "country"),
            ({"timezone": "Mars/Base"}, "timezone"),
            ({"currency": "euro"}, "currency"),
            ({"undo_seconds": 121}, "undo_seconds"),
            ({"retention_months": 13}, "retention_months"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_is_written(self, alice: Person, changes: Any, field: str) -> None:
        with pytest.raises(Refused) as refused:
            settings.update(organization=alice.organization, actor=alice.actor, changes={"currency": "USD", **changes})
        assert refused.value.field == field
        assert (stored(alice).currency, changes_of(alice)) == ("GBP", [])

    def test_a_role_without_the_permission_changes_nothing(self, mona: Person) -> None:
        with pytest.raises(NotPermitted):
            settings.update(organization=mona.organization, actor=mona.actor, changes={"name": "Mine"})
        with pytest.raises(NotPermitted):
            settings.set_logo(organization=mona.organization, actor=mona.actor, content=picture(), size=1)

    def test_who_only_sees_them_changes_nothing(self, alice: Person) -> None:
        make_role(alice, "Desk", ["settings.view"])
        vera = join(alice, "vera@harbour.example", "Vera", "desk")
        with pytest.raises(NotPermitted):
            settings.update(organization=vera.organization, actor=vera.actor, changes={"name": "Mine"})
        page = vera.client.get(vera.url("settings/organization/"))
        assert page.status_code == 200
        assert not any("undo_seconds" in form.names() for form in forms_of(page.content.decode())), "it can be edited"
        assert vera.client.post(vera.url("settings/organization/"), {"name": "Mine"}).status_code == 403

    def test_who_has_no_second_factor_does_not_require_one(self, alice: Person) -> None:
        with pytest.raises(OwnFactorMissing):
            settings.update(
                organization=alice.organization,
                actor=alice.actor,
                changes={"name": "Another", "requires_second_factor": True},
            )
        assert stored(alice).name == "Harbour Clinic"

    def test_a_logo_is_made_again_and_the_old_file_goes(
        self, alice: Person, storage: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        for content in (picture(), picture(100, 400)):
            with django_capture_on_commit_callbacks(execute=True):
                settings.set_logo(organization=alice.organization, actor=alice.actor, content=content, size=1000)
        (file,) = [path for path in storage.rglob("*") if path.is_file()]
        with Image.open(file) as kept:
            assert (kept.format, kept.size) == ("WEBP", (100, 400))
        with django_capture_on_commit_callbacks(execute=True):
            settings.remove_logo(organization=alice.organization, actor=alice.actor)
        assert not [path for path in storage.rglob("*") if path.is_file()]

    @pytest.mark.parametrize(("content", "size"), [(BytesIO(b"<svg/>"), 6), (picture(), 5_000_001)])
    def test_what_is_no_picture_or_too_large_is_refused(self, alice: Person, content: BytesIO, size: int) -> None:
        with pytest.raises(Invalid) as refused:
            settings.set_logo(organization=alice.organization, actor=alice.actor, content=content, size=size)
        assert refused.value.field == "logo"


class TestPages:
    def test_the_index_lists_what_the_role_permits(self, alice: Person, mona: Person, bob: Person) -> None:
        everything = alice.client.get(alice.url("settings/")).content.decode()
        for label in ("Organization", "Business calendars", "People", "Roles", "Fields", "Keeping data", "Audit log"):
            assert label in everything
        some = mona.client.get(mona.url("settings/")).content.decode()
        assert "settings/people/" in some
        assert "settings/organization/" not in some
        assert bob.client.get(bob.url("settings/")).status_code == 403

    def test_the_menu_has_settings_for_whom_there_are_any(self, alice: Person, bob: Person) -> None:
        page = alice.client.get(alice.url("settings/people/")).content.decode()
        assert f'href="{alice.url("settings/")}"\n           aria-current="page"' in page
        assert bob.url("settings/") not in bob.client.get(bob.url("")).content.decode()

    def test_they_are_saved(self, alice: Person) -> None:
        url = alice.url("settings/organization/")
        data = form_in_main(alice.client.get(url)).data(name="Harbour Clinics", currency="eur", country="PT")
        assert alice.client.post(url, data).status_code == 302
        now = stored(alice)
        assert (now.name, now.currency, now.default_country) == ("Harbour Clinics", "EUR", "PT")

    def test_what_somebody_else_changed_meanwhile_is_asked(self, alice: Person) -> None:
        url = alice.url("settings/organization/")
        page = alice.client.get(url)
        with organization_scope(alice.organization):
            settings.update(organization=alice.organization, actor=alice.actor, changes={"name": "Theirs"})
        answer = alice.client.post(url, form_in_main(page).data(name="Mine"))
        assert (answer.status_code, stored(alice).name) == (422, "Theirs")

    def test_requiring_a_second_factor_without_one_stands_at_the_field(self, alice: Person) -> None:
        url = alice.url("settings/organization/")
        answer = alice.client.post(url, form_in_main(alice.client.get(url)).data(requires_second_factor="on"))
        assert answer.status_code == 422
        assert not stored(alice).requires_second_factor

    def test_a_logo_is_shown_to_members_only(self, alice: Person, bob: Person, charlie: Person) -> None:
        address = alice.url("logo/")
        assert alice.client.get(address).status_code == 404
        upload = picture()
        upload.name = "logo.png"
        alice.client.post(alice.url("settings/organization/logo/"), {"logo": upload})
        shown = bob.client.get(address)
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
        assert b"".join(shown.streaming_content)
        assert charlie.client.get(address).status_code == 404
        assert "rail__logo" in bob.client.get(bob.url("")).content.decode()
        assert bob.client.post(bob.url("settings/organization/logo/remove/")).status_code == 403


class TestCalls:
    def test_they_are_read_and_changed(self, alice: Person) -> None:
        read = alice.api.get(URL)
        assert read.json()["retention_months"] is None
        assert (read.json()["slug"], read.json()["language"], read.json()["pack"]) == ("harbour-clinic", "en", "clinic")
        body = {"country": "BR", "timezone": "America/Sao_Paulo", "retention_months": 24}
        changed = alice.api.patch(URL, body, format="json", headers={"If-Match": read["ETag"]})
        assert {name: changed.json()[name] for name in body} == body
        assert alice.api.patch(URL, body, format="json", headers={"If-Match": read["ETag"]}).status_code == 412

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"country": "XX"}, "country"),
            ({"currency": "euro"}, "currency"),
            ({"timezone": "x"}, "timezone"),
            ({"retention_months": 13}, "retention_months"),
            ({"undo_seconds": -1}, "undo_seconds"),
            ({"logo": "x"}, "logo"),
        ],
    )
    def test_what_is_wrong_is_named(self, alice: Person, body: Any, field: str) -> None:
        answer = alice.api.patch(URL, body, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, field)

    def test_who_may(self, mona: Person, charlie: Person, alice: Person) -> None:
        assert mona.api.get(URL).status_code == 403
        assert mona.api.patch(URL, {"name": "x"}, format="json").status_code == 403
        charlie.api.patch(URL, {"name": "Elsewhere too"}, format="json")
        assert stored(alice).name == "Harbour Clinic"


def form_in_main(answer: Any) -> PageForm:
    """The form of the settings themselves, not the logo's."""
    (form,) = [form for form in forms_of(answer.content.decode()) if "undo_seconds" in form.names()]
    return form


def test_the_language_is_reported_and_not_to_be_set(alice, bob):
    """One for all so far (docs/decisions/0088): nobody is offered a choice that changes nothing."""
    page = alice.client.get(alice.url("settings/organization/")).content.decode()
    assert "English" in page
    assert 'name="language"' not in page
    assert "Pages and mails are in English" in bob.client.get(bob.url("account/")).content.decode()
    answer = alice.api.patch("/api/v1/admin/settings", {"language": "de"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "language")
    assert alice.api.patch("/api/v1/admin/settings", {"language": "en"}, format="json").status_code == 200
    assert 'lang="en"' in page
