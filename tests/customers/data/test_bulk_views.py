"""Many at once, from the bar under the list."""

from __future__ import annotations

import pytest

from activity import jobs
from activity.models import Job
from core.tenancy import organization_scope
from customers.models import ChangeSet, Customer
from customers.people.customers import services as customers
from customers.pipeline.deals import services as deals


def do(who, action, customers=(), **more):
    body = {"do": action, "ids": [str(customer.pk) for customer in customers], "state": "?", **more}
    return who.client.post(who.url("customers/bulk/"), body)


def do_htmx(who, action, customers=(), **more):
    body = {"do": action, "ids": [str(customer.pk) for customer in customers], "state": "?", **more}
    return who.htmx.post(who.url("customers/bulk/"), body)


def all_of(who):
    with organization_scope(who.organization):
        return list(Customer.objects.present().select_related("stage").prefetch_related("tags").order_by("code_number"))


def job_count(who):
    with organization_scope(who.organization):
        return Job.objects.count()


@pytest.mark.parametrize(
    ("action", "tag", "check"),
    [
        ("stage:contacted", "", lambda c: c.stage.key == "contacted"),
        ("status:active", "", lambda c: c.status == "active"),
        ("tag_add", "vip", lambda c: [tag.name for tag in c.tags.all()] == ["vip"]),
        ("assign:", "", lambda c: c.assigned_to_id is None),
    ],
)
def test_a_selection_is_changed_and_undone(alice, make_customer, action, tag, check):
    chosen = [make_customer(alice, name=f"P{n}") for n in range(3)]
    other = make_customer(alice, name="Other")
    answer = do(alice, action, chosen, tag=tag)
    jobs.run_due()
    with organization_scope(alice.organization):
        job = Job.objects.get()
        assert answer.url == alice.url(f"jobs/{job.pk}/")
        assert job.result["changed"] == 3
    assert [check(customer) for customer in all_of(alice)] == [True, True, True, False]
    undone = alice.client.post(alice.url(f"customers/changes/{job.result['change_set']}/undo/"))
    jobs.run_due()
    assert undone.status_code == 302
    assert [check(customer) for customer in all_of(alice)] == [False] * 4
    assert other.pk in {customer.pk for customer in all_of(alice)}


def test_an_owner_is_given(alice, bob, make_customer):
    chosen = [make_customer(alice)]
    do(alice, f"assign:{bob.user.pk}", chosen)
    jobs.run_due()
    assert [customer.assigned_to_id for customer in all_of(alice)] == [bob.user.pk]


def test_a_deletion_is_asked_about_first(alice, make_customer):
    chosen = [make_customer(alice, name=f"P{n}") for n in range(2)]
    asked = do(alice, "delete", chosen).content.decode()
    assert job_count(alice) == 0
    assert "Delete 2 customers?" in asked
    assert "30 days" in asked
    assert all(str(customer.pk) in asked for customer in chosen)
    do(alice, "delete", chosen, confirmed="1")
    jobs.run_due()
    assert all_of(alice) == []
    with organization_scope(alice.organization):
        change_set = ChangeSet.objects.get()
    alice.client.post(alice.url(f"customers/changes/{change_set.pk}/undo/"))
    jobs.run_due()
    assert len(all_of(alice)) == 2


def test_all_that_match_are_the_filters_and_within_reach(alice, bob, make_customer):
    make_customer(alice, name="Hers", status="active")
    make_customer(bob, name="His", status="active")
    make_customer(bob, name="His lead")
    do(bob, "stage:contacted", state="?status=active", all="1")
    jobs.run_due()
    assert {customer.name for customer in all_of(alice) if customer.stage.key == "contacted"} == {"His"}


def test_more_than_a_hundred_are_asked_about(alice, make_customer):
    first = make_customer(alice, status="active")
    with organization_scope(alice.organization):
        Customer.objects.bulk_create(
            Customer(organization=alice.organization, name="x", code=f"X{n}", stage=first.stage, status="active")
            for n in range(100)
        )
    asked = do_htmx(alice, "status:inactive", state="?status=active", all="1")
    assert asked.headers["HX-Retarget"] == "#bulk-confirm"
    assert "Change 101 customers?" in asked.content.decode()
    assert "Set their status to Inactive" in asked.content.decode()
    assert job_count(alice) == 0


def test_a_bad_filter_changes_nobody(alice, make_customer):
    make_customer(alice)
    answer = do(alice, "stage:contacted", state="?status=nonsense", all="1")
    assert answer.status_code == 302
    assert job_count(alice) == 0


@pytest.mark.parametrize("action", ["", "explode:1", "stage:nonsense", "status:", "assign:somebody", "tag_add"])
def test_what_is_no_action_is_refused_with_a_reason(alice, make_customer, action):
    answer = do_htmx(alice, action, [make_customer(alice)])
    assert answer.status_code == 422
    assert "parley:toast" in answer.headers["HX-Trigger"]
    assert job_count(alice) == 0


def test_nobody_chosen_is_refused(alice):
    assert do_htmx(alice, "stage:new").status_code == 422


def test_ids_that_are_none_and_those_of_others(alice, bob, charlie, make_customer):
    hers = make_customer(alice)
    assert bob.htmx.post(bob.url("customers/bulk/"), {"do": "stage:contacted", "ids": "nonsense"}).status_code == 422
    do(bob, "stage:contacted", [hers])
    do(charlie, "stage:contacted", [hers])
    jobs.run_due()
    assert [customer.stage.key for customer in all_of(alice)] == ["new"]
    assert charlie.client.post(alice.url("customers/bulk/"), {"do": "stage:contacted"}).status_code == 404


def test_a_counselor_does_not_delete(alice, bob, make_customer):
    his = make_customer(bob)
    do(bob, "delete", [his], confirmed="1")
    jobs.run_due()
    assert len(all_of(alice)) == 1


def test_progress_goes_on_by_itself_and_ends_with_the_way_back(alice, make_customer):
    started = do_htmx(alice, "status:active", [make_customer(alice)])
    assert "parley:bulk-started" in started.headers["HX-Trigger"]
    assert "every 700ms" in started.content.decode()
    with organization_scope(alice.organization):
        job = Job.objects.get()
    jobs.run_due()
    ended = alice.htmx.get(alice.url(f"customers/bulk/{job.pk}/"))
    text = ended.content.decode()
    assert ended.headers["HX-Trigger"] == "parley:list-changed"
    assert "1 customer changed" in text
    assert "Undo" in text
    assert "every" not in text
    assert "1 customer changed" in alice.client.get(alice.url(f"jobs/{job.pk}/")).content.decode()


def test_who_is_held_is_kept_and_named(alice, make_customer):
    held = make_customer(alice)
    with organization_scope(alice.organization):
        deals.create(customer=held, actor=alice.actor, title="Braces")
    do(alice, "delete", [held], confirmed="1")
    jobs.run_due()
    with organization_scope(alice.organization):
        job = Job.objects.get()
    page = alice.client.get(alice.url(f"jobs/{job.pk}/")).content.decode()
    assert "1 kept as they were" in page
    assert "Braces" in page


def test_progress_and_undo_are_not_for_others(alice, bob, charlie, make_customer):
    do(alice, "status:active", [make_customer(bob)])
    jobs.run_due()
    with organization_scope(alice.organization):
        job = Job.objects.get()
    for stranger in (bob, charlie):
        assert stranger.htmx.get(stranger.url(f"customers/bulk/{job.pk}/")).status_code == 404
        assert (
            stranger.client.post(stranger.url(f"customers/changes/{job.result['change_set']}/undo/")).status_code == 404
        )
    assert all_of(alice)[0].status == "active"


def test_an_undo_is_done_once(alice, make_customer):
    do(alice, "status:active", [make_customer(alice)])
    jobs.run_due()
    with organization_scope(alice.organization):
        url = alice.url(f"customers/changes/{Job.objects.get().result['change_set']}/undo/")
    assert alice.htmx.post(url).status_code == 200
    again = alice.htmx.post(url)
    assert again.status_code == 422
    assert "undone already" in again.headers["HX-Trigger"]


def test_who_was_changed_since_keeps_the_later_value_when_a_bulk_change_is_undone(alice, make_customer):
    chosen = [make_customer(alice, name=f"P{n}", status="lead") for n in range(2)]
    do(alice, "status:active", chosen)
    jobs.run_due()
    with organization_scope(alice.organization):
        change_set = ChangeSet.objects.get()
        customers.update(customer=chosen[0], actor=alice.actor, changes={"status": "inactive"})
    alice.client.post(alice.url(f"customers/changes/{change_set.pk}/undo/"))
    jobs.run_due()
    assert [customer.status for customer in all_of(alice)] == ["inactive", "lead"]
    with organization_scope(alice.organization):
        result = Job.objects.order_by("created_at").last().result
    assert (result["restored"], result["kept"]) == (1, 1)
    assert result["reasons"] == [f"{chosen[0].code} was changed since."]
