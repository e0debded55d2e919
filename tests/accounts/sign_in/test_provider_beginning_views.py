"""Beginning a sign-in at a provider, by whoever knows the address."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.credentials import throttle

pytestmark = pytest.mark.django_db


def test_beginning_again_and_again_from_one_address_makes_no_more_sessions(provider, client, monkeypatch):
    monkeypatch.setattr(throttle, "BEGINNINGS", throttle.Limit(failures=2))
    address = f"/sign-in/to/{provider.organization.slug}/start/"
    assert [client.get(address).status_code for _ in range(3)] == [302, 302, 429]
    before = Session.objects.count()
    answer = Client().get(address)
    assert (answer.status_code, Session.objects.count()) == (429, before)
    assert "Too many attempts" in answer.content.decode()
    assert Client(REMOTE_ADDR="192.0.2.7").get(address).status_code == 302
