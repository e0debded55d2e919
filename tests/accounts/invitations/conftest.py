from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail

from accounts.invitations import sending
from accounts.invitations import services as invitations
from accounts.models import Invitation, Role
from core.tenancy import every_organization, organization_scope
from tests.conftest import Person

Invite = Callable[..., Invitation]


@pytest.fixture
def invite(alice: Person) -> Invite:
    """Alice invites somebody to the clinic."""

    def make(email: str = "nora@new.example", role: str = "counselor", by: Person = alice, **more: Any) -> Invitation:
        with organization_scope(alice.organization):
            given = Role.objects.get(key=role)
            (result,) = invitations.invite(
                organization=alice.organization, emails=[email], role=given, actor=by.actor, **more
            )
        return result.invitation

    return make


def mailed() -> str:
    """The path of the link in the one mail that the worker writes now."""
    mail.outbox.clear()
    with every_organization("the worker is everybody's"):
        sending.send_due()
    (message,) = mail.outbox
    return urlsplit(re.search(r"https?://\S+", str(message.body))[0]).path


def token_in(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[1]
