"""The mails with signed heads: rows that wait, sent by the worker to whom the organization names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from activity import events, installation
from activity.actor import Actor
from activity.audit.heads import Head
from activity.audit.sealing import chain_of
from activity.ledger import record
from activity.models import AuditChain, AuditHead
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.refused import Refused
from core.sweeps import sweep
from core.tenancy import current_organization, every_organization, organization_scope

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=3)
RETRY_AFTER = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
MAX_ADDRESSES = 20


class WrongAddress(Refused):
    """What was given as a list of addresses has something else in it, or too many."""

    field = "mail_to"


@transaction.atomic
def subscribe(*, addresses: Sequence[str], actor: Actor) -> AuditChain:
    """Have the daily heads of the open organization mailed to these. Raises WrongAddress."""
    wanted = list(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    if len(wanted) > MAX_ADDRESSES:
        raise WrongAddress(_("At most %(count)s addresses.") % {"count": MAX_ADDRESSES})
    for address in wanted:
        try:
            validate_email(address)
        except ValidationError as error:
            text = _("“%(address)s” is no e-mail address. Write one address a line.")
            raise WrongAddress(text % {"address": address[:100]}) from error
    chain_of(current_organization().pk)
    chain = AuditChain.objects.select_for_update(of=("self",), no_key=True).get()
    before = chain.mail_to
    if wanted != before:
        chain.mail_to = wanted
        chain.save(update_fields=["mail_to"])
        changes = {"addresses": {"from": before, "to": wanted}}
        record(events.AUDIT_MAILING, subject=chain, actor=actor, payload={"changes": changes})
    return chain


def send_due() -> int:
    """Mail the heads that are due; how many. Nothing leaves a restored copy."""
    if installation.is_held():
        return 0
    return sweep(QUEUE)


@transaction.atomic
def mail_again(*, head: AuditHead) -> None:
    """Mail a head that could not be mailed, soon."""
    AuditHead.objects.filter(pk=head.pk).update(due_at=clock.now(), attempts=0, last_error="", **released())


def cancel_in_copy(is_all: bool, since: datetime) -> int:
    """In a restored copy: mail no head that its original has mailed; how many."""
    with every_organization("the decision about a copy is for all organizations"):
        rows = AuditHead.objects.filter(due_at__isnull=False)
        if not is_all:
            rows = rows.filter(due_at__lte=clock.now())
        return int(rows.update(due_at=None, **released()))


def set_aside(row: AuditHead, reason: str) -> None:
    """Not mailed; the page of the chain says why. The next day's head tries anew."""
    settle(row, last_error=reason[:500])


def _rows() -> QuerySet[AuditHead]:
    return AuditHead.objects.select_related("organization")


def _work(row: AuditHead) -> None:
    with organization_scope(row.organization):
        addresses = AuditChain.objects.values_list("mail_to", flat=True).first()
        if not addresses or not row.organization.is_active:
            settle(row)
            return
        try:
            _mail(row, addresses)
        except Exception as error:  # noqa: BLE001 - a mail server may fail in any way
            pause = backoff(row.attempts, RETRY_AFTER)
            logger.warning("audit_head_not_sent", extra={"reason": reason_of(error, length=300)})
            settle(row, due_at=None if pause is None else clock.now() + pause, last_error=reason_of(error, length=300))
            return
        settle(row, mailed_at=clock.now(), last_error="")


def _mail(row: AuditHead, addresses: Sequence[str]) -> None:
    context = {"head": row, "text": Head.of(row).text, "organization": row.organization}
    subject = " ".join(render_to_string("activity/audit/mail_subject.txt", context).split())
    body = render_to_string("activity/audit/mail.txt", context)
    # One mail each: nobody is told of the others.
    for address in addresses:
        EmailMessage(subject, body, None, [address]).send()


QUEUE = queues.register(
    queues.Queue(
        name="audit heads",
        model=AuditHead,
        rows=_rows,
        work=_work,
        set_aside=set_aside,
        why="the heads of all organizations are mailed",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.stopped(AuditHead, since="signed_at"),
    )
)
