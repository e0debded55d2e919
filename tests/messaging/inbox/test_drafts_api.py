from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(alice, make_conversation):
    return f"/api/v1/conversations/{make_conversation(alice).pk}/draft?mode="


def test_a_draft_is_read_kept_and_thrown_away(alice, url):
    empty = alice.api.get(f"{url}reply").json()
    assert (empty["body"], empty["version"]) == ("", 0)
    kept = alice.api.put(f"{url}reply", {"body": " Dear Maya\n", "subject": "Visit", "version": 0}, format="json")
    assert kept.status_code == 200, kept.content
    assert kept.json()["body"] == " Dear Maya\n"
    assert alice.api.get(f"{url}note").json()["body"] == ""
    assert alice.api.delete(f"{url}reply").status_code == 204
    gone = alice.api.get(f"{url}reply").json()
    assert gone["body"] == ""
    assert gone["version"] == 2


def test_a_version_or_tag_of_before_is_refused(alice, url):
    first = alice.api.put(f"{url}note", {"body": "one"}, format="json")
    alice.api.put(f"{url}note", {"body": "two"}, format="json")
    late = alice.api.put(f"{url}note", {"body": "late", "version": first.json()["version"]}, format="json")
    assert late.status_code == 409
    tagged = alice.api.put(f"{url}note", {"body": "late"}, format="json", headers={"If-Match": first.headers["ETag"]})
    assert tagged.status_code == 412
    assert alice.api.delete(f"{url}note", headers={"If-Match": first.headers["ETag"]}).status_code == 412
    assert alice.api.get(f"{url}note").json()["body"] == "two"


@pytest.mark.parametrize(
    ("mode", "body", "field"),
    [
        ("", {"body": "x"}, "mode"),
        ("mail", {"body": "x"}, "mode"),
        ("note", {"body": "x", "subject": "y"}, "subject"),
        ("note", {"body": "x", "cc": "a@b.example"}, "cc"),
        ("reply", {}, "body"),
        ("reply", {"body": "x", "version": -1}, "version"),
        ("reply", {"body": "x" * 100_001}, "body"),
        ("reply", {"body": "x", "template": "01980000-0000-7000-8000-000000000000"}, "template"),
        ("reply", {"body": "x", "colour": "red"}, "colour"),
    ],
)
def test_what_is_not_good_names_its_field(alice, url, mode, body, field):
    answer = alice.api.put(f"{url}{mode}", body, format="json")
    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert alice.api.get(f"{url}reply").json()["version"] == 0


def test_a_draft_is_the_callers_own(alice, bob, charlie, url):
    alice.api.put(f"{url}note", {"body": "mine"}, format="json")
    assert bob.api.get(f"{url}note").status_code == 404  # beyond his reach
    assert charlie.api.get(f"{url}note").status_code == 404
