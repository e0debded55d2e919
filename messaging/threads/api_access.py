"""What the messaging calls share: look-ups within reach, and refusals as the contract answers them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions

from accounts.access.api import OrganizationView
from activity.actor import Actor, ActorKind, current_actor
from core.api.errors import Conflict, invalid
from customers.models import Customer
from messaging.delivery import checks as refusals
from messaging.delivery import queue as outbound
from messaging.files import services as media
from messaging.models import Channel, Conversation, Message, Template
from messaging.threads import services as conversations
from messaging.threads.channel_choice import channel_for_sending


def visible_conversation(view: OrganizationView, pk: UUID) -> Conversation:
    """The conversation, if within the member's reach; 404 otherwise."""
    rows = Conversation.objects.visible_to(view.member).with_list_relations().select_related("organization")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such conversation.")
    return found


def visible_message(view: OrganizationView, pk: UUID) -> Message:
    """The outbound message, if within the member's reach; 404 otherwise."""
    rows = Message.objects.visible_to(view.member).outbound().with_thread_relations()
    found = rows.select_related("conversation__customer", "conversation__channel").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such message.")
    return found


@contextmanager
def explained() -> Generator[None]:
    """What the services refuse, as the contract answers it: 403, for the reply window and states 409, for texts 400."""
    try:
        yield
    except refusals.WindowClosed as error:
        raise Conflict(str(error), code=error.code) from error
    except refusals.Refused as error:
        raise exceptions.PermissionDenied(str(error), code=error.code) from error
    except outbound.NotPossible as error:
        raise Conflict(str(error)) from error
    except outbound.InvalidText as error:
        raise invalid(error.field, str(error)) from error


def send(view: OrganizationView, customer: Customer, *, kind: str, data: dict[str, Any]) -> Message:
    """Queue a text to a customer on the channel that `data` names by `channel_id`, else on one of that kind.

    Without either: where they were last heard, else on the organization's default.
    """
    actor = current_actor()
    channel = _named(data.pop("channel_id", None), kind) or channel_for_sending(customer=customer, kind=kind)
    if channel is None:
        raise invalid("channel", _("There is no such channel here. An administrator can set one up."))
    with explained():
        conversation = conversations.begin(customer=customer, channel=channel)
        return outbound.queue_message(
            conversation=conversation,
            actor=actor,
            author=view.member.user if actor.kind == ActorKind.USER else None,
            origin=origin(actor),
            **resolved(view, data),
        )


def _named(pk: UUID | None, kind: str) -> Channel | None:
    if pk is None:
        return None
    channel = Channel.objects.filter(pk=pk).first()
    if channel is None:
        raise invalid("channel_id", _("There is no such channel."), code="not_found")
    if kind and channel.kind != kind:
        raise invalid("channel_id", _("This channel is of another kind: %(kind)s.") % {"kind": channel.kind})
    return channel


def resolved(view: OrganizationView, data: dict[str, Any]) -> dict[str, Any]:
    """The templates and files that a body names by their ids, within the member's reach; 400 for what is not there."""
    found = dict(data)
    for name in ("template", "fallback_template"):
        if name in found and not isinstance(found[name], Template):
            found[name] = _template(view, name, found[name])
    if "attachments" in found:
        try:
            found["files"] = media.unused(
                found.pop("attachments"), organization=view.member.organization, actor=current_actor()
            )
        except media.InvalidUpload as error:
            raise invalid("attachments", str(error)) from error
    return found


def _template(view: OrganizationView, name: str, pk: UUID | None) -> Template | None:
    if pk is None:
        return None
    rows = Template.objects.visible_to(view.member) if view.member.may("templates.view") else Template.objects.none()
    template = rows.filter(pk=pk).first()
    if template is None:
        raise invalid(name, "There is no such template.", code="not_found")
    return template


def origin(actor: Actor) -> str:
    """What comes through the API is a person's where a person's session brought it."""
    return outbound.origin_of(actor)
