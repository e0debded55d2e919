"""Managers and querysets of conversations, templates and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.models import Member
from customers.models import Stage
from customers.models.querysets import matching, within_reach

if TYPE_CHECKING:
    from messaging.models import Conversation, Message, Template  # noqa: F401 - named in quotes below


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, member: Member) -> Self:
        """Those with customers within the member's reach."""
        return self.filter(within_reach(member))

    def open(self) -> Self:
        return self.exclude(status="resolved")

    def resolved(self) -> Self:
        return self.filter(status="resolved")

    def waiting(self) -> Self:
        """The customer wrote last and nobody answered."""
        return self.filter(waiting_since__isnull=False).exclude(status="resolved")

    def unread(self) -> Self:
        return self.filter(unread_count__gt=0)

    def of_member(self, member: Member) -> Self:
        return self.filter(customer__assigned_to=member.user_id)

    def unassigned(self) -> Self:
        return self.filter(customer__assigned_to__isnull=True)

    def mentioning(self, member: Member) -> Self:
        """Those with a note that names the member, or a team of theirs."""
        teams = Member.teams.through._base_manager.filter(member_id=member.pk).values("team_id")
        mentions = self.model._meta.apps.get_model("messaging", "Mention")._base_manager
        named = mentions.filter(Q(member=member.pk) | Q(team__in=teams))
        return self.filter(pk__in=named.values("conversation"))

    def matching(self, text: str) -> Self:
        """Part of the customer's name, e-mail, phone, company or code."""
        return self.filter(matching(text, "customer"))

    def in_bucket(self, bucket: str) -> Self:
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

    def newest_of_their_customer(self) -> Self:
        """One a customer: that with the newest activity; its id decides between two of one moment."""
        newer = self.model._base_manager.filter(customer=OuterRef("customer")).filter(
            Q(last_message_at__gt=OuterRef("last_message_at"))
            | Q(last_message_at=OuterRef("last_message_at"), pk__gt=OuterRef("pk"))
        )
        return self.exclude(Exists(newer))

    def with_list_relations(self) -> Self:
        return self.select_related("customer", "customer__stage", "customer__assigned_to", "channel").prefetch_related(
            "customer__tags"
        )


class TemplateQuerySet(models.QuerySet["Template"]):
    def visible_to(self, member: Member) -> Self:
        """Those shared with everybody or one of the member's teams, and the member's own."""
        teams = Member.teams.through._base_manager.filter(member_id=member.pk).values("team_id")
        shared = Q(sharing="everybody") | Q(sharing="team", team_id__in=teams)
        # Who only looks as the member would does not see what the member keeps to themselves.
        return self.filter(shared if member.looked_through_by is not None else shared | Q(created_by=member.user_id))


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, member: Member) -> Self:
        return self.filter(within_reach(member))

    def outbound(self) -> Self:
        """The queue and what became of it; notes are not sent."""
        return self.filter(direction="outbound", is_private=False)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def with_thread_relations(self) -> Self:
        """All that a bubble shows, in a constant number of queries."""
        return (
            self.select_related("author", "reply_to__author", "channel", "mail", "template", "cost_record")
            .defer("mail__html")
            .annotate(has_html=Q(mail__html__gt=""))
            .prefetch_related("attachments__file")
        )
