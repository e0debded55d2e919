"""An outage is told from a fault by structure: what the database says of itself, not by words."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client, RequestFactory
from django.urls import resolve

from core import outage


def raised(kind: type[Exception], cause: BaseException | None) -> Exception:
    error = kind("said by a test")
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("said by a test")
    error.sqlite_errorcode = code
    return error


POSTGRESQL = [
    (raised(OperationalError, psycopg.OperationalError("the connection failed")), True),
    (raised(OperationalError, psycopg.errors.AdminShutdown()), True),
    (raised(OperationalError, psycopg.errors.QueryCanceled()), True),
    (raised(OperationalError, psycopg.errors.LockNotAvailable()), True),
    (raised(OperationalError, psycopg.errors.DiskFull()), True),
    (raised(OperationalError, psycopg.errors.TooManyConnections()), True),
    (raised(OperationalError, psycopg.errors.IdleInTransactionSessionTimeout()), True),
    (raised(OperationalError, psycopg.errors.DeadlockDetected()), True),
    (raised(InterfaceError, psycopg.InterfaceError("the connection is closed")), True),
    (raised(ProgrammingError, psycopg.errors.UndefinedTable()), False),
    (raised(OperationalError, psycopg.errors.InvalidPassword()), False),
    (ValueError("not of the database"), False),
]
SQLITE = [
    (raised(OperationalError, sqlite_error(sqlite3.SQLITE_BUSY)), True),
    (raised(OperationalError, sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT)), True),
    (raised(OperationalError, sqlite_error(sqlite3.SQLITE_FULL)), True),
    (raised(OperationalError, sqlite_error(sqlite3.SQLITE_IOERR_WRITE)), True),
    (raised(OperationalError, sqlite_error(sqlite3.SQLITE_ERROR)), False),  # no such table
    (raised(InterfaceError, None), False),
]


@pytest.mark.parametrize(("error", "expected"), POSTGRESQL if connection.vendor == "postgresql" else SQLITE)
def test_what_counts_as_an_outage(error: Exception, expected: bool):
    assert outage.is_outage(error) is expected


AN_OUTAGE = next(error for error, expected in (POSTGRESQL if connection.vendor == "postgresql" else SQLITE) if expected)


@pytest.mark.parametrize(
    ("path", "headers", "shape"),
    [
        ("/o/x/inbox/", {}, "<html"),
        ("/o/x/inbox/", {"HX-Request": "true"}, "The database can’t be reached just now."),
        ("/webhooks/twilio/whatsapp", {}, "The database can’t be reached just now."),
        ("/api/v1/customers", {}, '"code": "unavailable"'),
    ],
)
def test_each_caller_gets_the_503_that_it_reads(path: str, headers: dict[str, str], shape: str):
    response = outage.answer(RequestFactory().get(path, headers=headers), AN_OUTAGE)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert shape in response.content.decode()


def test_a_page_and_a_call_that_meet_an_outage_say_so(alice: Any, monkeypatch: pytest.MonkeyPatch):
    from accounts.credentials import sign_in

    page, api = alice.client, alice.api
    api.raise_request_exception = False  # the library reports it to whoever listens for faults, as it should

    def fails(*_: Any) -> None:
        raise AN_OUTAGE

    monkeypatch.setattr(sign_in, "memberships", fails)
    response = page.get(alice.url("inbox/"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    view = resolve("/api/v1/customers").func.cls
    monkeypatch.setattr(view, "initial", fails)
    response = api.get("/api/v1/customers")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["errors"][0]["code"] == "unavailable"


def test_a_wrong_statement_stays_an_error_of_ours(alice: Any, monkeypatch: pytest.MonkeyPatch):
    from accounts.credentials import sign_in

    client = Client(raise_request_exception=False)
    client.force_login(alice.user)

    def fails(*_: Any) -> None:
        raise ProgrammingError("no such column")

    monkeypatch.setattr(sign_in, "memberships", fails)
    assert client.get(alice.url("inbox/")).status_code == 500
