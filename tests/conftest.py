"""The cast that stands in every test: Alice owns, Bob belongs, Charlie must see nothing.

Alice is the administrator of the Harbour Clinic, Bob a counselor there, who sees what is assigned to him. Charlie is
the administrator of another organization. Mona manages a team at the clinic, with Bob in it,
Tara another one there, with Tom in it.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.credentials import tokens
from accounts.models import Member, Organization, Team, User
from accounts.organizations import services as organizations
from activity import registry
from activity.actor import Actor
from core import clock
from core.tenancy import every_organization, organization_scope
from customers.models import Customer, CustomField, Segment, Tag
from customers.people.customers import services as customers
from messaging.models import Channel, Conversation
from messaging.threads import services as conversations
from tests.cast_rows import Ids, Step, recording
from tests.emptying import empty_only_what_is_filled
from tests.unordered import shuffle_where_asked

shuffle_where_asked()
empty_only_what_is_filled()
PASSWORD = "a calm harbour at dawn"
TESTS = Path(__file__).parent


@dataclass
class Person:
    """Somebody of the cast: the user, the membership, and ways in."""

    user: User
    member: Member

    @property
    def organization(self) -> Organization:
        return self.member.organization

    @property
    def actor(self) -> Actor:
        return Actor.for_user(self.user)

    @property
    def client(self) -> Client:
        """A browser that is signed in."""
        client = Client()
        client.force_login(self.user)
        return client

    @property
    def htmx(self) -> Client:
        """A browser whose requests are HTMX's."""
        client = Client(headers={"HX-Request": "true"})
        client.force_login(self.user)
        return client

    @property
    def api(self) -> APIClient:
        """A caller with an access token."""
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.begin(member=self.member).access_token}")
        return client

    def url(self, path: str) -> str:
        """An address of the person's organization."""
        return f"/o/{self.organization.slug}/{path}"


# Walks over every page or call: files, or functions of a file. What the calls do on each database, their own tests try.
WALKS = {
    "test_edit_forms.py",
    "test_edits.py",
    "test_intruders.py::test_calls",
    "test_intruders.py::test_pages",
    "test_walk.py::test_the_api",
    "test_walk.py::test_the_pages",
    "test_walk.py::test_the_walk_would_see_it",
}


def is_about_pages(path: Path, function: str = "") -> bool:
    """Whether a test asks pages: by its folder, its file's name, or as a walk."""
    inside = path.relative_to(TESTS)
    if "views" in inside.parts or inside.stem.endswith("_views"):
        return True
    return bool(WALKS & {inside.name, f"{inside.name}::{function}"})


def has_real_transactions(item: pytest.Item) -> bool:
    """Whether a test is about what several connections do to one another: that is the database's."""
    mark = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(mark and mark.kwargs.get("transaction"))


# Where what is below everything else is tried, and what ties the whole together: passed on both databases in any case.
GROUND = {"activity", "core", "crm_project", "processes"}


def reaches_no_database(item: pytest.Item) -> bool:
    """Whether a test of an app asks for no database: it can't know which one there is."""
    fixtures = {"db", "transactional_db", "django_db_setup"} & set(getattr(item, "fixturenames", ()))
    is_of_app = item.path.relative_to(TESTS).parts[0] not in GROUND
    return is_of_app and not fixtures and item.get_closest_marker("django_db") is None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        function = getattr(item, "originalname", item.name)
        if not item.path.is_relative_to(TESTS):
            continue
        if is_about_pages(item.path, function) and not has_real_transactions(item):
            item.add_marker(pytest.mark.pages)
        if reaches_no_database(item):
            item.add_marker(pytest.mark.no_database)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OUTBOUND_CONCURRENCY = 1


class Mismatches(logging.Handler):
    """Payloads that are not as their events declare; kept from the start, since the cast is made before any test."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


MISMATCHES = Mismatches()
registry.logger.addHandler(MISMATCHES)


@pytest.fixture(autouse=True)
def payload_mismatches() -> Iterator[list[str]]:
    """No test records a payload that is not as declared; one that means to takes it out again."""
    yield MISMATCHES.texts
    texts, MISMATCHES.texts = MISMATCHES.texts, []
    assert texts == []


@pytest.fixture(autouse=True)
def one_clock() -> Iterator[None]:
    """Tests travel by setting this machine's clock; the database's can't be set, and is tried in test_clock."""
    with pytest.MonkeyPatch.context() as patch:  # of its own: a test's `undo()` is not to take it along
        patch.setattr(clock, "now", lambda: timezone.now())
        # What a test that travels measured is nothing that the next one has to live with.
        patch.setattr(clock, "_measured", clock._measured)
        patch.setattr(clock, "_drift", timedelta(0))
        yield


def sign_up(email: str, name: str, organization: str, pack: str) -> Person:
    member = organizations.sign_up(email=email, password=PASSWORD, name=name, organization=organization, pack=pack)
    return Person(member.user, member)


def join(owner: Person, email: str, name: str, role: str) -> Person:
    user = User.objects.create_user(email, PASSWORD, name=name)
    with organization_scope(owner.organization):
        member = organizations.add_member(organization=owner.organization, user=user, role_key=role, actor=owner.actor)
    return Person(user, member)


def make_team(name: str, *people: Person) -> Team:
    """A team of the first one's organization."""
    with organization_scope(people[0].organization):
        team = Team.objects.create(organization=people[0].organization, name=name)
        team.members.set([person.member for person in people])
    return team


@pytest.fixture(scope="session")
def recorded_cast(django_db_setup: None, django_db_blocker: Any) -> dict[str, tuple[Step, UUID]]:
    """What the coming of each person writes, and the id of their membership."""
    members: dict[str, UUID] = {}
    with django_db_blocker.unblock(), recording() as recorder:

        def keep(name: str, person: Person) -> Person:
            recorder.keep(name)
            members[name] = person.member.pk
            return person

        alice = keep("alice", sign_up("alice@harbour.example", "Alice Hart", "Harbour Clinic", "clinic"))
        bob = keep("bob", join(alice, "bob@harbour.example", "Bob Reyes", "counselor"))
        mona = join(alice, "mona@harbour.example", "Mona Lind", "manager")
        make_team("Front desk", mona, bob)
        keep("mona", mona)
        tom = keep("tom", join(alice, "tom@harbour.example", "Tom Okafor", "counselor"))
        tara = join(alice, "tara@harbour.example", "Tara Novak", "manager")
        make_team("Back office", tara, tom)
        keep("tara", tara)
        keep("charlie", sign_up("charlie@elsewhere.example", "Charlie Voss", "Elsewhere School", "school"))
    return {name: (step, members[name]) for name, step in recorder.steps.items()}


Enter = Callable[..., Person]


@pytest.fixture
def enter(db: Any, recorded_cast: dict[str, tuple[Step, UUID]]) -> Enter:
    """`enter("bob", beside=alice)`: the rows of that person, who comes into the organization of the other."""
    ids: Ids = {}

    def come(name: str, beside: Person | None = None) -> Person:
        step, member_id = recorded_cast[name]
        step.put(ids)
        with every_organization("the cast belongs to several"):
            member = Member.objects.select_related("user", "organization", "role").get(pk=ids[member_id])
        if beside is not None:
            member.organization = beside.organization
        return Person(member.user, member)

    return come


@pytest.fixture
def alice(enter: Enter) -> Person:
    return enter("alice")


@pytest.fixture
def bob(alice: Person, enter: Enter) -> Person:
    return enter("bob", beside=alice)


@pytest.fixture
def mona(alice: Person, bob: Person, enter: Enter) -> Person:
    return enter("mona", beside=alice)


@pytest.fixture
def tom(alice: Person, enter: Enter) -> Person:
    return enter("tom", beside=alice)


@pytest.fixture
def tara(alice: Person, tom: Person, enter: Enter) -> Person:
    return enter("tara", beside=alice)


@pytest.fixture
def charlie(enter: Enter) -> Person:
    return enter("charlie")


@pytest.fixture
def inside(alice: Person) -> Iterator[Organization]:
    """Alice's organization, opened for the whole test."""
    with organization_scope(alice.organization):
        yield alice.organization


@pytest.fixture
def without_pack(alice: Person) -> None:
    """Of Alice's pack only the pipeline and the outcomes: for tests that count their own fields and tags."""
    with organization_scope(alice.organization):
        for model in (CustomField, Segment, Tag):
            model.objects.all().delete()


MakeCustomer = Callable[..., Customer]


@pytest.fixture
def make_customer(alice: Person) -> MakeCustomer:
    """Customers of Alice's organization, each with a phone of its own."""
    made = 0

    def make(owner: Person | None = None, **fields: Any) -> Customer:
        nonlocal made
        made += 1
        given = {"name": f"Customer {made}", "phone": f"+4477009{made:05d}", **fields}
        with organization_scope(alice.organization):
            return customers.create(
                organization=alice.organization, actor=alice.actor, assigned_to=owner.user if owner else None, **given
            )

    return make


@pytest.fixture
def make_conversation(alice: Person, make_customer: MakeCustomer) -> Callable[..., Conversation]:
    """Conversations on the clinic's simulator channels."""

    def make(owner: Person | None = None, kind: str = "whatsapp", **fields: Any) -> Conversation:
        with organization_scope(alice.organization):
            channel = Channel.objects.select_related("organization").get(kind=kind, provider="simulator")
            return conversations.begin(customer=make_customer(owner, **fields), channel=channel)

    return make
