"""A bounce settles the mail it speaks of; a hard one stops the address."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from messaging.channels.base import Bounce, ReceivedMail, Retry
from messaging.delivery import statuses, suppressions
from messaging.delivery.statuses import Failure
from messaging.intake import mail_references
from messaging.models import Channel, MailDetails, Message
from messaging.threads import mail_threads

# A bounce that names no message is taken for the newest mail to its recipient, if that is not older.
OLDEST = timedelta(days=5)

WORDS = {
    "userunknown": "There is no such mailbox.",
    "hostunknown": "There is no such mail domain.",
    "hasmoved": "The mailbox has moved.",
    "mailboxfull": "The mailbox is full.",
    "mesgtoobig": "The mail was too large for the mailbox.",
    "spamdetected": "The mail was taken for spam.",
    "blocked": "The recipient’s server does not take mail from ours.",
    "authfailure": "The recipient’s server could not verify that the mail is ours (SPF, DKIM or DMARC).",
    "policyviolation": "The recipient’s server refused it by its rules.",
    "rejected": "The recipient’s server refused the sender.",
    "filtered": "The recipient’s server filtered it out.",
    "expired": "It could not be delivered for too long.",
    "networkerror": "The recipient’s server could not be reached.",
    "suspend": "The mailbox is suspended.",
}


def settle(*, channel: Channel, mail: ReceivedMail) -> str:
    """Apply what a mail server says of mails of ours; in words, what was done."""
    done = [one for bounce in mail.bounces if (one := _settle(channel, mail, bounce))]
    if not mail.bounces:
        return "a bounce that names nobody"
    return ("a bounce: " + "; ".join(done))[:200] if done else "a bounce of no mail of ours"


def message_of(*, channel: Channel, mail: ReceivedMail) -> Message | None:
    """The first message of ours that a bounce speaks of; one that is not sure has to name it by its id."""
    return next((result for one in mail.bounces if (result := _message_of(channel, mail, one)) is not None), None)


def explain(bounce: Bounce) -> str:
    """Why a mail came back, and what to do, in plain words."""
    why = WORDS.get(bounce.reason, "The mail server gave it back.")
    what = "Correct the address, or reach the person another way." if bounce.is_hard else "Try again later."
    reply = f" The server said: {bounce.text[:200]}" if bounce.text else ""
    return f"{why} {what}{reply}"


def _settle(channel: Channel, mail: ReceivedMail, bounce: Bounce) -> str:
    message = _message_of(channel, mail, bounce)
    if message is None:
        return ""
    if not bounce.is_final:
        return "late, and still tried"
    recipient = bounce.recipient or message.address.lower()
    is_copy = recipient != message.address.lower() and _is_copy(message, recipient)
    # Where only the address fits, anybody could have written the bounce: it settles the mail, and stops nothing.
    if bounce.is_hard and (is_copy or _is_named(message, channel, mail, bounce)):
        suppressions.suppress(
            message=message,
            # Anybody can write a bounce that names anybody: only where we wrote to is ever stopped. Another name in it
            # is where the recipient has their mail sent on to.
            address=recipient if is_copy else message.address,
            code=bounce.code or bounce.reply,
            reason=WORDS.get(bounce.reason, "The mail server gave a mail back for good."),
        )
    if is_copy:
        return f"{recipient} (a copy)"
    code = " ".join(part for part in (bounce.reply, bounce.code) if part) or bounce.reason or "bounced"
    return statuses.advance(
        message_id=message.pk, status=Message.Status.FAILED, failure=Failure(code, explain(bounce), Retry.NEVER)
    )


def _message_of(channel: Channel, mail: ReceivedMail, bounce: Bounce) -> Message | None:
    # Who is away answers with a machine's signs as well: only the returned mail's own id makes such a one a bounce.
    ids = [bounce.message_id, *(mail_references.referenced_ids(mail) if mail.is_sure_bounce else ())]
    result = mail_references.messages_with(channel.organization, ids)
    for one in ids:
        if (message := result.get(one)) is not None and message.direction == Message.Direction.OUTBOUND:
            return message
    if not mail.is_sure_bounce:
        return None
    sent = Message.objects.filter(
        organization=channel.organization,
        direction=Message.Direction.OUTBOUND,
        created_at__gte=timezone.now() - OLDEST,
        sent_at__isnull=False,
        channel__kind=channel.kind,
    ).order_by("-created_at", "-id")
    named = mail_threads.conversation_named(mail.recipients)
    if named is not None:
        return sent.filter(conversation=named).first()
    if not bounce.recipient:
        return None
    return sent.filter(address__iexact=bounce.recipient).first()


def _is_named(message: Message, channel: Channel, mail: ReceivedMail, bounce: Bounce) -> bool:
    """Whether the bounce shows that it knows the mail: by an id of it, or by the signed address it came back to."""
    ids = [bounce.message_id, *mail_references.referenced_ids(mail)]
    if message.provider_message_id.strip("<>") in ids:
        return True
    return mail_threads.conversation_named(mail.recipients) == message.conversation_id


def _is_copy(message: Message, recipient: str) -> bool:
    copies = MailDetails.objects.filter(message=message).values_list("cc", flat=True).first() or []
    return recipient in copies
