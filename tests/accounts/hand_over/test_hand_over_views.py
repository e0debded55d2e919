"""Settings → People → a member → Hand over."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.hand_over.queries import file_before, file_of
from accounts.models import Member, Role
from activity import jobs
from activity.models import Event, Job
from core.tenancy import organization_scope
from customers.models import Customer
from tests.pages import forms_of

pytestmark = pytest.mark.django_db


def page(alice, bob):
    return alice.url(f"settings/people/{bob.member.pk}/hand-over/")


def test_it_shows_what_there_is_and_starts_the_job(alice, bob, tom, things):
    browser = alice.client
    shown = browser.get(page(alice, bob)).content.decode()
    assert "=Ada Lovelace" in shown
    assert "Braces" in shown
    assert "Messages waiting to be sent" in shown
    assert "Hello" not in shown, "of what is Bob’s alone the count is enough"
    form = next(one for one in forms_of(shown) if "successor" in one.data())
    assert "kind-deals" in form.data()
    answer = browser.post(page(alice, bob), {"successor": str(tom.user.pk), "kind-tasks": "leave"})
    jobs.run_due()
    with organization_scope(alice.organization):
        job = Job.objects.get(kind="accounts.hand_over")
        assert Customer.objects.get().assigned_to == tom.user
    assert answer.url == alice.url(f"jobs/{job.pk}/")
    ended = browser.get(answer.url).content.decode()
    file = alice.url(f"jobs/{job.pk}/handed-over/")
    assert file in ended
    assert "'=Ada Lovelace" in b"".join(browser.get(file).streaming_content).decode()
    assert "Call Ada" in browser.get(page(alice, bob)).content.decode()


def test_it_is_offered_before_somebody_is_shut_out(alice, bob, tom, things):
    browser = alice.client
    for way, status in (("deactivate", (False, None)), ("remove", (False, "set"))):
        asked = browser.get(alice.url(f"settings/people/{bob.member.pk}/{way}/")).content.decode()
        address = f"{page(alice, bob)}?then={way}"
        assert address in asked
        form = next(one for one in forms_of(browser.get(address).content.decode()) if "successor" in one.data())
        assert form.data()["then"] == [way]
        browser.post(address, {"successor": str(tom.user.pk), "then": way})
        with organization_scope(alice.organization):
            member = Member.objects.get(pk=bob.member.pk)
        assert (member.is_active, member.removed_at and "set") == status
    assert browser.get(page(alice, bob)).status_code == 200, "who was removed may still have something"


def test_what_is_wrong_stands_at_its_field(alice, bob, tom, things):
    browser = alice.client
    answer = browser.post(page(alice, bob), {"successor": ""})
    assert answer.status_code == 422
    assert answer.context["form"].errors["successor"]
    with organization_scope(alice.organization):
        Member.objects.filter(pk=tom.member.pk).update(is_active=False)
    assert browser.post(page(alice, bob), {"successor": str(tom.user.pk)}).status_code == 422


def test_who_may(alice, bob, mona, tom, charlie, things):
    assert mona.client.get(page(alice, bob)).status_code == 403
    assert bob.client.get(page(alice, bob)).status_code == 403
    assert charlie.client.get(charlie.url(f"settings/people/{bob.member.pk}/hand-over/")).status_code == 404
    assert charlie.client.get(page(alice, bob)).status_code == 404


def test_the_same_number_of_queries_for_one_and_many(alice, bob, tom, things, make_conversation):
    def asked() -> int:
        browser = alice.client
        browser.get(page(alice, bob))
        with CaptureQueriesContext(connection) as queries:
            browser.get(page(alice, bob))
        return len(queries)

    few = asked()
    for _ in range(3):
        make_conversation(bob)
    assert asked() == few


def test_the_file_takes_the_same_number_of_queries_for_one_and_many(alice, bob, tom, things, make_conversation):
    def asked(job: Job) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert b"".join(file_of(job, alice.member))
        return len(queries)

    def handed_over() -> Job:
        alice.client.post(page(alice, bob), {"successor": str(tom.user.pk)})
        jobs.run_due()
        with organization_scope(alice.organization):
            return Job.objects.filter(kind="accounts.hand_over").newest_first().first()

    one = handed_over()
    for _ in range(3):
        make_conversation(tom)
    alice.client.post(page(alice, tom), {"successor": str(bob.user.pk)})
    jobs.run_due()
    with organization_scope(alice.organization):
        many = Job.objects.filter(kind="accounts.hand_over").newest_first().first()
    assert many.pk != one.pk
    assert asked(many) == asked(one)


def test_the_list_of_before_is_taken_along_and_recorded(alice, bob, mona, charlie, things):
    file = f"{page(alice, bob)}list/"
    browser = alice.client
    assert file in browser.get(page(alice, bob)).content.decode()
    answer = browser.get(file)
    assert "'=Ada Lovelace" in b"".join(answer.streaming_content).decode()
    with organization_scope(alice.organization):
        assert Event.objects.filter(type="member.records_listed", subject_id=str(bob.member.pk)).count() == 1
        manager = Role.objects.get(key="admin")
    assert mona.client.get(file).status_code == 403
    assert charlie.client.get(file).status_code == 404
    assert browser.post(alice.url(f"settings/roles/{manager.pk}/view/")).status_code == 302
    assert browser.get(file).status_code == 403, "who only looks takes nothing along"


def test_the_list_of_before_takes_the_same_number_of_queries_for_one_and_many(alice, bob, things, make_conversation):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert b"".join(file_before(bob.member, alice.member))
        return len(queries)

    few = asked()
    for _ in range(3):
        make_conversation(bob)
    assert asked() == few
