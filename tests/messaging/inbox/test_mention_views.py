"""Naming colleagues in a note: the list while it is written, how it stands in the thread, and the view of them."""

from __future__ import annotations

from typing import Any

import pytest

from core.templatetags.ui import mentioning
from core.tenancy import organization_scope
from messaging.delivery import queue as outbound
from messaging.threads import mentions
from tests.conftest import make_team

pytestmark = pytest.mark.django_db


def offers(person: Any, text: str) -> str:
    answer = person.client.get(person.url("inbox/mentions/"), {"q": text})
    assert answer.status_code == 200
    return answer.content.decode()


def test_people_and_teams_by_the_beginning_of_a_word(alice, bob, mona, charlie):
    make_team("Reception", bob)
    assert 'data-mention="Bob Reyes"' in offers(alice, "bo")
    page = offers(alice, "re")
    assert 'data-mention="Bob Reyes"' in page
    assert 'data-mention="Reception"' in page
    assert offers(alice, "zzz").strip() == ""
    assert charlie.user.get_full_name() not in offers(alice, "")


def test_the_list_takes_two_queries_for_any_number(alice, bob, mona, tom, inside, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert len(mentions.offered("")) > 3


def test_the_name_is_marked_in_the_thread(alice, bob, make_conversation):
    conversation = make_conversation()
    path = alice.url(f"inbox/{conversation.pk}/note/")
    answer = alice.htmx.post(path, {"mode": "note", "body": "<i>@Bob</i> knows, bob@example.com not"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert '&lt;i&gt;<b class="mention">@Bob</b>&lt;/i&gt;' in page
    assert "bob@example.com" in page


def test_who_can_not_see_it_is_reported(alice, tara, make_conversation):
    conversation = make_conversation(alice)
    path = alice.url(f"inbox/{conversation.pk}/note/")
    answer = alice.htmx.post(path, {"mode": "note", "body": f"@{tara.user.get_full_name()} please"})
    assert answer.status_code == 200
    assert "see this customer" in answer.headers["HX-Trigger"]


def test_the_view_of_what_one_is_mentioned_in(alice, bob, mona, make_conversation):
    make_team("Night shift", mona)
    first, second, other = (make_conversation(bob, name=name) for name in ("Ada One", "Bea Two", "Cleo Three"))
    with organization_scope(alice.organization):
        for conversation, body in ((first, "@Bob"), (second, "@Night shift"), (other, "Nobody")):
            outbound.add_note(conversation=conversation, body=body, actor=alice.actor, author=alice.user)

    def page(person: Any) -> str:
        return person.client.get(person.url("inbox/?filter=mentions")).content.decode()

    assert "Ada One" in page(bob)
    assert "Bea Two" not in page(bob)
    assert "Bea Two" in page(mona)
    assert "Ada One" not in page(alice)


def test_marking_escapes_whatever_the_name_holds():
    assert mentioning("@<b> & @Ann", ["<b>", "Ann"]) == (
        '<b class="mention">@&lt;b&gt;</b> &amp; <b class="mention">@Ann</b>'
    )
    assert mentioning("@Ann", None) == "@Ann"
    assert mentioning("@Ann", "Ann") == "@Ann"


def test_a_link_stays_a_link():
    marked = mentioning("@Ann see https://x.example/@Ann/1 and joe@Ann.example, @Anna", ["Ann"])
    assert marked.count('<b class="mention">@Ann</b>') == 1
    assert 'href="https://x.example/@Ann/1"' in marked


def test_two_of_one_name_are_offered_by_the_names_of_their_accounts(alice, bob, mona):
    mona.user.name = bob.user.name
    mona.user.save()
    page = offers(alice, "Bob")
    assert f'data-mention="{bob.user.email}"' in page
    assert 'data-mention="mona"' in page
    assert 'data-mention="Bob Reyes"' not in page
