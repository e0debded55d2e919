"""The wizard, page by page, without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from activity import jobs
from core.tenancy import organization_scope
from customers.models import Customer, CustomerImport

ROWS = b"Name,E-mail,Phone\nAda,ada@example.com,+447700900123\nBad,nobody,\n"


def upload(who: Any, content: bytes = ROWS, name: str = "people.csv") -> str:
    """The address of the import's page."""
    response = who.client.post(who.url("customers/import/new/"), {"file": SimpleUploadedFile(name, content)})
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_whole_way_from_a_file_to_its_undo(alice):
    client = alice.client
    page = upload(alice)
    columns = client.get(page).content.decode()
    assert '<option value="email" selected>E-mail</option>' in columns
    assert "1 of the first 2 rows would be rejected." in columns
    assert "“nobody” is not an e-mail address." in columns

    fields = {"column-0": "name", "column-1": "email", "column-2": "phone", "on_duplicate": "update"}
    assert client.post(page, {**fields, "do": "try"})["Location"] == page
    assert "Trying it…" in text_of(client.get(page))
    jobs.run_due()
    tried = text_of(client.get(page))
    assert "This was a trial: nothing was written." in tried
    assert "1 would be created" in tried
    assert "Import 1 row" in tried

    assert client.post(page, {"do": "import"})["Location"] == page
    assert 'role="progressbar"' in client.get(page).content.decode()
    jobs.run_due()
    done = client.get(page)
    assert "The import is done." in text_of(done)
    assert "Undo this import" in text_of(done)
    listed = re.search(r'href="([^"]*created_from[^"]*)"', done.content.decode())[1].replace("&amp;", "&")
    assert "Ada" in text_of(client.get(listed))

    client.post(f"{page}undo/")
    jobs.run_due()
    undone = text_of(client.get(page))
    assert "This import was undone." in undone
    assert "1 removed" in undone
    with organization_scope(alice.organization):
        assert not Customer.objects.exists()


def test_the_preview_follows_the_columns(alice):
    page = upload(alice)
    headers = {"HX-Request": "true", "HX-Target": "import-preview"}
    response = alice.client.post(page, {"do": "preview", "column-0": "name", "column-1": ""}, headers=headers)
    assert "can be read without a problem" in text_of(response)
    assert "<html" not in response.content.decode()
    twice = alice.client.post(page, {"do": "preview", "column-0": "name", "column-1": "name"}, headers=headers)
    assert "Two columns are mapped to Name." in text_of(twice)


def test_the_progress_tells_the_page_to_come_again_when_it_is_over(alice):
    page = upload(alice)
    alice.client.post(page, {"do": "import"})
    headers = {"HX-Request": "true", "HX-Target": "import-progress"}
    assert "<html" not in alice.client.get(page, headers=headers).content.decode()
    jobs.run_due()
    assert alice.client.get(page, headers=headers)["HX-Refresh"] == "true"


def test_an_import_is_stopped_and_started_again(alice):
    page = upload(alice)
    alice.client.post(page, {"do": "import"})
    alice.client.post(page, {"do": "cancel"})
    assert "Which column is what?" in text_of(alice.client.get(page))
    alice.client.post(page, {"do": "import"})
    jobs.run_due()
    assert "The import is done." in text_of(alice.client.get(page))


@pytest.mark.parametrize("content", [b"", b"a,a\n1,2\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99)])
def test_a_file_that_is_refused_is_reported_in_words(alice, content):
    response = alice.client.post(alice.url("customers/import/new/"), {"file": SimpleUploadedFile("x.csv", content)})
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_nothing_chosen_is_reported_too(alice):
    assert "Choose a file first." in text_of(alice.client.post(alice.url("customers/import/new/")))


def test_a_name_of_a_file_is_text_and_nothing_else(alice):
    page = upload(alice, name="<img src=x>.csv")
    assert b"<img" not in alice.client.get(page).content
    assert b"&lt;img src=x&gt;.csv" in alice.client.get(alice.url("customers/import/")).content


def test_a_file_is_deleted_before_it_is_imported(alice):
    page = upload(alice)
    alice.client.post(f"{page}discard/")
    assert alice.client.get(page).status_code == 404
    done = upload(alice)
    alice.client.post(done, {"do": "import"})
    jobs.run_due()
    alice.client.post(f"{done}discard/")
    assert alice.client.get(done).status_code == 200


def test_the_example_can_be_imported_as_it_is(alice):
    example = alice.client.get(alice.url("customers/import/example/"))
    page = upload(alice, example.content)
    alice.client.post(page, {"do": "import"})
    jobs.run_due()
    with organization_scope(alice.organization):
        assert CustomerImport.objects.get().result["created"] == 2
        assert set(CustomerImport.objects.get().mapping) == set(CustomerImport.objects.get().headers)


def test_who_may_not_import_sees_no_page_of_it(alice, bob, mona, charlie):
    page = upload(alice)
    alice.client.post(page, {"do": "import"})
    jobs.run_due()
    for path in ("customers/import/", "customers/import/new/", "customers/import/example/", "customers/export/"):
        assert bob.client.get(bob.url(path)).status_code == 403
    for who, status in ((bob, 403), (charlie, 404), (mona, 404)):
        assert who.client.get(page).status_code == status
        assert who.client.get(f"{page}rejected/").status_code == status
        assert who.client.post(f"{page}undo/").status_code == status
    own = page.replace(alice.organization.slug, charlie.organization.slug)
    assert charlie.client.get(own).status_code == 404
    assert b"".join(alice.client.get(f"{page}rejected/").streaming_content).startswith(b"\xef\xbb\xbfName")


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_the_same_queries_for_any_number_of_imports(alice, count, django_assert_max_num_queries):
    for _ in range(count):
        upload(alice)
    client = alice.client
    with django_assert_max_num_queries(10):
        client.get(alice.url("customers/import/"))


def test_an_export_is_chosen_and_taken(alice, make_customer):
    make_customer(name="Ada", source="fair")
    make_customer(name="Bob", source="web")
    page = text_of(alice.client.get(alice.url("customers/export/?source=fair&open=1")))
    assert "1 customer within your reach that fit source: &nbsp;fair" in page or "1 customer" in page
    path = alice.url("customers/export/file/?source=fair&format=csv&column=name&column=code")
    assert b"".join(alice.client.get(path).streaming_content) == b"\xef\xbb\xbfName,Code\r\nAda,C001\r\n"


def test_an_export_of_nonsense_is_reported(alice):
    for query in ("column=nope", "format=pdf", "status=odd"):
        assert alice.client.get(alice.url(f"customers/export/file/?{query}")).status_code == 400
    assert alice.client.get(alice.url("customers/export/?status=odd")).status_code == 400
