"""What mail servers say about mails that they could not deliver (RFC 3464, and what came before and beside it)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from enum import IntEnum
from typing import Final

from messaging.channels.base import Bounce
from messaging.channels.mail import headers, machine
from messaging.channels.mail.automatic import why_automatic
from messaging.channels.mail.bounce_reasons import ENHANCED, REPLY, is_hard, reason_of
from messaging.channels.mail.parts import Parts

MAX_RECIPIENTS: Final = 100
MAX_TEXT_LENGTH: Final = 500
_MAX_NOTICE_LENGTH: Final = 60_000  # characters of a notice that are looked at
_ADDRESS: Final = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,190}"

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
_ANSWERS: Final = re.compile(r"[^\W\d]{1,5}\s?[:：]")  # "Re:", "WG:", "Fwd:", …
# Matched at the beginning of a line without its marks: a pattern that skips them itself is slow on a line of dashes.
_RETURNED: Final = re.compile(
    r"original (?:message|mail)|below this line is a copy|this is a copy of (?:the|your)|the header of the original"
    r"|message (?:header|text) follows|message headers? follow|included is a copy|returned message|below is a copy"
    r"|message contents?:|copy of the message|the original message was (?:follows|attached)|unsent message"
    r"|return-path:[ \t]*<|received: (?:from|by) ",
    re.IGNORECASE,
)
_BEFORE_RETURNED: Final = " \t>|-"
_FIELD: Final = re.compile(r"^[ \t]{0,4}([A-Za-z][A-Za-z-]{2,30})[ \t]?:[ \t]?(.*)$")
_FIELDS: Final = ("final-recipient", "original-recipient", "action", "status", "diagnostic-code", "x-actual-recipient",
                  "x-powermta-bouncecategory")  # fmt: skip
_ANY_ADDRESS: Final = re.compile(_ADDRESS)
_HEAD: Final = re.compile(
    rf"^[ \t>|*.'\"-]*+(?:to(?::\s*+|\s++))?(?:\w{{1,40}}:\w{{1,40}}:)?[<\"'\[(]*+({_ADDRESS})"
    r"[>\"'\])]*+(?=[\s:,;.<\[(]|$)",
    re.IGNORECASE,
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
class Notice:
    """A bounce. One that is not sure counts only where it names a mail of ours: else it is shown like any mail."""

    bounces: Sequence[Bounce]
    is_sure: bool


@dataclass(frozen=True, slots=True)
class _Report:
    """A bounce's statement on one recipient, before it is interpreted."""

    recipient: str
    words: str
    code: str = ""
    action: str = ""
    category: str = ""


def read(mail: Message, parts: Parts, text: str, sender: str) -> Notice | None:
    """The notice in a mail about mails that were not delivered; None where it has none. Never raises.

    It takes a machine's sign: words alone, which people write as well, make no bounce. Reports of success or of a
    complaint, receipts and automatic answers are none either.
    """
    if parts.is_complaint or machine.is_report(mail, "disposition-notification"):
        return None
    notice, returned = _split(text)
    sign = _sign(mail, sender)
    message_id = _message_id([*parts.returned, returned, text])
    statements = _statements(mail, parts, text, sign)
    is_in_form = statements is not None or bool(headers.raw_value(mail, "X-Failed-Recipients"))
    if statements is None:
        if not _has_bounce_words(mail, notice, sign, message_id):
            return None
        statements = _from_notice(mail, notice, returned, parts)
    failed = [one for one in statements if one.action not in ("delivered", "relayed", "expanded")]
    if statements and not failed:
        return None
    result = _understood(failed, message_id)
    # Somebody called postmaster may write a sentence of their own: a server names whom or why, or gives the mail back.
    # A number of three digits is none of these: people write prices.
    is_more_precise = is_in_form or bool(message_id) or any(one.recipient or one.code for one in result)
    return Notice(result, is_sure=sign is Sign.STRONG and is_more_precise)


class Sign(IntEnum):
    """What shows that a mail server wrote a mail. Programs that answer for people leave the weak ones as well."""

    NONE = 0
    WEAK = 1
    STRONG = 2


def _sign(mail: Message, sender: str) -> Sign:
    if (
        machine.is_report(mail, "delivery-status")
        or headers.raw_value(mail, "X-Failed-Recipients")
        or machine.is_from_daemon(mail, sender)
    ):
        return Sign.STRONG
    is_marked = bool(machine.auto_submitted(mail)) or machine.has_empty_return_path(mail)
    return Sign.WEAK if is_marked and not machine.is_passed_on(mail) else Sign.NONE


def _statements(mail: Message, parts: Parts, text: str, sign: Sign) -> list[_Report] | None:
    """The statements of a machine-readable report; None where there is none, or no sign of a mail server beside it."""
    if (from_json := _json(text)) and (sign or why_automatic(mail, _sender_of(mail))):
        return from_json
    blocks = [block for report in parts.reports for block in _blocks(report)]
    head = text[:_MAX_NOTICE_LENGTH]
    if not blocks and sign and ("final-recipient" in head.casefold() or "reporting-mta" in head.casefold()):
        blocks = _blocks(head)
    if not blocks or not sign:
        return None
    notice = _split(text)[0]
    return [_from_block(block, notice) for block in blocks]


def _sender_of(mail: Message) -> str:
    return next((address for _, address in headers.field_addresses(mail, "From")), "")


def _has_bounce_words(mail: Message, notice: str, sign: Sign, message_id: str) -> bool:
    """Whether the words are those of a bounce; the weaker the sign of a machine, the more of them it takes.

    `message_id` is of the mail that came back, if it did.
    """
    if headers.raw_value(mail, "X-Failed-Recipients") or machine.is_report(mail, "delivery-status"):
        return True
    subject = headers.header(mail, "Subject")
    by_subject, by_words = bool(_SUBJECT.search(subject)), bool(_NOTICE.search(notice))
    if sign is Sign.STRONG or (sign is Sign.WEAK and message_id):
        return by_subject or by_words
    if not (by_subject and by_words):
        return False
    # Without any other sign the returned mail is one; but people pass mails on too, and answer them.
    is_answer = bool(headers.raw_value(mail, "In-Reply-To"))
    return sign is Sign.WEAK or bool(message_id and not _ANSWERS.match(subject) and not is_answer)


def _split(text: str) -> tuple[str, str]:
    """The notice, and what follows of the mail that came back."""
    text = text[: 4 * _MAX_NOTICE_LENGTH]
    end, has_text = 0, False
    for line in text.split("\n"):
        bare = line.lstrip(_BEFORE_RETURNED)
        if has_text and _RETURNED.match(bare):
            return text[:end][:_MAX_NOTICE_LENGTH], text[end:]
        has_text = has_text or bool(bare)
        end += len(line) + 1
    return text[:_MAX_NOTICE_LENGTH], ""


def _blocks(report: str) -> list[dict[str, str]]:
    """The fields of each recipient in a report; a field may go on over lines that begin with a space."""
    blocks: list[dict[str, str]] = []
    current: dict[str, str] = {}
    last = ""
    for line in report[: 4 * _MAX_NOTICE_LENGTH].split("\n"):
        match = _FIELD.match(line) if line[:1] not in (" ", "\t") or not last else None
        if match is None:
            last = last if line[:1] in (" ", "\t") and line.strip() else ""
            if last in _FIELDS:
                current[last] = f"{current[last]} {line.strip()}"[:4000]
            if not line.strip() and _is_recipient(current):
                blocks.append(current)
                current = {}
            continue
        last = match[1].casefold()
        if last in _FIELDS:
            if last in current and last in ("final-recipient", "action") and _is_recipient(current):
                blocks.append(current)
                current = {}
            current.setdefault(last, match[2].strip()[:2000])
    if _is_recipient(current):
        blocks.append(current)
    return blocks[:MAX_RECIPIENTS]


def _is_recipient(block: dict[str, str]) -> bool:
    return ("final-recipient" in block or "original-recipient" in block) and len(block) >= 2


def _from_block(block: dict[str, str], notice: str) -> _Report:
    """The statement on one recipient of a report; where that is incomplete, the notice for people is read as well."""
    final, original = block.get("final-recipient", ""), block.get("original-recipient", "")
    recipient = _address(final) or _address(original) or _address(block.get("x-actual-recipient", ""))
    diagnostic = block.get("diagnostic-code", "")
    diagnostic = re.sub(r"^\s*[\w-]{1,20}\s*;\s*", "", diagnostic)
    action = block.get("action", "").split(";")[0].split("(")[0].strip().casefold()
    status = ENHANCED.search(block.get("status", ""))
    text = _about(notice, recipient)
    words = diagnostic if len(diagnostic) > 12 else f"{diagnostic} {block.get('status', '')} {text}"
    # The command that was refused stands in the transcript only.
    proof = " ".join(re.findall(r"in reply to [a-z ]{0,8}rcpt to|after rcpt to|>>> rcpt to", notice.casefold())[:1])
    if "account is disabled" in notice and len(diagnostic) < 80:
        words = f"{words} account is disabled"
    refused = re.search(r"^5\d\d 5\.1\.1 .{0,200}user unknown", notice, re.IGNORECASE | re.MULTILINE)
    return _Report(
        recipient, f"{words} {proof} {refused[0] if refused else ''}".strip(), status[1] if status else "", action,
        block.get("x-powermta-bouncecategory", "").strip().casefold(),
    )  # fmt: skip


def _address(value: str) -> str:
    matches = _ANY_ADDRESS.findall(value[:1000])
    return matches[-1].casefold().strip(".'") if matches else ""


def _about(notice: str, recipient: str) -> str:
    """What the notice says, from the recipient's first mention on; all of it where he is not named."""
    at = notice.casefold().find(recipient) if recipient else -1
    return " ".join(notice[at : at + 1500].split()) if at >= 0 else " ".join(notice[:3000].split())


def _from_notice(mail: Message, notice: str, returned: str, parts: Parts) -> list[_Report]:
    """The recipients in a notice for people: the statement on each is from its own line to the next one's."""
    lines = notice.split("\n")
    own = {address for _, address in headers.field_addresses(mail, "To", "From", "Delivered-To")}
    named = [address for _, address in headers.field_addresses(mail, "X-Failed-Recipients")]
    starts: dict[str, int] = {}
    for number, line in enumerate(lines):
        match = _HEAD.match(line[:400]) or _NAMED.search(line[:400])
        if match and (not named or match[1].casefold().strip(".'") in named):
            starts.setdefault(match[1].casefold().strip(".'"), number)
    if len(starts) > 1:
        starts = {address: number for address, number in starts.items() if address not in own} or starts
    result = [*starts, *(address for address in named if address not in starts)][:MAX_RECIPIENTS]
    if not result:
        other = next((m for text in (*parts.returned, returned) if (m := _RETURNED_TO.search(text[:20_000]))), None)
        return [_report(other[1].casefold() if other else "", notice)]
    if len(result) == 1:
        # The text above the recipient is often a set phrase; it counts only where there is none below.
        below = _report(result[0], "\n".join(lines[starts.get(result[0], 0) :]))
        return [below if reason_of(below.words, below.code) != "undefined" else _report(result[0], notice)]
    edges = [*sorted(starts.values()), len(lines)]
    return [
        _report(address, "\n".join(lines[starts[address] : next(edge for edge in edges if edge > starts[address])])
              if address in starts else notice)
        for address in result
    ]  # fmt: skip


def _report(recipient: str, words: str) -> _Report:
    words = " ".join(words.split())
    code = ENHANCED.search(words)
    return _Report(recipient, words[:8000], code[1] if code else "")


def _json(text: str) -> list[_Report]:
    """Amazon SES tells of bounces in JSON where mails are asked for as notifications."""
    start = text[:2000].find("{")
    if start < 0 or "bouncedRecipients" not in text[:_MAX_NOTICE_LENGTH]:
        return []
    try:
        data, _ = json.JSONDecoder().raw_decode(text[start : start + _MAX_NOTICE_LENGTH])
        data = json.loads(data["Message"]) if isinstance(data, dict) and isinstance(data.get("Message"), str) else data
        recipients = data["bounce"]["bouncedRecipients"][:MAX_RECIPIENTS]
        return [_from_json(recipient) for recipient in recipients if isinstance(recipient, dict)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _from_json(recipient: Mapping[str, object]) -> _Report:
    words = str(recipient.get("diagnosticCode", ""))[:4000]
    return _Report(
        _address(str(recipient.get("emailAddress", ""))), words, str(recipient.get("status", ""))[:10],
        str(recipient.get("action", "")).casefold()[:20],
    )  # fmt: skip


def _understood(reports: Iterable[_Report], message_id: str) -> tuple[Bounce, ...]:
    bounces: dict[tuple[str, str], Bounce] = {}
    for one in reports:
        code = _code(one)
        reply_match = REPLY.search(one.words)
        reply = reply_match[1] if reply_match else ""
        reason = reason_of(one.words, code, category=one.category)
        hard = is_hard(reason, code, reply) and one.action != "delayed"
        words = headers.one_line(one.words, MAX_TEXT_LENGTH)
        text = Bounce(one.recipient, hard, code, reply, reason, words, message_id, is_final=one.action != "delayed")
        bounces.setdefault((one.recipient, reason), text)
    return tuple(bounces.values())


def _code(one: _Report) -> str:
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
