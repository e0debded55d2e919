from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Member
from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.models.conversation import Conversation
from messaging.models.template import Template


class Draft(TenantModel):
    """A text that a member has not sent yet: one a conversation, member and mode.

    The row stays when its text is sent or thrown away, emptied: its `version` refuses a save that set out before that.
    """

    class Mode(models.TextChoices):
        REPLY = "reply", "Reply"
        NOTE = "note", "Note"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="drafts")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    body = models.TextField(blank=True)
    # Of a reply only.
    subject = OneLine(max_length=255, blank=True)
    cc = OneLine(max_length=2000, blank=True, help_text="As it was typed: addresses, with commas.")
    template = models.ForeignKey(Template, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1, help_text="One more with every save, sending and throwing away.")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "conversation", "member", "mode"], name="draft_once"),
            models.CheckConstraint(condition=Q(mode__in=["reply", "note"]), name="draft_mode_known"),
            models.CheckConstraint(
                condition=Q(mode="reply") | Q(subject="", cc="", template__isnull=True), name="draft_note_has_only_text"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} in {self.conversation_id}"

    @property
    def is_empty(self) -> bool:
        return not (self.body.strip() or self.cc.strip())
