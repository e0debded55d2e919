from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client, override_settings

from accounts.credentials import password_resets, throttle, tokens
from accounts.models import Member, Organization
from core.tenancy import every_organization
from customers.models import Stage
from messaging.models import Channel
from tests.conftest import PASSWORD

SIGN_UP = {
    "name": "Dana", "email": "dana@new.example", "password": "a quiet morning", "organization": "New Clinic", "pack":
    "clinic", }  # fmt: skip


def test_sign_up_makes_an_organization_with_stages_and_simulators_and_opens_its_inbox(db):
    browser = Client()
    answer = browser.post("/sign-up/", SIGN_UP, follow=True)
    assert answer.redirect_chain[-1][0] == "/o/new-clinic/"
    with every_organization("a look at what was made"):
        organization = Organization.objects.get(slug="new-clinic")
        stages = Stage.objects.filter(organization=organization).values_list("key", flat=True)
        kinds = Channel.objects.filter(organization=organization, provider="simulator").values_list("kind", flat=True)
        assert list(stages) == [
            "new",
            "engaged",
            "contacted",
            "consult_booked",
            "deposit_paid",
            "treatment_done",
            "lost",
        ]
        assert set(kinds) == {"whatsapp", "sms", "email"}
        assert Member.objects.get(organization=organization).role.key == "admin"


def test_two_organizations_of_one_name_have_addresses_of_their_own(db):
    for number in (1, 2):
        Client().post("/sign-up/", {**SIGN_UP, "email": f"dana{number}@new.example"})
    slugs = set(Organization.objects.values_list("slug", flat=True))
    assert "new-clinic" in slugs
    assert len(slugs) == 2


@pytest.mark.parametrize(
    ("field", "value"), [("email", "nonsense"), ("password", "short"), ("pack", "bakery"), ("organization", "")]
)
def test_sign_up_shows_what_is_wrong_and_keeps_the_rest(db, field, value):
    answer = Client().post("/sign-up/", {**SIGN_UP, field: value})
    assert answer.status_code in (200, 422)
    assert answer.context["form"].errors[field]
    assert not Organization.objects.exists()


@override_settings(SIGN_UP_ENABLED=False)
def test_sign_up_says_so_where_it_is_off(db):
    assert Client().get("/sign-up/").status_code == 403
    assert Client().post("/sign-up/", SIGN_UP).status_code == 403
    assert not Organization.objects.exists()


def test_sign_in_opens_the_page_that_was_asked_for(alice):
    browser = Client()
    page = browser.get(alice.url("customers/"))
    assert page.url == f"/sign-in/?next={alice.url('customers/')}"
    answer = browser.post(
        "/sign-in/", {"email": alice.user.email, "password": PASSWORD, "next": alice.url("customers/")}
    )
    assert answer.url == alice.url("customers/")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example", "abc", "é",
        "accounts:home",
        "///evil.example", "/\r\nSet-Cookie: a=b", "?x", " /x",
    ],
)  # fmt: skip
def test_sign_in_leads_nowhere_else(alice, target):
    answer = Client().post("/sign-in/", {"email": alice.user.email, "password": PASSWORD, "next": target})
    assert answer.url == "/"


def test_sign_in_says_the_same_for_both_mistakes(alice):
    texts = [
        list(Client().post("/sign-in/", {"email": email, "password": "wrong"}).context["form"].non_field_errors())
        for email in (alice.user.email, "nobody@harbour.example")
    ]
    assert texts[0] == texts[1] != []


def test_sign_in_slows_down_and_says_for_how_long(alice):
    for _ in range(5):
        Client().post("/sign-in/", {"email": alice.user.email, "password": "wrong"})
    answer = Client().post("/sign-in/", {"email": alice.user.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert "Try again in" in answer.content.decode()


def test_wrong_guesses_from_elsewhere_do_not_lock_the_owner_out(alice):
    """Five from one address, and many from many: the owner's own address, and a browser that is known, go on."""
    owner, details = Client(REMOTE_ADDR="192.0.2.1"), {"email": alice.user.email, "password": PASSWORD}
    for _ in range(throttle.PAIR.failures):
        Client(REMOTE_ADDR="203.0.113.1").post("/sign-in/", {**details, "password": "wrong"})
    assert Client(REMOTE_ADDR="203.0.113.1").post("/sign-in/", details).status_code == 429
    assert owner.post("/sign-in/", details).status_code == 302
    owner.post("/sign-out/")
    for number in range(throttle.ACCOUNT.failures):
        throttle.count_failure(email=alice.user.email, address=f"203.0.113.{number}")
    assert Client(REMOTE_ADDR="192.0.2.2").post("/sign-in/", details).status_code == 429
    assert owner.post("/sign-in/", details).status_code == 302


def test_a_known_browser_of_one_account_is_not_one_of_another(alice, bob):
    browser = Client()
    browser.post("/sign-in/", {"email": alice.user.email, "password": PASSWORD})
    browser.post("/sign-out/")
    for number in range(throttle.ACCOUNT.failures):
        throttle.count_failure(email=bob.user.email, address=f"203.0.113.{number}")
    assert browser.post("/sign-in/", {"email": bob.user.email, "password": PASSWORD}).status_code == 429
    browser.cookies["known"] = browser.cookies["known"].value + "x"
    for number in range(throttle.ACCOUNT.failures):
        throttle.count_failure(email=alice.user.email, address=f"203.0.113.{number}")
    assert browser.post("/sign-in/", {"email": alice.user.email, "password": PASSWORD}).status_code == 429


def test_sign_out_is_a_post_and_ends_the_session(alice):
    browser = alice.client
    assert browser.get("/sign-out/").status_code == 405
    browser.post("/sign-out/")
    assert browser.get(alice.url("inbox/")).status_code == 302


def test_a_forgotten_password_is_set_again_and_ends_every_sign_in(alice, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    pair, old_browser = tokens.begin(member=alice.member), alice.client
    Client().post("/forgotten-password/", {"email": alice.user.email})
    password_resets.send_due()
    link = re.search(r"https?://\S+(/forgotten-password/\S+)", str(mail.outbox[0].body))
    assert link
    browser = Client()
    form = browser.get(link[1], follow=True)
    browser.post(form.request["PATH_INFO"], {"new_password1": "another calm day", "new_password2": "another calm day"})
    assert Client().post("/sign-in/", {"email": alice.user.email, "password": "another calm day"}).url == "/"
    assert old_browser.get(alice.url("inbox/")).status_code == 302
    with pytest.raises(tokens.InvalidToken):
        tokens.member_of(pair.access_token)


def test_a_forgotten_password_answers_the_same_for_an_unknown_address(alice, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    known = Client().post("/forgotten-password/", {"email": alice.user.email})
    unknown = Client().post("/forgotten-password/", {"email": "nobody@harbour.example"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    password_resets.send_due()
    assert len(mail.outbox) == 1


def test_switching_opens_own_organizations_only(alice, charlie):
    assert alice.client.post("/switch/", {"organization": alice.organization.slug}).url == alice.url("")
    assert alice.client.post("/switch/", {"organization": charlie.organization.slug}).status_code == 200


def test_somebody_without_an_organization_gets_a_page_of_its_own(db, django_user_model):
    browser = Client()
    browser.force_login(django_user_model.objects.create_user("lone@example.com", PASSWORD))
    assert browser.get("/").status_code == 403
