"""Phone numbers as people read them."""

from __future__ import annotations

from django import template

from core.phones import display

register = template.Library()
register.filter("phone", display)
