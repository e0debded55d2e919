"""Pages go out compressed, but for those that show a secret or that another site asks for; nothing else does."""

from __future__ import annotations

import gzip
import itertools

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from core.compression import PageCompressionMiddleware, shows_secret
from core.tenancy import organization_scope
from customers.models import Customer

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
PAGE = b"<p>Good morning, Harbour Clinic.</p>" * 200
# What the design promises of a page of 50 rows.
MAX_BYTES = 60_000
PATHS = ("customers/", "pipeline/", "inbox/")


def sent(response, path="/o/x/customers/", **headers):
    middleware = PageCompressionMiddleware(lambda request: response)
    return middleware(RequestFactory().get(path, headers={**GZIP, **headers}))


def test_a_page_is_compressed_for_who_takes_it():
    response = sent(HttpResponse(PAGE))
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]
    assert gzip.decompress(response.content) == PAGE
    assert "Content-Encoding" not in sent(HttpResponse(PAGE), **{"Accept-Encoding": "identity"}).headers


def test_the_same_page_has_not_the_same_length_twice():
    lengths = {len(sent(HttpResponse(PAGE)).content) for _ in range(30)}
    assert len(lengths) > 5


@pytest.mark.parametrize(("site", "is_compressed"), [
    ("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False),
])  # fmt: skip
def test_what_another_site_asks_for_is_not_compressed(site, is_compressed):
    response = sent(HttpResponse(PAGE), **{"Sec-Fetch-Site": site})
    assert ("Content-Encoding" in response.headers) is is_compressed


def test_a_page_with_a_secret_is_not_compressed():
    response = shows_secret(lambda request: HttpResponse(PAGE))(RequestFactory().get("/"))
    assert "Content-Encoding" not in sent(response).headers


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/calendar", "image/png"])
def test_nothing_but_pages_is_compressed(content_type):
    response = sent(HttpResponse(PAGE, content_type=content_type, headers={"ETag": '"strong"'}))
    assert "Content-Encoding" not in response.headers
    assert response.headers["ETag"] == '"strong"'


def test_a_stream_is_passed_on_as_it_comes():
    pieces = iter([PAGE, PAGE])
    response = sent(StreamingHttpResponse(pieces))
    assert next(iter(response.streaming_content)) == PAGE


def test_the_api_is_left_alone():
    assert "Content-Encoding" not in sent(HttpResponse(PAGE), path="/api/v1/docs/").headers


@pytest.mark.django_db
def test_the_calendar_address_is_shown_uncompressed(alice):
    shown = alice.client.post(alice.url("tasks/feed/"), headers=GZIP)
    assert b"shown this once" in shown.content
    assert "Content-Encoding" not in shown.headers


@pytest.mark.django_db
def test_the_masked_token_is_another_in_every_page(alice):
    tokens = set()
    for _ in range(2):
        page = gzip.decompress(alice.client.get(alice.url("customers/"), headers=GZIP).content).decode()
        tokens.add(page.partition('"X-CSRFToken": "')[2].partition('"')[0])
    assert len(tokens) == 2


@pytest.fixture
def crowd(alice, make_conversation):
    """More than a page of customers, each with a conversation, in as many words as people have."""
    words = ("Ingrid", "Tomás", "Priya", "Noah", "Chloé", "Aiko", "Bram", "Zoë", "Lwazi", "Femke", "Ødegaard", "Quist")
    for n, (first, last) in enumerate(itertools.islice(itertools.permutations(words, 2), 60)):
        make_conversation(name=f"{first} {last}", email=f"guest{n}@mail.example", company=f"{last} & {first} Ltd")
    with organization_scope(alice.organization):
        assert Customer.objects.count() == 60


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_a_list_of_fifty_is_small_on_the_wire(path, alice, crowd):
    response = alice.client.get(alice.url(path), headers=GZIP)
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.content) < MAX_BYTES
