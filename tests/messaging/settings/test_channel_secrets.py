"""A stored secret goes nowhere new unless somebody gives it again."""

from __future__ import annotations

from typing import Any

import pytest

from core.tenancy import organization_scope
from messaging.models import Channel
from messaging.settings import services as channels
from tests.conftest import Person
from tests.pages import save

HELD = {
    "host": "smtp.clinic.example", "port": "587", "username": "desk", "password": "sesame-1", "use_starttls": "true",
    "use_ssl": "false", "imap_host": "imap.clinic.example", "imap_port": "993", "imap_use_ssl": "true",
}  # fmt: skip


@pytest.fixture
def mailbox(alice: Person) -> Any:
    with organization_scope(alice.organization):
        yield channels.create(
            organization=alice.organization, actor=alice.actor, kind="email", provider="smtp", name="Desk",
            address="desk@clinic.example", credentials=HELD,
        )  # fmt: skip


def change(mailbox: Channel, actor: Any, **credentials: Any) -> dict[str, Any]:
    channels.update(channel=Channel.objects.get(pk=mailbox.pk), actor=actor, changes={"credentials": credentials})
    return Channel.objects.get(pk=mailbox.pk).credentials


ELSEWHERE = [
    {"host": "smtp.evil.example"},
    {"port": "2525"},
    {"use_starttls": "false"},
    {"use_ssl": "true", "use_starttls": "false", "port": "465"},
    {"imap_host": "imap.evil.example"},  # which is given the outgoing server's password
    {"imap_port": "143", "imap_use_ssl": "false"},
    {"imap_use_ssl": "false"},
    {"host": "smtp.clinic.example.evil.example"},
]
SAME = [
    {"host": "SMTP.clinic.example. "},
    {"username": "reception"},
    {"imap_folder": "Archive"},
    {"use_starttls": "yes"},
    {"use_starttls": True, "port": 587},
    {"imap_host": ""},
]


@pytest.mark.parametrize("given", ELSEWHERE)
def test_a_password_is_given_again_when_it_would_go_elsewhere(mailbox: Channel, alice: Person, given: dict[str, Any]):
    with pytest.raises(channels.InvalidChannel) as refused:
        change(mailbox, alice.actor, **given)
    assert (refused.value.field, refused.value.part) == ("credentials", "password")
    assert Channel.objects.get(pk=mailbox.pk).credentials["host"] == HELD["host"]
    # Given again, whatever it is, it may go.
    assert change(mailbox, alice.actor, **given, password="sesame-2")["password"] == "sesame-2"


@pytest.mark.parametrize("given", ELSEWHERE)
def test_a_password_that_is_taken_away_goes_nowhere(mailbox: Channel, alice: Person, given: dict[str, Any]):
    assert change(mailbox, alice.actor, **given, password="")["password"] == ""


@pytest.mark.parametrize("given", SAME)
def test_what_leads_to_the_same_server_keeps_it(mailbox: Channel, alice: Person, given: dict[str, Any]):
    assert change(mailbox, alice.actor, **given)["password"] == HELD["password"]


def test_each_server_has_its_own_secret(mailbox: Channel, alice: Person):
    change(mailbox, alice.actor, imap_password="for-reading")
    with pytest.raises(channels.InvalidChannel) as refused:
        change(mailbox, alice.actor, imap_host="imap.evil.example")
    assert refused.value.part == "imap_password"
    # The outgoing one stays where it is.
    held = change(mailbox, alice.actor, imap_host="imap.other.example", imap_password="for-reading-2")
    assert held["password"] == HELD["password"]
    # Without a password of its own the incoming server would be given the outgoing one's.
    with pytest.raises(channels.InvalidChannel) as refused:
        change(mailbox, alice.actor, imap_password="")
    assert refused.value.part == "password"


def test_a_token_is_a_secret_too(mailbox: Channel, alice: Person):
    change(mailbox, alice.actor, oauth_token="ya29.token", password="")
    with pytest.raises(channels.InvalidChannel) as refused:
        change(mailbox, alice.actor, host="smtp.evil.example")
    assert refused.value.part == "oauth_token"


def test_the_call_and_the_page_name_the_secret(mailbox: Channel, alice: Person):
    answer = alice.api.patch(f"/api/v1/channels/{mailbox.pk}", {"credentials": {"host": "smtp.evil.example"}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "credentials"
    assert "Password" in answer.json()["errors"][0]["detail"]
    browser = alice.client
    address = alice.url(f"channels/{mailbox.pk}/edit/")
    page = save(browser, address, account_host="smtp.evil.example")
    assert page.status_code == 422
    assert "sent to another server" in page.context["form"].errors["account_password"][0]
    assert Channel.objects.get(pk=mailbox.pk).credentials["host"] == HELD["host"]
