"""Rules that give customers to a team: in turn or to the least busy member, also when many come at once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import Member, Team
from accounts.roles import services as roles
from core.tenancy import organization_scope
from customers.models import Customer, TeamTurn
from customers.people import assignment
from customers.people.assignment import How
from tests.workflows.conftest import work
from workflows.models import Workflow, WorkflowRun
from workflows.rules.reading import InvalidWorkflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(alice: Any, bob: Any, mona: Any, inside: Any) -> Team:
    """Alice, Bob and Mona."""
    made = Team.objects.create(organization=inside, name="Reception desk")
    for one in (alice, bob, mona):
        one.member.teams.add(made)
    return made


@pytest.fixture
def comes(make_rule: Any, make_customer: Any, team: Team) -> Any:
    """`comes()`: a customer who gets a tag, by which the rule gives them to the team; as they are then."""

    def run(how: str = "", owner: Any = None, **more: Any) -> Customer:
        Workflow.objects.all().delete()
        action = {"action": "assign", "team": str(team.pk)} | ({"how": how} if how else {})
        make_rule("customer.tag_added", {}, [action])
        customer = make_customer(owner, **more)
        work()
        return Customer.objects.get(pk=customer.pk)

    return run


def order(team: Team) -> list[Any]:
    return list(team.members.order_by("pk").values_list("user_id", flat=True))


def last_step() -> tuple[str, str]:
    step = WorkflowRun.objects.latest("created_at").steps[-1]
    return step["status"], step["detail"]


def test_in_turn(comes, team):
    users = [comes(tags=["x"]).assigned_to_id for _ in range(5)]
    assert users == [*order(team), *order(team)[:2]]
    status, detail = last_step()
    assert (status, detail.endswith("of “Reception desk”: their turn.")) == ("done", True)


def test_who_is_away_or_may_not_see_customers_is_passed_over(comes, team, alice, bob, mona, role_without_customers):
    Member.objects.filter(pk=bob.member.pk).update(is_active=False)
    Member.objects.filter(pk=mona.member.pk).update(role=role_without_customers)
    assert [comes(tags=["x"]).assigned_to_id for _ in range(2)] == [alice.user.pk] * 2
    # The turn of who comes back is as it was.
    Member.objects.filter(pk=bob.member.pk).update(is_active=True)
    assert [comes(tags=["x"]).assigned_to_id for _ in range(2)] == [bob.user.pk, alice.user.pk]


@pytest.fixture
def role_without_customers(alice: Any) -> Any:
    return roles.create(
        organization=alice.organization, by=alice.member, actor=alice.actor, name="Tasks only", reach="all",
        permissions={"tasks.view"},
    )  # fmt: skip


def test_nobody_left(comes, team):
    team.members.clear()
    assert comes(tags=["x"]).assigned_to_id is None
    assert last_step() == ("skipped", "Nobody of the team “Reception desk” can be given customers.")


def test_the_least_busy_and_of_equals_in_turn(comes, team, alice, bob, mona, make_customer):
    for _ in range(2):
        make_customer(alice)
    make_customer(bob)
    make_customer(mona)
    # Of closed stages nobody is busy.
    lost = make_customer(bob)
    Customer.objects.filter(pk=lost.pk).update(stage=type(lost.stage).objects.get(key="lost"))
    users = Counter(comes("least_busy", tags=["x"]).assigned_to_id for _ in range(2))
    assert users == {bob.user.pk: 1, mona.user.pk: 1}
    assert last_step()[1].endswith("fewest customers: 1.")


def test_whose_customer_it_is_keeps_it_and_loses_no_turn(comes, team, make_customer, bob):
    assert comes(owner=bob, tags=["x"]).assigned_to_id == bob.user.pk
    assert last_step()[0] == "skipped"
    assert not TeamTurn.objects.exists()


def test_a_team_that_is_gone_is_a_failure_of_the_rule(make_rule, make_customer, team):
    rule = make_rule("customer.tag_added", {}, [{"action": "assign", "team": str(team.pk)}])
    team.delete()
    make_customer(tags=["x"])
    work()
    assert rule.runs.get().status == "failed"


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({}, "to"),
        ({"to": "bob", "team": "team"}, "team"),
        ({"to": "bob", "how": "in_turn"}, "how"),
        ({"team": "team", "how": "by_name"}, "how"),
        ({"team": "x"}, "team"),
    ],
)
def test_what_can_not_be_is_refused_at_its_place(make_rule, team, bob, params, place):
    ids = {"bob": str(bob.user.pk), "team": str(team.pk)}
    params = {name: ids.get(value, value) for name, value in params.items()}
    with pytest.raises(InvalidWorkflow) as refused:
        make_rule("customer.tag_added", {}, [{"action": "assign", **params}])
    assert refused.value.field == f"actions[0].{place}"


def test_another_organizations_team_is_none(make_rule, charlie):
    with organization_scope(charlie.organization):
        theirs = Team.objects.create(organization=charlie.organization, name="Theirs")
    with pytest.raises(InvalidWorkflow):
        make_rule("customer.tag_added", {}, [{"action": "assign", "team": str(theirs.pk)}])


def test_the_page_says_it_in_words(make_rule, team, alice):
    rule = make_rule("customer.tag_added", {}, [{"action": "assign", "team": str(team.pk), "how": "least_busy"}])
    page = alice.client.get(alice.url(f"settings/rules/{rule.pk}/")).content.decode()
    assert "“Reception desk”, whoever has the fewest customers" in page
    editor = alice.client.get(alice.url(f"settings/rules/{rule.pk}/edit/")).content.decode()
    assert "Or somebody of the team" in editor


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", list(How))
def test_at_once_nobody_gets_two_while_others_get_none(team, make_customer, how):
    customers = [make_customer() for _ in range(6)]
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(customers))

    def give(customer: Customer) -> None:
        try:
            barrier.wait()
            with organization_scope(team.organization), transaction.atomic():
                choice = assignment.choose(team=team, how=how)
                assert choice is not None
                Customer.objects.filter(pk=customer.pk).update(assigned_to=choice.member.user)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=give, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    owned = Counter(Customer.objects.values_list("assigned_to", flat=True))
    assert set(owned.values()) == {2}
    assert len(owned) == 3
