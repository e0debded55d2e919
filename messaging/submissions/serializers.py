"""The API's body of messages that another system hands in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class IncomingSerializer(serializers.Serializer[object]):
    """What another system hands in."""

    message_id = serializers.CharField(max_length=255)
    sent_at = serializers.DateTimeField()
    from_name = serializers.CharField(required=False, allow_blank=True)
    reply_to = serializers.CharField(
        required=False, allow_blank=True, help_text="Where answers go, as `a@b.example` or `Name <a@b.example>`. "
        "Where `from` is your own address or a program's, as of a form on a website, this is who wrote.",
    )  # fmt: skip
    to = serializers.CharField(required=False, allow_blank=True)
    subject = serializers.CharField(required=False, allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    in_reply_to = serializers.CharField(required=False, allow_blank=True)
    html = serializers.CharField(required=False, allow_blank=True, help_text="Of an e-mail.")
    cc = serializers.ListField(child=serializers.CharField(), required=False)
    references = serializers.ListField(child=serializers.CharField(), required=False)
    raw = serializers.CharField(required=False, help_text="A whole e-mail as it came, in base64; it says the rest.")
    attachments = serializers.ListField(child=serializers.DictField(), required=False, help_text="By address.")
    files = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="`filename`, `content_type`, `content` in base64."
    )

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.CharField(max_length=320), **super().get_fields()}


class TakenSerializer(serializers.Serializer[object]):
    status = serializers.ChoiceField(choices=["accepted", "duplicate"])
    message_id = serializers.CharField()
