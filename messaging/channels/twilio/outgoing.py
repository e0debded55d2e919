"""A message of ours as the arguments of Twilio's Messages resource, or the reason why Twilio would refuse it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from messaging.channels.base import Account, Capabilities, Kind, OutgoingFile, OutgoingMessage, Retry, SendError
from messaging.channels.text import has_control
from messaging.channels.twilio import errors
from messaging.channels.twilio.account import channel_address, sender
from messaging.channels.twilio.signature import OVERRIDES

MAX_VARIABLE_LENGTH: Final = 1024
MAX_SPACES: Final = 4  # in a row: WhatsApp refuses a template's value with more
MAX_VARIABLES: Final = 100

_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")
_FILE_URL = re.compile(r"https?://[!-~]{1,2040}")
_BREAKS = re.compile(r"[\u2028\u2029]")  # line and paragraph separators, which are no control characters
_TOO_LARGE: Final[Mapping[Kind, str]] = {Kind.WHATSAPP: "63034", Kind.SMS: "30019"}
# WhatsApp shows these alone: a text in the same message would be lost without a word.
_WITHOUT_TEXT: Final = ("audio/", "image/webp", "text/vcard", "text/x-vcard")


def arguments(account: Account, message: OutgoingMessage, limits: Capabilities) -> dict[str, object]:
    """The arguments of `client.messages.create`. Raises SendError for what Twilio is known to refuse."""
    if not message.to:
        raise errors.known_refusal("21604")
    # With its own retries behind it: a status that is lost on the way is sent again.
    callback = {"status_callback": message.status_callback_url + OVERRIDES} if message.status_callback_url else {}
    content = _template(message) if message.provider_template_id else _free(message, limits)
    return {"to": channel_address(account.kind, message.to), **content, **sender(account), **callback}


def _free(message: OutgoingMessage, limits: Capabilities) -> dict[str, object]:
    """Text and files. The text may be empty where there is a file."""
    if not message.body.strip() and not message.files:
        raise errors.known_refusal("21602")
    if len(message.body) > limits.max_length:
        raise errors.known_refusal("21617")
    media = {"media_url": _media(message, limits)} if message.files else {}
    body = {"body": message.body} if message.body.strip() else {}
    return {**body, **media}


def _media(message: OutgoingMessage, limits: Capabilities) -> list[str]:
    if len(message.files) > limits.max_files:
        files = "one file" if limits.max_files == 1 else f"{limits.max_files} files"
        raise SendError("21623", f"There are too many files in this message. Send at most {files}.", Retry.FIX)
    if any(not _FILE_URL.fullmatch(file.url) for file in message.files):
        raise errors.known_refusal("21620")
    if any(file.size > limits.max_file_bytes for file in message.files):
        raise errors.known_refusal(_TOO_LARGE[limits.kind])
    if limits.kind is Kind.WHATSAPP and message.body.strip() and _stands_alone(message.files):
        detail = "WhatsApp shows no text with a sound, a sticker or a contact card. Send the text as its own message."
        raise SendError("63005", detail, Retry.FIX)
    return [file.url for file in message.files]


def _stands_alone(files: Sequence[OutgoingFile]) -> bool:
    return any(file.content_type.lower().startswith(_WITHOUT_TEXT) for file in files)


def _template(message: OutgoingMessage) -> dict[str, object]:
    """An approved template: its id and values, never a body, which Twilio would send in its place."""
    if not _CONTENT_SID.fullmatch(message.provider_template_id):
        raise errors.known_refusal("21655")
    if message.files:
        detail = "A template brings its own files. Remove the attached ones and send it again."
        raise SendError("21620", detail, Retry.FIX)
    if len(message.content_variables) > MAX_VARIABLES:
        raise errors.known_refusal("63028")
    for name, value in message.content_variables.items():
        _refuse_unfit(name, value)
    # Letters as they are: one that can't be written down is then found before the request, as in a body.
    values = json.dumps(dict(message.content_variables), ensure_ascii=False)
    return {
        "content_sid": message.provider_template_id,
        **({"content_variables": values} if message.content_variables else {}),
    }


def _refuse_unfit(name: str, value: str) -> None:
    """What WhatsApp refuses in a template's value; the words name the value's place and not the value."""
    checks = (
        (not value.strip(), "is empty. Fill it in"),
        (len(value) > MAX_VARIABLE_LENGTH, f"is longer than {MAX_VARIABLE_LENGTH} characters. Shorten it"),
        (has_control(value) or _BREAKS.search(value), "has a line break or a tab in it. Write it on one line"),
        (" " * (MAX_SPACES + 1) in value, f"has more than {MAX_SPACES} spaces in a row. Remove some"),
    )
    for is_wrong, what in checks:
        if is_wrong:
            label = "{{" + name[:50] + "}}"
            raise SendError("21656", f"The template's value for {label} {what} and send it again.", Retry.FIX)
