from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages

from core.tenancy import organization_scope
from customers.models import Segment

pytestmark = pytest.mark.usefixtures("without_pack")


def segments_of(who):
    with organization_scope(who.organization):
        return {segment.name: segment for segment in Segment.objects.visible_to(who.member)}


def save(who, name, state="?status=active&ordering=name&columns=name,city", **more):
    return who.client.post(who.url("customers/segments/"), {"name": name, "state": state, **more})


def test_the_view_on_the_screen_is_saved_and_shown_again(alice, make_customer):
    make_customer(alice, name="Ada", status="active")
    make_customer(alice, name="Ben")
    answer = save(alice, "  Active   ones ")
    made = segments_of(alice)["Active ones"]
    assert (made.filter, made.ordering, made.columns, made.is_shared) == (
        {"status": "active"}, "name", ["name", "city"], False,
    )  # fmt: skip
    assert answer.url == alice.url(f"customers/?segment={made.pk}")
    page = alice.client.get(answer.url)
    assert [row.customer.name for row in page.context["rows"]] == ["Ada"]
    assert [column.key for column in page.context["columns"]][:2] == ["name", "city"]
    assert "Update segment" not in page.content.decode()


def test_a_change_of_a_segment_is_offered_and_taken_over(alice, make_customer):
    make_customer(alice)
    save(alice, "Active", is_shared="on")
    made = segments_of(alice)["Active"]
    query = urlencode({"segment": made.pk, "status": "lead", "ordering": "name"})
    assert "Update segment" in alice.client.get(alice.url(f"customers/?{query}")).content.decode()
    alice.client.post(alice.url(f"customers/segments/{made.pk}/"), {"state": f"?{query}"})
    changed = segments_of(alice)["Active"]
    assert (changed.filter, changed.columns, changed.is_shared) == ({"status": "lead"}, [], True)


def test_renamed_shared_and_deleted(alice, bob):
    save(alice, "Mine")
    made = segments_of(alice)["Mine"]
    assert segments_of(bob) == {}
    alice.client.post(alice.url(f"customers/segments/{made.pk}/"), {"name": "Ours", "is_shared": "on", "state": ""})
    assert list(segments_of(bob)) == ["Ours"]
    assert segments_of(alice)["Ours"].filter == {"status": "active"}
    assert "Ours" in bob.client.get(bob.url("customers/")).content.decode()
    alice.client.post(alice.url(f"customers/segments/{made.pk}/delete/"))
    assert segments_of(alice) == {}


def test_a_shared_segment_shows_everybody_their_own_reach(alice, bob, make_customer):
    make_customer(alice, name="Of Alice", status="active")
    make_customer(bob, name="Of Bob", status="active")
    save(alice, "Active", is_shared="on")
    page = bob.client.get(bob.url(f"customers/?segment={segments_of(bob)['Active'].pk}"))
    assert [row.customer.name for row in page.context["rows"]] == ["Of Bob"]


@pytest.mark.parametrize("path", ["", "delete/"])
def test_who_did_not_save_a_segment_does_not_change_it(alice, bob, charlie, path):
    save(alice, "Shared", is_shared="on")
    save(alice, "Private")
    found = segments_of(alice)
    shared = bob.client.post(bob.url(f"customers/segments/{found['Shared'].pk}/{path}"), {"name": "Taken"})
    assert shared.status_code == 302
    assert [str(m) for m in get_messages(shared.wsgi_request)] != []
    assert bob.client.post(bob.url(f"customers/segments/{found['Private'].pk}/{path}")).status_code == 404
    assert charlie.client.post(charlie.url(f"customers/segments/{found['Shared'].pk}/{path}")).status_code == 404
    assert charlie.client.post(alice.url(f"customers/segments/{found['Shared'].pk}/{path}")).status_code == 404
    assert set(segments_of(alice)) == {"Shared", "Private"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_name_that_is_none_leads_back_with_the_reason(alice, name):
    answer = save(alice, name)
    assert answer.url == alice.url("customers/?status=active&ordering=name&columns=name%2Ccity")
    assert "1 to 80" in str(next(iter(get_messages(answer.wsgi_request))))
    assert segments_of(alice) == {}


def test_a_name_is_given_once_by_everybody(alice):
    save(alice, "Twice")
    answer = save(alice, "Twice")
    assert "already" in str(next(iter(get_messages(answer.wsgi_request))))


def test_a_view_with_a_filter_that_means_nothing_is_not_saved(alice):
    answer = save(alice, "Odd", state="?status=nonsense&colour=red&stage=new")
    assert "status" in str(next(iter(get_messages(answer.wsgi_request))))
    assert segments_of(alice) == {}


def test_a_look_changes_nothing(alice):
    assert alice.client.get(alice.url("customers/segments/")).status_code == 405
