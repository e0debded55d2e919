"""What each line of a mail's text is: the person's own, or something that a mail program put there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from messaging.channels.mail import reply_words as words

MAX_LINE_LENGTH: Final = 1000  # characters; a longer line is somebody's text, whatever stands in it
_WINDOW: Final = 6  # lines over which "On Monday, X wrote:" may be wrapped
_WIDEST: Final = 500  # characters of such an introduction


class Line(Enum):
    """What a line is."""

    EMPTY = "empty"
    QUOTE = "quote"
    INTRODUCTION = "introduction"  # "On Monday, X wrote:", each line of it
    ORIGINAL = "original"  # "-----Original Message-----" and its like: what follows is another mail
    HEADER = "header"  # "From: …"
    DELIMITER = "delimiter"  # "--", "____"
    SIGNATURE = "signature"  # "Sent from my iPhone"
    TEXT = "text"


def _any(table: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(set(table), key=len, reverse=True))


_WROTE: Final = re.compile(rf"(?:^|(?<![^\W_]))(?:{_any(w for w in words.WROTE if w.isascii() or w[0].isalpha())})")
_WROTE_AT_END: Final = re.compile(rf"(?:{_any(words.WROTE)})(?:\s*\(\w{{1,4}}\))?\s*[-–—]*\s*[:：]?\s*$", re.IGNORECASE)
_ON: Final = re.compile(rf"[-–—\s*\u200e\u200f]*(?:{_any(words.ON)})(?=[\s\d,.:‪‏]|$)", re.IGNORECASE)
_WEEKDAY: Final = re.compile(rf"[-–—\s*]*(?:{_any(words.WEEKDAYS)})[^\W\d]*+[.,]?\s*+(?:,\s*+)?\d", re.IGNORECASE)
_DATE_FIRST: Final = re.compile(
    r"[-–—\s*]*(?:\d{4}\s?[-/.년年]\s?\d{1,2}|\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2,4}"
    r"|\d{1,2}\.?\s+(?:de\s+)?[^\W\d]{3,12}\.?,?\s+(?:de\s+)?\d{4})"
)
_TIME: Final = re.compile(r"\d{1,2}\s?[:.h時时시点]\s?\d{2}")
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_DIGIT: Final = re.compile(r"\d")
_ADDRESS: Final = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,190}")
_ENDS_IN_ADDRESS: Final = re.compile(r"<[^\s<>@]{1,64}@[^\s<>@]{1,190}>\s?[:：]$")
_ENDS_OPEN: Final = re.compile(r"[:：](?:\*|\s)*$")
_WITHOUT_VERB: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\s.{1,200}<[^\s<>@]+@[^\s<>@]+>\s*:?$")
_LEAD: Final = re.compile(r"[\W_]*")
_ORIGINAL: Final = re.compile(rf"(?:\w+\W{{1,3}}){{0,2}}(?:{_any(words.ORIGINAL)})", re.IGNORECASE)
_BEGIN_FORWARDED: Final = re.compile(
    rf"(?:{_any((*words.BEGIN_FORWARDED, *words.ORIGINAL))})[^:：]{{0,20}}[:：]\W{{0,5}}$", re.IGNORECASE
)
_ABOVE: Final = re.compile(rf".{{0,40}}(?:{_any(words.ABOVE)})", re.IGNORECASE)
_COLON: Final = re.compile("[:：]")
_HEADER_KINDS: Final = {name: kind for kind, names in words.HEADER_NAMES.items() for name in names}
_DELIMITER: Final = re.compile(r"\s*[-–—_=+~#*ᐧ•·]{2,}\s*$|\s*[—ᐧ–]\s*$")
_SENT_BY: Final = re.compile(
    rf"(?:{_any(words.SENT)})(?![^\W\d_]{{2}}).*?(?:(?<![^\W_])(?:{_any(words.DEVICES)})(?![^\W_]{{7}}))",
    re.IGNORECASE,
)
_SENT_FROM: Final = re.compile(
    r"(?:sent|posted|typed|written)\s+(?:from|by|with|via|using|on|through)\s+(?:my|an?|mobile)\b"
    r"|sent\s+from\s+\W{0,2}(?-i:[A-Z])[^.!?]{1,60}\W*$"
    rf"|(?:sent|posted)\s+(?:by|with|via|using|from)\s.{{0,40}}(?<![^\W_])(?:{_any(words.DEVICES)}|mail|phone)\b"
    r"|from\s+my\s+(?:i?phone|ipad|mobile|android|cell|galaxy|samsung|blackberry|tablet)\b"
    rf"|(?:{_any(words.GET)})\s+\[?(?:outlook|bluemail|typeapp|spark|mymail|yahoo\s+mail)\b"
    r"|von\s.{1,40}\sgesendet\W*$|(?:\w+\s){1,2}from\s+mobile\W*$",
    re.IGNORECASE,
)
_DEVICE_THEN_SENT: Final = re.compile(
    r"(?:從我的|从我的|發自我的|发自我的|来自我的|來自我的).{1,40}"
    r"|.{1,40}(?:から送信|에서 보냄|에서 보낸 메일|에서 작성|에서 전송)\W*$"
    r"|.{1,30}(?:jestäni|estani|llani)\s+lähetetty\W*$|.{1,40}(?:-den|-dan|dan|den|ümden|umdan)\s+gönderildi\W*$"
    r"|.{1,40}(?:emről|omról|ről|ról)\s+küldve\W*$",
    re.IGNORECASE,
)
_CLOSES_ADDRESS: Final = re.compile(
    rf"\s*+>\s*+(?:(?:{_any(words.WROTE)})[^:：]{{0,40}})?\s*+[:：]\s*+$", re.IGNORECASE
)
_MAX_SIGNATURE_LENGTH: Final = 160  # characters of a line as "Sent from my iPhone"


def classify(lines: Sequence[str]) -> list[Line]:
    """What each line is. Takes time in proportion to the text's length."""
    kinds = [_alone(line) for line in lines]
    _open_brackets(lines, kinds)
    _protect_code(lines, kinds)
    _mark_introductions(lines, kinds)
    _mark_headers(lines, kinds)
    return kinds


def header_kind(line: str) -> str:
    """Which header a line as "From: …" is: from, date, to, subject or other; empty for none."""
    parts = _COLON.split(line[:60], maxsplit=1)
    return (
        _HEADER_KINDS.get(" ".join(parts[0].strip(" \t*_|\xa0\u200e\u200f").casefold().split()), "")
        if parts[1:]
        else ""
    )


def _alone(line: str) -> Line:
    """What a line is by itself."""
    bare = line.strip().strip("\u200b\u200e\u200f\ufeff\xa0").strip()
    if not bare:
        return Line.EMPTY
    if bare[0] in ">＞" or bare.startswith(("&gt;", "| >")):
        return Line.QUOTE
    if len(line) > MAX_LINE_LENGTH:
        return Line.TEXT
    if _DELIMITER.match(bare):
        return Line.DELIMITER
    head = bare[:200]
    core = head[_LEAD.match(head).end() :]  # type: ignore[union-attr]  # it matches the empty text too
    dashes = sum(character in "-–—_=*#~" for character in head[: len(head) - len(core)])
    if (dashes >= 2 and _ORIGINAL.match(core)) or _BEGIN_FORWARDED.match(core) or _ABOVE.match(core):
        return Line.ORIGINAL
    return Line.SIGNATURE if len(bare) <= _MAX_SIGNATURE_LENGTH and _is_signature(core) else Line.TEXT


def _is_signature(core: str) -> bool:
    """Whether a line tells by which device or program the mail was sent, and nothing else."""
    return bool(_SENT_FROM.match(core) or _SENT_BY.match(core) or _DEVICE_THEN_SENT.match(core))


def _open_brackets(lines: Sequence[str], kinds: list[Line]) -> None:
    """A line as "> wrote:" is no quote where it closes the bracket of an address that was wrapped."""
    for number, line in enumerate(lines):
        if kinds[number] is Line.QUOTE and number and _CLOSES_ADDRESS.match(line[:_WIDEST]):
            above = " ".join(lines[max(0, number - 2) : number])[-_WIDEST:]
            if above.count("<") > above.count(">"):
                kinds[number] = Line.TEXT


def _protect_code(lines: Sequence[str], kinds: list[Line]) -> None:
    """Between ``` and ``` everything is text; a fence that nothing closes protects nothing."""
    fences = [number for number, line in enumerate(lines) if line.lstrip()[:3] in ("```", "~~~")]
    for start, end in zip(fences[::2], fences[1::2], strict=False):
        kinds[start : end + 1] = [Line.TEXT] * (end + 1 - start)


def _mark_introductions(lines: Sequence[str], kinds: list[Line]) -> None:
    following = _next_kinds(kinds)
    for end, line in enumerate(lines):
        if kinds[end] is not Line.TEXT or len(line) > MAX_LINE_LENGTH:
            continue
        start = _introduction_start(lines, kinds, end, is_quoted=following[end] is Line.QUOTE)
        if start is not None:
            kinds[start : end + 1] = [Line.INTRODUCTION] * (end + 1 - start)


def _next_kinds(kinds: Sequence[Line]) -> list[Line]:
    """For each line what the next line that is not empty is; EMPTY for the last."""
    following, result = [Line.EMPTY] * len(kinds), Line.EMPTY
    for number in range(len(kinds) - 1, -1, -1):
        following[number] = result
        if kinds[number] is not Line.EMPTY:
            result = kinds[number]
    return following


def _introduction_start(lines: Sequence[str], kinds: Sequence[Line], end: int, *, is_quoted: bool) -> int | None:
    """Where the introduction begins whose last line is `end`; None where there is none."""
    last = lines[end].strip()
    if _WITHOUT_VERB.match(last[:_WIDEST]) and not is_quoted:
        return end
    if not (_ENDS_OPEN.search(last[-10:]) or _WROTE_AT_END.search(last[-60:])):
        return end if is_quoted and _WITHOUT_VERB.match(last[:_WIDEST]) else None
    weak, text = None, ""
    for start in _window(lines, kinds, end):
        text = f"{lines[start].strip()} {text}".strip()
        if len(text) > _WIDEST:
            break
        if not _introduces(text, is_quoted=is_quoted):
            continue
        if _begins(lines[start], text):
            return start
        weak = start if weak is None else weak
    return weak


def _window(lines: Sequence[str], kinds: Sequence[Line], end: int) -> Iterable[int]:
    """The lines from `end` upwards that may belong to one introduction: no empty one but before a "<" alone."""
    yield end
    for start in range(end - 1, max(-1, end - _WINDOW), -1):
        if kinds[start] is Line.EMPTY:
            if not lines[start + 1].lstrip().startswith("<"):
                return
        elif kinds[start] is Line.TEXT:
            yield start
        else:
            return


def _begins(line: str, text: str) -> bool:
    """Whether an introduction may begin with this line."""
    if _WEEKDAY.match(line) or _DATE_FIRST.match(line):
        return True
    return bool(_ON.match(line)) and bool(_DIGIT.search(line) or _DIGIT.search(text[: len(line) + 20]))


def _introduces(text: str, *, is_quoted: bool) -> bool:
    """Whether the text, made one line, says who wrote when."""
    verb = _WROTE.search(text.casefold()) or _WROTE_AT_END.search(text)
    is_dated = bool(_TIME.search(text) or (_YEAR.search(text)))
    is_addressed = bool(_ADDRESS.search(text))
    if is_quoted:
        if is_addressed and (is_dated or verb or len(text) <= _WIDEST // 4):
            return True
        return bool(verb and (is_dated or (len(text) <= 100 and _WROTE_AT_END.search(text)) or _DIGIT.search(text)))
    if not verb:
        return bool(_TIME.search(text) and (_ENDS_IN_ADDRESS.search(text) or (is_addressed and _ON.match(text))))
    return (is_addressed and (is_dated or bool(_WROTE_AT_END.search(text)))) or bool(
        _TIME.search(text) and (_ON.match(text) or _DATE_FIRST.match(text) or _WEEKDAY.match(text))
    )


def _mark_headers(lines: Sequence[str], kinds: list[Line]) -> None:
    """Three header lines in a row are a mail's head, two where the first names a sender, the second a time."""
    number = 0
    while number < len(lines):
        end, result = _header_block(lines, kinds, number)
        if len(result) >= 3 or (len(result) == 2 and result[0] == "from" and result[1] == "date"):
            kinds[number:end] = [Line.HEADER] * (end - number)
        number = max(end, number + 1)


def _header_block(lines: Sequence[str], kinds: Sequence[Line], start: int) -> tuple[int, list[str]]:
    """Where the headers that begin at `start` end, and which they are. A value may go on over two more lines."""
    results: list[str] = []
    end = number = start
    loose = 0
    while number < len(lines) and loose <= 2:
        kind = header_kind(lines[number]) if kinds[number] in (Line.TEXT, Line.INTRODUCTION) else ""
        if kind and not (kind == "other" and not results):
            if kind not in results or kind == "other":
                results.append(kind)
            loose, end = 0, number + 1
        elif not results or kinds[number] not in (Line.TEXT, Line.EMPTY):
            break
        else:
            loose += 1
        number += 1
    return end, results if len(set(results) - {"other"}) >= 2 else []
