"""Phone numbers: read as people write them, stored as E.164, compared without national variants."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from django.conf import settings

from core.refused import Refused


class InvalidPhone(Refused):
    """Not a possible number; the text says why."""

    field = "phone"


_REASONS = {
    phonenumbers.ValidationResult.TOO_SHORT: "is too short",
    phonenumbers.ValidationResult.TOO_LONG: "is too long",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "has no known country code",
    phonenumbers.ValidationResult.INVALID_LENGTH: "has a length that no number there has",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}

# WhatsApp knows some numbers in a form that the network does not dial: Brazil's mobiles with or without the ninth
# digit,
# Argentina's with a 9, Mexico's with a 1 after the country code. One person, one key.
_BRAZIL_MOBILE = re.compile(r"\+55(\d{2})9?([6-9]\d{7})")
_ARGENTINA = re.compile(r"\+549?(\d{10})")
_MEXICO = re.compile(r"\+521?(\d{10})")


def parse(text: str, *, country: str = "") -> str:
    """The number as E.164. Without + it is read in `country` (ISO 3166), else in the installation's default.

    Raises InvalidPhone for what is not a possible number.
    """
    text = text.strip()
    if len(text) > 40:
        raise InvalidPhone("This is too long for a phone number.")
    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else country or default_country())
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone(f"“{text}” is not a phone number. Write it as +44 7700 900123.") from error
    reason = _REASONS.get(phonenumbers.is_possible_number_with_reason(number))
    if reason is not None and not _MEXICO.fullmatch(_e164(number)):
        raise InvalidPhone(f"“{text}” {reason}. Write it as +44 7700 900123.")
    return _e164(number)


def match_key(e164: str) -> str:
    """What two variants of one number have in common."""
    if match := _BRAZIL_MOBILE.fullmatch(e164):
        return f"+55{match[1]}9{match[2]}"
    if match := _ARGENTINA.fullmatch(e164):
        return f"+549{match[1]}"
    if match := _MEXICO.fullmatch(e164):
        return f"+52{match[1]}"
    return e164


def display(e164: str) -> str:
    """For people's eyes: +44 7700 900123."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return e164


def country_of(e164: str) -> str:
    """The two letters of the country that a number belongs to; empty where it belongs to none, or is no number."""
    if not e164.startswith("+"):
        return ""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ""
    # A number that nobody has (yet) is of the country that its code is mainly of.
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    return region if region in countries() else ""


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The two letters of every country whose numbers can be read."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def default_country() -> str:
    """The country of DEFAULT_COUNTRY_CODE, which is a calling code such as +44 or two letters."""
    value = settings.DEFAULT_COUNTRY_CODE.strip()
    if value.lstrip("+").isdigit():
        return phonenumbers.region_code_for_country_code(int(value.lstrip("+")))
    return value.upper()


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
