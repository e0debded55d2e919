"""`/conversations`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet, require
from accounts.models import Member, User
from activity.actor import ActorKind, current_actor
from core.api.errors import invalid
from core.api.pages import CursorPages
from core.api.strict import Body, valid
from customers.people.customers import services as customers
from messaging.delivery import queue as outbound
from messaging.delivery.api_access import resolved
from messaging.models import Conversation, Message
from messaging.threads import presence, serializers
from messaging.threads import services as conversations
from messaging.threads.api_access import visible_conversation
from messaging.threads.queries import conversations_for, messages_of
from messaging.threads.serializers import CLOSED, REFUSED

without_body = extend_schema(request=None, responses=serializers.ConversationSerializer)


@extend_schema_view(
    list=extend_schema(description="Conversations within reach, newest activity first."),
)
class ConversationViewSet(OrganizationViewSet[Conversation]):
    permissions = {
        **dict.fromkeys(("list", "retrieve", "messages"), "conversations.view"),
        **dict.fromkeys(("partial_update", "send"), "conversations.edit"),
        # Reading is a write: a key that may only look marks nothing as read for the people who have to answer.
        **dict.fromkeys(("read", "resolve", "reopen", "snooze", "typing"), "conversations.edit"),
    }  # fmt: skip
    serializer_class = serializers.ConversationSerializer
    list_parameters = serializers.ConversationParameters
    pagination_class = CursorPages
    cursor_order = ("-last_message_at", "-id")
    # The contract gives a conversation no ETag.
    etag_actions = frozenset()
    schema_tags = ["conversations"]

    def get_queryset(self) -> QuerySet[Conversation]:
        return Conversation.objects.visible_to(self.member).with_list_relations()

    def filter_rows(self, rows: QuerySet[Conversation], filters: Body) -> QuerySet[Conversation]:
        # It begins with the member's reach itself, as the inbox does.
        return conversations_for(self.member, filters).with_list_relations()

    def get_object(self, *, lock: bool = False) -> Conversation:
        return visible_conversation(self, self.kwargs["pk"])

    @extend_schema(request=serializers.ConversationChangeSerializer, responses=serializers.ConversationSerializer)
    def partial_update(self, request: Request, **kwargs: object) -> Response:
        """Change status, priority or owner. The owner is the customer's: one for all their conversations."""
        conversation = self.get_object()
        data = valid(serializers.ConversationChangeSerializer(data=request.data))
        actor = current_actor()
        if "assigned_to" in data:
            # The owner is a field of the customer.
            require(request, self, "customers.edit")
        with transaction.atomic():
            if "assigned_to" in data:
                owner = _owner(self.member, data["assigned_to"])
                customers.assign(customer=conversation.customer, owner=owner, actor=actor)
            if "priority" in data:
                conversations.set_priority(conversation=conversation, priority=data["priority"], actor=actor)
            if "status" in data or data.get("snoozed_until"):
                _set_status(conversation, data.get("status", Conversation.Status.SNOOZED), data.get("snoozed_until"))
        # Whoever gives it away sees what they did, though it may be out of their reach from now on.
        return self.answer(Conversation.objects.with_list_relations().get(pk=conversation.pk))

    @without_body
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: UUID) -> Response:
        """Nothing in it is unread any more."""
        conversation = self.get_object()
        if conversations.mark_read(conversation=conversation, actor=current_actor()):
            presence.read(conversation)
        return self.answer(conversation)

    @without_body
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: UUID) -> Response:
        """Done; the customer's next message opens it again."""
        conversation = self.get_object()
        _set_status(conversation, Conversation.Status.RESOLVED)
        return self.answer(conversation)

    @without_body
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: UUID) -> Response:
        """Not done after all."""
        conversation = self.get_object()
        _set_status(conversation, Conversation.Status.OPEN)
        return self.answer(conversation)

    @extend_schema(request=serializers.SnoozeSerializer, responses=serializers.ConversationSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: UUID) -> Response:
        """Out of sight until a time; the customer's next message brings it back earlier."""
        conversation = self.get_object()
        until = valid(serializers.SnoozeSerializer(data=request.data))["snoozed_until"]
        _set_status(conversation, Conversation.Status.SNOOZED, until)
        return self.answer(conversation)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def typing(self, request: Request, pk: UUID) -> Response:
        """Show the customer that somebody writes, where the channel can; it lasts some 25 seconds."""
        presence.typing(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=serializers.MessageSerializer(many=True))
    @action(detail=True, cursor_order=("-created_at", "-id"))
    def messages(self, request: Request, pk: UUID) -> Response:
        """The conversation's messages and notes, newest first."""
        return self.answer_list(messages_of(self.get_object()), serializers.MessageSerializer)

    @extend_schema(
        request=serializers.NewMessageSerializer,
        responses={201: serializers.MessageSerializer, 403: REFUSED, 409: CLOSED},
    )
    @messages.mapping.post
    def send(self, request: Request, pk: UUID) -> Response:
        """Queue a reply, or write a private note."""
        conversation = self.get_object()
        data = valid(serializers.NewMessageSerializer(data=request.data))
        actor = current_actor()
        author = self.member.user if actor.kind == ActorKind.USER else None
        if data.pop("private"):
            _require_plain(data)
            message = outbound.add_note(conversation=conversation, body=data["body"], actor=actor, author=author)
        else:
            data["reply_to"] = _quoted(conversation, data.get("reply_to"))
            message = outbound.queue_message(
                conversation=conversation,
                actor=actor,
                author=author,
                origin=outbound.origin_of(actor),
                **resolved(self, data),
            )
        return Response(serializers.MessageSerializer(message).data, status=status.HTTP_201_CREATED)


def _require_plain(data: Body) -> None:
    """A note is a text and nothing else."""
    for name in ("template", "attachments", "cc", "fallback_template", "variables"):
        if data.get(name):
            raise invalid(name, "A private note has only a body.")


def _set_status(conversation: Conversation, target: str, snoozed_until: datetime | None = None) -> None:
    conversations.set_status(
        conversation=conversation, status=target, snoozed_until=snoozed_until, actor=current_actor()
    )


def _owner(member: Member, key: UUID | None) -> User | None:
    if key in (None, "none"):
        return None
    if key == "me":
        return member.user
    row = Member.objects.active().select_related("user").filter(user=key).first()
    if row is None:
        raise customers.UnknownOwner
    return row.user


def _quoted(conversation: Conversation, pk: UUID | None) -> Message | None:
    if pk is None:
        return None
    row = conversation.messages.filter(pk=pk).first()
    if row is None:
        raise invalid("reply_to", "There is no such message in this conversation.")
    return row
