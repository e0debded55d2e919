"""The pages of channels: set up, shown, tried, changed and taken away, with no secret on any of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.models import Channel, ContentSync, Mailbox
from messaging.settings import services as channels
from messaging.submissions.website import website
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN
from tests.messaging.conftest import OUR_NUMBER, make_channel
from tests.pages import submit

pytestmark = pytest.mark.django_db
SECRET = "a-password-that-nobody-may-see"
TWILIO = {"name": "Desk", "address": OUR_NUMBER, "is_enabled": "on", "account_account_sid": ACCOUNT_SID}
MAIL = {
    "name": "Mail",
    "address": "desk@harbour.example",
    "is_enabled": "on",
    "account_host": "mail.harbour.example",
    "account_password": SECRET,
    "account_use_starttls": "on",
}


def page(answer: Any) -> str:
    return str(answer.content.decode())


def mailbox_channel(alice: Any, **credentials: str) -> Channel:
    with organization_scope(alice.organization):
        return channels.create(
            organization=alice.organization,
            actor=alice.actor,
            kind="email",
            provider="smtp",
            name="Mail",
            address="desk@harbour.example",
            credentials={"host": "mail.harbour.example", "password": SECRET, **credentials},
            settings={"behaviours": {"kept": "yes"}},
        )


def current(channel: Channel) -> Channel:
    with organization_scope(channel.organization):
        return Channel.objects.get(pk=channel.pk)


def test_a_channel_is_chosen_set_up_and_listed(alice):
    browser = alice.client
    choice = page(browser.get(alice.url("channels/new/")))
    assert "?kind=whatsapp&amp;provider=twilio" in choice
    assert "provider=website" not in choice
    texts = ("With an account of yours there.", "Your own mailbox, by SMTP and IMAP.", "To try things: nothing leaves.")
    assert [choice.count(text) for text in texts] == [2, 1, 3]
    form = page(browser.get(alice.url("channels/new/?kind=sms&provider=twilio")))
    assert 'name="account_auth_token"' in form
    answer = browser.post(
        alice.url("channels/new/?kind=sms&provider=twilio"), {**TWILIO, "account_auth_token": AUTH_TOKEN}
    )
    assert answer.status_code == 302
    channel = Channel._base_manager.get(name="Desk")
    assert answer.headers["Location"] == alice.url(f"channels/{channel.pk}/")
    assert channel.credentials["auth_token"] == AUTH_TOKEN
    listed = page(browser.get(alice.url("channels/")))
    assert "Desk" in listed
    assert "SMS · Twilio" in listed


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"account_auth_token": ""}, "account_auth_token", "This field is required"),
        ({"address": "12"}, "address", "12"),
        ({"rate_per_second": "-1"}, "rate_per_second", "greater than or equal"),
        ({"name": ""}, "name", "This field is required"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_no_secret_comes_back(alice, changes, field, words):
    given = {**TWILIO, "account_auth_token": AUTH_TOKEN, **changes}
    answer = alice.client.post(alice.url("channels/new/?kind=sms&provider=twilio"), given)
    assert answer.status_code == 422
    assert words in page(answer).split(f'id="id_{field}_error"')[1]
    assert AUTH_TOKEN not in page(answer)


def test_an_address_that_there_is_already_is_reported_at_the_address(alice):
    make_channel(alice.organization, "sms")
    given = {**TWILIO, "account_auth_token": AUTH_TOKEN}
    answer = alice.client.post(alice.url("channels/new/?kind=sms&provider=twilio"), given)
    assert answer.status_code == 422
    assert "There is a channel for SMS with this address already" in page(answer).split('id="id_address_error"')[1]


@pytest.mark.parametrize("query", ["", "?kind=web&provider=website", "?kind=fax&provider=twilio", "?kind=sms"])
def test_what_can_not_be_set_up_leads_to_the_choice(alice, query):
    assert "who carries it?" in page(alice.client.get(alice.url(f"channels/new/{query}")))


def test_a_secret_left_empty_stays_and_the_rest_changes(alice):
    channel = mailbox_channel(alice)
    url = alice.url(f"channels/{channel.pk}/edit/")
    form = page(alice.client.get(url))
    assert "It is set and never shown again" in form
    given = {
        **MAIL,
        "name": "Front desk",
        "account_password": "",
        "signature": "{{ agent.name }}\r\n{{ organization }}",
    }
    assert submit(alice.client, url, given).status_code == 302
    changed = current(channel)
    assert changed.name == "Front desk"
    assert changed.credentials["password"] == SECRET
    assert changed.settings == {
        "behaviours": {"kept": "yes"},  # what the form does not know stays
        "signature": "{{ agent.name }}\n{{ organization }}",
        "reply_address": "plain",
    }
    assert changed.credentials["use_starttls"] == "true"
    assert changed.credentials["use_ssl"] == "false"
    assert changed.credentials["port"] == "587"
    assert submit(alice.client, url, {**MAIL, "account_password": "another", "reply_address": "on"}).status_code == 302
    assert current(channel).credentials["password"] == "another"
    assert current(channel).settings["reply_address"] == "plus"


def test_a_secret_that_may_be_missing_is_forgotten_when_asked(alice):
    channel = mailbox_channel(alice)
    given = {**MAIL, "account_password": "", "forget_password": "on"}
    assert submit(alice.client, alice.url(f"channels/{channel.pk}/edit/"), given).status_code == 302
    assert not current(channel).credentials["password"]


def test_secrets_that_can_not_be_read_are_asked_for_again(alice, settings):
    channel = make_channel(alice.organization, "sms")
    settings.ENCRYPTION_KEYS = ["w5JtNBZJ-5lpIbV9hqBv1Zpm4QzC0PzBkz0QhOGm9pQ="]
    browser, url = alice.client, alice.url(f"channels/{channel.pk}/")
    assert "can’t be read any more" in page(browser.get(url))
    assert "Secrets unreadable" in page(browser.get(alice.url("channels/")))
    refused = submit(browser, f"{url}edit/", TWILIO)
    assert refused.status_code == 422
    assert "required" in page(refused).split('id="id_account_auth_token_error"')[1]
    assert submit(browser, f"{url}edit/", {**TWILIO, "account_auth_token": AUTH_TOKEN}).status_code == 302
    assert current(channel).credentials["auth_token"] == AUTH_TOKEN


@pytest.mark.parametrize("text", ["{{ customer.name }}", "{{ agent.name", "{{ company }}"])
def test_a_signature_knows_only_who_writes_and_where(alice, text):
    channel = mailbox_channel(alice)
    answer = submit(alice.client, alice.url(f"channels/{channel.pk}/edit/"), {**MAIL, "signature": text})
    assert answer.status_code == 422
    assert 'id="id_signature_error"' in page(answer)


def test_whatsapp_says_whether_signs_are_shown(alice):
    channel = make_channel(alice.organization, "whatsapp")
    url = alice.url(f"channels/{channel.pk}/edit/")
    assert re.search(r'name="signs"[^>]*checked', page(alice.client.get(url)))
    assert submit(alice.client, url, TWILIO).status_code == 302
    assert current(channel).settings["signs"] is False
    assert 'name="signature"' not in page(alice.client.get(url))


def test_no_page_holds_a_secret(alice):
    mail = mailbox_channel(alice, imap_host="mail.harbour.example", imap_password=SECRET, oauth_token=SECRET)
    sms = make_channel(alice.organization, "sms")
    browser = alice.client
    for path in ["channels/", *(f"channels/{one.pk}/{end}" for one in (mail, sms) for end in ("", "edit/"))]:
        shown = page(browser.get(alice.url(path)))
        assert SECRET not in shown, path
        assert AUTH_TOKEN not in shown, path
    assert "Set, never shown" in page(browser.get(alice.url(f"channels/{mail.pk}/")))


def test_the_page_says_how_it_is_and_what_is_read(alice):
    mail = mailbox_channel(alice, imap_host="mail.harbour.example")
    with organization_scope(alice.organization):
        Channel.objects.filter(pk=mail.pk).update(
            last_error="auth: The password is wrong.", last_error_at=timezone.now()
        )
        Mailbox.objects.filter(channel=mail).update(
            checked_at=timezone.now(), failures=3, last_error="The server is away.", due_at=timezone.now()
        )
    shown = page(alice.client.get(alice.url(f"channels/{mail.pk}/")))
    assert "Needs attention" in shown
    assert "The password is wrong." in shown
    assert "The server is away." in shown
    assert "3 times, tried again" in shown


def test_the_addresses_to_copy_stand_whole(alice, settings):
    settings.TWILIO_WEBHOOK_BASE_URL = "https://desk.harbour.example"
    channel = make_channel(alice.organization, "sms")
    with organization_scope(alice.organization):
        first, second = channels.webhooks(channel)
    shown = page(alice.client.get(alice.url(f"channels/{channel.pk}/")))
    for one in (first, second):
        assert one.url.startswith("https://desk.harbour.example/webhooks/twilio/")
        assert f'data-copy="{one.url.replace("&", "&amp;")}"' in shown
    assert "can’t reach these" not in shown
    settings.TWILIO_WEBHOOK_BASE_URL = "http://localhost:8000"
    assert "can’t reach these" in page(alice.client.get(alice.url(f"channels/{channel.pk}/")))


def test_a_check_says_what_is_wrong_with_and_without_a_script(alice, twilio):
    good = make_channel(alice.organization, "sms")
    wrong = make_channel(
        alice.organization, "whatsapp", credentials={"account_sid": ACCOUNT_SID, "auth_token": "f" * 32}
    )
    part = page(alice.htmx.post(alice.url(f"channels/{wrong.pk}/check/")))
    assert part.lstrip().startswith("<section")
    assert "notice--error" in part
    whole = page(alice.client.post(alice.url(f"channels/{wrong.pk}/check/")))
    assert "<html" in whole
    assert "notice--error" in whole
    assert "f" * 32 not in part + whole
    rows = page(alice.htmx.post(alice.url(f"channels/{good.pk}/check/")))
    assert re.search(r"Entered|Another address|Not entered|Can’t be seen", rows)
    assert AUTH_TOKEN not in rows


def test_a_simulator_is_always_well(alice):
    with organization_scope(alice.organization):
        channel = Channel.objects.filter(provider="simulator").first()
    assert "All is well" in page(alice.htmx.post(alice.url(f"channels/{channel.pk}/check/")))


def test_the_website_is_changed_without_an_address(alice):
    with organization_scope(alice.organization):
        channel = website(organization=alice.organization)
    url = alice.url(f"channels/{channel.pk}/")
    assert "Website" in page(alice.client.get(url))
    assert 'name="address"' not in page(alice.client.get(f"{url}edit/"))
    assert submit(alice.client, f"{url}edit/", {"name": "Our site"}).status_code == 302
    assert current(channel).name == "Our site"
    assert not current(channel).is_enabled
    assert "switched off" in page(alice.client.get(url))


def test_what_was_written_on_is_not_removed(alice, make_conversation):
    used, unused = make_conversation().channel, make_channel(alice.organization, "sms")
    browser = alice.client
    assert "Remove “" in page(browser.get(alice.url(f"channels/{unused.pk}/delete/")))
    assert browser.post(alice.url(f"channels/{unused.pk}/delete/")).status_code == 302
    answer = browser.post(alice.url(f"channels/{used.pk}/delete/"), follow=True)
    assert "Switch it off instead" in page(answer)
    left = set(Channel._base_manager.filter(organization=alice.organization).values_list("pk", flat=True))
    assert used.pk in left
    assert unused.pk not in left


def test_approved_templates_are_read_when_asked(alice):
    channel = make_channel(alice.organization, "whatsapp")
    with organization_scope(alice.organization):
        sync = ContentSync.objects.filter(channel=channel)
        sync.update(due_at=timezone.now() + timedelta(hours=1), synced_at=timezone.now(), count=7)
    url = alice.url(f"channels/{channel.pk}/")
    shown = page(alice.client.get(url))
    assert "7 templates · read" in shown
    assert "every 2s" not in shown
    answer = alice.htmx.post(f"{url}templates/", headers={"HX-Target": "channel-reading"})
    assert "Being read" in page(answer)
    assert "every 2s" in page(answer)
    partial = page(alice.htmx.get(url, headers={"HX-Target": "channel-reading"}))
    assert "<html" not in partial
    with organization_scope(alice.organization):
        assert sync.get().due_at <= timezone.now()
    back = alice.client.post(f"{url}templates/", {"back": "templates"})
    assert back.headers["Location"] == alice.url("templates/")
    sms = make_channel(alice.organization, "sms")
    told = alice.client.post(alice.url(f"channels/{sms.pk}/templates/"), follow=True)
    assert "has no templates of its own" in page(told)


def test_walls(alice, bob, charlie):
    channel = make_channel(alice.organization, "whatsapp")
    url = f"channels/{channel.pk}/"
    seen = page(bob.client.get(bob.url(url)))
    assert bob.client.get(bob.url("channels/")).status_code == 200
    for gone in ("Check now", "Edit</a>", "Remove…", "Read now", ACCOUNT_SID):
        assert gone not in seen
    for end in ("edit/", "delete/"):
        assert bob.client.get(bob.url(url + end)).status_code == 403
    for end in ("edit/", "delete/", "check/", "templates/"):
        assert bob.client.post(bob.url(url + end)).status_code == 403
    assert bob.client.get(bob.url("channels/new/")).status_code == 403
    for end in ("", "edit/", "delete/", "catch-up/"):
        assert charlie.client.get(charlie.url(url + end)).status_code == 404
    for end in ("edit/", "delete/", "check/", "templates/", "catch-up/"):
        assert charlie.client.post(charlie.url(url + end)).status_code == 404
    assert "Twilio whatsapp" not in page(charlie.client.get(charlie.url("channels/")))


@pytest.mark.parametrize("rows", [1, 30])
def test_the_same_queries_for_any_number(alice, rows):
    for number in range(rows):
        made = make_channel(alice.organization, "sms", address=f"+150055501{number:02d}")
    browser = alice.client
    for path, most in (("channels/", 8), (f"channels/{made.pk}/", 12)):
        browser.get(alice.url(path))
        with CaptureQueriesContext(connection) as queries:
            browser.get(alice.url(path))
        assert len(queries) <= most, (path, [query["sql"][:90] for query in queries])
