"""The pages of templates, and the list that the composer offers."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team
from core.tenancy import organization_scope
from customers.models import Customer
from messaging.models import ContentSync, Conversation, MediaFile, Template
from messaging.texts.templates import services as templates
from tests.messaging.conftest import make_channel
from tests.pages import submit

pytestmark = pytest.mark.django_db
TEXT = {"name": "Hours", "channel": "whatsapp", "language": "und", "body": "Hello {{ customer.name }}, we open at 9."}
FORM = {**TEXT, "sharing": "everybody"}
SID = "HX" + "a" * 32
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def make(alice: Any, **more: Any) -> Template:
    with organization_scope(alice.organization):
        return templates.create(organization=alice.organization, actor=alice.actor, **{**TEXT, **more})


def approved(alice: Any, **more: Any) -> Template:
    """One as it is read from the provider."""
    body = "Dear {{1}}, your visit is on {{2}}."
    made = make(
        alice,
        **{
            "name": "Reminder",
            "body": body,
            "provider_template_id": SID,
            "content_variables": {"1": "", "2": ""},
            **more,
        },
    )
    held = {"body": body, "variables": {"1": "Ann <b>", "2": "Monday"}, "actions": [{"kind": "reply", "text": "Yes"}]}
    with organization_scope(alice.organization):
        Template.objects.filter(pk=made.pk).update(content=held, content_status="approved", content_variables={})
        return Template.objects.get(pk=made.pk)


def kept(template: Template) -> Template:
    return Template._base_manager.get(pk=template.pk)


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_written_listed_changed_and_deleted(alice):
    browser = alice.client
    assert browser.post(alice.url("templates/new/"), FORM).status_code == 302
    page = browser.get(alice.url("templates/")).content.decode()
    assert "we open at 9" in page
    template = Template._base_manager.get(key="hours")
    url = alice.url(f"templates/{template.pk}/")
    assert submit(browser, url, {**FORM, "name": "Opening"}).status_code == 302
    assert "Opening" in browser.get(url).content.decode()
    assert "Delete “Opening”?" in browser.get(f"{url}delete/").content.decode()
    assert browser.post(f"{url}delete/").status_code == 302
    assert not Template._base_manager.filter(pk=template.pk).exists()


def test_what_is_wrong_stands_at_its_field_and_the_text_is_kept(alice):
    answer = alice.client.post(alice.url("templates/new/"), {**FORM, "body": "Dear {{ customer.shoe_size }}"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "can’t be filled in" in page
    assert "Dear {{ customer.shoe_size }}" in page


def test_the_preview_shows_somebody_within_reach(alice, bob, make_customer):
    make_customer(name="Not Bobs")
    make_customer(bob, name="Ann Lee")
    mona = alice
    body = mona.htmx.post(alice.url("templates/preview/"), {"body": "Hello {{ customer.name }}"}).content.decode()
    assert "Hello Ann Lee" in body or "Hello Not Bobs" in body
    mine = bob.htmx.post(alice.url("templates/preview/"), {"body": "Hello {{ customer.name }} <b>"}).content.decode()
    assert "Hello Ann Lee &lt;b&gt;" in mine
    wrong = alice.htmx.post(alice.url("templates/preview/"), {"body": "{{ customer.shoe_size }}"}).content.decode()
    assert "can’t be filled in" in wrong


def test_the_composer_offers_those_of_its_channel_filled_in_the_customers_language_first(alice, bob, make_conversation):
    conversation = make_conversation(bob, name="Ann Lee")
    with organization_scope(alice.organization):
        Template.objects.all().delete()
        Customer.objects.filter(pk=conversation.customer_id).update(language="de-AT")
        Conversation.objects.filter(pk=conversation.pk).update(last_inbound_at=timezone.now())
    make(alice)
    make(alice, language="de", body="Hallo {{ customer.name }}")
    make(alice, name="Mail", channel="email")
    make(alice, name="Needs more", body="{{ company }}")
    page = bob.htmx.get(bob.url(f"inbox/{conversation.pk}/templates/")).content.decode()
    assert page.index("Hallo Ann Lee") < page.index("Hello Ann Lee")
    assert "Mail" not in page
    assert "This customer has no company" in page
    found = bob.htmx.get(bob.url(f"inbox/{conversation.pk}/templates/?q=need")).content.decode()
    assert "Hallo" not in found


def test_walls(alice, bob, charlie, make_conversation):
    template, conversation = make(alice), make_conversation()
    for person, expected in ((charlie, 404), (bob, 403)):
        assert person.client.get(person.url(f"templates/{template.pk}/")).status_code == expected
    for person in (bob, charlie):
        assert person.client.get(person.url(f"inbox/{conversation.pk}/templates/")).status_code == 404
    assert "Hours" not in charlie.client.get(charlie.url("templates/")).content.decode()


def test_the_list_is_narrowed(alice):
    with organization_scope(alice.organization):
        Template.objects.all().delete()
    make(alice, category="Visits")
    make(alice, name="Invoice", channel="email", subject="Your invoice", body="Thank you.")
    browser = alice.client
    for query, seen, unseen in (
        ("channel=email", "Thank you", "we open at 9"),
        ("category=Visits", "we open at 9", "Thank you"),
        ("q=INVOICE", "Thank you", "we open at 9"),
        ("q=open+at", "we open at 9", "Thank you"),
    ):
        shown = page(browser.get(alice.url(f"templates/?{query}")))
        assert seen in shown, query
        assert unseen not in shown, query
    assert "No such template" in page(browser.get(alice.url("templates/?q=zzz")))
    part = page(alice.htmx.get(alice.url("templates/?q=open"), headers={"HX-Target": "template-list"}))
    assert "<html" not in part
    assert "we open at 9" in part


def test_approvals_stand_in_the_list_with_when_they_were_read(alice, bob):
    channel = make_channel(alice.organization, "whatsapp")
    template = approved(alice)
    with organization_scope(alice.organization):
        sync = ContentSync.objects.filter(channel=channel)
        hour = timedelta(hours=1)
        sync.update(synced_at=timezone.now(), due_at=timezone.now() + hour)
        shown = page(alice.client.get(alice.url("templates/")))
        assert "Approved" in shown
        assert "Read now" in shown
        assert "This is old" not in shown
        assert "Read now" not in page(bob.client.get(bob.url("templates/")))
        Template.objects.filter(pk=template.pk).update(content_status="rejected", content_reason="Too loud.")
        sync.update(synced_at=timezone.now() - 9 * hour)
        shown = page(alice.client.get(alice.url("templates/")))
        assert "Rejected" in shown
        assert "Too loud." in shown
        assert "This is old" in shown
        sync.update(due_at=timezone.now())
        assert "are being read" in page(alice.client.get(alice.url("templates/")))


def test_the_providers_text_is_read_only_and_its_variables_fill_themselves_in(alice, make_customer):
    make_customer(name="Ann Lee")
    template = approved(alice)
    url = alice.url(f"templates/{template.pk}/")
    shown = page(alice.client.get(url))
    assert 'name="body"' not in shown
    assert 'type="file"' not in shown
    assert "Ann &lt;b&gt;" in shown
    assert "Asked for when it is sent: 1, 2." in shown
    given = {"name": "Reminder", "sharing": "everybody", "variable_1": "{{ customer.first_name }}", "variable_2": ""}
    assert submit(alice.client, url, {**given, "body": "Mine"}).status_code == 302
    changed = kept(template)
    assert changed.content_variables == {"1": "{{ customer.first_name }}"}
    assert changed.body == "Dear {{1}}, your visit is on {{2}}."
    wrong = submit(alice.client, url, {**given, "variable_2": "{{ customer.shoe_size }}"})
    assert wrong.status_code == 422
    assert "can’t be filled in" in page(wrong).split('id="id_variable_2_error"')[1]
    preview = {"template": str(template.pk), "variable_1": "{{ customer.name }}", "variable_2": ""}
    assert "Dear Ann Lee, your visit is on {{2}}." in page(alice.htmx.post(alice.url("templates/preview/"), preview))


def test_it_is_shared_with_everybody_one_team_or_nobody(alice, bob, mona):
    with organization_scope(alice.organization):
        team = Team.objects.get(name="Front desk")
    browser, url = alice.client, alice.url("templates/new/")
    missing = browser.post(url, {**FORM, "sharing": "team"})
    assert missing.status_code == 422
    assert "Choose the team" in page(missing).split('id="id_team_error"')[1]
    assert browser.post(url, {**FORM, "sharing": "team", "team": str(team.pk)}).status_code == 302
    assert browser.post(url, {**FORM, "name": "Own", "sharing": "author", "team": str(team.pk)}).status_code == 302
    own = Template._base_manager.get(name="Own")
    assert own.sharing == "author"
    assert own.team is None
    listed = page(bob.client.get(bob.url("templates/")))
    assert "Front desk" in listed
    assert ">Own<" not in listed
    assert mona.client.get(mona.url(f"templates/{own.pk}/")).status_code == 404
    assert mona.client.post(mona.url(f"templates/{own.pk}/delete/")).status_code == 404
    preview = {"template": str(own.pk), "body": "x"}
    assert mona.client.post(mona.url("templates/preview/"), preview).status_code == 404
    shared = make(alice, name="Shared")
    # Somebody else’s can’t be made one’s own: whoever wrote it would lose sight of it.
    taken = submit(mona.client, mona.url(f"templates/{shared.pk}/"), {**FORM, "name": "Shared", "sharing": "author"})
    assert taken.status_code == 422


def test_another_organizations_team_can_not_be_named(alice, charlie):
    with organization_scope(charlie.organization):
        theirs = Team.objects.create(organization=charlie.organization, name="Theirs")
    with organization_scope(alice.organization):
        Team.objects.create(organization=alice.organization, name="Ours")
    given = {**FORM, "sharing": "team", "team": str(theirs.pk)}
    answer = alice.client.post(alice.url("templates/new/"), given)
    assert answer.status_code == 422
    assert "Theirs" not in page(answer)


def upload(name: str = "map.png", content: bytes = PNG, kind: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)


def test_files_are_added_kept_and_left_out(alice, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mail = {**FORM, "channel": "email"}
    browser = alice.client
    answer = browser.post(
        alice.url("templates/new/"), {**mail, "uploads": [upload(), upload("plan.pdf", b"%PDF-1", "application/pdf")]}
    )
    assert answer.status_code == 302
    template = Template._base_manager.get(key="hours", channel="email")
    url = alice.url(f"templates/{template.pk}/")
    with organization_scope(alice.organization):
        first, second = template.files.order_by("name")
    assert "map.png" in page(browser.get(url))
    assert (
        submit(browser, url, {**mail, "attached": [str(second.pk)], "uploads": [upload("new.png")]}).status_code == 302
    )
    with organization_scope(alice.organization):
        assert {file.name for file in template.files.all()} == {"plan.pdf", "new.png"}
    assert first.pk != second.pk


def test_what_was_uploaded_stays_where_something_else_is_wrong(alice, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mail, browser = {**FORM, "channel": "email"}, alice.client
    refused = browser.post(alice.url("templates/new/"), {**mail, "body": "{{ nothing }}", "uploads": [upload()]})
    assert refused.status_code == 422
    with organization_scope(alice.organization):
        file = MediaFile.objects.get()
    assert f'value="{file.pk}" checked' in page(refused)
    assert browser.post(alice.url("templates/new/"), {**mail, "attached": [str(file.pk)]}).status_code == 302
    assert Template._base_manager.get(key="hours", channel="email").files(manager="_base_manager").get() == file


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"channel": "sms", "uploads": [upload()]}, "takes no files"),
        ({"uploads": [upload("a.exe", b"MZ", "application/octet-stream")], "channel": "email"}, "is a program"),
        ({"uploads": [upload("a.svg", b"<svg/>", "image/svg+xml")]}, "does not take"),
        ({"uploads": [upload(), upload("b.png")]}, "at most 1 file"),
        ({"uploads": [upload("empty.png", b"")]}, "empty"),
        ({"attached": ["01980000-0000-7000-8000-000000000000"]}, "is not there any more"),
    ],
)
def test_a_file_that_can_not_be_sent_is_reported_at_the_files(alice, settings, tmp_path, given, words):
    settings.MEDIA_ROOT = tmp_path
    for file in given.get("uploads", []):
        file.seek(0)
    answer = alice.client.post(alice.url("templates/new/"), {**FORM, **given})
    assert answer.status_code == 422
    assert words in page(answer).split('id="id_uploads_error"')[1]


def test_nobody_takes_anothers_file_by_its_id(alice, charlie, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mail = {**FORM, "channel": "email"}
    charlie.client.post(charlie.url("templates/new/"), {**mail, "uploads": [upload("theirs.png")]})
    with organization_scope(charlie.organization):
        theirs = MediaFile.objects.get()
    answer = alice.client.post(alice.url("templates/new/"), {**mail, "attached": [str(theirs.pk)]})
    assert answer.status_code == 422
    assert "theirs.png" not in page(answer)


def test_the_preview_is_for_whom_one_chooses_within_reach(alice, bob, make_customer):
    mine, hidden = make_customer(bob, name="Ann Lee"), make_customer(name="Zebulon Quist")
    text = {"body": "Hello {{ customer.name }}"}
    url = "templates/preview/"
    chosen = page(alice.htmx.post(alice.url(url), {**text, "preview_customer": str(hidden.pk)}))
    assert "Hello Zebulon Quist" in chosen
    found = page(alice.htmx.post(alice.url(url), {**text, "preview_q": "ann", "preview_customer": str(hidden.pk)}))
    assert "Hello Ann Lee" in found
    assert "Zebulon" not in found
    assert "Nobody is called so" in page(alice.htmx.post(alice.url(url), {**text, "preview_q": "nobody at all"}))
    for given in ({"preview_customer": str(hidden.pk)}, {"preview_q": "zebulon"}, {"preview_customer": "x"}):
        assert "Zebulon" not in page(bob.htmx.post(bob.url(url), {**text, **given}))
    assert "Hello Ann Lee" in page(bob.htmx.post(bob.url(url), {**text, "preview_customer": str(mine.pk)}))


def test_the_preview_needs_no_script(alice, make_customer):
    customer = make_customer(name="Ann Lee")
    given = {**FORM, "preview": "1", "preview_customer": str(customer.pk)}
    answer = alice.client.post(alice.url("templates/new/"), given)
    assert answer.status_code == 200
    assert "Hello Ann Lee, we open at 9." in page(answer)
    assert not Template._base_manager.filter(key="hours").exists()


def test_categories_in_use_are_offered(alice):
    make(alice, category="Visits")
    assert '<option value="Visits">' in page(alice.client.get(alice.url("templates/new/")))


@pytest.mark.parametrize("rows", [1, 50])
def test_the_same_queries_for_any_number(alice, make_conversation, rows):
    conversation = make_conversation()
    for number in range(rows):
        template = make(alice, key=f"k{number}", category=f"Category {number}")
        make_channel(alice.organization, "whatsapp", address=f"+150055501{number:02d}")
    browser = alice.client
    for path in ("templates/", f"templates/{template.pk}/", f"inbox/{conversation.pk}/templates/"):
        browser.get(alice.url(path))
        with CaptureQueriesContext(connection) as queries:
            browser.get(alice.url(path))
        # Each text that is filled in asks for nothing of its own.
        assert len(queries) <= 13, path
