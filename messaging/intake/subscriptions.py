"""Ending automatic messages by the link that stands in them."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Organization
from activity.actor import SYSTEM
from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from customers.people.consent import services as consent
from messaging.delivery import queue as outbound
from messaging.files import links


def organization_of(subscription: links.Subscription) -> Organization | None:
    """The organization of a link; None where it, or the customer, is gone."""
    with every_organization("a signed link names its organization"):
        there = Customer.objects.filter(organization=subscription.organization, pk=subscription.customer).exists()
        return Organization.objects.filter(pk=subscription.organization).first() if there else None


def end(subscription: links.Subscription, *, organization: Organization) -> bool:
    """No more messages on this kind of channel, noted in the consent ledger; False where that was so already."""
    with organization_scope(organization), transaction.atomic():
        customer = _by_now(Customer.objects.select_related("organization").get(pk=subscription.customer))
        outbound.cancel_on_opt_out(customer=customer, channel_kind=subscription.kind, actor=SYSTEM)
        row = consent.change(
            customer=customer,
            channel=subscription.kind,
            is_granted=False,
            how="the unsubscribe link",
            proof=str(subscription.message),
            actor=SYSTEM,
        )
        return row is not None


def _by_now(customer: Customer) -> Customer:
    """Whom the messages go to since: one who was merged is written to as the one that stayed."""
    seen = {customer.pk}
    while customer.merged_into_id is not None and customer.merged_into_id not in seen:
        seen.add(customer.merged_into_id)
        customer = Customer.objects.select_related("organization").get(pk=customer.merged_into_id)
    return customer
