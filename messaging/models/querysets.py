"""What can be asked about conversations and messages."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import Member
from customers.models import Stage
from customers.models.querysets import matching, within_reach


class ConversationQuerySet(models.QuerySet[Any]):
    def visible_to(self, member: Member) -> ConversationQuerySet:
        """Those with customers within the member's reach."""
        return self.filter(within_reach(member))

    def open(self) -> ConversationQuerySet:
        return self.exclude(status="resolved")

    def resolved(self) -> ConversationQuerySet:
        return self.filter(status="resolved")

    def waiting(self) -> ConversationQuerySet:
        """The customer wrote last and nobody answered."""
        return self.filter(waiting_since__isnull=False).exclude(status="resolved")

    def unread(self) -> ConversationQuerySet:
        return self.filter(unread_count__gt=0)

    def of_member(self, member: Member) -> ConversationQuerySet:
        return self.filter(customer__assigned_to=member.user_id)

    def unassigned(self) -> ConversationQuerySet:
        return self.filter(customer__assigned_to__isnull=True)

    def matching(self, text: str) -> ConversationQuerySet:
        """Part of the customer's name, e-mail, phone, company or code."""
        return self.filter(matching(text, "customer"))

    def in_bucket(self, bucket: str) -> ConversationQuerySet:
        """One of RULES' buckets: closed, followup_due, waiting, open; the first that fits is a conversation's."""
        now = timezone.now()
        closed = Q(customer__stage__kind__in=[Stage.Kind.WON, Stage.Kind.LOST]) | Q(status="resolved")
        due = Q(customer__next_follow_up_at__lte=now)
        waiting = Q(last_inbound_at__isnull=True) | Q(last_outbound_at__gte=F("last_inbound_at"))
        if bucket == "closed":
            return self.filter(closed)
        rows = self.exclude(closed)
        if bucket == "followup_due":
            return rows.filter(due)
        rows = rows.filter(Q(customer__next_follow_up_at__isnull=True) | ~due)
        return (
            rows.filter(waiting) if bucket == "waiting" else rows.filter(last_inbound_at__isnull=False).exclude(waiting)
        )

    def newest_of_their_customer(self) -> ConversationQuerySet:
        """One a customer: that with the newest activity; its id decides between two of one moment."""
        newer = self.model._base_manager.filter(customer=OuterRef("customer")).filter(
            Q(last_message_at__gt=OuterRef("last_message_at"))
            | Q(last_message_at=OuterRef("last_message_at"), pk__gt=OuterRef("pk"))
        )
        return self.exclude(Exists(newer))

    def with_list_relations(self) -> ConversationQuerySet:
        return self.select_related("customer", "customer__stage", "customer__assigned_to", "channel").prefetch_related(
            "customer__tags"
        )


class TemplateQuerySet(models.QuerySet[Any]):
    def visible_to(self, member: Member) -> TemplateQuerySet:
        """Those shared with everybody or one of the member's teams, and the member's own."""
        teams = Member.teams.through._base_manager.filter(member_id=member.pk).values("team_id")
        return self.filter(Q(sharing="everybody") | Q(sharing="team", team_id__in=teams) | Q(created_by=member.user_id))


class MessageQuerySet(models.QuerySet[Any]):
    def visible_to(self, member: Member) -> MessageQuerySet:
        return self.filter(within_reach(member))

    def outbound(self) -> MessageQuerySet:
        """The queue and what became of it; notes are not sent."""
        return self.filter(direction="outbound", is_private=False)

    def newest_first(self) -> MessageQuerySet:
        return self.order_by("-created_at", "-id")

    def with_thread_relations(self) -> MessageQuerySet:
        """All that a bubble shows, in a constant number of queries."""
        return (
            self.select_related("author", "reply_to__author", "channel", "mail", "template")
            .defer("mail__html")
            .annotate(has_html=Q(mail__html__gt=""))
            .prefetch_related("attachments__file")
        )
