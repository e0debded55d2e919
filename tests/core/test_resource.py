"""What every resource of the API has from its base, whichever records it is about."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.decorators import action
from rest_framework.response import Response

from core.api.resource import ResourceViewSet
from core.api.router import Router

API = "/api/v1"


class Toys(ResourceViewSet[Any]):
    permissions = {"list": "toys.view", "retrieve": "toys.view", "wind": "toys.edit"}

    @action(detail=True, methods=["post"])
    def wind(self, request: Any, pk: Any) -> Response:
        return Response()


def addresses(
    viewset: type[ResourceViewSet[Any]], prefix: str = "small/toys", name: str = "small-toy"
) -> dict[str, tuple[str, dict[str, str]]]:
    router = Router()
    router.register(prefix, viewset, name)
    urls: list[Any] = router.urls
    return {url.name: (str(url.pattern), url.callback.actions) for url in urls}


def test_a_list_is_named_as_its_address_and_what_is_of_a_record_by_the_record():
    assert addresses(Toys) == {
        "small-toys": ("small/toys", {"get": "list"}),
        "small-toy": ("small/toys/<uuid:pk>", {"get": "retrieve"}),
        "small-toy-wind": ("small/toys/<uuid:pk>/wind", {"post": "wind"}),
    }


def test_below_another_record_the_list_is_named_by_both():
    class Parts(Toys):
        lookup_url_kwarg = "part"

    assert addresses(Parts, "toys/<uuid:pk>/parts", "toy-part") == {
        "toy-parts": ("toys/<uuid:pk>/parts", {"get": "list"}),
        "toy-part": ("toys/<uuid:pk>/parts/<uuid:part>", {"get": "retrieve"}),
        "toy-part-wind": ("toys/<uuid:pk>/parts/<uuid:part>/wind", {"post": "wind"}),
    }


def test_an_action_that_names_no_permission_stops_the_start():
    class Open(Toys):
        permissions = {"list": "toys.view"}

    with pytest.raises(ImproperlyConfigured, match="wind"):
        addresses(Open)


def test_a_standard_action_that_is_not_named_is_no_method(alice):
    field = alice.api.post(
        f"{API}/custom-fields", {"entity": "customer", "key": "grade", "label": "Grade", "type": "text"}
    ).json()
    answer = alice.api.put(f"{API}/custom-fields/{field['id']}", {"label": "Year"})
    assert answer.status_code == 405
    assert "PUT" not in answer.headers["Allow"]
    assert "PATCH" in answer.headers["Allow"]


def test_what_a_put_does_not_give_becomes_empty(alice, make_customer):
    customer = make_customer()
    path = f"{API}/customers/{customer.pk}/contacts"
    contact = alice.api.post(path, {"name": "Ann", "relationship": "mother"}).json()
    changed = alice.api.put(f"{API}/contacts/{contact['id']}", {"customer": str(customer.pk), "name": "Ann"})
    assert changed.status_code == 200
    assert changed.json()["relationship"] == ""


def test_a_field_that_is_set_once_may_come_back_and_not_become_another(alice):
    made = alice.api.post(f"{API}/outcome-types", {"name": "Visit", "key": "visit"}).json()
    path = f"{API}/outcome-types/{made['id']}"
    assert alice.api.patch(path, {"key": "visit", "name": "Visited"}).json()["name"] == "Visited"
    refused = alice.api.patch(path, {"key": "other"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["attr"] == "key"


def test_options_answers_no_fields(alice):
    """They stand in the schema; DRF's own answer would look each record up first."""
    answer = alice.api.options(f"{API}/tasks")
    assert answer.status_code == 200
    assert "actions" not in answer.json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("outcome-types", {"name": "Visit"}),
        ("pipeline/stages", {"name": "Visit"}),
        ("templates", {"name": "Hello", "channel": "email", "body": "Hello"}),
        ("tasks", {"title": "Call"}),
        ("customers", {"name": "Ann"}),
    ],
)
def test_who_read_a_record_before_somebody_changed_it_changes_and_deletes_nothing(alice, path, body):
    field = "title" if path == "tasks" else "name"
    made = alice.api.post(f"{API}/{path}", body).json()
    one = f"{API}/{path}/{made['id']}"
    read = alice.api.get(one).headers["ETag"]
    assert alice.api.patch(one, {field: "Second"}, headers={"If-Match": read}).status_code == 200
    for call in (alice.api.patch, alice.api.delete):
        assert call(one, {field: "Third"}, headers={"If-Match": read}).status_code == 412
    assert alice.api.get(one).json()[field] == "Second"
    assert alice.api.delete(one, headers={"If-Match": "*"}).status_code == 204
