"""What an organization is set to: checked in one place, whoever sets it."""

from __future__ import annotations

import re
from typing import Final, cast

from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from accounts.models.organization import is_timezone
from core import phones
from core.fields import one_line
from core.refused import Invalid

MAX_NAME_LENGTH: Final = 150
MAX_UNDO_SECONDS: Final = 120
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def language() -> str:
    """What Parley's own pages and mails are in, such as `en`: one for all, as long as there is one catalog."""
    return settings.LANGUAGE_CODE.partition("-")[0]


def language_name() -> str:
    """The same in words."""
    return str(get_language_info(language())["name_translated"])


class InvalidSetting(Invalid):
    """A value that an organization can't have."""


def checked(name: str, value: object) -> object:
    """The value of `name`, `country`, `timezone`, `currency` or `undo_seconds` as it is kept. Raises InvalidSetting."""
    if name == "undo_seconds":
        seconds = cast("int", value)
        if not 0 <= seconds <= MAX_UNDO_SECONDS:
            raise InvalidSetting(name, _("0 to %(most)s seconds.") % {"most": MAX_UNDO_SECONDS})
        return seconds
    text = str(value).strip()
    if name == "name":
        text = one_line(" ".join(text.split()))
        if not text or len(text) > MAX_NAME_LENGTH:
            raise InvalidSetting(name, _("1 to %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    elif name == "country":
        text = text.upper()
        if text and text not in phones.countries():
            raise InvalidSetting(name, _("No country is called so. Use two letters, such as GB."))
    elif name == "timezone":
        if not is_timezone(text):
            raise InvalidSetting(name, _("No time zone is called so. Use a name such as Europe/London."))
    elif not _CURRENCY.fullmatch(text):
        raise InvalidSetting(name, _("Three capital letters are needed, such as GBP (ISO 4217)."))
    return text
