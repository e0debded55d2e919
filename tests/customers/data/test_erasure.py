"""Who is erased is nowhere any more: not in a table, not in a file; what is counted stays."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from activity.ledger import record
from activity.models import Event, Job
from customers.data.deletion import services as deletion
from customers.data.personal_data import erasure
from customers.data.personal_data import services as personal_data_service
from customers.models import (
    ChangeSet,
    Customer,
    CustomerFile,
    CustomField,
    Deal,
    Identity,
    OutcomeType,
    Segment,
    StageChange,
    Tag,
    Task,
)
from customers.people.consent import services as consent
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.fields import FIELDS
from customers.people.files import services as files
from customers.people.identities import addresses
from customers.people.identities import services as identities
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.work.interactions import services as interactions
from customers.work.processes import services as processes
from customers.work.tasks import services as tasks
from messaging.intake import processing
from messaging.models import Arrival, Attachment, Channel, Conversation, Message
from tests.customers.data.traces import DIGITS, MARK, PHONE, SENT, leave_traces, merge_another, places, remember, talk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


# --- A person, everywhere that there is -------------------------------------------------------------------------------


@pytest.fixture
def ann(alice: Any, make_customer: Any, inside: Any) -> Customer:
    """A customer with the mark in every text that the services let a person leave."""
    actor = alice.actor
    custom_fields.create(organization=inside, actor=actor, entity="customer", key="school", label="School", type="text")
    custom_fields.create(organization=inside, actor=actor, entity="contact", key="pet", label="Pet", type="text")
    custom_fields.create(organization=inside, actor=actor, entity="deal", key="wish", label="Wish", type="text")
    ann: Customer = make_customer(
        name=f"Ann {MARK}", email=f"{MARK}@example.com", phone=PHONE, company=f"{MARK} Ltd", notes=f"{MARK} likes tea",
        address={"street": f"1 {MARK} Road", "city": MARK, "postal_code": MARK[:8]}, tags=[f"{MARK}", "shared"],
        own_fields={"school": MARK},
    )  # fmt: skip
    make_customer(name="Neighbour", tags=["shared"])
    customers.update(customer=ann, actor=actor, changes={"name": f"Annabel {MARK}", "company": f"{MARK} plc"})
    addresses.add(customer=ann, address=identities.email(f"second.{MARK}@example.com"), actor=actor)
    contact = contacts.create(
        customer=ann, actor=actor, name=f"Tim {MARK}", relationship="child", email=f"tim.{MARK}@example.com",
        birth_date=date(2015, 5, 1), custom_fields={"pet": MARK},
    )  # fmt: skip
    contacts.update(contact=contact, actor=actor, changes={"name": f"Timothy {MARK}"})
    note = interactions.log(customer=ann, actor=actor, channel="note", content=f"Said {MARK}")
    deal = deals.create(customer=ann, actor=actor, title=f"Braces for {MARK}", custom_fields={"wish": MARK})
    deals.update(deal=deal, actor=actor, changes={"status": "lost", "lost_reason": f"{MARK} moved"})
    deals.create(customer=ann, actor=actor, title=f"Open {MARK}", amount=120)
    kind = OutcomeType.objects.create(organization=ann.organization, key="review", name="Left a review")
    outcomes.record_outcome(customer=ann, actor=actor, type=kind, note=f"{MARK} was glad")
    processes.start(customer=ann, actor=actor, name=f"Win {MARK}")
    task = tasks.create(
        organization=inside, customer=ann, actor=actor, title=f"Call {MARK}", description=f"about {MARK}"
    )
    files.add(
        customer=ann, content=ContentFile(f"X-ray of {MARK}".encode()), name=f"{MARK}.txt", content_type="text/plain",
        actor=actor,
    )  # fmt: skip
    stage = stage_moves.find_stage(organization=inside, key="contacted")
    stage_moves.move(customer=ann, stage=stage, actor=actor, reason=f"{MARK} rang")
    consent.change(customer=ann, channel="sms", is_granted=False, how=f"{MARK} told us", proof=MARK, actor=actor)
    consent.change(customer=ann, channel="sms", is_granted=True, how=f"{MARK} again", actor=actor)
    talk(ann, alice)
    merge_another(ann, alice)
    remember(ann, alice, [contact, note, deal, task])
    leave_traces(ann, alice)
    return Customer.objects.select_related("organization", "stage").get(pk=ann.pk)


# --- The tests --------------------------------------------------------------------------------------------------------


def test_nothing_of_the_person_is_left_anywhere(ann: Customer, alice: Any, storage: Path):
    planted = places(storage, MARK, DIGITS)
    print(sorted(place for place in planted - EVERYWHERE if "/" not in place))
    assert {place for place in planted if "." in place and "/" not in place} >= EVERYWHERE, "the mark was not planted"
    assert any(place.startswith("media/customers/") for place in planted)
    assert any(place.startswith("media/imports/") for place in planted)
    assert any(place.startswith("mail/") for place in planted)
    assert any(place.startswith("media/messages/") for place in planted)
    exported = Job.objects.get(kind=personal_data_service.EXPORT).state["path"]
    assert (storage / "media" / exported).exists()
    erasure.erase(customer=ann, actor=alice.actor)
    assert places(storage, MARK, DIGITS) == set()
    assert not (storage / "media" / exported).exists()


# Where a mark has to stand before the erasure, so that looking for it afterwards says something.
EVERYWHERE = {
    "accounts.IdempotentCall.answer", "activity_event.payload", "activity_job.params", "activity_job.result",
    "customers_change.after", "customers_change.before", "customers_changeset.detail", "customers_consent.how",
    "customers_consent.proof", "customers_contact.custom_fields", "customers_contact.email", "customers_contact.name",
    "customers_customer.address", "customers_customer.address_key", "customers_customer.company",
    "customers_customer.company_key", "customers_customer.custom_fields", "customers_customer.email",
    "customers_customer.name", "customers_customer.notes", "customers_customer.phone", "customers_customer.search_text",
    "customers_customer.sort_name", "customers_customerfile.name",
    "customers_customerimport.result", "customers_deal.custom_fields",
    "customers_deal.lost_reason", "customers_deal.title", "customers_identity.match_key", "customers_identity.value",
    "customers_interaction.content", "customers_segment.filter", "customers_segment.name",
    "customers_outcome.note", "customers_process.name", "customers_stagechange.reason", "customers_tag.name",
    "customers_task.description", "customers_task.title", "django_admin_log.change_message",
    "django_admin_log.object_repr", "messaging_arrival.body", "messaging_attachment.filename",
    "messaging_attachment.source_url", "messaging_conversation.address", "messaging_conversation.last_message_preview",
    "messaging_message.address", "messaging_message.body", "messaging_message.button", "messaging_message.extra",
    "messaging_message.error_message", "messaging_message.location", "messaging_message.referral",
    "messaging_attachment.content_id", "messaging_attachment.reason", "messaging_maildetails.cc",
    "messaging_maildetails.folded", "messaging_maildetails.html", "messaging_maildetails.references",
    "messaging_maildetails.reply_to", "messaging_mediafile.name", "messaging_message.content_variables",
    "messaging_message.fallback_variables", "messaging_message.subject", "messaging_reconciliation.found",
    "messaging_stoppedaddress.address", "messaging_stoppedaddress.reason",
}  # fmt: skip


# Texts of the same tables that hold nothing of a person, each with the reason.
NOT_OF_THE_PERSON = {
    "messaging_arrival.account_id": "our own account at the provider",
    "messaging_arrival.proof": "a signature and an address of ours",
    "customers_customer.code": "counted by", "customers_customer.former_codes": "counted by",
    "customers_customer.type": "a choice", "customers_customer.status": "a choice",
    "customers_customer.source": "where customers come from is counted by it",
    "customers_customer.campaign": "an advertisement's name, counted by as the source is",
    "customers_identity.kind": "a choice", "customers_contact.relationship": "the row is deleted",
    "customers_contact.phone": "the row is deleted", "customers_deal.currency": "a choice",
    "customers_deal.status": "a choice", "customers_task.priority": "a choice", "customers_task.status": "a choice",
    "customers_interaction.channel": "a choice", "customers_interaction.direction": "a choice",
    "customers_interaction.author_label": "a colleague", "customers_customerfile.content": "a path of ids",
    "customers_customerfile.content_type": "the row is deleted", "customers_consent.channel": "a choice",
    "customers_consent.purpose": "a choice", "customers_consent.actor_label": "a colleague",
    "customers_stagechange.actor_kind": "a choice", "customers_stagechange.actor_label": "a colleague",
    "customers_stagechange.from_name": "the organization's word", "customers_stagechange.to_name": "the same",
    "customers_task.repeat_unit": "a choice", "customers_task.origin": "an id",
    "customers_outcome.currency": "a choice",
    "customers_outcome.author_label": "a colleague", "customers_process.kind": "a choice",
    "customers_process.channel": "a choice", "customers_process.status": "a choice",
    "customers_duplicatepair.reasons": "the row is deleted", "messaging_conversation.status": "a choice",
    "messaging_conversation.priority": "a choice", "messaging_conversation.last_message_direction": "a choice",
    "messaging_conversation.last_message_status": "a choice", "messaging_message.direction": "a choice",
    "messaging_message.status": "a choice", "messaging_message.origin": "a choice",
    "messaging_message.provider_message_id": "keeps a repeated webhook from bringing the person back",
    "messaging_message.error_code": "the provider's", "messaging_attachment.content_type": "counted by",
    "messaging_attachment.state": "a choice", "messaging_arrival.key": "keeps a repeated webhook out",
    "messaging_arrival.provider": "a choice", "messaging_arrival.kind": "a choice",
    "messaging_arrival.type": "a choice", "messaging_message.content_sid": "an id of the provider's",
    "messaging_draft.mode": "the row is deleted", "messaging_draft.body": "the row is deleted",
    "messaging_draft.subject": "the row is deleted", "messaging_draft.cc": "the row is deleted",
    "messaging_maildetails.digest": "the row is deleted", "messaging_maildetails.to": "the row is deleted",
    "messaging_maildetails.automatic": "the row is deleted",
    "messaging_messagecost.category": "a choice", "messaging_messagecost.market": "the provider's price list",
    "messaging_messagecost.currency": "a choice", "messaging_messagecost.source": "a choice",
    "messaging_messagecost.last_error": "the provider's, about its price",
    "messaging_stoppedaddress.kind": "a choice", "messaging_stoppedaddress.code": "the provider's",
    "messaging_arrival.state": "a choice", "messaging_arrival.query": "our own message's id",
    "messaging_arrival.outcome": "our own word", "messaging_arrival.last_error": "emptied all the same",
    "workflows_notification.kind": "the row is deleted", "workflows_notification.group": "the row is deleted",
    "workflows_notification.data": "the row is deleted",
    "customers_taskreminder.last_error": "the row is deleted", "workflows_runwait.path": "the row is deleted",
    "workflows_workflowrun.status": "our own word", "workflows_workflowrun.path": "numbers and dots that we make",
    "workflows_workflowrun.conditions": "emptied by the event, whoever it is about",
    "workflows_workflowrun.steps": "emptied by the event, whoever it is about",
    "workflows_runwait.cancel_on": "the row is deleted", "workflows_runwait.last_error": "the row is deleted",
}  # fmt: skip


def test_no_text_of_a_record_of_theirs_is_forgotten():
    """A new column or model of a customer has to be planted above, or to be listed with a reason."""
    texts = (models.CharField, models.TextField, models.JSONField, models.FileField, models.BinaryField)
    theirs: set[Any] = {Customer}
    newest: set[Any] = {Customer}
    while newest:
        newest = {
            relation.related_model
            for model in newest
            for relation in model._meta.get_fields(include_hidden=True)
            if isinstance(relation, models.ManyToOneRel)
        } - theirs
        theirs |= newest
    columns = {
        f"{model._meta.db_table}.{field.column}"
        for model in theirs
        for field in model._meta.local_fields
        if isinstance(field, texts)
    }
    # That these are emptied is tried field by field (customers/people/test_fields.py).
    emptied = {f"{Customer._meta.db_table}.{field.column}" for field in FIELDS if field.is_personal}
    assert columns - EVERYWHERE - emptied - set(NOT_OF_THE_PERSON) == set()
    assert set(NOT_OF_THE_PERSON) <= columns


def test_half_a_name_in_a_filter_is_a_trace_too_and_the_view_matches_nobody(ann: Customer, alice: Any):
    """A search that finds them alone; the view is not left to show everybody instead."""
    make = {"organization": alice.organization, "owner": alice.user}
    shared = Segment.objects.create(**make, name="Shared word", filter={"q": "neighbour"})
    erasure.erase(customer=ann, actor=alice.actor)
    shared.refresh_from_db()
    assert shared.filter == {"q": "neighbour"}
    for view in Segment.objects.filter(name__startswith="View "):
        assert view.filter == {"erased": "1"}
    exported = Event.objects.filter(type="customer.exported")
    assert sorted((event.payload["filters"] for event in exported), key=len) == [{}, {"status": "lead"}]
    assert not Arrival.objects.filter(key__in=["own", "form"]).exclude(body=b"", state="done").exists()


def test_an_event_about_nobody_loses_what_people_wrote_and_keeps_names_of_the_organizations_own(
    ann: Customer, alice: Any
):
    task = Task.objects.create(organization=alice.organization, title=f"Call {ann.name}")
    due = {"title": task.title, "due_at": timezone.now().isoformat()}
    overdue = record("task.overdue", subject=task, actor=alice.actor, payload=due)
    named = {"key": "ann", "name": ann.name}
    stage = record("stage.created", subject=alice.organization, organization=alice.organization, payload=named)
    erasure.erase(customer=ann, actor=alice.actor)
    assert Event.objects.get(pk=overdue.pk).payload == {"due_at": due["due_at"]}
    assert Event.objects.get(pk=stage.pk).payload == named


def test_what_waits_to_be_read_is_not_lost_with_them(ann: Customer, alice: Any):
    waits = Arrival.objects.create(
        key="waits", provider="twilio", kind="whatsapp", type="message", body=f"Body={MARK}".encode(),
        state="pending", organization=alice.organization, channel=Channel.objects.first(),
    )  # fmt: skip
    erasure.erase(customer=ann, actor=alice.actor)
    waits.refresh_from_db()
    assert bytes(waits.body) == f"Body={MARK}".encode()


def test_what_is_counted_stays(ann: Customer, alice: Any):
    def counts() -> dict[str, Any]:
        return {
            "customer": Customer.objects.filter(pk=ann.pk)
            .values("code", "status", "stage", "source", "type", "created_at", "last_activity_at", "assigned_to")
            .get(),
            "messages": list(
                Message.objects.filter(customer=ann).exclude(status__in=["queued", "cancelled"]).order_by("pk")
                .values_list("pk", "direction", "status", "created_at", "is_private", "provider_message_id")
            ),
            "stages": list(
                StageChange.objects.filter(customer=ann).order_by("pk")
                .values_list("from_stage", "to_stage", "changed_at")
            ),
            "deals": list(Deal.objects.filter(customer=ann).order_by("pk").values_list("amount", "currency")),
            "tasks": Task.objects.filter(customer=ann).count(),
            "talks": Conversation.objects.filter(customer=ann).count(),
            "attachments": Attachment.objects.filter(message__customer=ann).count(),
        }  # fmt: skip

    before = counts()
    told = list(Event.objects.about_customer(ann.pk).values_list("pk", "type", "occurred_at", "actor_id"))
    erasure.erase(customer=ann, actor=alice.actor, reason="asked")
    assert counts() == before
    after = list(Event.objects.about_customer(ann.pk).values_list("pk", "type", "occurred_at", "actor_id"))
    assert set(told) <= set(after)
    moves = Event.objects.about_customer(ann.pk).filter(type="customer.stage_changed")
    assert {(event.payload["from"], event.payload["to"]) for event in moves} >= {("new", "contacted")}
    (erased,) = Event.objects.about_customer(ann.pk).filter(type="customer.erased")
    assert (erased.actor_id, erased.payload) == (str(alice.user.pk), {"code": ann.code, "reason": "asked"})


def test_the_row_says_that_the_person_is_gone(ann: Customer, alice: Any):
    fields = CustomField.objects.count()
    erasure.erase(customer=ann, actor=alice.actor)
    ann.refresh_from_db()
    assert (ann.name, ann.email, ann.phone, ann.notes) == ("Erased customer", "", "", "")
    assert ann.erased_at
    assert ann.do_not_contact
    assert [tag.name for tag in ann.tags.all()] == ["shared"], "a word that groups people stays"
    assert not Tag.objects.filter(name=MARK).exists(), "one that only they carried says who they were"
    assert not Message.objects.filter(customer=ann, status="queued").exists()
    assert not Deal.objects.filter(customer=ann, status="open").exists()
    assert not Task.objects.filter(customer=ann).open().exists()
    assert CustomerFile.objects.filter(customer=ann).count() == 0
    assert CustomField.objects.count() == fields


def test_others_keep_what_is_theirs(ann: Customer, alice: Any):
    neighbour = Customer.objects.get(name="Neighbour")
    before = Customer.objects.filter(pk=neighbour.pk).values().get()
    told = list(Event.objects.about_customer(neighbour.pk).order_by("pk").values("type", "payload"))
    erasure.erase(customer=ann, actor=alice.actor)
    assert Customer.objects.filter(pk=neighbour.pk).values().get() == before
    assert list(Event.objects.about_customer(neighbour.pk).order_by("pk").values("type", "payload")) == told


def test_their_addresses_are_free_again(ann: Customer, alice: Any):
    erasure.erase(customer=ann, actor=alice.actor)
    assert not Identity.objects.filter(customer=ann).exists()
    body = {"message_id": "later", "from": PHONE, "from_name": "Ann", "body": "Me again", "sent_at": SENT}
    assert alice.api.post("/api/v1/webhooks/whatsapp", body, format="json").status_code == 202
    processing.process_due()
    anew = Identity.objects.select_related("customer").get(value=PHONE).customer
    assert anew.pk != ann.pk
    assert anew.name == "Ann"


def test_a_webhook_that_comes_again_does_not_bring_them_back(ann: Customer, alice: Any):
    erasure.erase(customer=ann, actor=alice.actor)
    body = {
        "message_id": "in-whatsapp",
        "from": PHONE,
        "from_name": f"Ann {MARK}",
        "body": f"Hello, it is {MARK}",
        "sent_at": SENT,
    }
    assert alice.api.post("/api/v1/webhooks/whatsapp", body, format="json").json()["status"] == "duplicate"
    processing.process_due()
    assert not Identity.objects.filter(value=PHONE).exists()
    assert not Arrival.objects.filter(type="message", state="pending").exists()


def test_twice_is_once(ann: Customer, alice: Any):
    erasure.erase(customer=ann, actor=alice.actor)
    first = Customer.objects.filter(pk=ann.pk).values().get()
    erasure.erase(customer=ann, actor=alice.actor)
    assert Customer.objects.filter(pk=ann.pk).values().get() == first
    assert Event.objects.filter(type="customer.erased").count() == 1


def test_what_fails_leaves_everything(ann: Customer, alice: Any, storage: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(customer: Customer) -> None:
        raise RuntimeError("the disk is full")

    before = places(storage, MARK)
    monkeypatch.setattr(erasure, "_blank", fail)
    with pytest.raises(RuntimeError):
        erasure.erase(customer=ann, actor=alice.actor)
    assert places(storage, MARK) == before


def test_an_erased_one_does_not_come_back(ann: Customer, alice: Any):
    deletion.delete(customer=ann, actor=alice.actor, force=True)
    erasure.erase(customer=ann, actor=alice.actor)
    with pytest.raises(deletion.NotRestorable, match="erased"):
        deletion.restore(customer=ann, actor=alice.actor)
    assert not ChangeSet.objects.filter(kind="merge").exists(), "nor by undoing a merge"
