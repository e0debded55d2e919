"""`/admin/users/{id}/access`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def ask(caller, about, subject):
    return caller.api.get(f"/api/v1/admin/users/{about.user.pk}/access", {"subject": subject})


def test_whether_and_why(alice, bob, mona, tom, make_customer):
    subject = f"customer:{make_customer(bob).pk}"
    answers = {one.user.name: ask(alice, one, subject).json() for one in (alice, bob, mona, tom)}
    assert {name: row["reason"] for name, row in answers.items()} == {
        "Alice Hart": "all", "Bob Reyes": "owner", "Mona Lind": "team", "Tom Okafor": None,
    }  # fmt: skip
    assert answers["Mona Lind"]["teams"] == ["Front desk"]
    assert answers["Bob Reyes"]["may"] == {"view": True, "edit": True, "delete": False}
    assert answers["Tom Okafor"]["may"] == {"view": False, "edit": False, "delete": False}
    assert "only what is theirs" in answers["Tom Okafor"]["explanation"]


def test_only_of_what_the_caller_sees(alice, bob, mona, charlie, make_customer):
    hidden = f"customer:{make_customer(alice).pk}"
    answer = ask(mona, alice, hidden)
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "subject")
    assert ask(bob, alice, hidden).status_code == 403
    assert ask(charlie, alice, hidden).status_code == 404
    assert alice.api.get(f"/api/v1/admin/users/{bob.user.pk}/access").status_code == 400
