"""An organization's settings for customers and the work with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from customers import events
from customers.models import CustomerSettings, Stage

SETTABLE = frozenset(
    {
        "follow_up_days",
        "stalled_days",
        "unanswered_minutes",
        "asks_lost_reason",
        "won_deal_stage",
        "lost_deal_stage",
        "relationships",
    }
)
MAX_DAYS = 365
# Five minutes to a week: earlier nobody can have answered, later the lead is stalled.
MIN_UNANSWERED, MAX_UNANSWERED = 5, 7 * 24 * 60
MAX_RELATIONSHIP_LENGTH, MAX_RELATIONSHIPS = 40, 50


class InvalidSetting(Invalid):
    """A value that a setting can’t have."""


def of(organization: Organization) -> CustomerSettings:
    """The organization's settings; the defaults, not saved, where there are none yet."""
    rows = CustomerSettings.objects.filter(organization=organization).select_related(
        "won_deal_stage", "lost_deal_stage"
    )
    row = rows.first()
    return row or CustomerSettings(organization=organization)


@transaction.atomic
def change(*, organization: Organization, actor: Actor, changes: Mapping[str, object]) -> CustomerSettings:
    """Set some of them. Raises InvalidSetting; ValueError for one that is not settable."""
    unknown = set(changes) - SETTABLE
    if unknown:
        raise ValueError(f"Not settings: {', '.join(sorted(unknown))}.")
    checked = {name: _checked(name, value) for name, value in changes.items()}
    CustomerSettings.objects.get_or_create(organization=organization)
    current = CustomerSettings.objects.select_for_update(of=("self",)).get(organization=organization)
    changed: dict[str, object] = {}
    for name, value in checked.items():
        before = getattr(current, name)
        if before != value:
            setattr(current, name, value)
            changed[name] = {"from": _plain(before), "to": _plain(value)}
    if changed:
        current.save()
        record(events.CUSTOMER_SETTINGS_CHANGED, subject=current, actor=actor, payload={"changes": changed})
    return current


def _checked(name: str, value: Any) -> object:
    if name in ("follow_up_days", "stalled_days") and not 1 <= value <= MAX_DAYS:
        raise InvalidSetting(name, f"1 to {MAX_DAYS} days.")
    if name == "unanswered_minutes" and not MIN_UNANSWERED <= value <= MAX_UNANSWERED:
        text = _("%(least)s to %(most)s minutes.")
        raise InvalidSetting(name, text % {"least": MIN_UNANSWERED, "most": MAX_UNANSWERED})
    if name == "won_deal_stage" and value is not None and value.kind == Stage.Kind.LOST:
        raise InvalidSetting(name, "A won deal can’t move its customer to a lost stage.")
    if name == "lost_deal_stage" and value is not None and value.kind == Stage.Kind.WON:
        raise InvalidSetting(name, "A lost deal can’t move its customer to a won stage.")
    if name == "relationships":
        names = list(dict.fromkeys(" ".join(one.split()).lower() for one in value if one.strip()))
        if len(names) > MAX_RELATIONSHIPS or any(len(one) > MAX_RELATIONSHIP_LENGTH for one in names):
            raise InvalidSetting(name, f"At most {MAX_RELATIONSHIPS}, of {MAX_RELATIONSHIP_LENGTH} characters each.")
        return names
    return value


def _plain(value: object) -> object:
    return value.key if isinstance(value, Stage) else value
