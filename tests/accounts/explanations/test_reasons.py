"""The explanation of who sees a record never differs from `visible_to`, in any organization that one can think of."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.explanations import queries
from accounts.explanations.reasons import Why
from accounts.explanations.subjects import SUBJECTS
from accounts.models import Member, Role, Team, User
from customers.models import Customer, Deal, Task
from messaging.models import Channel, Conversation

pytestmark = pytest.mark.django_db
WORLDS = 12
PERMISSIONS = ["customers.view", "deals.view", "tasks.view", "conversations.view", "tasks.edit"]


def make_world(organization: Any, choice: Random) -> None:
    """Roles of each reach, members in any teams, records of anybody, nobody and the deleted."""
    roles = [
        Role.objects.create(
            organization=organization, key=f"{reach}-{number}", name=f"{reach} {number}", stored_reach=reach,
            stored_permissions=choice.sample(PERMISSIONS, choice.randint(3, 5)),
        )
        for number, reach in enumerate(("all", "team", "team", "assigned"))
    ]  # fmt: skip
    teams = [Team.objects.create(organization=organization, name=f"Team {number}") for number in range(3)]
    users = [User.objects.create(email=f"u{number}@world.example", name=f"U {number}") for number in range(5)]
    for user in users:
        member = Member.objects.create(
            organization=organization, user=user, role=choice.choice(roles), is_active=choice.random() > 0.2
        )
        member.teams.set(choice.sample(teams, choice.randint(0, 2)))
    owners = [*users, None]
    template = Customer.objects.select_related("organization", "stage").get()
    channel = Channel.objects.filter(kind="sms").first()
    for number in range(5):
        customer = Customer.objects.get(pk=template.pk)
        customer.pk, customer._state.adding, customer.code = None, True, f"W{number}"
        customer.id = Customer._meta.pk.get_default()
        customer.assigned_to = choice.choice(owners)
        customer.deleted_at = timezone.now() if choice.random() < 0.2 else None
        customer.save()
        of = {"organization": organization, "customer": customer}
        Deal.objects.create(**of, title="D", owner=choice.choice(owners))
        Conversation.objects.create(**of, channel=channel, address="1")
    everybody = [None, *Customer.objects.filter(code__startswith="W")]
    for _ in range(6):
        Task.objects.create(
            organization=organization, title="T", customer=choice.choice(everybody),
            assigned_to=choice.choice(owners), created_by=choice.choice(owners),
        )  # fmt: skip


@settings(
    max_examples=WORLDS, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_the_explained_are_those_who_see_it(inside, make_customer, alice, seed):
    with transaction.atomic():
        Customer.objects.exists() or make_customer(None, name="Template")
        make_world(inside, Random(seed))
        members = queries.members_who_may_come_in()
        for subject in SUBJECTS:
            seen = {one.pk: set(subject.visible(one).values_list("pk", flat=True)) for one in members}
            model = subject.visible(alice.member).model
            for row in model.objects.select_related(*subject.relations):
                explained = queries.Explained(subject, row, subject.line(row))
                for access in queries.who_sees(explained, members):
                    permitted = access.member.may(f"{subject.resource}.view")
                    expected = permitted and row.pk in seen[access.member.pk]
                    assert access.sees == expected, (subject.name, access.sentence)
                    assert access.sentence
        transaction.set_rollback(True)


def explained(member: Member, row: Any, name: str) -> queries.Explained:
    return queries.find(f"{name}:{row.pk}", member)


def test_the_reasons_in_words(alice, bob, mona, tom, inside, make_customer):
    customer = make_customer(bob)
    access = queries.who_sees(explained(alice.member, customer, "customer"), queries.members_who_may_come_in())
    sentences = {one.member.user.name: (one.sees, one.sentence) for one in access}
    assert sentences["Bob Reyes"] == (True, "It is theirs.")
    assert sentences["Alice Hart"] == (True, "The role Administrator reaches every record.")
    assert sentences["Mona Lind"][0]
    assert "Bob Reyes is with them in: Front desk" in sentences["Mona Lind"][1]
    assert sentences["Tom Okafor"] == (False, "The role Counselor does not reach it: only what is theirs.")


def test_what_is_nobodys_is_a_pool(alice, bob, mona, inside, make_customer):
    nobodys = make_customer(None)
    access = queries.access_of(mona.member, explained(alice.member, nobodys, "customer"))
    assert access.reason.why is Why.POOL
    assert access.may == {"view": True, "edit": True, "delete": True}


def test_a_constant_number_of_queries(alice, bob, mona, inside, make_customer, django_assert_num_queries):
    row = explained(alice.member, make_customer(bob), "customer")
    members = queries.members_who_may_come_in()
    with django_assert_num_queries(1):
        queries.who_sees(row, members)
    with django_assert_num_queries(1):
        queries.who_sees(row, members * 5)
