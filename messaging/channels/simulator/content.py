"""Approved templates that the simulator's WhatsApp has, with one in each state that a real account shows."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from django.utils.translation import gettext as _

from messaging.channels.abilities import ContentTemplate

_ID = re.compile(r"HX[0-9a-fA-F]{32}")


def _id_of(name: str) -> str:
    """An id of the form that real ones have, always the same for a name."""
    return f"HX{hashlib.sha256(f'simulator:{name}'.encode()).hexdigest()[:32]}"


def id_problem(template_id: str) -> str:
    """Why this can't be the id of a template; empty where it can."""
    return "" if _ID.fullmatch(template_id) else _("A template’s id here is HX and 32 characters.")


def _template(name: str, body: str, **more: object) -> ContentTemplate:
    return ContentTemplate(
        id=_id_of(name),
        name=name,
        body=body,
        **{"language": "en", "kind": "text", "status": "approved", "category": "utility", **more},  # type: ignore[arg-type]
    )


TEMPLATES: Final = (
    _template(
        "appointment_reminder",
        "Hello {{1}}, this is a reminder of your appointment on {{2}}. Please tell us if the time does not suit you.",
        variables={"1": "Maya", "2": "Friday at 10:30"},
        kind="quick-reply",
        actions=(
            {"kind": "quick_reply", "text": "I’ll be there", "value": "confirm"},
            {"kind": "quick_reply", "text": "Another time", "value": "reschedule"},
        ),
    ),
    _template(
        "pick_up_again",
        "Hello {{1}}, you asked us about {{2}}. Is there anything else you would like to know?",
        variables={"1": "Maya", "2": "a consultation"},
        category="marketing",
    ),
    _template(
        "documents_needed",
        "Hello {{1}}, we still need {{2}} from you before we can go on. You can send it here.",
        variables={"1": "Tom", "2": "your consent form"},
    ),
    _template(
        "spring_offer", "Hello {{1}}, our spring offer ends on Friday.", variables={"1": "Tom"}, status="pending"
    ),
    _template(
        "win_a_prize",
        "You have won, {{1}}!",
        variables={"1": "Tom"},
        status="rejected",
        category="marketing",
        reason="It promises something that WhatsApp’s rules do not allow.",
    ),
)
