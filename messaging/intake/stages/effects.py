"""Effects of a message on its customer: tags, stage and consent."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings

from activity.actor import SYSTEM
from customers.models import Customer
from customers.models import Stage as PipelineStage
from customers.people.consent import services as consent
from customers.people.customers import stage_moves
from customers.people.tags import services as tags
from messaging.intake.stages.context import Inbound, Stage
from messaging.models import Channel

ENGAGED: Final = "engaged"
NEW: Final = "new"


def apply_effects(inbound: Inbound) -> None:
    """Tag the customer, move one who is known and still new (unless a machine wrote), and note STOP and START."""
    names = _tag_names(inbound.channel, inbound.received.body, is_new=inbound.is_new_customer)
    tags.add_locked(customer=inbound.customer, names=names, actor=SYSTEM)
    if not inbound.is_new_customer and not inbound.is_automatic:
        _engage(inbound.customer)
    if inbound.opt_word:
        consent.change(
            customer=inbound.customer,
            channel=inbound.conversation.channel.kind,
            is_granted=inbound.opt_word == "START",
            how=f"wrote {inbound.opt_word}",
            proof=str(inbound.message.pk),
            actor=SYSTEM,
        )


STAGE = Stage(
    "effects",
    apply_effects,
    reads=frozenset(
        {"channel", "received", "customer", "is_new_customer", "is_automatic", "opt_word", "conversation", "message"}
    ),
)


def _tag_names(channel: Channel, text: str, *, is_new: bool) -> list[str]:
    names = [channel.kind]
    if is_new:
        names.append("new_lead")
    words: dict[str, str] = {**settings.KEYWORD_TAGS_JSON, **(channel.organization.keyword_tags or {})}
    for word, value in words.items():
        # A setting that is no tag must not keep a customer's message out.
        tag = " ".join(str(value).split())[: tags.MAX_LENGTH]
        if (
            word.strip()
            and tag
            and tag not in names
            and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
        ):
            names.append(tag)
    return names


def _engage(customer: Customer) -> None:
    """Move somebody known who is still new, where the pack has a stage for it."""
    if customer.stage.key != NEW:
        return
    engaged = PipelineStage.objects.filter(organization=customer.organization, key=ENGAGED).first()
    if engaged is not None:
        stage_moves.move(customer=customer, stage=engaged, actor=SYSTEM, reason="wrote again")
