"""`manage.py load_demo`: once, of any size, the same for the same seed."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Organization, User
from core.tenancy import organization_scope
from crm_project.demo import loader
from customers.models import Customer, Deal, StageChange

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    said = StringIO()
    call_command("load_demo", *args, stdout=said)
    return said.getvalue()


def test_twice_is_once():
    assert "alice@parley.example" in run("--size", "5")
    assert "here already" in run("--size", "50")


def test_the_same_seed_makes_the_same_people(monkeypatch):
    # What has happened by now is made: between the runs no minute is to pass.
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    def people(seed: str) -> list[tuple[Any, ...]]:
        run("--size", "40", "--seed", seed)
        organization = Organization.objects.get(slug=loader.SLUG)
        with organization_scope(organization):
            rows = Customer.objects.filter(code_number__lte=40).order_by("code_number")
            found = list(rows.values_list("code", "name", "phone", "email", "stage__key", "open_value", "language"))
        Organization.objects.filter(pk=organization.pk).update(slug=f"away-{organization.pk}")
        for user in User.objects.filter(email__endswith="@parley.example"):
            User.objects.filter(pk=user.pk).update(email=f"{user.pk}@away.example")
        return found

    first, again, other = people("7"), people("7"), people("8")
    assert first == again
    assert first != other


@pytest.mark.parametrize("size", ["-1", "many", "99999999999"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(CommandError):
        run("--size", size)


def test_a_large_one_is_brief_and_right(monkeypatch):
    monkeypatch.setattr(loader, "BRIEF_FROM", 60)
    said = run("--size", "60")
    assert "left out" in said
    with organization_scope(Organization.objects.get()):
        rows = Customer.objects.filter(code_number__lte=60)
        assert rows.count() == 60
        assert not rows.filter(conversations__isnull=False).exists()
        assert not rows.filter(is_duplicate_check_due=True).exists()
        assert StageChange.objects.filter(customer__in=rows).exists()
        assert Deal.objects.filter(customer__in=rows).exists()
