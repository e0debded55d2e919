"""Actions on a conversation: open, assign, mark as read."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from customers.models import Customer
from customers.people.access import find_visible
from customers.people.customers import services as customers
from customers.people.owners import possible_owners
from messaging.inbox import context
from messaging.models import Channel, Conversation
from messaging.threads import presence
from messaging.threads import services as conversations
from messaging.threads.channel_choice import channel_for_sending, ways_to_write


@requires("conversations.create")
@require_POST
def write(request: Request, organization: str, customer_id: UUID) -> HttpResponse:
    """Open the customer's thread on a channel, begun where there is none, with the composer ready.

    `channel` names one; `kind` alone leaves it to where the customer was last heard, else to the default.
    """
    customer = find_visible(request, customer_id)
    channel = _chosen(request, customer)
    if channel is None:
        toasts.error(request, _("There is no such channel, or no address to write to."))
        return redirect("customers:detail", organization, customer.pk)
    conversation = conversations.begin(customer=customer, channel=channel)
    return redirect("messaging:conversation", organization, conversation.pk)


@requires("conversations.edit")
@require_POST
def resolve(request: Request, organization: str, pk: UUID) -> HttpResponse:
    conversation, _others = context.open_conversation(request, pk)
    conversations.set_status(conversation=conversation, status=Conversation.Status.RESOLVED, actor=current_actor())
    return _header(request, conversation)


@requires("conversations.edit")
@require_POST
def reopen(request: Request, organization: str, pk: UUID) -> HttpResponse:
    conversation, _others = context.open_conversation(request, pk)
    conversations.set_status(conversation=conversation, status=Conversation.Status.OPEN, actor=current_actor())
    return _header(request, conversation)


@requires("customers.edit")
@require_POST
def assign(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Give the customer an owner; theirs are all of the customer's conversations."""
    conversation, _others = context.open_conversation(request, pk)
    requested = request.POST.get("assigned_to", "")
    owner = next((user for user in possible_owners() if str(user.pk) == requested), None)
    if owner is not None or not requested:
        customers.assign(customer=conversation.customer, owner=owner, actor=current_actor())
    return _header(request, conversation)


@requires("conversations.view")
@require_POST
def read(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Nothing in it is unread any more."""
    conversation, _others = context.open_conversation(request, pk)
    if conversations.mark_read(conversation=conversation, actor=current_actor()):
        presence.read(conversation)
    return HttpResponse(status=204)


def _chosen(request: Request, customer: Customer) -> Channel | None:
    requested, kind = request.POST.get("channel", ""), request.POST.get("kind", "")
    ways = [way.channel for way in ways_to_write(customer)]
    if requested:
        return next((one for one in ways if str(one.pk) == requested), None)
    return channel_for_sending(customer=customer, kind=kind) if kind in {one.kind for one in ways} else None


def _header(request: Request, conversation: Conversation) -> HttpResponse:
    if not request.htmx:
        return redirect("messaging:conversation", conversation.organization.slug, conversation.pk)
    page_context = {"conversation": conversation, "list_query": context.list_query(request)}
    return render(request, "messaging/inbox/thread_header.html", page_context)
