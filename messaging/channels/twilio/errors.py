"""Twilio's error codes: the next step after each, and the text for the people who wait for the message.

The codes are those of https://www.twilio.com/docs/api/errors. Some arrive in the answer to a send, some later with a
status; the meaning is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from messaging.channels.base import AGAIN, ErrorMeaning, Retry, SendError, SendUnconfirmed

_ADMIN = "Ask an administrator"
_OTHER_WAY = "Check the number, or reach the person another way."

_TABLE: Final[Mapping[Retry, Mapping[str, str]]] = {
    Retry.NEVER: {
        "21211": f"This is not a valid phone number. {_OTHER_WAY}",
        "21612": f"Twilio can't reach this number by SMS from this sender. {_OTHER_WAY}",
        "21614": f"This is not a mobile number, it can't receive SMS. {_OTHER_WAY}",
        "30005": f"The number does not exist or is out of service. {_OTHER_WAY}",
        "30006": f"This is a landline, or its network takes no messages. {_OTHER_WAY}",
        "63003": f"WhatsApp does not know this recipient. {_OTHER_WAY}",
        "63024": f"This number can't receive WhatsApp messages. {_OTHER_WAY}",
        "63032": "WhatsApp does not let this person be written to. Reach them another way.",
        "63049": "WhatsApp held this marketing message back; the person gets many. Reach them another way.",
    },
    Retry.FIX: {
        "20003": f"Twilio did not accept the credentials. {_ADMIN} to enter the account SID and auth token again.",
        "20404": f"Twilio does not know this account. {_ADMIN} to check the account SID of the channel.",
        "21212": f"The channel's number can't be a sender. {_ADMIN} to check the channel's address.",
        "21408": f"The Twilio account may not send to this country. {_ADMIN} to allow it under geographic permissions.",
        "21602": "The message is empty. Write a text and send it again.",
        "21603": f"The channel has no sender. {_ADMIN} to set its number or messaging service.",
        "21604": "The customer has no address on this channel. Add one and send it again.",
        "21606": f"The channel's number can't send messages to this destination. {_ADMIN} to choose another sender.",
        "21608": "A trial account may write to verified numbers only. Verify this one at Twilio, or upgrade.",
        "21609": f"Twilio refused the address for delivery reports. {_ADMIN} to check PUBLIC_BASE_URL.",
        "21617": "The text is longer than 1600 characters. Shorten it or send it in parts.",
        "21619": "Twilio could not make a message of this. Check the text and send it again.",
        "21620": "Twilio could not use the attached file's address. Attach the file again.",
        "21623": "There are too many files in this message. Send at most ten.",
        "21654": "The template is missing. Choose the template again.",
        "21655": "Twilio does not know this template. Choose another, or have its content SID checked.",
        "21656": "The template's values are not right. Check that every placeholder has a value.",
        "21658": "A part of the message is too long. Shorten it and send it again.",
        "21701": f"The messaging service does not exist. {_ADMIN} to check the channel's messaging service SID.",
        "21703": f"The messaging service has no number for this destination. {_ADMIN} to add one at Twilio.",
        "21704": f"The messaging service has no numbers. {_ADMIN} to add one at Twilio.",
        "21910": f"Sender and recipient are on different kinds of channel. {_ADMIN} to check the channel's address.",
        "30002": f"The Twilio account is suspended. {_ADMIN} to look at the Twilio console.",
        "30007": "A network took the message for spam. Change the text: no link shorteners, no shouting.",
        "30019": "The file is too large for the recipient's network. Send a smaller one.",
        "30034": f"The number is not registered for sending to the United States. {_ADMIN} to register it (A2P 10DLC).",
        "35111": "The message was to be scheduled without a time. Choose a time and send it again.",
        "35114": "Twilio can't schedule for this time. Choose a time between 15 minutes and 35 days from now.",
        "35118": f"Scheduling needs a messaging service. {_ADMIN} to set one for the channel.",
        "63001": f"WhatsApp refused the channel's credentials. {_ADMIN} to check the sender at Twilio.",
        "63002": f"WhatsApp does not know the channel's number. {_ADMIN} to check the sender at Twilio.",
        "63005": "WhatsApp did not accept this content. Change the text or the file and send it again.",
        "63006": "WhatsApp can't show this content. Change the text or the file and send it again.",
        "63007": f"Twilio knows no WhatsApp sender with the channel's number. {_ADMIN} to check the channel's address.",
        "63008": f"The WhatsApp sender is not set up rightly. {_ADMIN} to check it in the Twilio console.",
        "63013": "WhatsApp says the message breaks its rules. Change the text and send it again.",
        "63015": "In the sandbox only people who have joined it can be written to. Ask the person to join first.",
        "63019": "WhatsApp could not fetch the attached file. Attach it again.",
        "63020": f"The WhatsApp business account has a problem. {_ADMIN} to look at Meta's Business Manager.",
        "63021": "WhatsApp found the content invalid. Change the text or the template's values and send it again.",
        "63027": "The template does not exist in this language. Choose another language or template.",
        "63028": "The template needs another number of values. Fill every placeholder and send it again.",
        "63030": "The template has a part that WhatsApp does not take. Choose another template.",
        "63031": "Sender and recipient are the same number. Check the customer's number.",
        "63034": "The file is too large for WhatsApp. Send a smaller one.",
        "63040": "WhatsApp rejected the template. Choose another, or have this one approved again.",
        "63042": "WhatsApp disabled the template for its low quality. Choose another.",
        "63051": f"The WhatsApp business account is locked. {_ADMIN} to look at Meta's Business Manager.",
    },
    Retry.LATER: {
        "14107": f"The sender sends faster than it may. {AGAIN}",
        "21611": f"Too many messages wait at this sender. {AGAIN}",
        "30001": f"Too many messages wait at this sender. {AGAIN}",
        "30003": f"The phone can't be reached, it may be switched off. {AGAIN}",
        "30008": f"The network did not deliver it and did not say why. {AGAIN}",
        "30036": f"The message waited too long to be delivered. {AGAIN}",
        "63009": f"WhatsApp has a trouble of its own. {AGAIN}",
        "63010": f"Twilio has a trouble of its own. {AGAIN}",
        "63012": f"WhatsApp has a trouble of its own. {AGAIN}",
        "63018": f"The WhatsApp sender is at its limit for now. {AGAIN}",
        "63038": f"The account has reached its messages for today. {AGAIN}",
        "63041": f"WhatsApp paused the template for its low quality. {AGAIN} Or choose another template.",
    },
    Retry.BACKOFF: {
        "20429": f"Twilio asks us to go slower. {AGAIN}",
    },
    Retry.SUPPRESS: {
        "21610": "The person has opted out of messages from this number. Only their START can change that.",
        "30004": "The person or their network blocks messages from this number. It is not written to again.",
        "63014": "The person has blocked this sender on WhatsApp. It is not written to again.",
        "63033": "The person has blocked this sender on WhatsApp. It is not written to again.",
    },
    Retry.TEMPLATE: {
        "63016": "More than 24 hours have passed since the person's last message. Send an approved template instead.",
    },
    Retry.RECONCILE: {
        "20500": "Twilio had an internal error and may have taken the message. It is being looked up.",
        "20503": "Twilio was unavailable and may have taken the message. It is being looked up.",
        "30410": "The network did not answer Twilio in time and may have the message. It is being looked up.",
    },
}

MEANINGS: Final[Mapping[str, ErrorMeaning]] = {
    code: ErrorMeaning(retry, message) for retry, messages in _TABLE.items() for code, message in messages.items()
}


def explain(code: str) -> ErrorMeaning:
    """The meaning of a code that came with a status; an unknown one is tried again."""
    if known := MEANINGS.get(code):
        return known
    named = f"with error {code}" if code else "without saying why"
    return ErrorMeaning(Retry.LATER, f"Twilio could not deliver the message, {named}. {AGAIN}")


def refusal(status: int, code: str, retry_after: timedelta | None) -> SendError | SendUnconfirmed:
    """The exception for an answer that is not a success, from its HTTP status and Twilio's code.

    After a 5xx or a 408 nobody knows whether the message was taken. A code we don't know in a 4xx is for a person.
    """
    meaning = MEANINGS.get(code) or _unknown(status, code)
    if meaning.retry is Retry.RECONCILE or status >= 500 or status == 408:
        return SendUnconfirmed(f"Twilio answered {status} (error {code}); it may have taken the message.")
    return SendError(code, meaning.message, meaning.retry, retry_after=retry_after)


def known_refusal(code: str) -> SendError:
    """The refusal that Twilio would give, for what we can see before asking it."""
    return SendError(code, MEANINGS[code].message, MEANINGS[code].retry)


def _unknown(status: int, code: str) -> ErrorMeaning:
    if status == 429:
        return ErrorMeaning(Retry.BACKOFF, MEANINGS["20429"].message)
    return ErrorMeaning(
        Retry.FIX,
        f"Twilio refused the message with error {code}. {_ADMIN} to look it up at twilio.com/docs/api/errors/{code}.",
    )
