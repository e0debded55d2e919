"""Colleagues and teams that a private note names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from accounts.models import Team
from activity import dispatch
from core.tenancy import organization_scope
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Mention, Message
from messaging.threads import mentions
from messaging.threads.mentions import Named
from tests.conftest import make_team
from workflows.models import Notification
from workflows.notifications import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(alice: Any, bob: Any, make_conversation: Any) -> Conversation:
    """With a customer of Bob's."""
    return make_conversation(bob)


def note(person: Any, conversation: Conversation, body: str) -> Message:
    with organization_scope(person.organization):
        return outbound.add_note(conversation=conversation, body=body, actor=person.actor, author=person.user)


def named(person: Any, row: Message) -> set[str]:
    with organization_scope(person.organization):
        rows = Mention.objects.filter(message=row).select_related("member__user", "team")
        return {one.member.user.get_full_name() if one.member else f"team {one.team.name}" for one in rows}


@pytest.mark.parametrize(
    "text",
    [
        "@Bob Reyes please call", "Ask @bob reyes.", "(@Bob) knows", "@BOB!", "see @bob", "@Bob’s patient", "@bob,@bob",
    ],
)  # fmt: skip
def test_somebody_is_named_by_full_or_first_name(alice, bob, conversation, text):
    assert named(alice, note(alice, conversation, text)) == {bob.user.get_full_name()}


@pytest.mark.parametrize(
    "text",
    [
        "Bob",
        "bob@example.com",
        "x@Bob",
        "@@Bob",
        "@ Bob",
        "@Bobby",
        "@Nobody",
        "@",
        "",
        "@\nBob",
        "https://x.example/@Bob/1",
    ],
)
def test_what_names_nobody(alice, bob, conversation, text):
    row = note(alice, conversation, text or "x")
    assert named(alice, row) == set()
    assert "mentioned" not in row.extra


def test_a_first_name_of_two_names_neither(alice, bob, mona, conversation):
    mona.user.name = "Bob Marley"
    mona.user.save()
    assert named(alice, note(alice, conversation, "@Bob")) == set()
    assert named(alice, note(alice, conversation, "@Bob Marley and @bob reyes")) == {"Bob Marley", "Bob Reyes"}


def test_the_longest_name_that_fits():
    one, other = Named("Ann", team=_team(1)), Named("Ann Lee", team=_team(2))
    assert [words for words, _ in mentions.find("@ann lee and @Ann", [one, other])] == ["ann lee", "Ann"]


def _team(number: int) -> Team:
    return Team(pk=UUID(int=number))


def test_a_team_is_named(alice, bob, mona, conversation):
    make_team("Night shift", bob, mona)
    row = note(alice, conversation, "@Night shift, who is there?")
    assert named(alice, row) == {"team Night shift"}
    with organization_scope(alice.organization):
        assert set(mentions.members_of(row.pk)) == {bob.member.pk, mona.member.pk}


def test_nobody_of_another_organization(alice, charlie, conversation):
    assert named(alice, note(alice, conversation, f"@{charlie.user.get_full_name()}")) == set()


def test_nobody_who_is_deactivated(alice, bob, conversation):
    bob.member.is_active = False
    bob.member.save()
    assert named(alice, note(alice, conversation, "@Bob")) == set()


def test_each_once_and_twenty_at_most(alice, bob, conversation):
    row = note(alice, conversation, "@Bob " * 50)
    with organization_scope(alice.organization):
        assert Mention.objects.filter(message=row).count() == 1
    people = [Named(f"P{number:03d}", team=_team(number)) for number in range(50)]
    text = " ".join(f"@P{number:03d}" for number in range(50))
    assert len(mentions.find(text, people)) == mentions.MAX_MENTIONS


def test_the_same_queries_for_any_number(alice, bob, mona, conversation, django_assert_num_queries):
    with organization_scope(alice.organization):
        with django_assert_num_queries(2):
            mentions.names()
        plain = Message(body="Nobody", organization=alice.organization, conversation=conversation)
        with django_assert_num_queries(0):
            mentions.record(plain)


class TestNotifications:
    def lines(self, person: Any) -> list[Notification]:
        dispatch.dispatch_due()
        with organization_scope(person.organization):
            return list(queries.visible_to(person.member).filter(kind="mention"))

    def test_whom_it_names_and_nobody_else(self, alice, bob, mona, conversation):
        note(alice, conversation, "@Bob and @Alice, look")
        (line,) = self.lines(bob)
        assert line.subject_id == conversation.pk
        assert self.lines(mona) == []
        # Who wrote it knows.
        assert self.lines(alice) == []

    def test_twice_is_one_line(self, alice, bob, conversation):
        note(alice, conversation, "@Bob first")
        note(alice, conversation, "@Bob second")
        (line,) = self.lines(bob)
        assert line.count == 2

    def test_a_team_tells_its_members(self, alice, bob, mona, conversation):
        make_team("Night shift", bob, mona)
        note(alice, conversation, "@night shift")
        assert len(self.lines(bob)) == 1

    def test_not_who_may_not_see_the_customer(self, alice, tara, make_conversation):
        # Tara sees only what is hers.
        hidden = make_conversation(alice)
        row = note(alice, hidden, f"@{tara.user.get_full_name()}")
        assert self.lines(tara) == []
        with organization_scope(alice.organization):
            assert mentions.out_of_reach(row) == [tara.user.get_full_name()]

    def test_a_customer_learns_nothing(self, alice, bob, conversation):
        note(alice, conversation, "@Bob")
        with organization_scope(alice.organization):
            assert not Message.objects.outbound().exists()
