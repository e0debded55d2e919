"""What the parameters of actions are called on pages, and how one types them: by its name a parameter means the same in
every action. One that is not here is called by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class ParameterWords:
    """`is_length`: a number of minutes that people give in minutes, hours or days. `is_long`: a text of several lines.
    `takes_placeholders`: a text in which `{{ customer.name }}` stands for the name. `empty`: what no choice means."""

    label: str | Promise
    is_length: bool = False
    is_long: bool = False
    takes_placeholders: bool = False
    empty: str | Promise = ""


PARAMETER_WORDS: Final[Mapping[str, ParameterWords]] = {
    "template": ParameterWords(_("Template")),
    "body": ParameterWords(_("Text"), is_long=True, takes_placeholders=True),
    "delay_minutes": ParameterWords(_("Wait before it goes out"), is_length=True),
    "cancel_on_inbound": ParameterWords(_("Not if they write before")),
    "channel": ParameterWords(_("Channel"), empty=_("The one they use")),
    "tag": ParameterWords(_("Tag")),
    "stage": ParameterWords(_("Stage")),
    "days": ParameterWords(_("Days from now")),
    "minutes": ParameterWords(_("Time from now"), is_length=True),
    "to": ParameterWords(_("Person")),
    "team": ParameterWords(_("Or somebody of the team"), empty=_("No team")),
    "how": ParameterWords(_("Of the team"), empty=_("In turn")),
    "sequence": ParameterWords(_("Sequence")),
    "title": ParameterWords(_("What is to be done"), takes_placeholders=True),
    "due_in_minutes": ParameterWords(_("Due after"), is_length=True),
    "priority": ParameterWords(_("Priority"), empty=_("As usual")),
    "description": ParameterWords(_("Details"), is_long=True, takes_placeholders=True),
    "status": ParameterWords(_("Status")),
    "text": ParameterWords(_("Text"), takes_placeholders=True),
    # Of the steps between actions.
    "until": ParameterWords(_("Until")),
    "quiet_minutes": ParameterWords(_("Nothing happened for"), is_length=True),
    "timeout_minutes": ParameterWords(_("At most"), is_length=True),
    "then": ParameterWords(_("And then")),
    "share": ParameterWords(_("Of 100 customers")),
    "conditions": ParameterWords(_("Conditions")),
    "branches": ParameterWords(_("Branches")),
    "otherwise": ParameterWords(_("Else")),
}


def words_for(name: str) -> ParameterWords:
    """The parameter's words, or its name as words."""
    return PARAMETER_WORDS.get(name) or ParameterWords(name.replace("_", " ").capitalize())
