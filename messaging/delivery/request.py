"""One claimed message on its way to the provider: checked once more, prepared, marked as begun, handed over.

In the moment before the request leaves `request_began_at` is written behind the fence: a claim that dies before is safe
to send again, one that dies after is `unconfirmed`, and the provider is asked before anything else happens
(`confirmation`).
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from activity.actor import SYSTEM, acting_as
from core import clock, metrics, queues
from core.claims import give_back
from core.encryption import DecryptionFailed
from core.jobs import stopping
from core.tenancy import organization_scope
from messaging import alerts
from messaging.channels import registry
from messaging.channels.base import Account, OutgoingMessage, Provider, Retry, SendError, SendUnconfirmed
from messaging.delivery import checks, drafts, outgoing, rates
from messaging.delivery.settling import settle_failure, settle_sent, settle_unconfirmed
from messaging.delivery.statuses import Failure
from messaging.models import Attachment, Message

logger = logging.getLogger(__name__)

Status = Message.Status
SENDS = metrics.counter("parley_sends_total", "Requests to providers, by what came of them.", "provider", "result")


def set_aside(message: Message, reason: str) -> None:
    """Never sent again by itself: it failed, or is unconfirmed where its request may have left. A person decides."""
    with organization_scope(message.organization), acting_as(SYSTEM):
        if message.request_began_at is not None:
            settle_unconfirmed(message, reason)
        else:
            text = f"{reason} It did not leave. Choose “Send again” to try once more."
            settle_failure(message, Failure("set_aside", text, Retry.NEVER))


def deliver(message: Message) -> None:
    """Take a claimed message to its end: sent, failed, unconfirmed, or queued again where a worker stops or pauses."""
    with organization_scope(message.organization), acting_as(SYSTEM):
        if message.request_began_at is not None:
            settle_unconfirmed(message, "The worker that was sending this stopped before it knew the outcome.")
            return
        if stopping() or rates.is_paused(message):
            give_back([message], status=Status.QUEUED)
            return
        refused = _refusal(message)
        if isinstance(refused, checks.WindowClosed) and message.fallback_template is not None:
            refused = _refusal(message) if _fall_back(message) else None
            if not message.provider_template_id:
                return
        if refused is not None:
            settle_failure(message, Failure(refused.code, str(refused), Retry.NEVER))
        elif (request := _prepare(message)) is not None and begin(message):
            _send(message, *request)


def _refusal(message: Message) -> checks.SendingRefused | None:
    return checks.reason_against(
        message.conversation,
        at=clock.now(),
        is_content=bool(message.provider_template_id),
        is_automatic=message.origin in outgoing.AUTOMATIC,
    )


def _fall_back(message: Message) -> bool:
    """The reply window has closed meanwhile: the approved template goes out instead. False, and settled, where not."""
    template = message.fallback_template
    if template is None:
        return False
    try:
        rendered = drafts.render_for(message, template, message.fallback_variables)
    except drafts.InvalidText as error:
        settle_failure(message, Failure("fallback", f"The reply window has closed. {error}", Retry.FIX))
        return False
    changes = {
        "template": template,
        "body": rendered.body,
        "provider_template_id": rendered.provider_template_id,
        "content_variables": rendered.content_variables,
    }
    if Message.objects.filter(pk=message.pk, claim_token=message.claim_token).update(**changes) != 1:
        return False
    # The template carries its own files; those of the text stay here, and are said to.
    Attachment.objects.filter(message=message).update(
        state=Attachment.State.FAILED,
        reason="Not sent: the reply window had closed, the template went out instead.",
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return True


def return_unsent(message: Message) -> None:
    """Queue a claimed message again that was not begun; one that was is unconfirmed."""
    if message.request_began_at is None:
        give_back([message], status=Status.QUEUED)
    else:
        settle_unconfirmed(message, "The worker that was sending this stopped before it knew the outcome.")


def begin(message: Message) -> bool:
    """Note the beginning of the request, behind the fence; False when the claim is lost, or the organization was
    suspended meanwhile: then the message waits as it is."""
    now = clock.now()
    goes_on = Exists(Organization.objects.filter(pk=OuterRef("organization_id"), is_active=True))
    rows = Message.objects.filter(goes_on, pk=message.pk, claim_token=message.claim_token, due_at__gt=now)
    message.request_began_at = now
    return rows.update(request_began_at=now) == 1


def _prepare(message: Message) -> tuple[Provider, Account, OutgoingMessage] | None:
    """Build the request: failures on our side happen here, while it is certain that nothing left."""
    try:
        return registry.provider(message.channel.provider), message.channel.as_account(), outgoing.build(message)
    except DecryptionFailed as error:
        text = f"The channel’s secrets can’t be read. {error} An administrator can put the key back."
        alerts.raise_alert(message.channel, code="credentials", text=text)
        settle_failure(message, Failure("credentials", text, Retry.LATER))
        return None
    except Exception:
        logger.exception("message_not_prepared", extra={"message_id": str(message.pk)})
        text = "This could not be prepared for sending; the log tells an administrator why."
        settle_failure(message, Failure("not_prepared", text, Retry.LATER))
        return None


def _send(message: Message, provider: Provider, account: Account, request: OutgoingMessage) -> None:
    try:
        result = provider.send(account, request)
    except SendError as error:
        SENDS.add(message.channel.provider, "refused")
        settle_failure(message, Failure(error.code, error.message, error.retry, error.retry_after))
        if error.retry == Retry.BACKOFF:
            rates.slow_down(message, error.retry_after)
    except SendUnconfirmed as unknown:
        SENDS.add(message.channel.provider, "unconfirmed")
        settle_unconfirmed(message, str(unknown))
    except Exception:
        # A fault of ours: nobody can say on which side of the request it happened.
        logger.exception("send_failed_unexpectedly", extra={"message_id": str(message.pk)})
        SENDS.add(message.channel.provider, "unconfirmed")
        settle_unconfirmed(message, "Something went wrong while this was being sent.")
    else:
        SENDS.add(message.channel.provider, "sent")
        settle_sent(message, result)


QUEUE = queues.register(
    queues.Queue(
        name="outbound",
        model=Message,
        rows=rates.due,
        work=deliver,
        set_aside=set_aside,
        why="the queue serves all organizations in turn",
        lease=timedelta(seconds=settings.OUTBOUND_LEASE_SECONDS),
        # A send ends with the provider's time-out, long before its lease.
        longest=timedelta(seconds=2 * settings.OUTBOUND_LEASE_SECONDS),
        for_members=queues.ForMembers(
            where=gettext_lazy("in its conversation and on Home: sent again there, or left"),
            query="status__exact=failed",
        ),
    )
)
