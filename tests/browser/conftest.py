"""A browser before the real processes. Each test has organizations of its own, so nothing has to be emptied between.

CHROMIUM names the browser's executable; without it Playwright's own is taken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.cast import Clinic, open_clinic
from tests.browser.stack import Stack

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MILLISECONDS = 12_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "args": FLAGS} | ({"executable_path": CHROMIUM} if CHROMIUM else {})


@pytest.fixture(scope="session")
def database(django_test_environment: None, django_db_blocker: Any) -> Iterator[str]:
    """The address of a database of this run's own, which the processes and the tests share."""
    # Playwright keeps an event loop in this thread, which Django would take for an asynchronous caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    if connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"parley_browser_{os.getpid()}"
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": True})
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            yield f"sqlite:///{name}"
        else:
            yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
            # A session whose process has just gone may still be on its way out.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def stack(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The processes: what a test writes into the database they see at once, and the other way round."""
    environment = {**os.environ, "DATABASE_URL": database, "EXTRA_APPS": "", "DATA_DIR": str(settings.DATA_DIR)}
    stack = Stack(environment, tmp_path_factory.mktemp("stack"))
    stack.start()
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def clinic(stack: Stack) -> Clinic:
    """A fresh organization with Alice, Bob and a stranger's organization beside it."""
    return open_clinic()


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, stack: Stack) -> Iterator[SignIn]:
    """`sign_in(user)` gives a page in a browser context of its own, signed in; options are the context's."""
    opened: list[BrowserContext] = []

    def enter(user: Any, **options: Any) -> Page:
        context = browser.new_context(base_url=stack.address, **{"viewport": {"width": 1440, "height": 900}, **options})
        opened.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": stack.address}])
        return context.new_page()

    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    yield enter
    for context in opened:
        context.close()


def session_of(user: Any) -> str:
    """A session as the sign-in page makes one; the page itself has a test of its own."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
