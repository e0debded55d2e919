"""The page of the pack: what it offers, what it changes, and who may."""

from __future__ import annotations

import pytest

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.customers import stage_moves


def stage_keys(person):
    with organization_scope(person.organization):
        return list(Stage.objects.values_list("key", flat=True))


def test_what_another_pack_adds_is_shown_before(alice):
    page = alice.client.get(alice.url("settings/pack/?pack=school")).content.decode()
    assert "Change to “School”" in page
    assert "Visit scheduled" in page
    assert 'name="home.engaged"' in page
    own = alice.client.get(alice.url("settings/pack/")).content.decode()
    assert "you have everything of this pack" in own
    assert "Apply</button>" not in own


def test_it_is_changed_and_the_empty_stages_go(alice):
    data = {"pack": "school", "home.engaged": "take_away", "home.contacted": "take_away"}
    browser = alice.client
    answer = browser.post(alice.url("settings/pack/"), data)
    assert answer.url == alice.url("settings/pack/")
    assert Organization.objects.get(pk=alice.organization.pk).pack == "school"
    assert {"visit_scheduled", "deposit_paid"} <= set(stage_keys(alice))
    assert not {"engaged", "contacted"} & set(stage_keys(alice))
    assert "You work with the pack" in browser.get(answer.url).content.decode()


def test_who_is_moved_is_followed_on_the_jobs_page(alice, make_customer):
    with organization_scope(alice.organization):
        make_customer(alice, stage=stage_moves.find_stage(organization=alice.organization, key="engaged"))
    answer = alice.client.post(alice.url("settings/pack/"), {"pack": "school", "home.engaged": "connected"})
    assert "/jobs/" in answer.url
    assert alice.client.get(answer.url).status_code == 200


def test_what_can_not_be_is_reported_at_the_stage(alice, make_customer):
    with organization_scope(alice.organization):
        make_customer(alice, stage=stage_moves.find_stage(organization=alice.organization, key="engaged"))
    answer = alice.client.post(alice.url("settings/pack/"), {"pack": "school", "home.engaged": "take_away"})
    assert answer.status_code == 422
    assert "home-engaged-error" in answer.content.decode()
    assert "visit_scheduled" not in stage_keys(alice)
    with organization_scope(alice.organization):
        assert Customer.objects.get().stage.key == "engaged"


@pytest.mark.parametrize("key", ["farm", "x" * 500])
def test_a_pack_that_is_none_is_not_found(alice, key):
    assert alice.client.post(alice.url("settings/pack/"), {"pack": key}).status_code == 404
    assert alice.client.get(alice.url("settings/pack/"), {"pack": key}).status_code == 404


def test_only_administrators_change_it(alice, bob, mona, charlie):
    for person in (bob, mona):
        assert person.client.get(person.url("settings/pack/")).status_code == 403
        assert person.client.post(person.url("settings/pack/"), {"pack": "school"}).status_code == 403
    assert charlie.client.post(alice.url("settings/pack/"), {"pack": "school"}).status_code == 404
    assert Organization.objects.get(pk=alice.organization.pk).pack == "clinic"


def test_the_sign_up_says_what_is_in_each(client, db):
    page = client.get("/sign-up/").content.decode()
    assert "What is in each" in page
    for name in ("Treatment done", "Application submitted", "Proposal sent"):
        assert name in page
