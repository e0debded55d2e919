"""Who stands before the browsers, and ways to put something before them without clicking it together."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Organization, User
from core.ids import uuid7
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.customers import services as customers
from messaging.channels.base import Kind, ReceivedMessage
from messaging.inbound_deliveries.store import store
from messaging.intake import inbound
from messaging.models import Arrival, Channel, Conversation, Message
from tests.conftest import Person, join, sign_up

# The parallel processes of a run write into one database.
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
_numbers = count(1)
PHONE = "+447700900"


@dataclass
class Clinic:
    """An organization with an administrator and a counselor, and a stranger who is administrator elsewhere."""

    alice: Person
    bob: Person
    charlie: Person

    @property
    def organization(self) -> Organization:
        return self.alice.organization

    def url(self, path: str = "inbox/") -> str:
        return f"/o/{self.organization.slug}/{path}"

    def channel(self, kind: str = "whatsapp") -> Channel:
        with organization_scope(self.organization):
            return Channel.objects.select_related("organization").get(kind=kind, provider="simulator")

    def receive(
        self, body: str, *, name: str = "Maya Okafor", phone: str = f"{PHONE}101", kind: str = "whatsapp", **more: Any
    ) -> Message:
        """A message that came in and was worked on; `ago` moves it into the past."""
        at: datetime = timezone.now() - more.pop("ago", timedelta(0))
        channel = self.channel(kind)
        received = ReceivedMessage(
            provider_message_id=str(uuid7()),
            kind=Kind(kind),
            sender=phone,
            sender_name=name,
            to=channel.address,
            body=body,
            **more,
        )
        with organization_scope(self.organization):
            return inbound.receive(channel=channel, received=received, received_at=at)

    def deliver(self, body: str, *, name: str = "Maya Okafor", phone: str = f"{PHONE}101") -> None:
        """A message that the provider has just handed over: the worker takes it from here."""
        channel, key = self.channel(), str(uuid7())
        payload = {
            "message_id": key, "channel": channel.kind, "from": phone, "from_name": name, "to": channel.address,
            "body": body, "sent_at": timezone.now().isoformat(),
        }  # fmt: skip
        store(
            key=f"simulator:{key}",
            provider="simulator",
            kind=channel.kind,
            arrival_type=Arrival.Type.MESSAGE,
            body=json.dumps(payload).encode(),
            channel=channel,
        )

    def fill_thread(self, received: Message, lines: int) -> None:
        """More of the same conversation, a minute apart, all after its first message."""
        begun = received.created_at - timedelta(minutes=lines + 1)
        with organization_scope(self.organization):
            Message.objects.filter(pk=received.pk).update(created_at=begun)
            Message.objects.bulk_create(
                Message(
                    organization=self.organization,
                    conversation_id=received.conversation_id,
                    customer_id=received.customer_id,
                    channel_id=received.channel_id,
                    direction=Message.Direction.INBOUND,
                    status=Message.Status.RECEIVED,
                    body=f"Line {number}.",
                    created_at=begun + timedelta(minutes=number),
                )
                for number in range(1, lines)
            )

    def customer(self, name: str, *, owner: Person | None = None, stage: str = "", **fields: Any) -> Customer:
        """Somebody who is here without having written."""
        with organization_scope(self.organization):
            if stage:
                fields["stage"] = Stage.objects.get(key=stage)
            return customers.create(
                organization=self.organization, actor=self.alice.actor, name=name,
                assigned_to=owner.user if owner else None, **fields,
            )  # fmt: skip

    def fill_list(self, rows: int) -> None:
        """So many customers with a conversation each, the first the newest."""
        channel, now = self.channel(), timezone.now()
        with organization_scope(self.organization):
            stage = Stage.objects.order_by("position").first()
            people = Customer.objects.bulk_create(
                Customer(organization=self.organization, name=f"Person {n:03}", code=f"X{n}", stage=stage)
                for n in range(rows)
            )
            Conversation.objects.bulk_create(
                Conversation(
                    organization=self.organization,
                    customer=person,
                    channel=channel,
                    address=f"+4477009{number:05d}",
                    last_message_at=now - timedelta(minutes=number),
                    last_message_preview=f"Preview {number:03}",
                    last_message_direction=Message.Direction.INBOUND,
                )
                for number, person in enumerate(people)
            )

    def behave(self, outcome: str, *, delay: float = 0.2, address: str = "*") -> None:
        """What the simulator does with messages from now on."""
        with organization_scope(self.organization):
            for channel in Channel.objects.filter(provider="simulator"):
                behaviours = {**channel.settings.get("behaviours", {})}
                behaviours[address] = {"outcome": outcome, "delay_seconds": delay}
                channel.settings = {**channel.settings, "behaviours": behaviours}
                channel.save(update_fields=["settings"])

    def conversation(self, message: Message) -> Conversation:
        with organization_scope(self.organization):
            return Conversation.objects.select_related("customer", "channel").get(pk=message.conversation_id)

    def thread_url(self, message: Message) -> str:
        return self.url(f"inbox/{message.conversation_id}/")

    def assign(self, message: Message, user: User) -> None:
        with organization_scope(self.organization):
            customer = self.conversation(message).customer
            customers.assign(customer=customer, owner=user, actor=self.alice.actor)


def open_clinic(*, undo_seconds: int = 0) -> Clinic:
    number = f"{_PROCESS}-{next(_numbers)}"
    alice = sign_up(f"alice{number}@harbour.example", "Alice Hart", "Harbour Clinic", "clinic")
    bob = join(alice, f"bob{number}@harbour.example", "Bob Reyes", "counselor")
    charlie = sign_up(f"charlie{number}@elsewhere.example", "Charlie Voss", "Elsewhere School", "school")
    Organization.objects.filter(pk=alice.organization.pk).update(undo_seconds=undo_seconds)
    alice.organization.undo_seconds = undo_seconds
    clinic = Clinic(alice, bob, charlie)
    clinic.behave("read")
    return clinic
