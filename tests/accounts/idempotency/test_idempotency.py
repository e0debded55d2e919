"""`Idempotency-Key`: a POST is done once, whatever goes wrong between the two ends."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts.access.api import OrganizationView
from accounts.credentials import tokens
from accounts.idempotency import services as idempotency
from accounts.models import IdempotentCall
from core.tenancy import every_organization, organization_scope
from customers.models import Customer, Tag

# What a pack brings is not what is looked for here.
pytestmark = pytest.mark.usefixtures("without_pack")

API = "/api/v1"
KEY = "order-17 / attempt"


def post(person: Any, path: str = "/customers", body: Any = None, key: str = KEY) -> Any:
    return person.api.post(f"{API}{path}", body or {"name": "Ann"}, headers={"Idempotency-Key": key})


def count(person: Any) -> int:
    with organization_scope(person.organization):
        return int(Customer.objects.count())


def calls() -> list[IdempotentCall]:
    with every_organization("the test looks at all"):
        return list(IdempotentCall.objects.all())


def age(**by: float) -> None:
    with every_organization("a test's clock is everybody's"):
        moment = timezone.now() - timedelta(**by)
        IdempotentCall.objects.update(created_at=moment, leased_until=moment)


class TestTheSameCall:
    def test_is_done_once_and_answered_alike(self, alice: Any):
        first, second = post(alice), post(alice)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert second.headers.get("ETag") == first.headers.get("ETag")
        assert count(alice) == 1

    def test_is_the_same_in_any_order_of_its_fields(self, alice: Any):
        post(alice, body={"name": "Ann", "notes": "tea"})
        assert "Idempotency-Replayed" in post(alice, body={"notes": "tea", "name": "Ann"}).headers

    def test_without_a_key_is_two(self, alice: Any):
        alice.api.post(f"{API}/customers", {"name": "Ann"})
        alice.api.post(f"{API}/customers", {"name": "Ann"})
        assert (count(alice), calls()) == (2, [])

    def test_with_another_body_is_refused(self, alice: Any):
        post(alice)
        answer = post(alice, body={"name": "Bea"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "idempotency_key_reused"
        assert count(alice) == 1

    def test_of_another_member_path_or_organization_is_another(self, alice: Any, mona: Any, charlie: Any):
        assert {post(who).status_code for who in (alice, mona, charlie)} == {201}
        assert post(alice, "/leads").status_code == 201
        assert (count(alice), count(charlie)) == (3, 1)

    def test_is_refused_alike(self, alice: Any, make_customer: Any):
        make_customer(email="ann@example.com")
        body = {"name": "Ann", "email": "ann@example.com"}
        first = post(alice, body=body)
        with organization_scope(alice.organization):
            Customer.objects.all().delete()
        second = post(alice, body=body)
        assert (first.status_code, second.status_code) == (409, 409)
        assert first.content == second.content
        assert post(alice, body={"name": ""}, key="other").status_code == 400

    def test_is_forgotten_after_a_day(self, alice: Any):
        post(alice)
        age(hours=23)
        assert "Idempotency-Replayed" in post(alice).headers
        assert idempotency.purge_old() == 0
        age(hours=24.1)
        assert post(alice).status_code == 201
        assert count(alice) == 2
        age(hours=24.1)
        assert idempotency.purge_old() == 1
        assert calls() == []


def test_an_answer_is_not_readable_in_the_database(alice: Any):
    post(alice, body={"name": "Annabella"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM accounts_idempotentcall")
        (stored,) = cursor.fetchone()
    assert "Annabella" not in stored
    assert "Annabella" in json.dumps(calls()[0].answer)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "naïve"])
def test_a_key_that_is_none_is_named(alice: Any, key: str):
    answer = post(alice, key=key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "Idempotency-Key"
    assert count(alice) == 0


def test_a_read_takes_no_notice_of_it(alice: Any):
    assert alice.api.get(f"{API}/customers", headers={"Idempotency-Key": ""}).status_code == 200


def test_one_without_the_permission_leaves_no_trace(alice: Any, bob: Any):
    assert bob.api.post(f"{API}/channels", {}, headers={"Idempotency-Key": KEY}).status_code == 403
    assert calls() == []


class Trial(OrganizationView):
    """Does what the test says, after writing a tag."""

    permissions = {"create": "customers.create"}
    parser_classes = [*OrganizationView.parser_classes, MultiPartParser]
    does: Any = None

    def create(self, request: Any) -> Response:
        Tag.objects.create(organization=self.member.organization, name=str(uuid.uuid4()))
        return type(self).does(self)


class Networked(Trial):
    is_done_in_one_transaction = False


def run(person: Any, view: Any, does: Any, data: Any = None, form: str = "json") -> Response:
    Trial.does = staticmethod(does)
    token = tokens.begin(member=person.member).access_token
    request = APIRequestFactory().post(
        "/trial", data or {}, format=form, headers={"Idempotency-Key": KEY, "Authorization": f"Bearer {token}"}
    )
    return view.as_view({"post": "create"})(request)


def tags(person: Any) -> int:
    with organization_scope(person.organization):
        return int(Tag.objects.count())


def refuse(error: Exception) -> Any:
    def does(view: Any) -> Response:
        raise error

    return does


def fine(view: Any) -> Response:
    return Response({"id": "1"}, status=201)


@pytest.mark.parametrize("view", [Trial, Networked])
class TestWhatGoesWrong:
    def test_what_is_to_be_tried_again_is_not_kept(self, alice: Any, view: Any):
        for answer in (Response(status=503), Response(status=429), Response(status=500)):
            assert run(alice, view, lambda v, answer=answer: answer).status_code == answer.status_code
            assert calls() == []
        assert run(alice, view, fine).status_code == 201

    def test_a_fault_frees_the_key(self, alice: Any, view: Any):
        assert run(alice, view, refuse(ZeroDivisionError())).status_code == 500
        assert calls() == []
        assert run(alice, view, fine).status_code == 201

    def test_one_in_work_shows_it_until_its_lease_ends(self, alice: Any, view: Any):
        seen = []

        def does(v: Any) -> Response:
            seen.append(run(alice, view, lambda v: Response({"second": True})).status_code)
            return fine(v)

        assert run(alice, view, does).status_code == 201
        assert seen == [409]
        with every_organization("the process died"):
            IdempotentCall.objects.update(status=None, token=uuid.uuid4(), answer=None)
        assert run(alice, view, fine).status_code == 409
        age(seconds=1)
        assert run(alice, view, fine).status_code == 201
        assert "Idempotency-Replayed" in run(alice, view, fine).headers

    def test_no_answer_is_kept_as_none(self, alice: Any, view: Any):
        for _ in range(2):
            answer = run(alice, view, lambda v: Response(status=204))
            assert (answer.status_code, answer.data) == (204, None)


def test_a_refused_call_leaves_nothing_behind(alice: Any):
    assert run(alice, Trial, refuse(exceptions.ValidationError({"a": "b"}))).status_code == 400
    assert tags(alice) == 0
    assert run(alice, Trial, fine).status_code == 400, "the first answer stands"


def test_one_whose_lease_was_taken_writes_nothing(alice: Any):
    def does(view: Any) -> Response:
        return fine(view)

    original = idempotency.renew

    def hold(call: Any) -> None:
        IdempotentCall.objects.update(token=uuid.uuid4())
        original(call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "renew", hold)
        assert run(alice, Trial, does).status_code == 409
    assert tags(alice) == 0


def test_files_are_compared_by_what_stands_in_them(alice: Any):
    def form(content: bytes) -> dict[str, Any]:
        return {"name": "x", "file": SimpleUploadedFile("a.csv", content, "text/csv")}

    read = []

    def does(view: Any) -> Response:
        read.append(view.request.data["file"].read())
        return fine(view)

    assert run(alice, Trial, does, form(b"a,b"), "multipart").status_code == 201
    assert read == [b"a,b"], "the view reads the file from its beginning"
    assert "Idempotency-Replayed" in run(alice, Trial, does, form(b"a,b"), "multipart").headers
    assert run(alice, Trial, does, form(b"a,c"), "multipart").status_code == 422


def test_an_answer_whose_key_is_gone_is_reported(alice: Any):
    post(alice)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_idempotentcall SET answer = 'unreadable'")
    assert post(alice).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_make_one_customer(alice: Any):
    api = alice.api
    answers: list[Any] = []
    together = threading.Barrier(8)

    def send() -> None:
        try:
            together.wait(10)
            answers.append(api.post(f"{API}/customers", {"name": "Ann"}, headers={"Idempotency-Key": KEY}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(alice) == 1
    seen = Counter(answer.status_code for answer in answers)
    assert set(seen) <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert len({answer.content for answer in made}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in made) == 1
    assert post(alice).content == made[0].content
