"""Second factors for tests: an app whose codes a test can make, and ways to the second step of a sign-in."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from django.test import Client

from accounts.credentials import second_factor
from core import clock
from tests.conftest import PASSWORD, Person


def code_of(person: Person, ago: int = 0) -> str:
    """What the person's app shows now, or so many seconds ago."""
    person.user.authenticator_app.refresh_from_db()
    return pyotp.TOTP(str(person.user.authenticator_app.secret)).at(clock.now() - timedelta(seconds=ago))


def set_up(person: Person) -> list[str]:
    """An app, confirmed two minutes ago, so that the codes of now are unused; the recovery codes."""
    earlier = clock.now() - timedelta(seconds=120)
    secret = second_factor.begin_app(user=person.user)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: earlier)
        return second_factor.confirm_app(user=person.user, code=pyotp.TOTP(secret).at(earlier))


def begin_sign_in(person: Person, browser: Client | None = None, path: str = "/") -> Client:
    """A browser that has shown the password."""
    browser = browser or Client()
    browser.post("/sign-in/", {"email": person.user.email, "password": PASSWORD, "next": path})
    return browser


def recently(person: Person) -> Client:
    """A browser that is signed in and has just shown who it is."""
    browser = Client()
    browser.post("/sign-in/", {"email": person.user.email, "password": PASSWORD})
    return browser


class NoSuchBackend:
    """A mail server that is not there."""

    def __init__(self, **options: object) -> None:
        pass

    def send_messages(self, messages: object) -> int:
        raise ConnectionRefusedError("nobody listens")
