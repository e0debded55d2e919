"""Processes of what is measured, by the commands of `make run`, and the organization that they work for."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import Member
    from messaging.models import Channel

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "token-of-the-stand-in"
OUR_NUMBER = "+15005550006"


@contextmanager
def running(part: str, environment: Mapping[str, str]) -> Generator[None]:
    """This part of Parley, until the block ends."""
    process = subprocess.Popen([sys.executable, "scripts/parts.py", part], env=dict(environment))
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, within: float = 30.0) -> None:
    """Until something answers there, whatever it answers."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} does not answer.")


def an_organization() -> Member:
    from accounts.organizations import services as organizations

    return organizations.sign_up(
        email="bench@bench.example", password="a calm harbour", name="Bench", organization="Bench", pack="clinic"
    )


def a_channel(member: Member, *, rate: float | None = None, address: str = OUR_NUMBER) -> Channel:
    from activity.actor import SYSTEM
    from core.tenancy import organization_scope
    from messaging.settings import services as channels

    with organization_scope(member.organization):
        return channels.create(
            organization=member.organization,
            actor=SYSTEM,
            kind="whatsapp",
            provider="twilio",
            name="Bench",
            address=address,
            credentials={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            rate_per_second=rate,
        )
