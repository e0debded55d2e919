"""The pages of profiles."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Member, User
from core.tenancy import organization_scope
from tests.pages import forms_of

pytestmark = pytest.mark.django_db
PROFILE = "account/"


def form_in(answer, *names: str):
    return next(form for form in forms_of(answer.content.decode()) if set(names) <= form.names())


def test_ones_own_profile_is_changed(bob):
    page = bob.client.get(bob.url(PROFILE))
    form = form_in(page, "name", "signature")
    answer = bob.client.post(bob.url(PROFILE), form.data(phone="+44 7700 900123", signature="Best,\nBob"))
    assert answer.url == bob.url(PROFILE)
    with organization_scope(bob.organization):
        row = Member.objects.get(pk=bob.member.pk)
    assert (row.phone, row.signature) == ("+447700900123", "Best,\nBob")
    wrong = bob.client.post(bob.url(PROFILE), form.data(phone="call me"))
    assert wrong.context["form"].errors["phone"]


def test_what_somebody_changed_meanwhile_is_asked_about(alice, bob):
    form = form_in(bob.client.get(bob.url(PROFILE)), "name", "signature")
    User.objects.filter(pk=bob.user.pk).update(name="Robert")
    answer = bob.client.post(bob.url(PROFILE), form.data(name="Bobby"))
    assert answer.context["form"].errors["name"]
    assert User.objects.get(pk=bob.user.pk).name == "Robert"


def test_a_members_profile_is_for_who_may_edit(alice, bob, mona, charlie):
    page = f"settings/people/{bob.member.pk}/profile/"
    assert mona.client.get(mona.url(page)).status_code == 403
    assert charlie.client.get(charlie.url(page)).status_code == 404
    form = form_in(alice.client.get(alice.url(page)), "name")
    alice.client.post(alice.url(page), form.data(name="Bobby"))
    assert User.objects.get(pk=bob.user.pk).name == "Bobby"


def test_a_photo_is_uploaded_shown_and_removed(bob, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    out = BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, "PNG")
    browser = bob.client
    browser.post(bob.url("account/photo/"), {"photo": SimpleUploadedFile("me.png", out.getvalue(), "image/png")})
    assert f"people/{bob.user.pk}/photo/" in browser.get(bob.url(PROFILE)).content.decode()
    answer = browser.post(bob.url("account/photo/"), {"photo": SimpleUploadedFile("me.png", b"no")}, follow=True)
    assert "This is no picture" in answer.content.decode()
    browser.post(bob.url("account/photo/remove/"))
    assert not User.objects.get(pk=bob.user.pk).photo


def test_the_api_changes_name_phone_and_signature(alice, bob):
    url = f"/api/v1/admin/users/{bob.user.pk}"
    body = alice.api.patch(url, {"name": "Bobby", "phone": "+44 7700 900123", "signature": "B."}).json()
    assert (body["name"], body["phone"], body["signature"]) == ("Bobby", "+447700900123", "B.")
    wrong = alice.api.patch(url, {"phone": "call me"})
    assert (wrong.status_code, wrong.json()["errors"][0]["attr"]) == (400, "phone")
