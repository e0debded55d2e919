"""A private note can't leave, and what was written is kept for its writer: two drafts, one a mode."""

from __future__ import annotations

import re

import pytest

from core.tenancy import organization_scope
from messaging.inbox import drafts
from messaging.models import Draft, Message

pytestmark = pytest.mark.django_db

SECRET = "PRIVATE she still owes us"


@pytest.fixture
def thread(alice, make_conversation):
    return make_conversation(alice, kind="sms")


def address(person, thread, what):
    return person.url(f"inbox/{thread.pk}/{what}/")


def save(person, thread, mode, body, version=0, **more):
    return person.client.post(address(person, thread, f"draft/{mode}"), {"body": body, "version": version, **more})


def outbound(alice):
    with organization_scope(alice.organization):
        return list(Message.objects.filter(direction="outbound", is_private=False).values_list("body", flat=True))


def textarea(html, pk):
    found = re.search(rf'<textarea id="{pk}".*?>\n?(.*?)</textarea>', html, re.DOTALL)
    assert found, pk
    return found.group(1)


@pytest.mark.parametrize("typed", ["note", "", "Reply", "reply ", "x"])
@pytest.mark.parametrize("htmx", [True, False])
def test_a_text_that_does_not_say_it_was_typed_as_a_reply_does_not_leave(alice, thread, typed, htmx):
    client = alice.htmx if htmx else alice.client
    answer = client.post(address(alice, thread, "reply"), {"body": SECRET, "mode": typed})
    assert answer.status_code == 422
    assert outbound(alice) == []
    assert textarea(answer.content.decode(), "composer-note-body") == SECRET, "what was written comes back"
    assert "Nothing was sent" in answer.content.decode()
    if not htmx:
        assert textarea(answer.content.decode(), "composer-body") == ""


def test_a_reply_without_a_mode_does_not_leave(alice, thread):
    assert alice.client.post(address(alice, thread, "reply"), {"body": SECRET}).status_code == 422
    assert outbound(alice) == []


def test_a_reply_is_not_written_as_a_note(alice, thread):
    answer = alice.htmx.post(address(alice, thread, "note"), {"body": "Hello", "mode": "reply"})
    assert answer.status_code == 422
    assert textarea(answer.content.decode(), "composer-body") == "Hello"
    with organization_scope(alice.organization):
        assert not Message.objects.filter(is_private=True).exists()


def test_each_form_posts_its_own_text_only(alice, thread):
    html = alice.client.get(address(alice, thread, "")[:-1]).content.decode()
    forms = re.findall(r"<form[^>]*data-write=\"(\w+)\".*?</form>", html, re.DOTALL)
    assert forms == ["reply", "note"]
    for form in re.findall(r"<form[^>]*data-write=.*?</form>", html, re.DOTALL):
        assert form.count("<textarea") == 1
        assert "formaction" not in form or "allow-address" in form


def test_a_draft_is_shown_again_in_its_own_mode(alice, thread):
    assert save(alice, thread, "note", SECRET).json()["version"] == 1
    assert save(alice, thread, "reply", "\n Dear Maya\r\nline", subject="Visit", cc="a@b.example").status_code == 200
    html = alice.client.get(address(alice, thread, "")[:-1]).content.decode()
    assert textarea(html, "composer-note-body") == SECRET
    assert "Dear Maya" in textarea(html, "composer-body")
    assert SECRET not in textarea(html, "composer-body")


def test_a_note_is_the_mode_to_begin_in_where_only_it_was_begun(alice, thread):
    save(alice, thread, "note", SECRET)
    html = alice.client.get(address(alice, thread, "")[:-1]).content.decode()
    assert re.search(r'value="note"[^>]*checked', html)


def test_a_draft_is_its_writers_own(alice, bob, charlie, thread):
    with organization_scope(alice.organization):
        thread.customer.assigned_to = bob.user
        thread.customer.save()
    save(alice, thread, "note", SECRET)
    assert save(bob, thread, "note", "Bob’s").status_code == 200
    assert alice.client.get(address(alice, thread, "draft/note")).json()["body"] == SECRET
    assert SECRET not in bob.client.get(address(bob, thread, "")[:-1]).content.decode()
    assert save(charlie, thread, "note", "x").status_code == 404


@pytest.mark.parametrize("mode", ["reply", "note"])
@pytest.mark.parametrize("saved_before", [True, False])
def test_a_save_that_comes_after_the_sending_brings_nothing_back(alice, thread, mode, saved_before):
    version = save(alice, thread, mode, "Hello").json()["version"] if saved_before else 0
    sent = alice.htmx.post(address(alice, thread, mode), {"body": "Hello there", "mode": mode})
    assert sent.status_code == 200
    late = save(alice, thread, mode, "Hello th", version)
    assert late.status_code == 409
    assert late.json()["body"] == ""
    now = alice.client.get(address(alice, thread, f"draft/{mode}")).json()
    assert now["body"] == ""
    assert now["version"] > version
    assert f'data-draft-version="{now["version"]}"' in sent.content.decode()


def test_sending_a_reply_leaves_the_note_alone_and_the_other_way_round(alice, thread):
    save(alice, thread, "note", SECRET)
    save(alice, thread, "reply", "Hello")
    answer = alice.htmx.post(address(alice, thread, "reply"), {"body": "Hello", "mode": "reply"})
    assert SECRET not in answer.content.decode()
    with organization_scope(alice.organization):
        assert drafts.draft_of(thread, alice.member, "note").body == SECRET
        assert drafts.draft_of(thread, alice.member, "reply").body == ""


def test_what_is_refused_stays_a_draft(alice, thread):
    save(alice, thread, "reply", " " * 5, cc="nobody")
    answer = alice.htmx.post(address(alice, thread, "reply"), {"body": " " * 5, "mode": "reply", "cc": "nobody"})
    assert answer.status_code == 422
    with organization_scope(alice.organization):
        assert drafts.draft_of(thread, alice.member, "reply").cc == "nobody"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"version": ""}, "version"),
        ({"version": "-1"}, "version"),
        ({"version": "²"}, "version"),
        ({"version": "0", "body": "x" * 100_001}, "body"),
        ({"version": "0", "subject": "x" * 256}, "subject"),
        ({"version": "0", "cc": "x" * 2001}, "cc"),
    ],
)
def test_a_draft_that_is_not_good_names_the_field(alice, thread, given, field):
    answer = alice.client.post(address(alice, thread, "draft/reply"), {"body": "x", **given})
    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_two_windows_do_not_write_over_one_another(alice, thread):
    first = save(alice, thread, "reply", "From the first").json()["version"]
    save(alice, thread, "reply", "From the second", first)
    refused = save(alice, thread, "reply", "From the first, later", first)
    assert refused.status_code == 409
    assert refused.json()["body"] == "From the second"


def test_drafts_take_one_query_of_the_page(alice, thread, django_assert_num_queries):
    with organization_scope(alice.organization), django_assert_num_queries(1):
        drafts.drafts_of(thread, alice.member)


def test_a_draft_is_lost_with_its_conversation(alice, thread):
    save(alice, thread, "note", SECRET)
    with organization_scope(alice.organization):
        thread.delete()
        assert not Draft.objects.exists()
