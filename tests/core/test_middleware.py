import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from core.logging import current_request_id
from core.middleware import RequestLogMiddleware


def test_a_requests_id_is_taken_over_and_returned(client):
    assert client.get("/health", headers={"X-Request-ID": "abc-1.2_3"}).headers["X-Request-ID"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "ü", "<script>"])
def test_a_requests_id_that_is_none_is_replaced(client, given):
    request_id = client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert request_id != given
    assert len(request_id) == 32


def test_the_id_stands_in_every_line_logged_meanwhile():
    seen = []
    middleware = RequestLogMiddleware(lambda request: seen.append(current_request_id()) or HttpResponse())
    middleware(RequestFactory().get("/", headers={"X-Request-ID": "r-7"}))
    assert seen == ["r-7"]
    assert current_request_id() == ""


def test_the_id_stands_there_in_async_views_too():
    seen = []

    async def view(request):
        seen.append((current_request_id(), request.request_id))
        return HttpResponse()

    request = AsyncRequestFactory().get("/", headers={"X-Request-ID": "r-8"})
    middleware: Any = RequestLogMiddleware(view)
    response = async_to_sync(middleware)(request)
    assert seen == [("r-8", "r-8")]
    assert response.headers["X-Request-ID"] == "r-8"


@pytest.mark.django_db
def test_the_access_line_has_no_path_query_or_body(client, caplog):
    with caplog.at_level(logging.INFO, logger="parley.access"):
        client.post("/sign-in/?next=/secret-page", {"username": "ann@example.com", "password": "pa55word"})
    (record,) = [record for record in caplog.records if record.name == "parley.access"]
    assert record.method == "POST"
    assert record.route == "/sign-in/"
    assert record.status in (200, 403)
    assert record.milliseconds > 0
    for secret in ("ann@", "pa55word", "secret-page"):
        assert secret not in str(vars(record))


@pytest.mark.django_db
def test_a_token_in_a_path_does_not_come_into_the_access_line(client, caplog):
    with caplog.at_level(logging.INFO, logger="parley.access"):
        client.get("/forgotten-password/MQ/abc-token/")
    assert "abc-token" not in str([vars(r) for r in caplog.records if r.name == "parley.access"])


def test_security_headers_are_there(client):
    headers = client.get("/health").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_static_files_are_served_under_asgi(async_client):
    response = async_to_sync(async_client.get)("/static/css/tokens.css")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/css")
    assert b"--" in response.content
    missing = async_to_sync(async_client.get)("/static/css/nothing.css")
    assert missing.status_code == 404


def test_what_is_somebodys_is_kept_by_no_browser_and_no_proxy(alice):
    for answer in (
        alice.client.get(alice.url("inbox/")),
        alice.api.get("/api/v1/customers"),
        alice.client.get("/sign-in/"),
    ):
        assert "no-store" in answer.headers["Cache-Control"]
        assert "private" in answer.headers["Cache-Control"]


def test_what_a_view_says_of_keeping_stays():
    middleware: Any = RequestLogMiddleware(lambda request: HttpResponse(headers={"Cache-Control": "max-age=60"}))
    assert middleware(RequestFactory().get("/")).headers["Cache-Control"] == "max-age=60"


def test_static_files_may_be_kept(client):
    assert "no-store" not in client.get("/static/js/live.js").headers.get("Cache-Control", "")
