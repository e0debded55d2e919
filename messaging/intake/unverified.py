"""Unverified deliveries: stored with their proof, limited in number, and processed only once verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from core.encryption import DecryptionFailed
from core.tenancy import every_organization
from messaging.channels import registry
from messaging.channels.abilities import Proof, ReceivesWebhooks
from messaging.inbound_deliveries.store import AT_ONCE, WAITING, proof_of, waiting
from messaging.intake import routing
from messaging.models import Arrival, Channel

RETENTION: Final = timedelta(days=7)


def signed_for(
    candidates: Iterable[Channel], provider: ReceivesWebhooks, proof: Proof | None, body: bytes
) -> tuple[Channel | None, str]:
    """The first channel whose own secret the signature was made with; else None and why nobody can tell.

    The reason is empty where the signature is none of theirs.
    """
    why_not = ""
    for channel in candidates:
        if not provider.checks_signatures:
            return channel, ""
        try:
            credentials = channel.credentials or {}
        except DecryptionFailed as error:
            why_not = _("It could not be verified. %(error)s") % {"error": error}
            continue
        if proof is not None and provider.verify(proof, body, credentials):
            return channel, ""
    return None, why_not


def channel_of(arrival: Arrival) -> Channel | None:
    """The channel for a delivery that has none: verified now with its secret, or its organization's own.

    None where there is none, or where it can't be verified; the delivery then says which, and stays.
    """
    candidates = routing.channels_for_arrival(arrival)
    if arrival.organization_id is not None:  # it was verified when it came, and its channel is gone
        return next((one for one in candidates if one.organization_id == arrival.organization_id), None)
    if not candidates:
        return None
    provider, proof = registry.provider(arrival.provider), proof_of(arrival)
    why_not = ""
    if isinstance(provider, ReceivesWebhooks):
        channel, why_not = signed_for(candidates, provider, proof, bytes(arrival.body))
        if channel is not None:
            return channel
        why_not = why_not or _other_signature(candidates[0], provider)
    if proof is None or not proof.signature or not why_not:
        why_not = _("It came without a signature, so nobody can tell who wrote it. It is never processed.")
    rows = Arrival.objects.filter(pk=arrival.pk, state__in=WAITING)
    rows.update(state=Arrival.State.UNVERIFIED, last_error=why_not)
    return None


def _other_signature(channel: Channel, provider: ReceivesWebhooks) -> str:
    text = _("Its signature is not that of “%(name)s”. Check the channel’s %(secret)s, then process it again.")
    return text % {"name": channel.name, "secret": provider.signing_credential}


def purge_old() -> int:
    """Delete deliveries that stayed unverified for RETENTION; returns how many."""
    with every_organization("what nobody verified belongs to no organization"):
        old = waiting().filter(received_at__lt=timezone.now() - RETENTION)
        keys = list(old.order_by("received_at").values_list("pk", flat=True)[:AT_ONCE])
        return waiting().filter(pk__in=keys).delete()[1].get("messaging.Arrival", 0)


def delete_of_channels(keys: Sequence[UUID]) -> dict[str, int]:
    """Delete what waits for these channels by the account that it names, unless a channel of somebody else has the same
    account; how many, by the model's label. An account's id names the organization in all but words."""
    ours = Channel._base_manager.filter(pk__in=keys).exclude(account_id="")
    accounts = list(ours.order_by().values_list("provider", "account_id", "organization_id").distinct())
    count = 0
    for provider, account_id, organization_id in accounts:
        others = Channel._base_manager.filter(provider=provider, account_id=account_id)
        if others.exclude(organization=organization_id).exists():
            continue
        rows = Arrival._base_manager.filter(Q(state__in=WAITING, organization__isnull=True), provider=provider)
        count += rows.filter(account_id=account_id).delete()[1].get("messaging.Arrival", 0)
    return {"messaging.Arrival": count}
