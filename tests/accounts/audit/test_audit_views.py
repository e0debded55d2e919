"""Settings → Audit log: who sees what happened, and what they can do with it."""

from __future__ import annotations

import csv
import io

import pytest
from django.utils import timezone

from activity.audit import heads, sealing
from activity.ledger import record
from activity.models import AuditChain, Event, Job
from core.tenancy import organization_scope
from customers import events
from tests.pages import form_of


@pytest.fixture
def tell(alice, make_customer):
    def tell(count=1, name="Vera Moss", actor=None):
        customer = make_customer(name=name)
        with organization_scope(alice.organization):
            for n in range(count):
                record(events.TAG_ADDED, subject=customer, actor=actor or alice.actor, payload={"tag": f"T{n}"})
        return customer

    return tell


def rows(response):
    return [entry.event for entry in response.context["entries"]]


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_the_same_queries_for_any_number(alice, tell, count, django_assert_num_queries):
    tell(count)
    client = alice.client
    client.get(alice.url("settings/audit/"))
    with django_assert_num_queries(7):
        response = client.get(alice.url("settings/audit/?action=customer.tag_added"))
    assert len(rows(response)) == count


def test_an_entry_says_who_what_about_whom_and_what_changed(alice, make_customer):
    from customers.people.customers import services as customers

    customer = make_customer(name="Vera Moss")
    with organization_scope(alice.organization):
        customers.update(customer=customer, actor=alice.actor, changes={"company": "Harbour & Co"})
        event = Event.objects.get(type="customer.updated")
    page = alice.client.get(alice.url(f"settings/audit/{event.pk}/")).content.decode()
    assert "Harbour &amp; Co" in page
    assert f"customers/{customer.pk}/" in page
    assert "Vera Moss" in page


def test_filters_stand_in_the_address(alice, bob, tell):
    customer = tell(2)
    tell(1, "Another", actor=bob.actor)
    ask = lambda query: alice.client.get(alice.url(f"settings/audit/?{query}"))  # noqa: E731
    assert {event.actor_id for event in rows(ask(f"user_id={bob.user.pk}"))} == {str(bob.user.pk)}
    assert {event.type for event in rows(ask("action=organization.created"))} == {"organization.created"}
    assert {event.type.partition(".")[0] for event in rows(ask("resource=member"))} == {"member"}
    assert {event.customer_id for event in rows(ask("search=vera"))} == {customer.pk}
    assert {str(event.subject_id) for event in rows(ask(f"search={customer.pk}"))} == {str(customer.pk)}
    today = timezone.now().date()
    assert rows(ask(f"date_from={today.replace(year=today.year - 1)}"))
    assert rows(ask(f"date_to={timezone.localdate()}"))
    assert rows(ask("date_to=2001-01-01")) == []


@pytest.mark.parametrize("query", ["action=nothing", "date_from=soon", "resource=x", "user_id=x", "date_to=9999-12-31"])
def test_a_filter_that_means_nothing_is_reported(alice, query):
    response = alice.client.get(alice.url(f"settings/audit/?{query}"))
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()


def test_older_entries_are_a_page_away(alice, tell):
    tell(55)
    first = alice.client.get(alice.url("settings/audit/?action=customer.tag_added"))
    second = alice.client.get(alice.url(f"settings/audit/{first.context['next']}"))
    seen = [event.pk for event in (*rows(first), *rows(second))]
    assert (len(seen), len(set(seen))) == (55, 55)
    assert second.context["next"] == ""


def test_who_may_not_see_it(alice, bob, charlie, tell):
    tell()
    with organization_scope(alice.organization):
        event = Event.objects.filter(type="customer.tag_added").first()
    for path in ("", f"{event.pk}/", "integrity/"):
        assert bob.client.get(alice.url(f"settings/audit/{path}")).status_code == 403
    assert charlie.client.get(charlie.url(f"settings/audit/{event.pk}/")).status_code == 404
    page = charlie.client.get(charlie.url("settings/audit/?search=vera"))
    assert rows(page) == []


def test_an_export_is_safe_and_an_entry_itself(alice, tell):
    tell(2, name="=cmd()")
    response = alice.client.post(alice.url("settings/audit/export/"), {"action": "customer.tag_added"})
    lines = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert {line["action"] for line in lines} == {"customer.tag_added"}
    assert len(lines) == 2
    with organization_scope(alice.organization):
        event = Event.objects.get(type="audit.exported")
    assert event.payload == {"filters": {"action": "customer.tag_added"}}
    assert alice.client.post(alice.url("settings/audit/export/"), {"action": "x"}).status_code == 400


class TestIntegrity:
    @pytest.fixture
    def chain(self, alice, tell):
        tell()
        sealing.seal(alice.organization.pk)
        with organization_scope(alice.organization):
            yield AuditChain.objects.get()

    def test_it_is_checked_by_a_job(self, alice, chain):
        response = alice.client.post(alice.url("settings/audit/integrity/check/"))
        job = Job.objects.get(kind="audit.check")
        assert response.url.endswith(f"/jobs/{job.pk}/")

    def test_it_says_what_the_last_check_found(self, alice, chain):
        page = alice.client.get(alice.url("settings/audit/integrity/")).content.decode()
        assert "not checked yet" in page
        fault = {"kind": "event_changed", "position": 7, "event": "e"}
        AuditChain.objects.update(checked_at=timezone.now(), fault=fault)
        page = alice.client.get(alice.url("settings/audit/integrity/")).content.decode()
        assert "Position 7." in page

    def test_a_signed_head_is_a_file(self, alice, charlie, chain):
        row = heads.sign(chain)
        response = alice.client.get(alice.url(f"settings/audit/integrity/heads/{row.pk}/"))
        assert heads.is_signed(heads.Head.parse(response.content.decode()))
        assert charlie.client.get(charlie.url(f"settings/audit/integrity/heads/{row.pk}/")).status_code == 404

    def test_who_is_mailed_is_chosen_by_who_may_change_settings(self, alice, bob, chain):
        page = form_of(alice.client, alice.url("settings/audit/integrity/"))
        wanted = page.data(mail_to="a@x.example\nb@x.example")
        response = alice.client.post(alice.url("settings/audit/integrity/"), wanted)
        assert response.status_code == 302
        assert AuditChain.objects.get().mail_to == ["a@x.example", "b@x.example"]
        page = form_of(alice.client, alice.url("settings/audit/integrity/"))
        response = alice.client.post(alice.url("settings/audit/integrity/"), page.data(mail_to="nobody"))
        assert response.status_code == 422
        assert "is no e-mail address" in response.content.decode()
