"""One walk over every page and API path: whoever does not reach a customer finds nothing of them anywhere.

A customer of Alice's has left something in every place. Bob sees what is assigned to him, Nora manages a team that
Alice is not in, Charlie belongs elsewhere. A path with an id is asked with the very id of what they may not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.calendars import services as calendars
from accounts.credentials import api_keys
from accounts.invitations import services as invitations
from accounts.models import Role, ScimGroup
from accounts.roles import services as roles
from accounts.scim import connections
from accounts.teams import services as teams
from activity import jobs
from activity.audit import heads, sealing
from activity.models import Event, Job
from core.tenancy import organization_scope
from customers.data.bulk import services as bulk
from customers.data.imports import services as imports
from customers.data.merging import duplicates
from customers.data.personal_data import services as personal_data
from customers.models import Customer, CustomField, DuplicatePair, OutcomeType, Process, Tag
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.files import services as files
from customers.people.segments import services as segments
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.work.interactions import services as interactions
from customers.work.processes import services as processes
from customers.work.tasks import services as tasks
from messaging.channels.base import Kind, ReceivedMessage
from messaging.costs import services as costs
from messaging.delivery import queue as outbound
from messaging.intake import inbound
from messaging.models import Arrival, Attachment, Channel, Conversation, Template
from tests.conftest import Person, join
from tests.crm_project.test_intruders import CALLS, PAGES, content, groups
from workflows.models import Notification, RehearsedEvent, WorkflowRun
from workflows.rehearsals import services as rehearsals
from workflows.rules import services as workflows
from workflows.sequences import services as sequences

pytestmark = pytest.mark.django_db

NAME = "Zebulon Quist"
PHONE = "7700912345"
# What everybody in the organization may see, with its id.
SHARED = re.compile(
    r"(tags|custom-fields|channels|settings/fields|settings/pipeline|settings/outcomes|outcome-types|pipeline/stages|"
    r"(^|organization>/)templates|settings/people|settings/people/invitations|admin/users|admin/invitations|"
    r"settings/teams|admin/teams|settings/audit/integrity/heads|settings/calendars|calendars|^workflows|settings/rules|sequences|"
    r"rate-cards)/<uuid:pk>"
)
# Endless by nature; tests/messaging/inbox/test_live_views.py asks who hears what.
STREAMS = {"o/<slug:organization>/live/"}
SECRETS = (NAME.encode(), PHONE.encode())
QUERIES_OF_CALLS = ("", "?q=zebul", "?search=zebul", "?format=csv", "?q=quist&format=xlsx", "?status=open")


@dataclass
class World:
    """What there is of the hidden customer, and what stands for the id in a path."""

    customer: Customer
    ids: dict[str, Any]
    others: dict[str, Any]

    def path(self, route: str, slug: str) -> str:
        """Raises for a path of which nobody said what its id is."""
        for pattern, pk in self.ids.items():
            if re.search(pattern, route):
                route = route.replace("<uuid:pk>", str(pk))
                break
        for name, pk in self.others.items():
            route = route.replace(f"<uuid:{name}>", str(pk))
        route = (
            route.replace("<slug:organization>", slug).replace("<str:channel>", "email").replace("<str:mode>", "note")
        )
        assert "<" not in route, f"{route}: say in World what its id stands for."
        return route


@pytest.fixture
def nora(alice: Person) -> Person:
    return join(alice, "nora@harbour.example", "Nora Berg", "manager")


@pytest.fixture
def world(alice: Person, settings: Any, tmp_path: Any) -> World:
    settings.MEDIA_ROOT = tmp_path
    organization, actor = alice.organization, alice.actor
    with organization_scope(organization):
        customer = customers.create(
            organization=organization, actor=actor, name=NAME, phone=f"+44{PHONE}", email="zebulon@quist.example",
            company="Quist & Daughters", assigned_to=alice.user, tags=["quist"],
        )  # fmt: skip
        twin = customers.create(
            organization=organization, actor=actor, name=NAME, company="Quist & Daughters", assigned_to=alice.user
        )
        duplicates.find_due()
        about: dict[str, Any] = {"customer": customer, "actor": actor}
        contact = contacts.create(name=NAME, **about)
        interaction = interactions.log(content=NAME, **about)
        action = processes.log_action(action_type="call", content=NAME, **about)
        outcome = outcomes.record_outcome(type=OutcomeType.objects.get(key="consult_booked"), note=NAME, **about)
        deal = deals.create(title=NAME, amount=5, **about)
        task = tasks.create(organization=organization, title=NAME, due_at=timezone.now(), **about)
        file = files.add(content=ContentFile(b"x", name="q"), name=NAME, content_type="", **about)
        field = custom_fields.create(organization=organization, actor=actor, key="shoe", label="Shoe", type="text")
        segment = segments.create(member=alice.member, actor=actor, name=NAME, filter={"q": "quist"})
        channel = Channel.objects.get(kind="whatsapp", provider="simulator")
        received = ReceivedMessage(
            kind=Kind.WHATSAPP, provider_message_id="q1", to="", sender=customer.phone, sender_name=NAME, body=NAME
        )
        inbound.receive(channel=channel, received=received, received_at=timezone.now())
        conversation = Conversation.objects.get(customer=customer)
        message = outbound.queue_message(conversation=conversation, body=NAME, actor=actor)
        job = bulk.start(
            member=alice.member, actor=actor, action="tag_add", params={"tag": "seen"}, ids=[str(customer.pk)]
        )
        export = personal_data.start_export(customer=customer, actor=actor, user=alice.user)
        jobs.run_due()
        job.refresh_from_db()
        upload = imports.upload(
            file=BytesIO(f"Name,Phone\n{NAME},+44{PHONE}\n".encode()), name=NAME, member=alice.member
        )
        tag = Tag.objects.first()
        (invited,) = invitations.invite(
            organization=organization, emails=["walk@new.example"], role=alice.member.role, actor=actor
        )
        invitation = invited.invitation
        assert invitation is not None
        role = roles.create(
            organization=organization,
            by=alice.member,
            actor=actor,
            name="Desk",
            permissions=["tasks.view"],
            reach="team",
        )
        team = teams.create(
            organization=organization, by=alice.member, actor=actor, name="Evening", members=[alice.member]
        )
        sealing.seal(organization.pk)
        rate = costs.create(
            organization=organization, actor=actor,
            values={
                "channel_kind": "whatsapp", "market": "GB", "category": "", "price": Decimal("0.05"), "currency": "GBP",
                "valid_from": date(2026, 1, 1),
            },
        )  # fmt: skip
        calendar = calendars.create(organization=organization, actor=actor, values={"name": "Hours"})
        key, _ = api_keys.issue(member=alice.member, name="Website", actor=actor)
        workflow = workflows.create(
            organization=organization, actor=actor,
            values={
                "name": "Note", "trigger_event": "customer.created", "actions": [{"action": "add_note", "body": "x"}],
            },
        )  # fmt: skip
        run = WorkflowRun.objects.create(
            organization=organization, workflow=workflow, version=1, status="done",
            event=Event.objects.get(type="customer.created", customer_id=customer.pk),
            conditions=[{"field": "customer_source", "op": "eq", "value": "", "seen": NAME, "holds": True}],
        )  # fmt: skip
        rehearsal = rehearsals.start(workflow=workflow, member=alice.member, actor=actor)
        RehearsedEvent.objects.create(
            organization=organization, rehearsal=rehearsal, event=run.event, occurred_at=run.event.occurred_at,
            outcome="nothing", reason="conditions", conditions=run.conditions,
        )  # fmt: skip
        sequence = sequences.create(
            organization=organization, actor=actor,
            values={"name": "Chase", "is_enabled": True, "steps": [
                {"delay_minutes": 60, "action": {"action": "add_note", "body": "x"}},
            ]},
        )  # fmt: skip
        chased = sequences.enrol(sequence=sequence, customer=customer, actor=actor)
        directory, _token = connections.create(
            organization=organization, by=alice.member, actor=actor,
            changes={"name": "Okta", "role": Role.objects.get(key="counselor")},
        )  # fmt: skip
        group = ScimGroup.objects.create(organization=organization, connection=directory, team=team)
        notification = Notification.objects.create(
            organization=organization,
            member=alice.member,
            kind="message",
            subject_id=conversation.pk,
            customer=customer,
        )
        ids = {
            r"rate-cards/<": rate.pk,
            r"sequences/runs/<": WorkflowRun.objects.get(process=chased).pk,
            r"sequences/<": sequence.pk,
            r"directory/groups/<": group.pk,
            r"api-keys/<": key.pk,
            r"workflow-rehearsals/<": rehearsal.pk,
            r"settings/rehearsals/<": rehearsal.pk,
            r"workflows/<": workflow.pk,
            r"workflow-runs/<": run.pk,
            r"notifications/<": notification.pk,
            r"settings/rules/runs/<": run.pk,
            r"settings/rules/outgoing/<": message.pk,
            r"settings/rules/<": workflow.pk,
            r"integrity/heads/<": heads.sign(sealing.chain_of(organization.pk)).pk,
            r"audit(-logs)?/<": Event.objects.filter(customer_id=customer.pk)[0].pk,
            r"(customers|leads)/duplicates/<": DuplicatePair.objects.get().pk,
            r"(customers|leads)/imports?/<": upload.pk,
            r"customers/bulk/<": job.pk,
            r"(customers/changes|change-sets)/<": job.result["change_set"],
            r"segments/<": segment.pk,
            r"(customers|leads)/<uuid:pk>": customer.pk,
            r"contacts/<": contact.pk,
            r"interactions/<": interaction.pk,
            r"actions/<": action.pk,
            r"processes/<": Process.objects.get(customer=customer, kind="follow_up").pk,
            r"settings/outcomes/<": outcome.type_id,
            r"outcomes/<": outcome.pk,
            r"outcome-types/<": outcome.type_id,
            r"pipeline/stages/<": customer.stage_id,
            r"templates/<": Template.objects.values_list("pk", flat=True)[0],
            r"deals/<": deal.pk,
            r"tasks/<": task.pk,
            r"files/<": file.pk,
            r"jobs/<": job.pk,
            r"(conversations|inbox)/<": conversation.pk,
            r"messages/<": message.pk,
            r"tags/<": tag.pk,
            r"roles/<": role.pk,
            r"teams/<": team.pk,
            r"calendars/<": calendar.pk,
            r"(custom-fields|settings/fields)/<": field.pk,
            r"settings/pipeline/<": customer.stage_id,
            r"settings/people/invitations/<": invitation.pk,
            r"/people/<uuid:pk>/photo/$": alice.user.pk,
            r"account/.*<": alice.member.pk,
            r"settings/people/<": alice.member.pk,
            r"admin/users/<": alice.user.pk,
            r"admin/invitations/<": invitation.pk,
            r"channels/<": channel.pk,
            r"attachments/<": Attachment.objects.create(
                organization=organization, message=message, filename=NAME, content_type="image/png"
            ).pk,
        }
        change = customer.stage_changes.create(
            organization=organization, from_stage=customer.stage, to_stage=customer.stage, actor_kind="user"
        )
        others = {
            "change": change.pk,
            "identity": customer.identities.first().pk,
            "job": export.pk,
            "customer_id": customer.pk,
            "template_id": ids[r"templates/<"],
            "arrival_id": Arrival.objects.create(
                key="walk", provider="simulator", kind="whatsapp", type="message", body=b"{}", state="set_aside",
                organization=organization, channel=channel, last_error=NAME,
            ).pk,
        }  # fmt: skip
        others["arrival"] = others["arrival_id"]
    assert twin.pk != customer.pk
    return World(customer, ids, others)


def picture(customer: Customer) -> dict[str, Any]:
    """What nobody but Alice may change."""
    with organization_scope(customer.organization):
        row: dict[str, Any] = dict(Customer.objects.filter(pk=customer.pk).values().get())
        related = ("contacts", "interactions", "deals", "tasks", "files", "identities", "messages", "tags",
                   "outcomes", "processes", "stage_changes")  # fmt: skip
        for name in related:
            row[name] = list(getattr(customer, name).order_by("pk").values())
    return row


def strangers(bob: Person, nora: Person, charlie: Person) -> Iterator[tuple[str, Person]]:
    yield from (("bob", bob), ("nora", nora), ("charlie", charlie))


def asked(client: Any, url: str, *, is_api: bool) -> Iterator[tuple[str, Any]]:
    """The answers to every method, with a body that could do something."""
    body = {
        "name": "x", "stage": "lost", "tag": "x", "assigned_to": None, "body": "x", "confirm": "C001", "kind": "note",
        "content": "x", "status": "lost", "value": "x@x.example", "title": "x", "field": "name", "into": "",
    }  # fmt: skip
    yield "get", client.get(url)
    if is_api:
        for method in ("post", "patch", "put", "delete"):
            yield method, getattr(client, method)(url, body, format="json")
    else:
        yield "post", client.post(url, {**body, "assigned_to": "", "file": SimpleUploadedFile("a.txt", b"x")})


@pytest.mark.parametrize("part", groups(CALLS))
def test_the_api(world, alice, bob, nora, charlie, subtests, part):
    before = picture(world.customer)
    for who, person in strangers(bob, nora, charlie):
        caller = person.api
        for route in part:
            is_shared = bool(SHARED.search(route)) and who != "charlie"
            url = "/api/v1/" + world.path(route, "")
            with subtests.test(route, who=who):
                if "<uuid:" in route and not is_shared:
                    for method, answer in asked(caller, url, is_api=True):
                        assert answer.status_code in (403, 404, 405), (who, method, url, answer.content)
                        assert not any(secret in content(answer) for secret in SECRETS), (who, method, url)
                elif "<uuid:" not in route:
                    for query in QUERIES_OF_CALLS:
                        shown = content(caller.get(url + query))
                        assert not any(secret in shown for secret in SECRETS), (who, url, query)
                        assert str(world.customer.pk).encode() not in shown, (who, url, query)
        assert caller.get("/api/v1/customers").status_code == 200, f"{who} is still somebody"
    assert picture(world.customer) == before


@pytest.mark.parametrize("part", groups(set(PAGES) - STREAMS))
def test_the_pages(world, alice, bob, nora, charlie, subtests, part):
    before = picture(world.customer)
    slug = alice.organization.slug
    for who, person in strangers(bob, nora, charlie):
        browser = person.client
        key = world.customer.pk
        for route in part:
            is_shared = bool(SHARED.search(route)) and who != "charlie"
            url = "/" + world.path(route, slug)
            with subtests.test(route, who=who):
                if "<uuid:" in route and not is_shared:
                    for method, answer in asked(browser, url, is_api=False):
                        assert answer.status_code in (403, 404, 405), (who, method, url)
                        assert not any(secret in content(answer) for secret in SECRETS), (who, method, url)
                elif "<uuid:" not in route:
                    for query in ("", "?q=zebul", f"?ids={key}", f"?open={key}", "?format=csv"):
                        shown = content(browser.get(url + query))
                        assert not any(secret in shown for secret in SECRETS), (who, url, query)
        assert browser.get(person.url("customers/")).status_code == 200, f"{who} is still somebody"
    assert picture(world.customer) == before


def test_the_walk_would_see_it(world, alice):
    """Alice finds the customer on the same ways: what the others don't see is there."""
    seen = 0
    for route in CALLS:
        if "webhooks" not in route:
            shown = content(alice.api.get("/api/v1/" + world.path(route, "")))
            seen += any(secret in shown for secret in SECRETS)
    assert seen > 25
    pages = 0
    for route in PAGES:
        if route not in STREAMS and "rejected" not in route:
            shown = content(alice.client.get("/" + world.path(route, alice.organization.slug)))
            pages += any(secret in shown for secret in SECRETS)
    assert pages > 15


def test_bulk_changes_and_merges_by_id_do_not_reach_them(world, alice, bob, nora):
    before = picture(world.customer)
    with organization_scope(alice.organization):
        own = customers.create(organization=alice.organization, actor=bob.actor, name="Own", assigned_to=bob.user)
    for person in (bob, nora):
        body = {"ids": [str(world.customer.pk)], "action": "stage", "params": {"stage": "lost"}}
        started = person.api.post("/api/v1/customers/bulk", body, format="json")
        jobs.run_due()
        assert person.api.get(f"/api/v1/jobs/{started.data['job_id']}").data["result"]["changed"] == 0
        into = {"into": str(world.customer.pk)}
        assert person.api.post(f"/api/v1/customers/{own.pk}/merge", into, format="json").status_code in (400, 404)
    assert picture(world.customer) == before


def test_counts_are_of_what_one_sees(world, alice, bob, nora, charlie):
    for person in (bob, nora, charlie):
        counts = person.api.get("/api/v1/inbox/counts").data
        assert not any(counts.values()), counts
        assert person.api.get("/api/v1/customers").data["count"] == 0
    assert alice.api.get("/api/v1/customers").data["count"] == 2
    with organization_scope(alice.organization):
        assert CustomField.objects.exists()
        assert Job.objects.exists()
        tags.remove(customer=world.customer, names=["quist"], actor=alice.actor)
