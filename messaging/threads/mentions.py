"""Colleagues and teams that a private note names with an @: found in its text, kept beside it, offered while it is
written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts.models import Member, Team
from accounts.models.member import MemberQuerySet
from customers.models import Customer
from messaging.models import Mention, Message

# Of one note; whatever is named beyond is not looked at.
MAX_MENTIONS: Final = 20
MAX_OFFERED: Final = 8
# In a note's `extra`: the names as they stand in its text, by which a page marks them.
MENTIONED: Final = "mentioned"
# An @ that is not inside of a word, as in an e-mail address, nor of a web address.
_AT: Final = re.compile(r"(?<![\w@/])@(?=\S)")


@dataclass(frozen=True, slots=True)
class Named:
    """A member or a team, and a name that it can be called by: with an @, in any case."""

    name: str
    member: Member | None = None
    team: Team | None = None

    @property
    def key(self) -> tuple[str, UUID]:
        """What tells it apart from others."""
        of = self.member or self.team
        if of is None:
            raise ValueError("A name is a member's or a team's.")
        return of._meta.model_name or "", of.pk


def find(text: str, names: Iterable[Named]) -> list[tuple[str, Named]]:
    """Whom a text names, in its order and each once, with the words as they stand there: the longest name that fits.

    Linear in the text for a given number of names; MAX_MENTIONS places at most are looked at.
    """
    by_length = sorted(names, key=lambda named: len(named.name), reverse=True)
    found: dict[tuple[str, UUID], tuple[str, Named]] = {}
    for count, match in enumerate(_AT.finditer(text)):
        if count == MAX_MENTIONS:
            break
        named = _at(text, match.end(), by_length)
        if named is not None:
            found.setdefault(named.key, (text[match.end() : match.end() + len(named.name)], named))
    return list(found.values())


def _at(text: str, start: int, by_length: Sequence[Named]) -> Named | None:
    for named in by_length:
        end = start + len(named.name)
        if text[start:end].casefold() == named.name.casefold() and not text[end : end + 1].isalnum():
            return named
    return None


def names() -> list[Named]:
    """All by which colleagues and teams of the organization that is open can be called: full names, first names and
    addresses, whole or the part before the @, that only one has, and names of teams. Two queries."""
    members = list(_members())
    result = [Named(team.name, team=team) for team in Team.objects.all()]
    taken = {named.name.casefold() for named in result}
    for name_of in (_full_name, _first_name, _account_name, _address):
        called: dict[str, list[Member]] = {}
        for member in members:
            if name := name_of(member):
                called.setdefault(name.casefold(), []).append(member)
        unique = {key: people[0] for key, people in called.items() if len(people) == 1 and key not in taken}
        result += [Named(name_of(member), member=member) for member in unique.values()]
        # What two are called names nobody, whichever kind of name it is.
        taken |= set(called)
    return result


def record(note: Message) -> list[Named]:
    """Keep whom a new note names; they, each once. Two queries where there is an @, and one to write."""
    if "@" not in note.body:
        return []
    found = find(note.body, names())
    if not found:
        return []
    Mention.objects.bulk_create(
        Mention(
            organization_id=note.organization_id, message=note, conversation_id=note.conversation_id,
            member=named.member, team=named.team, created_at=note.created_at,
        )
        for _words, named in found
    )  # fmt: skip
    note.extra[MENTIONED] = [words for words, _named in found]
    Message.objects.filter(pk=note.pk).update(extra=note.extra)
    return [named for _words, named in found]


def out_of_reach(note: Message) -> list[str]:
    """Whom the note names by themselves and who may not see its customer: they are not told. A query for each named."""
    rows = Mention.objects.filter(message=note, member__isnull=False).select_related(
        "member__user", "member__organization", "member__role"
    )
    hidden = []
    for row in rows:
        member = row.member
        if member is None:
            continue
        sees = Customer.objects.visible_to(member).filter(pk=note.customer_id).exists()
        if not sees or "conversations.view" not in member.permissions:
            hidden.append(_full_name(member))
    return hidden


def members_of(note_id: UUID) -> list[UUID]:
    """The members whom a note names, by themselves or by a team of theirs. Two queries."""
    rows = list(Mention.objects.filter(message=note_id).values_list("member", "team"))
    teams = [team for _member, team in rows if team is not None]
    of_teams = _members().filter(teams__in=teams).values_list("pk", flat=True) if teams else []
    return list(dict.fromkeys([*(member for member, _team in rows if member is not None), *of_teams]))


def offered(text: str) -> list[Named]:
    """Colleagues and teams whose name, or a word of it, begins with a text, each by a name that only they have;
    MAX_OFFERED at most, people first. Two queries."""
    wanted = text.casefold().strip()
    called: dict[tuple[str, UUID], Named] = {}
    for named in names():
        called.setdefault(named.key, named)
    fitting = [named for named in called.values() if _begins(named, wanted)]
    return sorted(fitting, key=lambda named: (named.team is not None, named.name.casefold()))[:MAX_OFFERED]


def _begins(named: Named, wanted: str) -> bool:
    folded = f"{named.name} {_full_name(named.member) if named.member is not None else ''}".casefold()
    return folded.startswith(wanted) or any(word.startswith(wanted) for word in folded.split())


def _members() -> MemberQuerySet:
    return Member.objects.active().people().select_related("user")


def _full_name(member: Member) -> str:
    return str(member.user.get_full_name())


def _first_name(member: Member) -> str:
    return next(iter(str(member.user.name).split()), "")


def _address(member: Member) -> str:
    return str(member.user.email)


def _account_name(member: Member) -> str:
    return str(member.user.email).partition("@")[0]
