"""What a refusal answers, in the API and on pages; and that every one has a code that is documented."""

from __future__ import annotations

import importlib
import pkgutil
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from django import forms
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory
from rest_framework import serializers

import core
from core.api.handler import Handler
from core.api.refused import as_field_error
from core.refused import GENERAL_CODES, Invalid, Refused, inside
from core.refused_pages import Attempt, RefusedMiddleware, as_message, on_form

OURS = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics")
RECORD = UUID("01900000-0000-7000-8000-000000000001")


class Full(Refused):
    status, code = 409, "full"


class Hidden(Refused):
    status = 409

    def words_for(self, member):
        return str(self) if member else "Somebody has it."

    def record_for(self, member):
        return RECORD if member else None


class Gone(Refused):
    status = 404


class Forbidden(Refused):
    status = 403


class Unknown(Refused):
    status = 401


class Slow(Refused):
    status = 429
    retry_after = timedelta(seconds=30)


class OfAddress(Refused):
    is_of_address = True


def fail(refused: Exception) -> None:
    raise refused


def answered(refused, **of_view):
    view = SimpleNamespace(request=None, get_authenticate_header=lambda request: 'Bearer realm="api"', **of_view)
    response = Handler(refused, {"view": view, "request": None, "args": (), "kwargs": {}}).run()  # type: ignore[typeddict-item]
    assert response is not None
    return response


class TestAPI:
    @pytest.mark.parametrize(
        ("refused", "status", "kind", "code", "attr"),
        [
            (Refused("No."), 400, "validation_error", "invalid", "non_field_errors"),
            (Refused("No.", field="name"), 400, "validation_error", "invalid", "name"),
            (Invalid("name", "No.", code="unknown"), 400, "validation_error", "unknown", "name"),
            (Full("No."), 409, "client_error", "full", None),
            (Gone("No."), 404, "client_error", "not_found", None),
            (Forbidden("No."), 403, "client_error", "permission_denied", None),
            (Unknown("No."), 401, "client_error", "authentication_failed", None),
        ],
    )
    def test_any_refusal_is_answered_by_the_handler(self, refused, status, kind, code, attr):
        response = answered(refused)
        assert response.status_code == status
        assert response.data == {"type": kind, "errors": [{"code": code, "detail": "No.", "attr": attr}]}

    def test_401_says_how_to_sign_in(self):
        assert answered(Unknown("No."))["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_429_says_how_long_to_wait(self):
        response = answered(Slow("No."))
        assert (response.status_code, response["Retry-After"]) == (429, "30")
        assert response.data["errors"][0]["code"] == "throttled"

    def test_a_view_has_its_own_name_for_a_field(self):
        response = answered(Invalid("tags", "No."), refused_fields={"tags": "name"})
        assert response.data["errors"][0]["attr"] == "name"

    def test_a_record_is_named_to_those_who_may_see_it(self):
        assert answered(Hidden("Ada has it."), member="bob").data["errors"][0]["detail"] == f"Ada has it. ({RECORD})"
        assert answered(Hidden("Ada has it.")).data["errors"][0]["detail"] == "Somebody has it."

    def test_a_field_of_a_serializer_gets_the_words(self):
        with pytest.raises(serializers.ValidationError, match="No stage"), as_field_error():
            fail(Refused("No stage."))


@pytest.mark.parametrize(("field", "expected"), [("status", "filter.status"), ("", "filter")])
def test_a_field_is_named_by_its_place(field, expected):
    with pytest.raises(Refused) as caught, inside("filter"):
        fail(Invalid(field, "No."))
    assert caught.value.field == expected


class Entry(forms.Form):
    at = forms.CharField(required=False)
    own_grade = forms.CharField(required=False)
    refused_fields = {"occurred_at": "at", "custom_fields.": "own_"}


class Named(forms.Form):
    name = forms.CharField(required=False)
    refused_fields = {"": "name"}


@pytest.fixture
def request_():
    request = RequestFactory().get("/")
    request.session = SessionBase()
    request._messages = FallbackStorage(request)
    return request


class TestPages:
    @pytest.mark.parametrize(
        ("form", "field", "expected"),
        [
            (Entry, "at", "at"),
            (Entry, "occurred_at", "at"),
            (Entry, "custom_fields.grade", "own_grade"),
            (Entry, "custom_fields.gone", "__all__"),
            (Entry, "elsewhere", "__all__"),
            (Entry, "", "__all__"),
            (Named, "key", "name"),
            (Named, "", "name"),
        ],
    )
    def test_it_stands_at_its_field_of_the_form(self, request_, form, field, expected):
        bound = form({})
        assert bound.is_valid()
        with on_form(request_, bound):
            fail(Invalid(field, "No."))
        assert bound.errors == {expected: ["No."]}

    def test_a_part_of_a_field_has_its_own_field(self, request_):
        bound = Entry({})
        refused = Invalid("custom_fields", "No.")
        refused.part = "grade"
        with on_form(request_, bound):
            fail(refused)
        assert bound.errors == {"own_grade": ["No."]}

    def test_what_is_no_refusal_goes_its_way(self, request_):
        with pytest.raises(ValueError, match="ours"), on_form(request_, Entry({})):
            fail(ValueError("ours"))

    def test_what_follows_finds_its_words_and_its_status(self, request_):
        with Attempt(request_) as attempt:
            fail(Full("Full."))
        assert (attempt.error, attempt.status) == ("Full.", 409)
        with on_form(request_, Entry({})) as attempt:
            fail(Hidden("Ada has it."))
        assert attempt.error == "Somebody has it."

    def test_where_nothing_is_refused_there_are_none(self, request_):
        with Attempt(request_) as attempt:
            pass
        assert (attempt.error, attempt.status) == ("", 200)

    def test_it_is_a_message_in_the_words_for_the_member(self, request_):
        with as_message(request_):
            fail(Hidden("Ada has it."))
        assert [str(one) for one in get_messages(request_)] == ["Somebody has it."]


class TestMiddleware:
    def answer(self, refused, **headers):
        request = RequestFactory().get("/", headers=headers)
        return RefusedMiddleware(lambda request: None).process_exception(request, refused)

    def test_other_exceptions_are_left_alone(self):
        assert self.answer(ValueError("ours")) is None

    def test_of_an_address_there_is_no_page(self):
        with pytest.raises(Http404, match="This address is not complete"):
            self.answer(OfAddress("Cursor."))

    @pytest.mark.parametrize(("refused", "raised"), [(Gone("No."), Http404), (Forbidden("No."), PermissionDenied)])
    def test_404_and_403_have_their_pages(self, refused, raised):
        with pytest.raises(raised, match="No"):
            self.answer(refused)

    def test_anything_else_is_answered_with_its_status_and_text(self):
        response = self.answer(Full("Full."))
        assert response is not None
        assert (response.status_code, response.content) == (409, b"Full.")

    def test_htmx_shows_it_beside_the_page(self):
        response = self.answer(Full("Full."), hx_request="true")
        assert response is not None
        assert response.status_code == 204
        assert "Full." in response.headers["HX-Trigger"]


# --- The project's own ------------------------------------------------------------------------------------------------


def all_refusals() -> set[type[Refused]]:
    for name in OURS:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    found: set[type[Refused]] = set()
    todo: list[type[Refused]] = [Refused]
    while todo:
        below = todo.pop().__subclasses__()
        found.update(below)
        todo += below
    return {one for one in found if one.__module__.partition(".")[0] in OURS}


def documented() -> dict[str, tuple[int, set[str]]]:
    text = (Path(core.__file__).parents[1] / "docs" / "refusals.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return {code: (int(status), set(re.findall(r"`(\w+)`", names))) for code, status, names in rows}


def test_every_code_that_says_more_than_its_status_is_documented_with_who_raises_it():
    raised: dict[str, tuple[int, set[str]]] = {}
    for one in all_refusals():
        if one.code:
            status, names = raised.setdefault(one.code, (one.status, set()))
            assert status == one.status, f"{one.code} has two statuses"
            names.add(one.__name__)
    assert raised == documented()
    assert not set(raised) & set(GENERAL_CODES.values())


def test_every_refusal_has_a_status_that_the_api_answers_and_says_what_it_means():
    statuses = {*GENERAL_CODES, 422}
    assert [one for one in all_refusals() if one.status not in statuses] == []
    # In its docstring, or by a code of its own in the document.
    assert [one.__qualname__ for one in all_refusals() if not one.__doc__ and "code" not in vars(one)] == []
