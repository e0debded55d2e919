"""Private calendar addresses: made, shown once, taken away. Only the hash of the token in it is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Member
from activity.actor import Actor
from activity.ledger import record
from customers import events
from customers.models import CalendarFeed

BYTES = 32
# A calendar asks often: that it did is written down once in so long.
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue(*, member: Member, actor: Actor) -> str:
    """The token of a new address; one that there was stops working. It can't be shown again."""
    token = secrets.token_urlsafe(BYTES)
    fresh = {"token_hash": hash_of(token), "created_at": timezone.now(), "last_read_at": None}
    feed, _ = CalendarFeed.objects.update_or_create(
        member=member, defaults=fresh, create_defaults={**fresh, "organization": member.organization}
    )
    record(events.CALENDAR_FEED_MADE, subject=feed, actor=actor)
    return token


@transaction.atomic
def revoke(*, member: Member, actor: Actor) -> bool:
    """Take the address away; False where there was none."""
    feed = CalendarFeed.objects.filter(member=member).first()
    if feed is None:
        return False
    record(events.CALENDAR_FEED_REVOKED, subject=feed, actor=actor)
    feed.delete()
    return True


def note_read(feed: CalendarFeed) -> None:
    """Somebody's calendar has just asked."""
    now = timezone.now()
    old = Q(last_read_at__isnull=True) | Q(last_read_at__lt=now - NOTED_EVERY)
    if feed.last_read_at is None or feed.last_read_at < now - NOTED_EVERY:
        CalendarFeed.objects.filter(old, pk=feed.pk).update(last_read_at=now)


def hash_of(token: str) -> str:
    """What of a token is kept. It is long and random: a plain hash of it can't be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
