"""The demo organization: a clinic with half a year behind it, the same for the same seed.

A few customers are written line by line through the services; the many others are written as the services would leave
them (`lives.py`), in bulk, so that a million take minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.credentials import passwords as passwords_service
from accounts.models import Member, Organization, Team, User
from accounts.organizations import services as organizations
from activity.actor import Actor
from core.tenancy import organization_scope
from crm_project.demo import story
from crm_project.demo.lives import Clinic, Life, Teller
from crm_project.demo.people import Person
from crm_project.demo.writing import write
from customers import days
from customers.data.merging import duplicates
from customers.models import Task
from customers.work.tasks import services as tasks

NAME = "Harbour Clinic"
SLUG = "harbour-clinic"
# Known to everybody: for a machine of one's own (DEBUG) only.
PASSWORD = "parley-demo-2026"  # noqa: S105 - printed at the start; the demo holds nothing
PEOPLE = (
    ("alice", "Alice Hart", "alice@parley.example", "admin"),
    ("mona", "Mona Lind", "mona@parley.example", "manager"),
    ("bob", "Bob Reyes", "bob@parley.example", "counselor"),
)
SIZE, SEED = 320, 2026
# Beyond this many only the pipeline is made: who stands where since when, deals, tasks, follow-ups, outcomes.
BRIEF_FROM = 20_000
LEFT_OUT = "conversations, calls, consents, contacts, the ledger of each customer and the search for duplicates"
# Every so many-th person comes a second time, under another address.
TWICE_EVERY = 90
# In the demo an answer leaves almost at once: whoever tries it out wants to see the ticks.
UNDO_SECONDS = 3

Progress = Callable[[int], None]


def passwords() -> dict[str, str]:
    """By e-mail, what the demo's people sign in with: the public password with DEBUG, else a random one each."""
    return {email: PASSWORD if settings.DEBUG else secrets.token_urlsafe(15) for _, _, email, _ in PEOPLE}


def close_public_accounts() -> list[str]:
    """Take the public password from the demo's people, and the installation's rights; the e-mails of those who had it.

    For an installation that was tried out with DEBUG and goes into production with the same database.
    """
    closed = []
    for user in User.objects.filter(email__in=[email for _, _, email, _ in PEOPLE]):
        if user.check_password(PASSWORD):
            user.set_unusable_password()
            user.is_superuser = user.is_staff = False
            user.save()
            passwords_service.changed(user=user)
            closed.append(user.email)
    return closed


@transaction.atomic
def load(
    *,
    size: int = SIZE,
    seed: int = SEED,
    progress: Progress | None = None,
    user_passwords: Mapping[str, str] | None = None,
) -> Organization | None:
    """Make the demo organization with so many customers beside those of the story; None where it is here already.

    `user_passwords` are the passwords by e-mail, as `passwords()` makes them. `progress` gets how many are written. All
    or nothing: a load that is broken off leaves no half of it. With DEBUG the first of the demo is the installation's
    administrator as well.
    """
    if Organization.objects.filter(slug=SLUG).exists() or User.objects.filter(email=PEOPLE[0][2]).exists():
        return None
    staff = _staff(user_passwords or passwords())
    organization = staff["alice"].organization
    with organization_scope(organization):
        fill(organization, [member.user for member in staff.values()], size=size, seed=seed, progress=progress)
        story.write(organization, staff)
        _tasks_of_the_house(organization, staff)
        if size < BRIEF_FROM:
            duplicates.find_due()
    return organization


def fill(
    organization: Organization,
    staff: list[User],
    *,
    size: int,
    seed: int = SEED,
    progress: Progress | None = None,
    is_brief: bool | None = None,
) -> None:
    """So many customers with half a year of life into a clinic, in the scope and transaction that are open.

    `is_brief` says whether only the pipeline is made; without it the size does.
    """
    # To the full minute, so that two loads of one minute are equal.
    clinic = Clinic(organization, staff, timezone.now().replace(second=0, microsecond=0), seed)
    is_brief = size >= BRIEF_FROM if is_brief is None else is_brief
    for written in write(_lives(clinic, size, is_brief=is_brief), is_brief=is_brief):
        if progress is not None:
            progress(written)


def _lives(clinic: Clinic, size: int, *, is_brief: bool) -> Iterator[Life]:
    teller = Teller(clinic, is_brief=is_brief)
    seen: Person | None = None
    for place in range(size):
        created_at = clinic.times.came(place, size)
        is_second = seen is not None and place % TWICE_EVERY == TWICE_EVERY // 2 and not is_brief
        person = clinic.people.again(seen, place + 1) if is_second and seen else clinic.people.one(place + 1)
        if person.address:
            seen = person
        yield teller.life_of(person, created_at)


def _staff(user_passwords: Mapping[str, str]) -> dict[str, Member]:
    key, name, email, _ = PEOPLE[0]
    # On one's own machine the first of the demo administers the installation too, so that the admin can be looked at.
    make = User.objects.create_superuser if settings.DEBUG else User.objects.create_user
    user = make(email, user_passwords[email], name=name)
    owner = organizations.create_organization(name=NAME, pack="clinic", owner=user)
    Organization.objects.filter(pk=owner.organization_id).update(undo_seconds=UNDO_SECONDS)
    staff = {key: owner}
    with organization_scope(owner.organization):
        team = Team.objects.create(organization=owner.organization, name="Front desk")
        for key, name, email, role in PEOPLE[1:]:
            user = User.objects.create_user(email, user_passwords[email], name=name)
            staff[key] = organizations.add_member(
                organization=owner.organization, user=user, role_key=role, actor=Actor.for_user(owner.user)
            )
            team.members.add(staff[key])
    return staff


def _tasks_of_the_house(organization: Organization, staff: dict[str, Member]) -> None:
    """Tasks without a customer, two of them again and again, with a reminder."""
    zone = organization.zone
    today = days.today(zone)
    monday = today + timedelta(days=(7 - today.weekday()) % 7 or 7)
    rows = (
        ("mona", "Go through the leads without an answer", days.next_working_day(today), Task.Repeat.WEEKDAY, True),
        ("alice", "Look at the week’s numbers together", monday, Task.Repeat.WEEK, True),
        ("bob", "Order whitening gel", today - timedelta(days=2), "", False),
        ("alice", "Update the price list on the website", today + timedelta(days=4), "", False),
    )
    for who, title, day, repeat, is_reminded in rows:
        user = staff[who].user
        due_at = days.at(day, days.MORNING, zone)
        tasks.create(
            organization=organization, actor=Actor.for_user(user), title=title, due_at=due_at, assigned_to=user,
            repeat_unit=repeat, remind_at=due_at - timedelta(minutes=30) if is_reminded else None,
        )  # fmt: skip
