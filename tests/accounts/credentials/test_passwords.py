"""A new password, wherever it is set, ends what the old one opened; a forgotten one tells nobody who has an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.credentials import password_resets, throttle, tokens
from accounts.models import PasswordReset, SignInAttempt
from core.tenancy import every_organization
from tests.conftest import PASSWORD, Person

NEW = "another calm harbour at dusk"


def by_the_admins_own_page(who: Person) -> None:
    who.user.is_staff = True
    who.user.save()
    answer = who.client.post(
        "/admin/password_change/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    )
    assert answer.status_code == 302


def by_the_installations_administrator(who: Person) -> None:
    from accounts.models import User

    boss = Client()
    boss.force_login(User.objects.create_superuser("boss@parley.example", PASSWORD))
    answer = boss.post(
        f"/admin/accounts/user/{who.user.pk}/password/", {"password1": NEW, "password2": NEW, "usable_password": "true"}
    )
    assert answer.status_code == 302


def by_the_link_in_the_mail(who: Person) -> None:
    password_resets.ask(email=who.user.email, address="192.0.2.1")
    assert password_resets.send_due() == 1
    link = next(line for line in mail.outbox[-1].body.splitlines() if "/forgotten-password/" in line)
    visitor = Client()
    page = visitor.get(link.strip().removeprefix("http://testserver"), follow=True)
    answer = visitor.post(page.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert answer.status_code == 302


def by_a_command(who: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: NEW)
    call_command("changepassword", who.user.email, verbosity=0)


def by_any_code(who: Person) -> None:
    who.user.set_password(NEW)
    who.user.save(update_fields=["password"])


@pytest.mark.parametrize(
    "change",
    [by_the_admins_own_page, by_the_installations_administrator, by_the_link_in_the_mail, by_a_command, by_any_code],
)
def test_a_new_password_ends_sessions_and_tokens(bob: Person, change: Callable[..., None], monkeypatch: Any):
    browser, pair = bob.client, tokens.begin(member=bob.member)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    assert browser.get(bob.url("inbox/")).status_code == api.get("/api/v1/auth/me").status_code == 200
    change(bob, monkeypatch) if change is by_a_command else change(bob)
    bob.user.refresh_from_db()
    assert bob.user.check_password(NEW)
    assert browser.get(bob.url("inbox/")).status_code == 302
    assert api.get("/api/v1/auth/me").status_code == 401
    with pytest.raises(tokens.InvalidToken):
        tokens.refresh(token=pair.refresh_token)


def by_the_administrator_who_leaves_none(who: Person) -> None:
    from accounts.models import User

    boss = Client()
    boss.force_login(User.objects.create_superuser("boss@parley.example", PASSWORD))
    answer = boss.post(
        f"/admin/accounts/user/{who.user.pk}/password/", {"usable_password": "false", "unset-password": "1"}
    )
    assert answer.status_code == 302


def by_code_that_leaves_none(who: Person) -> None:
    who.user.set_password(None)
    who.user.save()


@pytest.mark.parametrize("take", [by_the_administrator_who_leaves_none, by_code_that_leaves_none])
def test_a_password_that_is_taken_away_ends_sessions_and_tokens(bob: Person, take: Callable[..., None]):
    browser, pair = bob.client, tokens.begin(member=bob.member)
    take(bob)
    bob.user.refresh_from_db()
    assert not bob.user.has_usable_password()
    assert browser.get(bob.url("inbox/")).status_code == 302
    with pytest.raises(tokens.InvalidToken):
        tokens.member_of(pair.access_token)
    with pytest.raises(tokens.InvalidToken):
        tokens.refresh(token=pair.refresh_token)


@pytest.mark.parametrize("whose", ["member", "user"])
def test_who_comes_back_after_a_new_password_has_no_old_token(bob: Person, whose: str):
    pair = tokens.begin(member=bob.member)
    row = getattr(bob, whose)
    row.is_active = False
    with every_organization("a test switches somebody off and on"):
        row.save()
        bob.user.set_password(NEW)
        bob.user.save()
        row.is_active = True
        row.save()
    with pytest.raises(tokens.InvalidToken):
        tokens.refresh(token=pair.refresh_token)


def test_a_stronger_hash_at_sign_in_ends_nothing(bob: Person, settings: Any):
    """Django stores the same password again when the hasher changed; that is no new password."""
    pair = tokens.begin(member=bob.member)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    client = Client()
    assert client.post("/sign-in/", {"email": bob.user.email, "password": PASSWORD}).status_code == 302
    bob.user.refresh_from_db()
    assert bob.user.password.startswith("pbkdf2")
    with every_organization("a test looks at a token"):
        assert tokens.member_of(pair.access_token) == bob.member


def test_the_page_sends_no_mail_and_does_the_same_for_every_address(bob: Person):
    asked = []
    for email in (bob.user.email, "nobody@harbour.example"):
        with CaptureQueriesContext(connection) as queries:
            answer = Client().post("/forgotten-password/", {"email": email})
        asked.append((answer.status_code, answer.url, len(queries)))
        # The second question of an address is counted in a row that is there.
        SignInAttempt.objects.all().delete()
    assert asked[0] == asked[1]
    assert mail.outbox == []
    assert PasswordReset.objects.count() == 2
    password_resets.send_due()
    assert [message.to for message in mail.outbox] == [[bob.user.email]]
    assert not PasswordReset.objects.exists()


def test_mails_to_one_account_are_limited_for_everybody(bob: Person):
    for number in range(20):
        password_resets.ask(email=bob.user.email.upper(), address=f"192.0.2.{number}")
    password_resets.send_due()
    assert len(mail.outbox) == throttle.QUESTIONS.failures
    assert not PasswordReset.objects.exists()


def test_one_address_asks_a_few_times_only(client: Client, db: Any):
    statuses = [client.post("/forgotten-password/", {"email": f"a{n}@b.example"}).status_code for n in range(8)]
    assert statuses[:5] == [302] * 5
    assert statuses[-1] == 429


def test_a_mail_server_that_is_away_is_asked_again(bob: Person, settings: Any, monkeypatch: pytest.MonkeyPatch):
    from django.core.mail import EmailMessage

    def fails(*_: Any, **__: Any) -> int:
        raise ConnectionRefusedError("nobody there")

    password_resets.ask(email=bob.user.email, address="192.0.2.1")
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", fails)
        password_resets.send_due()
    row = PasswordReset.objects.get()
    assert "nobody there" in row.last_error
    assert row.due_at is not None
    PasswordReset.objects.update(due_at=row.created_at)
    password_resets.send_due()
    assert len(mail.outbox) == 1
    assert not PasswordReset.objects.exists()


@pytest.mark.parametrize(
    ("addresses", "are_one"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:DB8:1:2:0:0:0:7%eth0"], True),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], False),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:4711"], True),
        (["192.0.2.1", "192.0.2.2"], False),
    ],
)
def test_an_address_is_what_its_caller_can_not_choose(db: Any, addresses: list[str], are_one: bool):
    """A household has a whole IPv6 network, and a port is anybody's."""
    for _ in range(throttle.QUESTIONS.failures):
        throttle.count_question(about="reset", address=addresses[0])
    for other in addresses[1:]:
        if are_one:
            with pytest.raises(throttle.TooManyAttempts):
                throttle.require_questions_left(about="reset", address=other)
        else:
            throttle.require_questions_left(about="reset", address=other)
