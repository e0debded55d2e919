"""An e-mail that another system hands in as text: read as one that came by itself."""

from __future__ import annotations

from collections.abc import Sequence

from messaging.channels.base import ReceivedFile, ReceivedMail
from messaging.channels.fields import MAX_BODY_LENGTH
from messaging.channels.mail import headers
from messaging.channels.mail.automatic import NO_REPLY, is_no_reply
from messaging.channels.mail.html import clean_html, to_text
from messaging.channels.mail.replies import fold
from messaging.channels.mail.writer import other_address
from messaging.channels.text import clean


def submitted(
    *,
    text: str,
    html: str = "",
    to: str = "",
    cc: Sequence[str] = (),
    in_reply_to: str = "",
    references: Sequence[str] = (),
    files: Sequence[ReceivedFile] = (),
    sender: str = "",
    reply_addresses: Sequence[tuple[str, str]] = (),
) -> tuple[str, ReceivedMail]:
    """What the person wrote, and what the mail has besides; of one with HTML only, the text in it. Never raises."""
    quoted = ""
    if not text.strip() and html:
        text, quoted = to_text(html)
    reply, folded = fold(text)
    addresses = [address for _, address in headers.addresses([to])] if to else []
    copies = [address for _, address in headers.addresses(list(cc))]
    mail = ReceivedMail(
        html=clean_html(html) if html else "",
        folded=clean("\n\n".join(part for part in (folded, quoted) if part.strip())),
        to=addresses,
        cc=copies,
        recipients=[*addresses, *copies],
        in_reply_to=headers.identifiers([in_reply_to]) if in_reply_to else [],
        references=headers.identifiers(list(references)),
        files=files,
        automatic=NO_REPLY if is_no_reply(sender) else "",
        reply_to=other_address(reply_addresses, sender),
    )
    return clean(reply).strip("\n").rstrip()[:MAX_BODY_LENGTH], mail
