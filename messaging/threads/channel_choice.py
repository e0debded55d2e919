"""Which channel a message to a customer leaves by; a simulator never while a real one of its kind is enabled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from customers.models import Customer
from messaging.channels import registry
from messaging.channels.base import Kind
from messaging.models import Channel, Conversation

# Of one customer; who has more was merged many times.
MAX_THREADS: Final = 50


@dataclass(frozen=True, slots=True)
class Route:
    """A channel by which a customer can be reached; `names_channel` where several of its kind are real."""

    channel: Channel
    names_channel: bool


def real_channels() -> QuerySet[Channel]:
    """The enabled ones that reach people, of the open organization; the default of each kind first."""
    rows = Channel.objects.filter(is_enabled=True).exclude(provider__in=registry.simulators())
    return rows.order_by("-is_default", "created_at", "pk")


def needless_simulators() -> QuerySet[Channel]:
    """Enabled simulators beside which a real channel of their kind is enabled."""
    kinds = real_channels().order_by().values("kind")
    return Channel.objects.filter(provider__in=registry.simulators(), is_enabled=True, kind__in=kinds)


def real_name_of(kind: object) -> QuerySet[Channel, str]:
    """The name of the real channel of a kind (or of an outer query's kind) that first messages leave by."""
    return real_channels().filter(kind=kind).values_list("name", flat=True)[:1]


def real_name_beside(conversation: Conversation) -> str:
    """Of a thread on a simulator the real channel to use instead; empty on a real one, and where there is none."""
    if not conversation.channel.is_simulator:
        return ""
    if hasattr(conversation, "real_name"):  # asked for with the row
        return str(conversation.real_name or "")
    return real_name_of(conversation.channel.kind).first() or ""


def is_last_used(conversation: Conversation) -> bool:
    """Whether of all threads of its kind the customer wrote last in this one."""
    threads = Conversation.objects.filter(customer=conversation.customer_id, channel__kind=conversation.channel.kind)
    newest = threads.exclude(last_inbound_at=None).order_by("-last_inbound_at").values_list("pk", flat=True).first()
    return newest == conversation.pk


def channel_for_sending(*, customer: Customer, kind: str = "") -> Channel | None:
    """The channel to write to a customer on: where they last wrote, then where they were last written to.

    Else the default of the kind, else its oldest; a real one before a simulator, one that is enabled before one that is
    not. Without a kind it is the one of the last thread, else WhatsApp where there is a phone, else e-mail.
    """
    threads = Conversation.objects.filter(customer=customer).select_related("channel")
    if kind:
        threads = threads.filter(channel__kind=kind)
    newest = threads.order_by("-channel__is_enabled", F("last_inbound_at").desc(nulls_last=True), "-last_message_at")
    used = [thread.channel for thread in newest[:MAX_THREADS]]
    kind = kind or (used[0].kind if used else Kind.WHATSAPP if customer.phone else Kind.EMAIL)
    simulated = Q(provider__in=registry.simulators())
    is_simulator = Case(When(simulated, then=Value(1)), default=Value(0), output_field=IntegerField())
    rows = Channel.objects.filter(organization=customer.organization, kind=kind)
    best = rows.order_by("-is_enabled", is_simulator, "-is_default", "created_at", "pk").first()
    has_real = best is not None and best.is_enabled and not best.is_simulator
    usable = (row for row in used if row.kind == kind and row.is_enabled and not (has_real and row.is_simulator))
    return next(usable, best)


def ways_to_write(customer: Customer) -> list[Route]:
    """The channels that work and for which the customer has an address: all real ones of a kind, else its simulator."""
    kinds = [*([Kind.WHATSAPP, Kind.SMS] if customer.phone else []), *([Kind.EMAIL] if customer.email else [])]
    rows = Channel.objects.filter(kind__in=kinds, is_enabled=True).order_by("-is_default", "created_at", "pk")
    there: dict[str, list[Channel]] = {kind: [] for kind in kinds}
    for row in rows:
        there[row.kind].append(row)
    ways = []
    for channels in there.values():
        real = [channel for channel in channels if not channel.is_simulator]
        ways += [Route(channel, names_channel=len(real) > 1) for channel in real or channels[:1]]
    return ways
