"""What forms of one value carry: what they showed, so that nothing is written over that was not seen."""

from __future__ import annotations

from django import template
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import inline

register = template.Library()


@register.simple_tag
def shown(record: models.Model, field: str, value: object) -> SafeString:
    """The hidden field with the value of a record that this form shows, signed."""
    return format_html(
        '<input type="hidden" name="{}" value="{}">', inline.SNAPSHOT, inline.sign_snapshot(record, field, value)
    )
