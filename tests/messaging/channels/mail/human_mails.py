"""Mails that people wrote, made of the very words that the code looks for in mails of machines.

The words come from the code's own lists and patterns, so that a word added there is in the set at once. Each stands in
a sentence of one of twelve languages, as the subject, in the text or in both, in a new mail or in an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final

from messaging.channels.mail import automatic, bounce_reasons, bounces

# Subject, text before the words, text after them.
SENTENCES: Final = {
    "en": ("About this: {}", "Hello, this morning I read “", "” and don’t understand it. Can you help?"),
    "de": ("Frage: {}", "Guten Tag, bei mir steht „", "“. Was heißt das? Viele Grüße"),
    "fr": ("Question : {}", "Bonjour, on m’a écrit « ", " ». Que dois-je faire ?"),
    "es": ("Consulta: {}", "Hola, me ha salido «", "» y no sé qué hacer. Gracias"),
    "pt": ("Dúvida: {}", "Bom dia, apareceu “", "” na minha encomenda. Obrigada"),
    "it": ("Domanda: {}", "Buongiorno, leggo «", "» sul pacco. Grazie"),
    "nl": ("Vraag: {}", "Goedemorgen, er staat ‘", "’ op mijn bestelling. Groet"),
    "sv": ("Fråga: {}", "Hej, på lappen står ”", "”. Vad betyder det?"),
    "pl": ("Pytanie: {}", "Dzień dobry, na paczce było „", "”. Co dalej?"),
    "ru": ("Вопрос: {}", "Добрый день, написано «", "». Что это значит?"),
    "ja": ("質問 {}", "こんにちは。「", "」と書いてありました。教えてください。"),
    "ar": ("سؤال {}", "مرحبا، وصلني «", "». ماذا أفعل؟"),
}  # fmt: skip
OUR_ID: Final = "<019f0000-0000-7000-8000-000000000000@harbour.example>"


@dataclass(frozen=True)
class HumanMail:
    """One of them; `words` are what a list of the code looks for."""

    language: str
    words: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.language}: {self.words}"


def all_words() -> list[str]:
    """Every word and phrase by which the code reads mails of machines."""
    found: dict[str, None] = {}
    for pattern in (bounces._SUBJECT, bounces._NOTICE, bounces._RETURNED, automatic._ANSWER_SUBJECT):
        found.update(dict.fromkeys(_examples(pattern)))
    for _, phrases in bounce_reasons._PHRASES:
        found.update(dict.fromkeys(phrases))
    for table in (bounce_reasons._UNKNOWN, bounce_reasons._SURE, bounce_reasons._PERSON, bounce_reasons._AT_RCPT):
        found.update(dict.fromkeys(table))
    return [words for words in (word.strip() for word in found) if words]


def human_mails() -> Iterator[HumanMail]:
    """The set: each of the words once, through languages, places and kinds in turn; and whole notices, pasted."""
    languages = list(SENTENCES)
    for number, words in enumerate(all_words()):
        language = languages[number % len(languages)]
        yield HumanMail(language, words, _mail(number, language, words))
    for number, language in enumerate(languages):
        yield HumanMail(language, "a whole notice", _mail(number, language, PASTED))


# What somebody copies out of a mail that came back to them, and asks about.
PASTED: Final = (
    "Undelivered Mail Returned to Sender\nThis message was not delivered to:\n<bo@shop.example>: 550 5.1.1 User unknown"
    "\nReporting-MTA: dns; mx.shop.example\n\nFinal-Recipient: rfc822; bo@shop.example\nAction: failed\nStatus: 5.1.1\n"
)


def _mail(number: int, language: str, words: str) -> bytes:
    subject, before, after = SENTENCES[language]
    place, is_answer = number % 4, number % 2 == 1
    mail = EmailMessage()
    mail["From"] = f"Person {number} <person{number}@mail{number % 7}.example>"
    mail["To"] = "desk@harbour.example"
    line = words.split("\n")[0]
    titles = (line, subject.format(line), "Hello", f"Re: {line}")
    mail["Subject"] = titles[place].strip() or "Hello"
    mail["Message-ID"] = f"<{number}.{language}@mail.example>"
    if is_answer:
        mail["In-Reply-To"] = mail["References"] = OUR_ID
    mail.set_content(f"{words}\n\n{before}{words}{after}\n" if place else f"{before}{words}{after}\n")
    return bytes(mail)


def _examples(pattern: re.Pattern[str]) -> list[str]:
    """A text for each branch of a pattern."""
    return [text for text in _of(re._parser.parse(pattern.pattern, pattern.flags)) if pattern.search(text)]


def _of(tree: Any) -> list[str]:
    texts = [""]
    for operation, value in tree:
        endings = _ending(str(operation), value)
        texts = [text + ending for text in texts for ending in endings][:400]
    return texts


def _ending(operation: str, value: Any) -> list[str]:
    if operation == "LITERAL":
        return [chr(value)]
    if operation == "BRANCH":
        return [text for branch in value[1] for text in _of(branch)]
    if operation == "SUBPATTERN":
        return _of(value[3])
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, _, tree = value
        return ["", *_of(tree)][:3] if least == 0 else [text * least for text in _of(tree)]
    if operation == "IN":
        kinds = [(str(kind), one) for kind, one in value]
        if kinds[0][0] == "CATEGORY":
            return ["a" if "NOT" not in str(kinds[0][1]) and "WORD" in str(kinds[0][1]) else " "]
        return [chr(one if isinstance(one, int) else one[0]) for kind, one in kinds if kind in ("LITERAL", "RANGE")][:2]
    return ["a"] if operation == "ANY" else [""]
