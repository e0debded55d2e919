"""What a reply would cost, shown where it is written."""

from __future__ import annotations

from messaging.channels.base import Kind
from messaging.costs import words
from messaging.costs.billing import billed
from messaging.costs.estimates import Estimate, Estimator
from messaging.costs.rates import Rates
from messaging.models import Conversation, Template


def of(conversation: Conversation, body: str, *, template: Template | None = None) -> dict[str, str] | None:
    """`text` says what it costs, `reason` by which rate, or why that is unknown; None where there is nothing to say.

    Of what is written by hand, `body`, without its files; of an approved template, the one that is named. One query for
    the rates, and one for an allowance.
    """
    if template is None and not body.strip():
        return None
    estimate = _estimate(conversation, body, template)
    text = words.estimate(estimate)
    return {"text": text, "reason": words.reason(estimate)} if text else None


def _estimate(conversation: Conversation, body: str, template: Template | None) -> Estimate:
    channel = conversation.channel
    what = billed(kind=channel.kind, address=conversation.address, body=body, template=template)
    known = Rates.load(kind=Kind(channel.kind), market=what.market)
    return Estimator(conversation.organization, known).estimate(what, channel_id=channel.pk)
