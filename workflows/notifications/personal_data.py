"""What notifications keep of a customer: the lines about them, and texts of others that name them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from activity.actor import Actor
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import Part, PartData
from customers.models import Customer
from customers.people.files.downloads import StoredFile
from workflows.models import Notification

STEP: Final = 500


def register() -> None:
    personal_data.register(Part("notifications", str(_("What members were told")), 127, _lines, _erase))
    personal_data.register_sweep(sweep_texts)


def _lines(customer: Customer) -> PartData:
    rows = Notification.objects.filter(customer=customer).order_by("created_at", "pk")
    return PartData(list(rows.values("created_at", "raised_at", "kind", "count", "data", "read_at")))


def _erase(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Notification.objects.filter(customer=customer).delete()
    return ()


def sweep_texts(organization: Organization, words: Collection[str]) -> Iterable[StoredFile]:
    """Lines about nobody in particular, such as a task's, whose text names the person."""
    folded = [word.casefold() for word in words]
    rows = Notification.objects.filter(organization=organization, customer=None).exclude(data={})
    for row in rows.only("pk", "data").iterator(chunk_size=STEP):
        text = json.dumps(row.data, ensure_ascii=False).casefold()
        if any(word in text for word in folded):
            row.delete()
    return ()
