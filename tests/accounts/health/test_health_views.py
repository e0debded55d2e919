"""The page of an organization's health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.doctor import samples
from activity.models import Heartbeat, InstallationCheck
from core.tenancy import organization_scope
from messaging.models import Arrival, Channel

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def heartbeats(db: Any) -> None:
    for name in Heartbeat.Name:
        Heartbeat.objects.beat(name)


def test_it_says_what_is_wrong_and_where_to_go(alice: Any):
    with organization_scope(alice.organization):
        channel = Channel.objects.get(kind="sms")
        Channel.objects.filter(pk=channel.pk).update(last_error="20003: Wrong token.", last_error_at=timezone.now())
        Arrival.objects.create(
            key="odd", provider="simulator", kind="sms", type="message", body=b"?", state=Arrival.State.SET_ASIDE,
            organization=alice.organization, channel=channel,
        )  # fmt: skip
    page = alice.client.get(alice.url("doctor/")).content.decode()
    assert "Something does not work." in page
    assert "20003: Wrong token." in page
    assert "1 inbound deliveries could not be read." in page
    assert f'href="{alice.url(f"channels/{channel.pk}/")}"' in page
    assert f'href="{alice.url("channels/")}"' in page


def test_the_page_is_in_the_settings_of_who_may_see_it(alice: Any, bob: Any):
    link = 'href="{}"'
    assert link.format(alice.url("doctor/")) in alice.client.get(alice.url("settings/")).content.decode()
    assert link.format(bob.url("doctor/")) not in bob.client.get(bob.url("settings/")).content.decode()
    assert bob.client.get(bob.url("doctor/")).status_code == 403
    assert bob.client.post(bob.url("doctor/check/")).status_code == 403


def test_another_organization_finds_no_page(alice: Any, charlie: Any):
    assert charlie.client.get(alice.url("doctor/")).status_code == 404
    assert charlie.client.post(alice.url("doctor/check/")).status_code == 404


def test_what_waits_for_a_network_is_checked_again_when_asked_for(alice: Any):
    soon = timezone.now() + timedelta(minutes=5)
    for name in ("public address", "worker"):
        InstallationCheck.objects.create(
            name=name, status="good", text="Well.", since=timezone.now(), checked_at=timezone.now(), next_at=soon
        )
    answer = alice.client.post(alice.url("doctor/check/"), follow=True)
    assert answer.redirect_chain == [(alice.url("doctor/"), 302)]
    assert "The checks run." in answer.content.decode()
    assert InstallationCheck.objects.get(name="public address").next_at < soon
    assert InstallationCheck.objects.get(name="worker").next_at == soon


def test_figures_are_drawn_with_their_numbers(alice: Any):
    page = alice.client.get(alice.url("doctor/?time_range=30d")).content.decode()
    assert page.count("No figures yet") == 5
    samples.take()
    page = alice.client.get(alice.url("doctor/")).content.decode()
    assert page.count('<svg class="chart__drawing" role="img"') == 5
    assert page.count("<details") >= 5
    assert 'style="' not in page
