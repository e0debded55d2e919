"""A text with files, in as many messages as the channel needs for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from messaging.delivery import drafts
from messaging.delivery import queue as outbound
from messaging.models import Conversation, MediaFile, Message, Template


@transaction.atomic
def queue(*, conversation: Conversation, body: str, files: Sequence[MediaFile], **more: Any) -> list[Message]:
    """Queue them all, or none: where a message carries fewer files, the text goes with the first or before it.

    Those of the template that the text came from go along. Raises what `outbound.queue_message` raises.
    """
    template: Template | None = more.pop("template", None)
    if template is not None:
        files = [*template.files.all(), *files]
    most = max(conversation.channel.capabilities.max_files, 1)
    groups = [list(files[at : at + most]) for at in range(0, len(files), most)] or [[]]
    has_text = bool(body.strip())
    queued = []
    later = more.get("not_before_at")
    if more.get("fallback_template") and len(groups) > 1 and later and not conversation.is_window_open_at(later):
        raise drafts.InvalidText(
            "By then the reply window may have closed, and the template would go out once for each file. "
            "Attach one file, or choose an earlier time.",
            field="attachments",
        )
    if has_text and groups[0] and drafts.goes_without_text(conversation, groups[0][0]):
        queued.append(outbound.queue_message(conversation=conversation, body=body, template=template, files=(), **more))
        has_text = False
    for group in groups:
        # The template is that of the text: what has none of it must not bring it again.
        carries_text = has_text and group is groups[0]
        queued.append(
            outbound.queue_message(
                conversation=conversation,
                body=body if carries_text else "",
                template=template if carries_text else None,
                files=group,
                **more,
            )
        )
    return queued
