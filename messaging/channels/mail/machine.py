"""The signs by which a mail shows that a machine sent it. Words of a subject or a text are never one of them."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from messaging.channels.mail.headers import field_addresses, raw_value, raw_values

# The local part of an address that mail servers write from (RFC 2142, section 4, and what came beside it).
_DAEMON: Final = re.compile(
    r"mailer[-_.]?daemon|po{1,2}st[-_.]?master|mdaemon|mail[-_.]?(?:er[-_.]?)?deliver(?:y)?[-_.]?(?:sub)?[-_.]?system"
    r"|(?:email[-_.])?bounces?(?:[-+=][^@]*)?",
    re.IGNORECASE,
)
# A rule of somebody's mailbox passed the mail on, and may have added marks of its own on the way.
_PASSED_ON: Final = (
    "Resent-From", "Resent-To", "Resent-Sender", "Resent-Date", "Resent-Message-ID", "X-Forwarded-To",
    "X-Forwarded-For", "X-Forwarded-By", "X-Forwarded-Message-Id", "X-MS-Exchange-ForwardingLoop",
    "X-Sieve-Redirected-From", "X-Autoforwarded", "Autoforwarded", "X-Auto-Forward",
    "X-Gm-Forwarded", "X-Yahoo-Forwarded", "X-Zoho-Forwarded", "X-ForwardedBy",
)  # fmt: skip


def is_daemon(address: str) -> bool:
    """Whether an address is one that mail servers write from, as mailer-daemon@…; also without a domain."""
    return bool(_DAEMON.fullmatch(address.partition("@")[0]))


def is_from_daemon(mail: Message, sender: str) -> bool:
    """Whether a mail server wrote it: from its address, or from none at all."""
    if sender:
        return is_daemon(sender)
    bare = raw_value(mail, "From").strip().strip("<>").strip()
    first = bare.replace('"', "").split("<")[0].strip()
    return bool(raw_values(mail, "From")) and (not bare or is_daemon(bare) or is_daemon(first))


def has_empty_return_path(mail: Message) -> bool:
    """Whether nothing may be sent back for it (RFC 5321, section 4.5.5); old servers name themselves there instead."""
    paths = [value.strip().strip("<>").strip() for value in raw_values(mail, "Return-Path")]
    return any(not path or is_daemon(path) for path in paths)


def auto_submitted(mail: Message) -> str:
    """What the mail says of itself (RFC 3834, section 5): auto-replied, auto-generated, …; empty for a person's."""
    value = raw_value(mail, "Auto-Submitted").casefold().split(";")[0].split("(")[0].strip()
    return "" if value == "no" else value


def is_passed_on(mail: Message) -> bool:
    """Whether it was forwarded by a rule: its marks of a machine may be the rule's, and say nothing of who wrote it."""
    if any(raw_values(mail, name) for name in _PASSED_ON) or _is_passed_on_by_exchange(mail):
        return True
    delivered = {address for _, address in field_addresses(mail, "Delivered-To")}
    return len(delivered) > 1 or _was_added_on_the_way(mail)


def _is_passed_on_by_exchange(mail: Message) -> bool:
    """Whether a rule of a mailbox at Exchange passed it on.

    Exchange lets its rules answer too, "out of office" first of all, with the same marks: an answer comes from the very
    mailbox whose rule it was, and names it in both fields.
    """
    mailboxes = {address for _, address in field_addresses(mail, "X-MS-Exchange-Inbox-Rules-Loop")}
    if mailboxes:
        return mailboxes.isdisjoint(address for _, address in field_addresses(mail, "From"))
    return "mailbox rules" in raw_value(mail, "X-MS-Exchange-Generated-Message-Source").casefold()


def _was_added_on_the_way(mail: Message) -> bool:
    """Whether Auto-Submitted stands above a Received: every server on the way adds its lines on top."""
    names = [name.casefold() for name, _ in mail.raw_items()]
    if "auto-submitted" not in names or "from" not in names:
        return False
    marked, written = names.index("auto-submitted"), names.index("from")
    return marked < written and "received" in names[marked:written]


def is_report(mail: Message, kind: str) -> bool:
    """Whether the whole mail is a report of that kind (RFC 6522), as delivery-status or disposition-notification."""
    content = raw_value(mail, "Content-Type").casefold()
    if "report-type" in content:
        return kind in content
    parts = mail.get_payload()
    if not content.strip().startswith("multipart/report") or not isinstance(parts, list):
        return False
    types = [raw_value(part, "Content-Type").casefold() for part in parts[:10] if isinstance(part, Message)]
    return any(one.strip().startswith(f"message/{kind}") for one in types)
