"""The checker knows a query's fields and rows, and is not switched off by `Any`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.architecture.test_files import ROOT, tracked

APPS = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics", "crm_project")
MAX_ANY = 400

SNIPPET = """\
from accounts.models import Member
from customers.models import Contact, Customer, Stage


def wrong_fields(member: Member, customer: Customer) -> None:
    Customer.objects.visible_to(member).filter(stages__kind="open")
    Stage.objects.values_list("position_")
    customer.contacts.filter(name_="Ada")


def wrong_rows(member: Member, customer: Customer) -> None:
    customer_found: Customer = Customer.objects.visible_to(member).first()
    contact: Customer = customer.contacts.get(name="Ada")


def right(member: Member, customer: Customer) -> tuple[Customer | None, Contact]:
    first = Customer.objects.visible_to(member).filter(stage__kind="open").order_by("-created_at").first()
    return first, customer.contacts.get(name="Ada")
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """What `make check` would say of the snippet: lines and errors. A few seconds with the checker's cache."""
    snippet = tmp_path_factory.mktemp("types") / "snippet.py"
    snippet.write_text(SNIPPET)
    # `make check` keeps what it knew of the same files.
    cache = f"{os.environ.get('CHECK_CACHE', '.')}/.mypy_cache"
    options = ["--cache-dir", cache, "--no-error-summary", "--hide-error-context"]
    command = [sys.executable, "-m", "mypy", *options, str(snippet)]
    environment = {**os.environ, "DEBUG": "true"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = re.findall(r"^\S*snippet\.py:(\d+): error: (.*)$", ran.stdout, re.MULTILINE)
    assert found, ran.stdout + ran.stderr
    return [(int(line), text) for line, text in found]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ('filter(stages__kind="open")', "Cannot resolve keyword 'stages'"),
        ('values_list("position_")', "Cannot resolve keyword 'position_'"),
        ('contacts.filter(name_="Ada")', "Cannot resolve keyword 'name_'"),
        ("customer_found: Customer", r"expression has type .Customer \| None."),
        ("contact: Customer", "expression has type .Contact."),
    ],
)
def test_the_checker_finds_a_wrong_field_and_a_wrong_row(errors: list[tuple[int, str]], code: str, error: str):
    line = next(number for number, text in enumerate(SNIPPET.splitlines(), 1) if code in text)
    assert any(number == line and re.search(error, text) for number, text in errors), errors


def test_the_checker_accepts_right_queries(errors: list[tuple[int, str]]):
    begins = SNIPPET.splitlines().index(
        "def right(member: Member, customer: Customer) -> tuple[Customer | None, Contact]:"
    )
    assert [text for line, text in errors if line > begins] == []


def test_any_is_written_seldom():
    files = [path for path in tracked(*(f"{app}/*.py" for app in APPS)) if "migrations" not in path.parts]
    counts = {str(path.relative_to(ROOT)): len(re.findall(r"\bAny\b", path.read_text())) for path in files}
    assert sum(counts.values()) <= MAX_ANY, sorted(counts.items(), key=lambda item: -item[1])[:20]


def test_nothing_but_any_hides_behind_a_name():
    """An alias of `Any` would be counted once and switch the checker off wherever it stands."""
    files = [path for path in tracked(*(f"{app}/*.py" for app in APPS)) if "migrations" not in path.parts]
    alias = re.compile(r"^\w+(?:: TypeAlias)? = (?:typing\.)?Any$|^type \w+ = Any$", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in files if alias.search(path.read_text())] == []
