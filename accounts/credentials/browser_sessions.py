"""The sessions of a user's browsers: listed, and ended by whoever they belong to.

Django's own row is what a request and a stream look at, so a session is over when that row is gone; ours says by which
browser and from where it was begun.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.credentials.devices import device_of
from accounts.credentials.recording import record_of_user
from accounts.models import BrowserSession, Organization, SignInProvider, User
from core.refused import Refused

NOTED_EVERY = timedelta(minutes=5)


class SessionMissing(Refused):
    """The session is over already, or somebody else's."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("This session is over already."))


def note(request: HttpRequest, user: User) -> None:
    """The user is here in this session: a new row for a new one, else when it was last seen, to NOTED_EVERY."""
    key, device, now = request.session.session_key, device_of(request), timezone.now()
    if not key:
        return
    row = BrowserSession.objects.filter(session_key=key).first()
    if row is None:
        try:
            with transaction.atomic():
                BrowserSession.objects.create(
                    user=user, session_key=key, user_agent=device.user_agent, address=device.address
                )
        except IntegrityError:
            return  # the same session's other tab was quicker
    elif row.last_seen_at < now - NOTED_EVERY or row.address != device.address:
        BrowserSession.objects.filter(pk=row.pk).update(last_seen_at=now, address=device.address)


def forget(session_key: str | None) -> None:
    """The session ended by itself: signed out, or its key changed."""
    BrowserSession.objects.filter(session_key=session_key or "").delete()


def open_of(user: User) -> list[BrowserSession]:
    """The user's sessions that are still good, the one seen last first. Two queries."""
    rows = list(BrowserSession.objects.filter(user=user).order_by("-last_seen_at", "-id"))
    keys = [row.session_key for row in rows]
    good = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    is_good = set(good.values_list("session_key", flat=True))
    return [row for row in rows if row.session_key in is_good]


@transaction.atomic
def end(*, user: User, pk: UUID) -> None:
    """End one of the user's sessions, from its next request on and its open pages at once. Raises SessionMissing."""
    row = BrowserSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        raise SessionMissing
    end_silently(user, only=row.pk)
    # The signal of this event is what makes open streams look whether they may go on.
    record_of_user(events.SESSIONS_ENDED, user=user, payload={"count": 1})


@transaction.atomic
def end_others(*, user: User, keep: str | None) -> int:
    """End all of the user's sessions but the one with this key; how many."""
    count = end_silently(user, keep=keep)
    if count:
        record_of_user(events.SESSIONS_ENDED, user=user, payload={"count": count})
    return count


def end_silently(user: User, *, keep: str | None = None, only: UUID | None = None) -> int:
    """The same for a caller who records why."""
    rows = BrowserSession.objects.filter(user=user).exclude(session_key=keep or "")
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return len(keys)


def note_provider(request: HttpRequest, provider_id: str) -> None:
    """The session, which was noted, lives by the provider from here on."""
    BrowserSession.objects.filter(session_key=request.session.session_key or "").update(provider_id=provider_id)


def provider_of(request: HttpRequest) -> str | None:
    """The id of the provider that the session lives by."""
    row = BrowserSession.objects.filter(session_key=request.session.session_key or "").first()
    return str(row.provider_id) if row is not None and row.provider_id else None


def end_by_provider(provider: SignInProvider, *, user: User | None = None, keep: str | None = None) -> int:
    """End the sessions that live by the provider, of one user or of all, but the one with the key `keep`; how many."""
    rows = BrowserSession.objects.filter(provider=provider).exclude(session_key=keep or "")
    if user is not None:
        rows = rows.filter(user=user)
    return _end(rows)


def end_in_organization(user: User, organization: Organization) -> int:
    """End the user's sessions that live by this organization's provider; how many."""
    return _end(BrowserSession.objects.filter(user=user, provider__organization=organization))


def _end(rows: QuerySet[BrowserSession]) -> int:
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return len(keys)


def purge_old() -> int:
    """Delete the rows of sessions that are over; how many."""
    live = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    deleted, _ = BrowserSession.objects.exclude(session_key__in=live).delete()
    return deleted
