"""With DEBUG=false nobody signs in with a password that the README's readers know."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from accounts.models import Organization, User
from crm_project.demo import loader

ADMIN_EMAIL = loader.PEOPLE[0][2]


@pytest.fixture
def production(settings: Any, tmp_path: Path, db: Any) -> None:
    settings.DEBUG = False
    settings.DATA_DIR = tmp_path


def test_preparing_production_makes_no_demo(production: None):
    call_command("prepare", "--demo", verbosity=0)
    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_a_demo_that_is_asked_for_in_production_has_random_passwords(production: None):
    out = io.StringIO()
    call_command("load_demo", size=0, stdout=out)
    printed = dict(line.split() for line in out.getvalue().splitlines() if "@" in line)
    assert set(printed) == {email for _, _, email, _ in loader.PEOPLE}
    assert len(set(printed.values())) == len(loader.PEOPLE)
    for email, password in printed.items():
        assert authenticate(username=email, password=password) is not None
        assert authenticate(username=email, password=loader.PASSWORD) is None
    assert not User.objects.filter(is_superuser=True).exists()
    assert not User.objects.filter(is_staff=True).exists()


def test_a_demo_that_was_tried_out_is_closed_when_production_begins(production: None, settings: Any):
    settings.DEBUG = True
    assert loader.load(size=0) is not None
    assert User.objects.get(email=ADMIN_EMAIL).is_superuser
    kept = User.objects.get(email=loader.PEOPLE[2][2])
    kept.set_password("a password of their own")
    kept.save()
    settings.DEBUG = False
    note = Path(settings.DATA_DIR) / "demo.txt"
    note.write_text("alice, password")
    out = io.StringIO()
    call_command("prepare", "--demo", stdout=out, verbosity=0)
    assert ADMIN_EMAIL in out.getvalue()
    assert not note.exists()
    for _, _, email, _ in loader.PEOPLE:
        assert authenticate(username=email, password=loader.PASSWORD) is None
    assert not User.objects.filter(is_superuser=True).exists()
    assert authenticate(username=kept.email, password="a password of their own") is not None
