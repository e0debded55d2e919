"""The doctor in the admin: everything, for superusers only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from activity.doctor import services
from activity.models import InstallationCheck
from core.tenancy import organization_scope
from messaging.models import Channel

pytestmark = pytest.mark.django_db

URL = "/admin/health/"


@pytest.fixture
def operator(db: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op@parley.example", "a calm harbour at dawn"))
    return client


def test_it_shows_every_check_and_whose_channel_fails(operator: Client, heartbeats: Any, charlie: Any):
    with organization_scope(charlie.organization):
        channel = Channel.objects.first()
        Channel.objects.filter(pk=channel.pk).update(last_error="20003: Wrong token.", last_error_at=timezone.now())
    page = operator.get(URL).content.decode()
    assert f"{charlie.organization.name}, {channel.name}" in page
    assert "20003: Wrong token." in page
    assert "Queues: outbound" in page
    assert 'href="/admin/health/"' in operator.get("/admin/").content.decode()


def test_checks_that_wait_for_a_network_run_again_when_asked_for(operator: Client, heartbeats: Any):
    InstallationCheck.objects.create(
        name="public address", status="good", text="Well.", since=timezone.now(), checked_at=timezone.now(),
        next_at=timezone.now() + timezone.timedelta(minutes=5),
    )  # fmt: skip
    answer = operator.post(URL)
    assert (answer.status_code, answer.url) == (302, URL)
    assert InstallationCheck.objects.get().next_at <= timezone.now()


def test_others_do_not_see_it(client: Client, alice: Any):
    assert client.get(URL).status_code == 302
    assert alice.client.get(URL).status_code == 302
    assert alice.client.post(URL).status_code == 302
    alice.user.is_staff = True
    alice.user.save()
    assert alice.client.get(URL).status_code == 403
    assert alice.client.post(URL).status_code == 403
    assert 'href="/admin/health/"' not in alice.client.get("/admin/").content.decode()


def test_it_takes_the_same_queries_for_one_channel_and_for_many(
    operator: Client, heartbeats: Any, alice: Any, charlie: Any, django_assert_max_num_queries: Any
):
    services.run_due()
    with django_assert_max_num_queries(80) as first:
        operator.get(URL)
    for person in (alice, charlie):
        with organization_scope(person.organization):
            for number in range(5):
                Channel.objects.create(
                    organization=person.organization, kind="email", provider="simulator", name=f"Box {number}",
                    address=f"{number}@x.example", last_error="Away.", last_error_at=timezone.now(),
                )  # fmt: skip
    with django_assert_max_num_queries(len(first.captured_queries)):
        operator.get(URL)
