"""Every edit form of the product, found by walking its pages: saved as it was opened, it changes nothing at all.

A form that is not named in ACTIONS counts as one that edits, so that a new page is covered by being there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import resolve

from accounts.models import Organization
from core.tenancy import every_organization, organization_scope
from customers.data.retention import services as retention
from customers.models import Contact, Customer, CustomField, Deal, Outcome, Segment, Stage, Tag, Task
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.settings import services as customer_settings
from messaging.models import Channel, Conversation, Draft, Template
from tests.conftest import Person
from tests.crm_project.test_intruders import PAGES, content
from tests.crm_project.test_walk import STREAMS, World
from tests.crm_project.test_walk import world as world
from tests.pages import PageForm, forms_of

pytestmark = pytest.mark.django_db

# Forms that do something whenever they are sent, by their view: each group with the reason.
ACTIONS: dict[str, set[str]] = {
    "makes something new, which was not there to be edited": {
        "customers:add_address", "customers:add_consent", "customers:add_tag", "customers:add_task",
        "customers:bulk", "customers:calendar_feed", "customers:export_personal_data", "customers:import_new",
        "customers:log", "customers:new", "customers:new_contact", "customers:new_deal", "customers:new_field",
        "customers:new_outcome", "customers:new_outcome_type", "customers:new_stage", "customers:new_task",
        "customers:quick_task", "customers:save_segment", "customers:upload_file", "messaging:new_channel",
        "messaging:new_template", "messaging:write", "customers:export", "organization:invite",
        "organization:new_role", "organization:new_member", "organization:set_photo", "organization:account_password",
        "organization:new_team", "organization:new_calendar", "organization:set_calendar_exception",
        "organization:close_calendar", "organization:new_api_key", "organization:new_service", "workflows:new_rule",
        "messaging:new_rate", "messaging:import_rates",
    },
    "asks and then deletes, merges or takes back": {
        "customers:delete", "customers:delete_contact", "customers:delete_deal", "customers:delete_field",
        "customers:delete_file", "customers:delete_outcome", "customers:delete_outcome_type", "customers:delete_tag",
        "customers:delete_task", "customers:delete_segment", "customers:dismiss_duplicate", "customers:erase",
        "customers:merge",
        "customers:remove_address", "customers:remove_stage", "customers:remove_tag", "customers:undo",
        "messaging:delete_channel", "messaging:delete_rate", "messaging:delete_template",
        "organization:deactivate_member",
        "organization:remove_member", "organization:reset_second_factor", "organization:remove_app",
        "organization:remove_passkey", "organization:disconnect_provider",
        "organization:remove_photo", "organization:remove_member_photo", "organization:forget_browser",
        "organization:end_session", "organization:end_app_session", "organization:end_other_sessions",
        "organization:delete_role", "organization:delete_sign_in_provider",
        "organization:revoke_api_key", "organization:narrow_api_key",
        "organization:delete_team", "organization:delete_calendar", "workflows:delete_rule",
        "workflows:delete_sequence",
        "organization:remove_calendar_exception",
    },
    "sends, reads or tries something out": {
        "messaging:cancel", "messaging:check_channel", "messaging:note",
        "messaging:process_again", "messaging:read_templates", "messaging:reply", "messaging:simulator_send",
        "customers:import_detail", "organization:check_audit_log", "organization:export_audit_log",
        "workflows:cancel_outgoing", "workflows:cancel_one_outgoing", "workflows:rehearse",
    },
    "is one button, which is what it does": {
        "accounts:sign_out", "organization:first_password", "organization:reactivate_member",
        "organization:view_as_role", "organization:view_as_member", "organization:end_impersonation",
        "organization:end_own_impersonation", "organization:impersonate",
        "organization:resend_invitation", "organization:revoke_invitation", "customers:follow_up",
        "customers:order_outcome_types",
        "customers:order_stages", "customers:pack", "customers:toggle_task", "messaging:resolve",
        "organization:make_default_calendar", "organization:reopen_calendar", "organization:api_key_secret",
        "organization:rotate_api_key", "messaging:work_out_costs", "workflows:go_back", "workflows:read_notification",
        "workflows:read_notifications",
    },
}  # fmt: skip
NAMED = set().union(*ACTIONS.values())
# Pages whose forms stand behind a question in the address.
QUERIES: dict[str, list[str]] = {
    "customers:row": [f"?field={field}" for field in ("stage", "owner", "tags", "follow_up")],
    "customers:panel": [""],
}
# What must be among what the walk finds; it grows by itself.
KNOWN = {
    "customers:edit", "customers:edit_contact", "customers:edit_deal", "customers:edit_task", "customers:edit_outcome",
    "customers:outcome_type", "customers:change_stage", "customers:change_field", "customers:save_pipeline_rules",
    "customers:save_tag", "customers:keeping", "customers:edit_field", "customers:set_owner", "customers:set_stage",
    "customers:row", "customers:move", "customers:move_deal", "messaging:edit_template", "messaging:edit_channel",
    "organization:member", "organization:profile", "organization:member_profile",
    "organization:edit_role",
    "organization:edit_team",
    "organization:audit_integrity",
    "organization:edit_calendar", "workflows:edit_rule", "messaging:edit_rate",
}  # fmt: skip


@dataclass
class Found:
    """A form of a page, and where it is sent."""

    page: str
    view: str
    address: str
    form: PageForm

    @property
    def edits(self) -> bool:
        """Whether it can be sent as it stands, without a press of a button that asks for something else."""
        chooses = any(name for name, _, _ in self.form.buttons)
        return self.form.is_complete and (not chooses or bool(self.form.current))

    def data(self) -> dict[str, Any]:
        """What a browser sends: where it is chosen by a button, that of what is so already."""
        data = self.form.data()
        for name, value in self.form.current[:1]:
            data[name] = [value]
        return data


def pages(world: World, person: Person) -> Iterator[str]:
    for route in PAGES:
        if route in STREAMS:
            continue
        path = "/" + world.path(route, person.organization.slug)
        for query in QUERIES.get(resolve(path).view_name, [""]):
            yield path + query
    yield person.url(f"customers/?open={world.customer.pk}")
    yield from (person.url(f"customers/?segment={segment}") for segment in Segment.objects.values_list("pk", flat=True))


def forms(world: World, person: Person, browsers: Sequence[Any]) -> Iterator[Found]:
    """Every form that posts, once for each address and what it sends."""
    seen = set()
    with organization_scope(person.organization):
        addresses = list(pages(world, person))
    for page in addresses:
        for browser in browsers:
            answer = browser.get(page)
            if answer.status_code != 200 or "html" not in answer.headers.get("Content-Type", ""):
                continue
            for form in forms_of(content(answer).decode()):
                if form.method != "post":
                    continue
                address = urljoin(page, form.action or page)
                key = (urlsplit(address).path, *sorted(pair for pair in form.pairs if pair[0] not in VARYING))
                if key not in seen:
                    seen.add(key)
                    yield Found(page, resolve(urlsplit(address).path).view_name, address, form)


VARYING = {"csrfmiddlewaretoken", "snapshot", "shown"}


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables of ours; of sealed values what is in them."""
    rows = {}
    with every_organization(reason="compares"):
        for model in apps.get_models(include_auto_created=True):
            if model._meta.app_label in ("core", "activity", "accounts", "customers", "messaging", "workflows"):
                found = list(model._base_manager.order_by("pk").values())
                if model is Channel:
                    opened = {row.pk: dict(row.credentials) for row in Channel._base_manager.all()}
                    found = [{**row, "credentials": opened[row["id"]]} for row in found]
                rows[model._meta.label] = found
    return rows


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for label, rows in after.items():
        was = {row["id"]: row for row in before[label]}
        now = {row["id"]: row for row in rows}
        found += [(label, "gone", was[key]) for key in was.keys() - now.keys()]
        found += [(label, "new", now[key]) for key in now.keys() - was.keys()]
        for key in was.keys() & now.keys():
            found += [
                (label, name, was[key][name], now[key][name]) for name in now[key] if was[key][name] != now[key][name]
            ]
    return found


LONG = "long " * 1500
RTL = "\u05d9\u05e2\u05dc \u202eabc\u202c \u0645\u0631\u062d\u0628\u0627"


def plain(world: World, alice: Person) -> None:
    """What forms of these kinds usually hold."""
    own(world, alice, choices_left={"plan": ["Gold", "Tin"], "langs": ["en", "fr"]})
    customer_settings.change(organization=alice.organization, actor=alice.actor, changes={"stalled_days": 9})
    retention.set_months(organization=alice.organization, months=12, actor=alice.actor)


def awkward(world: World, alice: Person) -> None:
    """What came another way than by the page, and what a form finds hard to show."""
    own(world, alice, choices_left={"plan": ["Gold"], "langs": ["en"]})
    one_line = f" a\nb {RTL}"
    rows: dict[Any, dict[str, Any]] = {
        Customer: {"name": one_line, "company": f"\t{RTL}", "source": "x\u202ey", "notes": f"\n a\r\nb{LONG}",
                   "language": "zz", "address": {"city": " Bath\n", "planet": "Mars", "street": "1\u2028Quay"}},
        Contact: {"name": "  Tobi", "relationship": "line\none", "birth_date": "2015-04-02"},
        Deal: {"title": " t\nu", "amount": "1234567.80", "currency": "CLF", "probability": 37,
               "expected_close_on": "2031-01-31", "lost_reason": " x\n"},
        Task: {"title": f" {RTL}", "description": "a\r\nb\n\n", "repeat_unit": "week", "repeat_every": 3,
               "repeat_until": "2031-12-31", "due_at": "2026-03-29T00:59:59.123456Z"},
        Outcome: {"note": "\n a\rb\n", "amount": "0.10", "currency": "CLF", "occurred_at": "2025-10-26T01:30:15.5Z"},
        Stage: {"name": " New\nones", "entry_task": " e\n", "sla_hours": 5},
        Template: {"body": "\r\n Dear {{ name|there }}\r\n", "subject": " s\n"},
        Channel: {"name": " Desk\nfront"},
        CustomField: {"label": " La\nbel"},
        Tag: {"color": "puce"},
    }  # fmt: skip
    for model, values in rows.items():
        known = {field.attname for field in model._meta.fields}
        assert set(values) <= known, (model, set(values) - known)
        found = model._base_manager.all()
        found.update(**{name: value for name, value in values.items() if model is not Tag or name == "color"})
    won, lost = (Stage.objects.filter(kind=kind).first() for kind in (Stage.Kind.WON, Stage.Kind.LOST))
    changes = {"won_deal_stage": won, "lost_deal_stage": lost, "follow_up_days": 30}
    customer_settings.change(organization=alice.organization, actor=alice.actor, changes=changes)
    Organization.objects.filter(pk=alice.organization.pk).update(retention_months=13)
    Draft.objects.create(
        organization=alice.organization, conversation=Conversation.objects.first(), member=alice.member,
        mode="note", body=f"\n{RTL}",
    )  # fmt: skip


def own(world: World, alice: Person, *, choices_left: dict[str, list[str]]) -> None:
    """A field of the organization's own of every type, and a value in each."""
    values = {"text": " x\ny ", "number": 3.5, "date": "2024-02-29", "boolean": True, "url": "https://x.example/?a=1&b",
              "choice": "Tin", "multi_choice": ["en", "fr"]}  # fmt: skip
    assert set(CustomField.Type.values) == set(values)
    keys = {"choice": "plan", "multi_choice": "langs"}
    choices = {"choice": ["Gold", "Tin"], "multi_choice": ["en", "fr"]}
    made = {
        kind: custom_fields.create(
            organization=alice.organization, actor=alice.actor, key=keys.get(kind, f"of_{kind}"), label=kind.title(),
            type=kind, choices=choices.get(kind, []),
        )
        for kind in values
    }  # fmt: skip
    stored = {made[kind].key: value for kind, value in values.items() if kind != "text"}
    customers.update(customer=world.customer, actor=alice.actor, changes={"custom_fields": stored})
    # A text with a line break came by import or the API.
    row = Customer.objects.get(pk=world.customer.pk)
    Customer.objects.filter(pk=row.pk).update(custom_fields={**row.custom_fields, "of_text": values["text"]})
    for key, left in choices_left.items():
        field = CustomField.objects.get(key=key)
        custom_fields.update(field=field, actor=alice.actor, changes={"choices": left})


@pytest.mark.parametrize("values", [plain, awkward])
def test_every_form_saved_as_it_was_opened_changes_nothing(world, alice, values):
    with organization_scope(alice.organization):
        values(world, alice)
    posted: set[str] = set()
    faults: list[Any] = []
    browser, htmx = alice.client, alice.htmx
    for found in forms(world, alice, (browser, htmx)):
        if found.view in NAMED or not found.edits:
            continue
        before = everything()
        sends = htmx if re.search(r"\?field=|\?open=", found.page) else browser
        with transaction.atomic():
            answer = sends.post(found.address, found.data())
            changed = differences(before, everything())
            # The next form is of the record as it was.
            transaction.set_rollback(True)
        if answer.status_code not in (200, 204, 302) or changed:
            faults.append((found.view, found.page, answer.status_code, found.data(), changed))
        posted.add(found.view)
    assert not faults, "\n\n".join(map(str, faults))
    assert posted >= KNOWN, KNOWN - posted


def test_the_list_of_actions_names_no_form_that_edits(world, alice):
    found = {one.view for one in forms(world, alice, (alice.client,)) if "snapshot" in one.form.names()}
    assert found
    assert not found & NAMED
    with organization_scope(alice.organization):
        views = {resolve("/" + world.path(route, alice.organization.slug)).view_name for route in PAGES}
    assert NAMED - views - {"accounts:sign_out"} == set(), "named, and no view (any more)"
