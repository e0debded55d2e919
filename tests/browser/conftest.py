"""A browser before the real processes. Each test has organizations of its own, so nothing has to be emptied between.

CHROMIUM names the browser's executable; without it Playwright's own is taken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import installation
from tests.browser.cast import Clinic, open_clinic
from tests.browser.stack import Stack, free_port

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
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


def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Before the parallel processes are started: they share one installation."""
    installation_made = ExitStack()
    config.add_cleanup(installation_made.close)
    installation.share(installation_made.enter_context(installation.installed()))


@pytest.fixture(scope="session")
def stack(django_test_environment: None, django_db_blocker: Any) -> Iterator[Stack]:
    """The processes: what a test writes into the database they see at once, and the other way round."""
    # Playwright keeps an event loop in this thread, which Django would take for an asynchronous caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with ExitStack() as made, django_db_blocker.unblock():
        stack = installation.shared() or made.enter_context(installation.installed())
        url = urlsplit(stack.environment["DATABASE_URL"])
        connection.settings_dict["NAME"] = url.path[1:]
        yield stack
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()


@pytest.fixture
def own_web(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """A web process beside the one that all tests share: this one may be killed."""
    port = free_port()
    own = Stack(installation.environment_of(stack.environment["DATABASE_URL"], port), tmp_path, port)
    own.start("web")
    try:
        own.wait_until_ready("/health")
        yield own
    finally:
        own.stop()


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
        chosen = {"base_url": stack.address, "viewport": {"width": 1440, "height": 900}, **options}
        context = browser.new_context(**chosen)
        opened.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": chosen["base_url"]}]
        )
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
