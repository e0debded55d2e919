"""Channel alerts: a channel fails until somebody corrects it. Shown on its page, mailed to the administrators once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Member
from activity.actor import SYSTEM
from activity.ledger import record
from activity.models import Event
from core.tenancy import organization_scope
from messaging import events
from messaging.models import Channel

logger = logging.getLogger(__name__)

# The same trouble of a channel is mailed again after so long at the earliest.
AGAIN_AFTER = timedelta(days=1)
# A temporary failure raises an alert after so many in a row.
AFTER_FAILURES: Final = 5
_IMAP: Final = "Reading mail: "


def raise_alert(channel: Channel, *, code: str, text: str, subject: str = "") -> bool:
    """Raise an alert on the channel; True where it is a new one, and the administrators are notified by mail.

    The mail leaves after the transaction, and a mail server that is away costs nothing else.
    """
    about = f"{_IMAP if subject == 'imap' else ''}{code}: "
    error = f"{about}{text}"[:500]
    now = timezone.now()
    with transaction.atomic():
        current = Channel.objects.select_for_update(of=("self",), no_key=True).get(pk=channel.pk)
        is_news = not (current.last_error and _is_reported(current, about, since=now - AGAIN_AFTER))
        changes = {"last_error": error, **({"last_error_at": now} if is_news else {})}
        Channel.objects.filter(pk=channel.pk).update(**changes)
        if is_news:
            payload = {"code": code, "name": channel.name, "kind": channel.kind, "about": about}
            record(events.CHANNEL_TROUBLED, subject=current, actor=SYSTEM, payload=payload)
            transaction.on_commit(lambda: _mail(current, text), robust=True)
    channel.last_error = error
    return is_news


def resolve(channel: Channel, *, subject: str = "") -> None:
    """Resolve the alert; one about the other direction (reading or sending) stays."""
    is_of_reading = channel.last_error.startswith(_IMAP)
    if channel.last_error and is_of_reading is (subject == "imap"):
        Channel.objects.filter(pk=channel.pk, last_error=channel.last_error).update(last_error="", last_error_at=None)


def _is_reported(channel: Channel, about: str, *, since: datetime) -> bool:
    """Whether the ledger has this alert: reading and sending may fail in turn, and overwrite each other's text."""
    rows = Event.objects.filter(
        type=events.CHANNEL_TROUBLED, subject_id=str(channel.pk), payload__about=about, occurred_at__gt=since
    )
    return rows.exists()


def _mail(channel: Channel, text: str) -> None:
    # The scope that was open in the transaction may be closed by now.
    with organization_scope(channel.organization):
        administrators = [
            member.user.email
            for member in Member.objects.active().people().with_access().filter(organization=channel.organization_id)
            if member.may("channels.edit") and member.user.email
        ]
    path = reverse("messaging:channel", args=[channel.organization.slug, channel.pk])
    context = {"channel": channel, "text": text, "url": f"{settings.PUBLIC_BASE_URL.rstrip('/')}{path}"}
    body = render_to_string("messaging/mail/channel_troubled.txt", context)
    mails = [EmailMessage(f"“{channel.name}” does not work", body, to=[address]) for address in administrators]
    try:
        get_connection().send_messages(mails)
    except OSError:
        logger.warning("administrators_not_told", extra={"channel_id": str(channel.pk)}, exc_info=True)
