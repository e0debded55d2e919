"""What mail servers say about mails that they could not deliver (RFC 3464, and what came before and beside it)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

from messaging.channels.base import Bounce
from messaging.channels.mail import headers
from messaging.channels.mail.bounce_reasons import ENHANCED, REPLY, is_hard, reason_of
from messaging.channels.mail.parts import Parts

MOST_RECIPIENTS: Final = 100
LONGEST_TEXT: Final = 500
_LONGEST_NOTICE: Final = 60_000  # characters of a notice that are looked at
_ADDRESS: Final = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,190}"

_SENDER: Final = re.compile(
    r"(?:mailer-?daemon|post-?master|mail[._-]?(?:delivery|deliver)[._-]\w+|bounces?|mdaemon)\b.*"
)
_SENDER_NAME: Final = re.compile(
    r"mail(?:er)?[\s-]?(?:deliver\w*|administrator|daemon)|post-?master|content-filter|returned mail", re.IGNORECASE
)
_SUBJECT: Final = re.compile(
    r"undeliver|deliver(?:y|ed)\W+(?:\w+\W+){0,3}fail|fail\w*\W+(?:\w+\W+){0,2}deliver"
    r"|deliver\w* (?:status|report|problem)"
    r"|returned mail|return(?:ed|ing)? (?:message )?to sender|failure notice|mail (?:delivery|system error)"
    r"|could not be delivered|not deliver|message you sent blocked|non[- ]?deliver|delivery (?:notification|has failed)"
    r"|error sending your mail|warning: (?:message|could not send)|loop alert|mail failure|mail failed|delayed mail"
    r"|considered unsolicited|postmaster notify|nicht zugestellt|unzustellbar|non remis|échec de la remise|недоставлен"
    r"|не может быть доставлен|no se pudo entregar|não entregue|mancato recapito|onbestelbaar|配信不能|退信|반송",
    re.IGNORECASE,
)
_NOTICE: Final = re.compile(
    r"could not be delivered|couldn't be delivered|cannot be delivered|wasn't delivered|was not delivered|not delivered"
    r"|unable to deliver|wasn't able to deliver|were unable to deliver"
    r"|delivery (?:to|has) (?:the )?(?:following|failed)"
    r"|did not reach the following|permanent (?:fatal )?error|delivery (?:failed|errors)|undeliverable"
    r"|error was encountered|returned (?:mail|message)|failed (?:addresses|permanently)|failure reasons"
    r"|error delivering|error has occurred|attempting to deliver|trouble delivering|rcpt to|user mailbox|unknown user"
    r"|may not have permission|don't have permission|duplicated message-id|m-filter|доставлено|groups\.google\.com",
    re.IGNORECASE,
)
_RETURNED: Final = re.compile(
    r"^[ \t>|-]*(?:-{2,}\s*)?(?:original (?:message|mail)|below this line is a copy|this is a copy of (?:the|your)|"
    r"the header of the original|message (?:header|text) follows|message headers? follow"
    r"|original message (?:headers|follows)"
    r"|included is a copy|returned message|below is a copy|message contents?:|copy of the message"
    r"|the original message was"
    r" (?:follows|attached)|original mail as follows|unsent message|return-path:\s*<|received: (?:from|by) )",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD: Final = re.compile(r"^[ \t]{0,4}([A-Za-z][A-Za-z-]{2,30})[ \t]?:[ \t]?(.*)$")
_WANTED: Final = ("final-recipient", "original-recipient", "action", "status", "diagnostic-code", "x-actual-recipient",
                  "x-powermta-bouncecategory")  # fmt: skip
_ANY_ADDRESS: Final = re.compile(_ADDRESS)
_HEAD: Final = re.compile(
    rf"^[ \t>|*.'\"-]*(?:to:?\s*)?(?:\w+:\w+:)?[<\"'\[(]*({_ADDRESS})[>\"'\])]*(?=[\s:,;.\[(]|$)", re.IGNORECASE
)
_NAMED: Final = re.compile(
    rf"(?:deliver\w*(?: your mail| the message| message)? to(?: address)?:?|recipient|rcpt to:?"
    rf"|wasn't delivered to|message to"
    rf"|addressed to:?|allowed size:|unknown user:|deliver\w* a message for)\s*:?[<\"\[]*({_ADDRESS})",
    re.IGNORECASE,
)  # fmt: skip
_RETURNED_ID: Final = re.compile(r"^[ \t]*message-id:\s*<?([^<>\s]{1,250})>?", re.IGNORECASE | re.MULTILINE)
_RETURNED_TO: Final = re.compile(rf"^[ \t]*to:[^\n]{{0,200}}?({_ADDRESS})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of one recipient, before it is understood."""

    recipient: str
    words: str
    code: str = ""
    action: str = ""
    category: str = ""


def read(mail: Message, parts: Parts, text: str, sender: str) -> tuple[bool, Sequence[Bounce]]:
    """Whether the mail tells of mails that were not delivered, and what it says of each recipient. Never raises.

    Reports of success or of a complaint and automatic answers are no bounces.
    """
    if parts.is_complaint:
        return False, ()
    from_json = _json(text)
    notice, returned = _split(text)
    fields = [block for report in parts.reports for block in _blocks(report)]
    is_report = bool(fields)
    if not fields and ("final-recipient" in text[:_LONGEST_NOTICE].casefold() or "reporting-mta" in notice.casefold()):
        fields = _blocks(text[:_LONGEST_NOTICE])
    if not (is_report or from_json or fields or _looks_returned(mail, notice, sender)):
        return False, ()
    said = from_json or [_from_block(block, notice) for block in fields] or _from_notice(mail, notice, returned, parts)
    failed = [one for one in said if one.action not in ("delivered", "relayed", "expanded")]
    if said and not failed:
        return False, ()
    message_id = _message_id([*parts.returned, returned, text])
    return True, _understood(failed, message_id)


def _looks_returned(mail: Message, notice: str, sender: str) -> bool:
    """Whether a mail that is no report by its type is one by its words."""
    content = headers.raw_value(mail, "Content-Type").casefold()
    if "report-type" in content and "delivery-status" in content:
        return True
    if headers.raw_value(mail, "X-Failed-Recipients"):
        return True
    written = headers.raw_value(mail, "From")
    name = headers.decoded(written, 300)
    from_server = bool(_SENDER.match(sender) or _SENDER_NAME.search(name)) or written.strip() in ("", "<>")
    return_paths = headers.raw_values(mail, "Return-Path")
    is_empty = any(value.strip().casefold() in ("", "<>", "<mailer-daemon>") for value in return_paths)
    by_subject = bool(_SUBJECT.search(headers.header(mail, "Subject")))
    by_words = bool(_NOTICE.search(notice[:_LONGEST_NOTICE]))
    return (by_subject and (from_server or is_empty or by_words)) or (by_words and (from_server or is_empty))


def _split(text: str) -> tuple[str, str]:
    """The notice, and what follows of the mail that came back."""
    text = text[: 4 * _LONGEST_NOTICE]
    match = next((found for found in _RETURNED.finditer(text) if text[: found.start()].strip()), None)
    end = match.start() if match else len(text)
    return text[:end][:_LONGEST_NOTICE], text[end:]


def _blocks(report: str) -> list[dict[str, str]]:
    """The fields of each recipient in a report; a field may go on over lines that begin with a space."""
    blocks: list[dict[str, str]] = []
    current: dict[str, str] = {}
    last = ""
    for line in report[: 4 * _LONGEST_NOTICE].split("\n"):
        match = _FIELD.match(line) if line[:1] not in (" ", "\t") or not last else None
        if match is None:
            last = last if line[:1] in (" ", "\t") and line.strip() else ""
            if last in _WANTED:
                current[last] = f"{current[last]} {line.strip()}"[:4000]
            if not line.strip() and _is_recipient(current):
                blocks.append(current)
                current = {}
            continue
        last = match[1].casefold()
        if last in _WANTED:
            if last in current and last in ("final-recipient", "action") and _is_recipient(current):
                blocks.append(current)
                current = {}
            current.setdefault(last, match[2].strip()[:2000])
    if _is_recipient(current):
        blocks.append(current)
    return blocks[:MOST_RECIPIENTS]


def _is_recipient(block: dict[str, str]) -> bool:
    return ("final-recipient" in block or "original-recipient" in block) and len(block) >= 2


def _from_block(block: dict[str, str], notice: str) -> _Said:
    """One recipient of a report. Where the report says too little, the notice for people is heard as well."""
    final, original = block.get("final-recipient", ""), block.get("original-recipient", "")
    recipient = _address(final) or _address(original) or _address(block.get("x-actual-recipient", ""))
    diagnostic = block.get("diagnostic-code", "")
    diagnostic = re.sub(r"^\s*[\w-]{1,20}\s*;\s*", "", diagnostic)
    action = block.get("action", "").split(";")[0].split("(")[0].strip().casefold()
    status = ENHANCED.search(block.get("status", ""))
    told = _about(notice, recipient)
    words = diagnostic if len(diagnostic) > 12 else f"{diagnostic} {block.get('status', '')} {told}"
    # The command that was refused stands in the transcript only.
    proof = " ".join(re.findall(r"in reply to [a-z ]{0,8}rcpt to|after rcpt to|>>> rcpt to", notice.casefold())[:1])
    if "account is disabled" in notice and len(diagnostic) < 80:
        words = f"{words} account is disabled"
    refused = re.search(r"^5\d\d 5\.1\.1 .{0,200}user unknown", notice, re.IGNORECASE | re.MULTILINE)
    return _Said(
        recipient, f"{words} {proof} {refused[0] if refused else ''}".strip(), status[1] if status else "", action,
        block.get("x-powermta-bouncecategory", "").strip().casefold(),
    )  # fmt: skip


def _address(value: str) -> str:
    found = _ANY_ADDRESS.findall(value[:1000])
    return found[-1].casefold().strip(".'") if found else ""


def _about(notice: str, recipient: str) -> str:
    """What the notice says, from the recipient's first mention on; all of it where he is not named."""
    at = notice.casefold().find(recipient) if recipient else -1
    return " ".join(notice[at : at + 1500].split()) if at >= 0 else " ".join(notice[:3000].split())


def _from_notice(mail: Message, notice: str, returned: str, parts: Parts) -> list[_Said]:
    """The recipients in a notice for people: each is said about from its own line to the next one's."""
    lines = notice.split("\n")
    ours = {address for _, address in headers.field_addresses(mail, "To", "From", "Delivered-To")}
    named = [address for _, address in headers.field_addresses(mail, "X-Failed-Recipients")]
    starts: dict[str, int] = {}
    for number, line in enumerate(lines):
        match = _HEAD.match(line[:400]) or _NAMED.search(line[:400])
        if match and (not named or match[1].casefold().strip(".'") in named):
            starts.setdefault(match[1].casefold().strip(".'"), number)
    if len(starts) > 1:
        starts = {address: number for address, number in starts.items() if address not in ours} or starts
    found = [*starts, *(address for address in named if address not in starts)][:MOST_RECIPIENTS]
    if not found:
        other = next((m for text in (*parts.returned, returned) if (m := _RETURNED_TO.search(text[:20_000]))), None)
        return [_said(other[1].casefold() if other else "", notice)]
    if len(found) == 1:
        # What stands above the recipient is often a set phrase; it is heard only where nothing is said below.
        below = _said(found[0], "\n".join(lines[starts.get(found[0], 0) :]))
        return [below if reason_of(below.words, below.code) != "undefined" else _said(found[0], notice)]
    edges = [*sorted(starts.values()), len(lines)]
    return [
        _said(address, "\n".join(lines[starts[address] : next(edge for edge in edges if edge > starts[address])])
              if address in starts else notice)
        for address in found
    ]  # fmt: skip


def _said(recipient: str, words: str) -> _Said:
    words = " ".join(words.split())
    code = ENHANCED.search(words)
    return _Said(recipient, words[:8000], code[1] if code else "")


def _json(text: str) -> list[_Said]:
    """Amazon SES tells of bounces in JSON where mails are asked for as notifications."""
    start = text[:2000].find("{")
    if start < 0 or "bouncedRecipients" not in text[:_LONGEST_NOTICE]:
        return []
    try:
        data, _ = json.JSONDecoder().raw_decode(text[start : start + _LONGEST_NOTICE])
        data = json.loads(data["Message"]) if isinstance(data, dict) and isinstance(data.get("Message"), str) else data
        recipients = data["bounce"]["bouncedRecipients"][:MOST_RECIPIENTS]
        return [_from_json(recipient) for recipient in recipients if isinstance(recipient, dict)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _from_json(recipient: dict[str, Any]) -> _Said:
    words = str(recipient.get("diagnosticCode", ""))[:4000]
    return _Said(
        _address(str(recipient.get("emailAddress", ""))), words, str(recipient.get("status", ""))[:10],
        str(recipient.get("action", "")).casefold()[:20],
    )  # fmt: skip


def _understood(said: Iterable[_Said], message_id: str) -> tuple[Bounce, ...]:
    bounces: dict[tuple[str, str], Bounce] = {}
    for one in said:
        code = _code(one)
        reply_match = REPLY.search(one.words)
        reply = reply_match[1] if reply_match else ""
        reason = reason_of(one.words, code, category=one.category)
        hard = is_hard(reason, code, reply) and one.action != "delayed"
        words = headers.one_line(one.words, LONGEST_TEXT)
        told = Bounce(one.recipient, hard, code, reply, reason, words, message_id, is_final=one.action != "delayed")
        bounces.setdefault((one.recipient, reason), told)
    return tuple(bounces.values())


def _code(one: _Said) -> str:
    """The enhanced code: the last word of the server that refused, unless it only says "some error"."""
    spoken = [code for code in ENHANCED.findall(one.words) if not code.startswith("2")]
    exact = [code for code in spoken if not code.endswith(".0.0")]
    if one.code and not one.code.endswith(".0.0"):
        return exact[0] if exact and one.code.endswith(".0") else one.code
    return (exact or spoken or [one.code])[0]


def _message_id(texts: Iterable[str]) -> str:
    """The id of the mail that came back."""
    for text in texts:
        match = _RETURNED_ID.search(text[:100_000])
        if match:
            return match[1]
    return ""
