"""In the thread: which rule or sequence sent a message, with the way to what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Member
from messaging.models import Message
from messaging.threads.senders import Sender
from workflows.models import RunMessage, Workflow


def senders(messages: Sequence[Message], member: Member) -> Mapping[UUID, Sender]:
    """The rules and sequences that queued these messages; one query. Whoever may see them gets the way there."""
    rows = RunMessage.objects.filter(message__in=[message.pk for message in messages])
    may_look = member.may("workflows.view")
    slug = member.organization.slug
    return {
        row.message_id: Sender(_label(row.run.workflow), page_of(row, slug) if may_look else "")
        for row in rows.select_related("run__workflow")
    }


def page_of(row: RunMessage, slug: str) -> str:
    """Where one sees why a message was queued: the run of a rule; of a sequence, who is where."""
    if row.run.workflow.kind == Workflow.Kind.SEQUENCE:
        return reverse("workflows:sequence", args=[slug, row.run.workflow_id])
    return reverse("workflows:run", args=[slug, row.run_id])


def _label(workflow: Workflow) -> str:
    is_sequence = workflow.kind == Workflow.Kind.SEQUENCE
    text = _("Sent by sequence “%(name)s”") if is_sequence else _("Sent by rule “%(name)s”")
    return text % {"name": workflow.name}
