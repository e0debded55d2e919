"""Why a server did not deliver, from its words and codes, and whether the address will take mail later.

The words weigh more than the codes: many servers send 5.1.1 for a full mailbox and 5.0.0 for everything. Only a few
reasons are hard: nobody has the address, its domain does not exist, its owner moved, its host takes no mail at all.
"""

from __future__ import annotations

import re
from typing import Final

HARD: Final = frozenset(("userunknown", "hostunknown", "hasmoved", "notaccept"))

ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_LINK: Final = re.compile(r"https?://\S+|<[^<>\s]*>")
REPLY: Final = re.compile(r"(?<![\d.#@\w-])([45][0-5]\d)(?=[\s#:;,)<\]'\"-]|$)")

# In this order: the first that is found is the reason.
_PHRASES: Final = (
    ("feedback", ("abuse report",)),
    (
        "authfailure",
        ("spf", "dkim", "dmarc", "sender policy framework", "unauthenticated", "not authenticated", "domainkeys",
         "authentication checks", "authentication-results", "does not pass authentication", "email authentication"),
    ),
    (
        "speeding",
        ("too many recipients this hour", "sent to too many recipients", "rate limit", "ratelimit",
         "too many messages",
         "sending rate", "too fast", "throttl", "too much mail", "rate that prevents", "receiving mail too quickly",
         "receiving mail at a rate", "message rate", "unusual rate", "exceeded the rate", "slow down",
         "maximum rate"),
    ),
    (
        "toomanyconn",
        ("too many connections", "too many concurrent", "concurrent connections", "connection limit",
         "too many sessions", "too many simultaneous", "max connections", "connection rate limit"),
    ),
    (
        "virusdetected",
        ("virus", "malware", "infected", "ransomware", "trojan"),
    ),
    (
        "spamdetected",
        ("spam", "unsolicited", "bulk email", "bulk e-mail", "bulk mail", "junk mail", "content rejected",
         " ube", "ube,",
         "mail rejete", "message content rejected", "phishing", "viagra", "mail contains url",
         "message looks like", "scored as", "spamscore", "high probability of spam", "cloudmark", "bogofilter"),
    ),
    (
        "blocked",
        ("blocked using", "blocked by", "blacklist", "black list", "blocklist", "block list", "block-list", "rbl",
         "dnsbl", "spamhaus", "spamcop", "barracudacentral", "senderbase", "senderscore", "listed at", "listed by",
         "listed on", "poor reputation", "bad reputation", "low reputation", "reputation", "client host rejected",
         "your ip", "banned", "ip address has been", "ip address is", "access denied by",
         "connection refused by policy",
         "cannot find your hostname", "no ptr", "reverse dns", "ptr record", "rdns", "dynamic ip", "greylist",
         "graylist", "client host [", "bad helo", "invalid helo", "helo command rejected", "hostname lookup",
         "sender ip", "your server", "is not allowed to connect", "service refused", "refused to talk to me",
         "we do not accept mail from", "temporarily deferred due to user complaints", "user complaints", "cs01",
         "blocked", "not allowed to send", "your network", "banned sending"),
    ),
    (
        "mailboxfull",
        ("mailbox full", "mailbox is full", "mail box full", "mailbox size", "mailbox exceeds", "over quota",
         "overquota", "over-quota", "quota exceeded", "exceeded quota", "quota exceed", "exceeded storage",
         "quota full",
         "exceeds allowed size", "is full", "inbox full", "not enough storage", "storage exceeded", "disk quota",
         "quotaexceeded", "exceed mailbox", "exceeded its quota", "exceeded the quota", "insufficient quota",
         "no space left", "account is full", "mailfolder is full", "folder is full", "out of storage", "size quota",
         "exceeded email quota", "is over disk quota", "mail quota", "boite du destinataire pleine", "is at capacity",
         "mailbox has exceeded", "exceeded the maximum", "maildir over", "maildir delivery failed", "quota for user",
         "user is over", "account is over", "its mailbox", "delivery failed: over", "as their mailbox is full",
         "the number of messages in recipient's mailbox", "exceeded the local limit", "quota violation", "全容量",
         "メールボックス", "sin espacio", "buzón lleno", "quotaexceeded", "mailbox quota", "overquota"),
    ),
    (
        "mesgtoobig",
        ("message too large", "message too big", "message is too large", "message size exceeds", "size limit",
         "exceeds the maximum", "too big", "too large", "exceeded maximum", "message exceeds", "larger than",
         "recipsizelimit", "sendersizelimit", "exceeds size", "exceeds fixed", "message length exceeds",
         "size exceeds", "maximum message size", "message too long"),
    ),
    (
        "suspend",
        ("suspend", "account is disabled", "account disabled", "account has been disabled", "account inactive",
         "account is inactive", "inactive account", "mailbox is inactive", "mailbox is disabled", "mailbox disabled",
         "is disabled", "is inactive", "been deactivated", "account deactivated", "is a deactivated",
         "temporarily disabled",
         "mailbox is frozen", "mailbox is not active", "inactive user", "user is inactive",
         "disabled or discontinued",
         "account has been closed for", "not active", "is locked", "mailbox unavailable or access denied: suspended",
         "account that you tried to reach is disabled", "extended inactivity", "temporarily locked",
         "account expired", "account is not active", "currently suspended"),
    ),
    (
        "filtered",
        ("recipient preferences", "due to recipient", "user reject", "only accepting mail from",
         "only accepts mail from",
         "restricted sms", "blocked by the recipient", "refuse to receive", "user rules", "rst.notauthorized",
         "account is protected by", "cannot route mail to user", "not accepting any mail", "rejected by user"),
    ),
    (
        "norelaying",
        ("relaying", "relay access denied", "relay denied", "unable to relay", "permitted to relay", "open relay",
         "not relay", "relay not", "mail relay denied", "is not in my rcpthosts",
         "relaying not allowed", "relaying mail to", "sorry, that domain isn't in my list"),
    ),
    (
        "hasmoved",
        ("has been replaced by", "has moved", "user has moved", "changed address", "new address is",
         "address changed",
         "has changed to", "mailbox has moved", "recipient has moved"),
    ),
    (
        "notaccept",
        ("does not accept mail", "doesn't accept mail", "doesn't receive email according", "null mx", "nullmx",
         "host/domain does not accept", "name server: .: host not found", "no smtp service",
         "does not accept any mail",
         "domain does not accept", "smtp protocol returned a permanent error 556", "seem to reject all mails",
         "not accept any incoming"),
    ),
    (
        "rejected",
        ("sender rejected", "sender was rejected", "sender address rejected", "sender verify failed", "from address",
         "invalid sender", "sender denied", "bad sender", "unknown sender", "domain of sender", "sender domain",
         "sender address", "rejected sender", "sender is not", "mail from", "your envelope sender", "return path",
         "unverified address", "sender not authorized", "sender refused", "administratively denied", "backscatter",
         "message rejected because of its", "you are not allowed to post", "may not have permission to post",
         "you might not have permission", "not permitted to post", "access denied. bad"),
    ),
    (
        "networkerror",
        ("no route to host", "network is unreachable", "network unreachable", "connection refused", "mail loop",
         "loops back", "loop detected", "message loop", "message is looping", "hop count", "too many hops",
         "routing loop", "maximum allowed times", "too many received", "could not connect", "host unreachable",
         "connection reset", "lost connection", "malformed or unexpected name server reply",
         "maximum forwarding loop",
         "cname lookup failed", "wasn't able to establish an smtp", "host not reachable", "dns timeout",
         "temporary failure in mx", "server failure", "servfail", "unable to connect",
         "i couldn't connect", "delivered-to line"),
    ),
    (
        "hostunknown",
        ("host unknown", "unknown host", "host not found", "domain not found", "domain name not found",
         "no such domain",
         "domain does not exist", "domain doesn't exist", "unknown domain", "unrouteable address",
         "unroutable address",
         "unrouteable mail domain", "unroutable mail domain", "host lookup failed", "all host address lookups failed",
         "all relevant mx records", "nxdomain", "illegal host/domain", "couldn't find any host", "invalid domain",
         "domain is not reachable", "couldn't find a mail exchanger", "no such host", "nonexistentdomain",
         "non-existent domain", "name or service not known", "couldn't be found", "remote domain doesn't exist",
         "remote domain doesnt exist", "domain must exist", "bad destination host", "no route found to domain",
         "host or domain name not found", "recipient address has an invalid domain", "host does not exist",
         "bad domain", "no matching domain", "dns domain", "no mx or a records", "domain could not be found",
         "no mx record",
         "does not have a valid mx", "domain of the recipient",
         "destination server for this recipient could not be found"),
    ),
    ("expired",
        ("expired", "timed out", "timeout", "retry time", "could not be delivered for more",
         "could not be delivered within", "message has been in the queue", "still being retried",
         "has been delayed", "not yet been delivered", "queue too long", "failing for a long time"),
    ),
)  # fmt: skip

# The address is unknown, said by the server that keeps it.
_UNKNOWN: Final = (
    "user unknown", "unknown user", "unknown recipient", "recipient unknown", "no such user", "no such recipient",
    "no such mailbox", "no such account", "no such address", "no such person", "no mailbox here", "no user here",
    "not a known user", "user not known", "user not found", "recipient not found", "recipnotfound",
    "mailbox not found",
    "account not found", "address not found", "mailbox unavailable", "mailbox does not exist", "user does not exist",
    "user doesn't exist", "account does not exist", "account doesn't exist", "does not exist", "doesn't exist",
    "doesn't have a", "does not have an account", "not listed in", "invalid recipient", "invalid user",
    "invalid mailbox", "invalid address", "invalid final delivery", "unknown address", "unknown mailbox",
    "unknown account", "unknown local", "unknown or illegal alias", "illegal alias", "bad address", "bad recipient",
    "bad destination", "address rejected", "recipient rejected", "recipient address rejected", "address unknown",
    "adresse destinataire invalide", "destinataire invalide", "not our customer", "not a valid recipient",
    "not a valid user", "not a valid mailbox", "not a valid address", "no longer available", "no longer valid",
    "no longer here", "no longer on server", "no valid recipient", "addressee unknown", "delivery to user",
    "recipient is not valid", "user is unknown", "is not known", "unable to find", "not find user", "nonexistent",
    "non-existent", "non existent", "cannot find the user", "is not a recipient", "isn't a recipient", "wasn't found",
    "could not be found", "couldn't be found", "has no mailbox", "mailbox unknown", "unrecognized recipient",
    "undeliverable address", "address does not", "no account", "no such", "not exist", "unknown", "rcp-p1",
    "存在しない", "見つかりません", "あて先不明", "宛先不明", "ディレクトリのリストにありません", "not found",
)  # fmt: skip

# Said by servers that know their own users, or in words that are for nothing else: no further proof is needed.
_SURE: Final = (
    "not listed in", "no mailbox here by that name", "delivery error: dd", "unknown recipient", "recipnotfound",
    "account that you tried to reach does not exist", "unknown or illegal alias", "ディレクトリのリストにありません",
    "invalid final delivery", "rcp-p1", "address couldn't be found", "bad-mailbox", "wasn't found at",
    "recipient not found", "address not found", "unknown local", "not our customer",
    "adresse destinataire invalide", "addressee unknown", "not in the address book", "unknown user:",
    "recipient address rejected: access denied", "no valid recipients for this mm", "invalid recipient - http",
    "mailbox not found. http", "no longer on server",
)  # fmt: skip

# Words of a person's address, not of a host's.
_PERSON: Final = (
    "user unknown", "unknown user", "no such user", "no mailbox here", "mailbox not found", "user not found",
    "recipient not found", "recipient unknown", "invalid recipient", "email account that you tried to reach",
)  # fmt: skip

# A server refused the recipient before it saw the mail.
_AT_RCPT: Final = (
    "rcpt to", "rcpt_to", "rcpt command", "rcpt host", "smtp:rcpt", "does not like recipient",
    "recipient was rejected", "rejected recipient", "after rcpt", "reply to rcpt",
)  # fmt: skip

_BY_CODE: Final = {
    "1.0": "userunknown", "1.1": "userunknown", "1.2": "hostunknown", "1.3": "userunknown", "1.4": "filtered",
    "1.6": "hasmoved", "1.7": "rejected", "1.8": "rejected", "1.9": "systemerror", "1.10": "notaccept",
    "2.0": "filtered", "2.1": "filtered", "2.2": "mailboxfull", "2.3": "mesgtoobig", "2.4": "filtered",
    "3.0": "systemerror", "3.1": "systemfull", "3.2": "notaccept", "3.3": "systemerror", "3.4": "mesgtoobig",
    "3.5": "systemerror", "4.0": "networkerror", "4.1": "expired", "4.2": "expired", "4.3": "systemerror",
    "4.4": "hostunknown", "4.5": "networkerror", "4.6": "networkerror", "4.7": "expired", "5.0": "refused",
    "6.0": "contenterror",
    "7.0": "securityerror", "7.1": "policyviolation", "7.13": "suspend",
}  # fmt: skip
_CATEGORIES: Final = {
    "bad-mailbox": "userunknown", "bad-domain": "hostunknown", "inactive-mailbox": "suspend",
    "quota-issues": "mailboxfull", "spam-related": "spamdetected", "spam-block": "spamdetected",
    "virus-related": "virusdetected", "policy-related": "policyviolation", "content-related": "contenterror",
    "no-answer-from-host": "networkerror", "bad-connection": "networkerror", "routing-errors": "networkerror",
    "relaying-issues": "norelaying", "message-expired": "expired", "invalid-sender": "rejected", "other": "",
}  # fmt: skip


def reason_of(words: str, code: str, *, category: str = "") -> str:
    """One word for why, from the server's words, the enhanced code (RFC 3463) and PowerMTA's category."""
    text = " ".join(words.casefold().replace("’", "'").split())
    if _CATEGORIES.get(category):
        return _CATEGORIES[category]
    by_code = _BY_CODE.get(code.partition(".")[2], "")
    is_unknown = any(phrase in text for phrase in _UNKNOWN)
    spoken = _spoken(text)
    if spoken and not (spoken in ("expired", "hostunknown") and _is_user(text, by_code)):
        return spoken
    if is_unknown:
        return "userunknown" if _is_proved(text, by_code) else "filtered"
    return by_code.replace("refused", "") or ("expired" if code.startswith("4") else "undefined")


def _spoken(text: str) -> str:
    # Links and addresses hold words of their own.
    bare = " ".join(word for word in _LINK.sub(" ", text).split() if "@" not in word[1:-1])
    return next((reason for reason, phrases in _PHRASES if any(phrase in bare for phrase in phrases)), "")


def _is_user(text: str, by_code: str) -> bool:
    """Whether words of a host are beside words that plainly speak of a person's address."""
    return any(phrase in text for phrase in _PERSON) and _is_proved(text, by_code)


def _is_proved(text: str, by_code: str) -> bool:
    """Whether "unknown" was said of the recipient alone. After the text was sent it is often a filter's excuse."""
    if by_code in ("userunknown", "notaccept", "refused"):
        return True
    if any(phrase in text for phrase in _SURE):
        return True
    return by_code != "suspend" and any(phrase in text for phrase in _AT_RCPT)


def is_hard(reason: str, code: str, reply: str) -> bool:
    """Whether the address will not take mail later either."""
    if reason not in HARD:
        return False
    # A server that says both 4xx and "unknown" asks to be tried again, unless it also says 5xx. Gmail's 4.0.0 says
    # nothing: it stands beside names that do not exist.
    classes = {reply[:1], "" if code == "4.0.0" else code[:1]}
    return "5" in classes or "4" not in classes
