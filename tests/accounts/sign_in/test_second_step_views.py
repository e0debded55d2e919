"""Signing in with a second factor, and what comes before everything else."""

from __future__ import annotations

import re

import pyotp
import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client

from accounts.credentials import notices, password_resets, second_factor, throttle
from accounts.models import Member, Organization, User
from core.tenancy import every_organization, organization_scope
from tests.accounts.factors import begin_sign_in, code_of, recently, set_up
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
CODE = "/sign-in/code/"


def is_in(browser: Client) -> bool:
    return bool(get_user(browser).is_authenticated)


def require(person) -> None:
    with every_organization("the test decides"):
        Organization.objects.filter(pk=person.organization.pk).update(requires_second_factor=True)


def test_a_password_alone_signs_nobody_in(bob):
    set_up(bob)
    browser = Client()
    answer = browser.post("/sign-in/", {"email": bob.user.email, "password": PASSWORD, "next": bob.url("inbox/")})
    assert answer.url == CODE
    assert not is_in(browser)
    assert browser.get(bob.url("inbox/")).url.startswith("/sign-in/")
    answer = browser.post(CODE, {"code": code_of(bob)})
    assert answer.url == bob.url("inbox/")
    assert is_in(browser)


def test_the_second_step_asks_for_the_first(bob):
    set_up(bob)
    assert Client().get(CODE).url == "/sign-in/"
    assert Client().post(CODE, {"code": code_of(bob)}).url == "/sign-in/"


def test_the_second_step_ends_with_its_time_and_with_another_password(bob):
    set_up(bob)
    other = begin_sign_in(bob)
    user = User.objects.get(pk=bob.user.pk)
    user.set_password("another calm day")
    user.save()
    assert other.post(CODE, {"code": code_of(bob)}).url == "/sign-in/"
    browser = Client()
    browser.post("/sign-in/", {"email": bob.user.email, "password": "another calm day"})
    assert browser.get(CODE).status_code == 200
    session = browser.session
    session["second_step"] = {**session["second_step"], "at": session["second_step"]["at"] - 601}
    session.save()
    assert browser.get(CODE).url == "/sign-in/"


def test_a_wrong_code_says_so_and_many_are_slowed(bob):
    set_up(bob)
    browser = begin_sign_in(bob)
    for _ in range(throttle.PAIR.failures):
        answer = browser.post(CODE, {"code": "000000"})
        assert answer.context["form"].errors["code"]
    answer = browser.post(CODE, {"code": code_of(bob)})
    assert answer.status_code == 429
    assert not is_in(browser)


def test_a_recovery_code_signs_in(bob):
    codes = set_up(bob)
    browser = begin_sign_in(bob)
    assert browser.post(CODE, {"code": codes[0]}).status_code == 302
    assert is_in(browser)


def test_a_trusted_browser_is_not_asked_until_it_is_forgotten(bob, alice):
    set_up(bob)
    set_up(alice)
    browser = begin_sign_in(bob)
    browser.post(CODE, {"code": code_of(bob), "trust": "on"})
    browser.post("/sign-out/")
    begin_sign_in(bob, browser)
    assert is_in(browser)
    browser.post("/sign-out/")
    begin_sign_in(alice, browser)  # trusted for one is not trusted for another
    assert not is_in(browser)
    bob.user.trusted_browsers.all().delete()
    begin_sign_in(bob, browser)
    assert not is_in(browser)


def test_a_new_device_is_reported_by_mail_and_a_known_one_is_not(bob, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    browser = recently(bob)  # the first ever
    browser.post("/sign-out/")
    begin_sign_in(bob, browser)
    notices.send_due()
    assert mail.outbox == []
    begin_sign_in(bob, Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}))
    notices.send_due()
    assert [message.to for message in mail.outbox] == [[bob.user.email]]
    assert "Firefox on Linux, from 127.0.0.1" in mail.outbox[0].body


def test_setting_up_asks_who_it_is_shows_the_codes_once_and_leads_back(bob):
    browser = bob.client  # signed in a while ago
    page = "/account/authenticator-app/?next=" + bob.url("inbox/")
    assert browser.get(page).url.startswith("/account/confirm/?next=%2Faccount%2Fauthenticator-app%2F")
    assert browser.post("/account/confirm/", {"password": "wrong", "next": page}).context["form"].errors
    assert browser.post("/account/confirm/", {"password": PASSWORD, "next": page}).url == page
    shown = browser.get(page)
    assert "<svg" in shown.content.decode()
    wrong = browser.post(page, {"code": "000000", "next": bob.url("inbox/")})
    assert wrong.context["form"].errors["code"]
    assert wrong.context["key"] == shown.context["key"]
    code = pyotp.TOTP(shown.context["key"].replace(" ", "")).now()
    answer = browser.post(page, {"code": code, "next": bob.url("inbox/")}, follow=True)
    codes = answer.context["codes"]
    assert len(codes) == 10
    assert codes[0] not in str(dict(browser.session))
    assert browser.get("/account/recovery-codes/").context["codes"] == codes  # a reload shows them again
    assert browser.post("/account/recovery-codes/", {"next": bob.url("inbox/")}).url == bob.url("inbox/")
    assert browser.get("/account/recovery-codes/").status_code == 410
    assert User.objects.get(pk=bob.user.pk).has_second_factor


def test_the_confirmation_takes_a_code_as_well(bob):
    set_up(bob)
    browser = bob.client
    answer = browser.post(
        "/account/confirm/", {"by": "code", "code": code_of(bob), "next": "/account/recovery-codes/new/"}
    )
    assert answer.url == "/account/recovery-codes/new/"
    assert browser.get(answer.url).status_code == 200


def test_the_confirmation_leads_nowhere_else(bob):
    answer = bob.client.post("/account/confirm/", {"password": PASSWORD, "next": "https://evil.example/"})
    assert answer.url == "/"


class TestWhereItIsRequired:
    def test_a_member_without_one_is_led_to_its_page_first(self, alice, bob):
        require(alice)
        browser = recently(bob)
        answer = browser.get(bob.url("customers/?search=x"))
        assert answer.url == "/account/authenticator-app/?next=%2Fo%2Fharbour-clinic%2Fcustomers%2F%3Fsearch%3Dx"
        assert "Your organization asks for a second factor" in browser.get(answer.url).content.decode()
        assert browser.post(bob.url("settings/people/")).url.startswith("/account/authenticator-app/")
        part = browser.get(bob.url("inbox/"), headers={"HX-Request": "true"})
        assert part.status_code == 204
        assert part.headers["HX-Redirect"].startswith("/account/authenticator-app/")
        set_up(bob)
        assert browser.get(bob.url("customers/")).status_code == 200

    def test_also_after_switching_and_another_organization_stays_open(self, alice, charlie):
        with organization_scope(charlie.organization):
            Member.objects.create(organization=charlie.organization, user=alice.user, role=charlie.member.role)
        require(charlie)
        browser = recently(alice)
        assert browser.get(alice.url("")).status_code == 200
        answer = browser.post("/switch/", {"organization": charlie.organization.slug}, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/account/authenticator-app/")

    def test_the_admin_asks_as_well(self, alice):
        require(alice)
        User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
        assert recently(alice).get("/admin/").url.startswith("/account/authenticator-app/")


def test_a_password_that_somebody_else_chose_is_changed_first(bob, alice):
    User.objects.filter(pk=bob.user.pk).update(must_change_password=True)
    browser = recently(bob)
    assert browser.get(bob.url("inbox/")).url.startswith("/account/new-password/?next=")
    assert browser.get("/account/authenticator-app/").url.startswith("/account/new-password/")
    same = browser.post("/account/new-password/", {"password": PASSWORD, "next": bob.url("inbox/")})
    assert same.context["form"].errors["password"]
    assert browser.post("/account/new-password/", {"password": "short"}).context["form"].errors["password"]
    answer = browser.post("/account/new-password/", {"password": "another calm day", "next": bob.url("inbox/")})
    assert answer.url == bob.url("inbox/")
    assert browser.get(bob.url("inbox/")).status_code == 200
    assert User.objects.get(pk=bob.user.pk).check_password("another calm day")


def test_a_mailed_new_password_does_not_go_around_it(bob, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    set_up(bob)
    User.objects.filter(pk=bob.user.pk).update(must_change_password=True)
    Client().post("/forgotten-password/", {"email": bob.user.email})
    password_resets.send_due()
    link = re.search(r"https?://\S+(/forgotten-password/\S+)", str(mail.outbox[0].body))
    browser = Client()
    form = browser.get(link[1], follow=True)
    browser.post(form.request["PATH_INFO"], {"new_password1": "another calm day", "new_password2": "another calm day"})
    answer = browser.post("/sign-in/", {"email": bob.user.email, "password": "another calm day"})
    assert answer.url == CODE
    assert not is_in(browser)
    assert not User.objects.get(pk=bob.user.pk).must_change_password
    with pytest.raises(second_factor.WrongCode):
        second_factor.check(user=bob.user, code="nothing", device=second_factor.Device("", "192.0.2.9"))
