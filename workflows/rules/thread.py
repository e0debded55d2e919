"""In the thread: which rule sent a message, with the way to what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Member
from messaging.models import Message
from messaging.threads.senders import Sender
from workflows.models import RunMessage


def senders(messages: Sequence[Message], member: Member) -> Mapping[UUID, Sender]:
    """The rules that queued these messages; one query. Whoever may see rules gets the way to the run."""
    rows = RunMessage.objects.filter(message__in=[message.pk for message in messages])
    may_look = member.may("workflows.view")
    return {
        row.message_id: Sender(
            _("Sent by rule “%(name)s”") % {"name": row.run.workflow.name},
            reverse("workflows:run", args=[member.organization.slug, row.run_id]) if may_look else "",
        )
        for row in rows.select_related("run__workflow")
    }
