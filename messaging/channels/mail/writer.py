"""Who a mail is from, where a website's form or another program writes for somebody."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from messaging.channels.mail import machine
from messaging.channels.mail.automatic import is_no_reply
from messaging.channels.mail.providers import is_public

# Names of programs: alone before the @.
_PROGRAM_NAMES: Final = """
    wp joomla drupal typo3 wix squarespace shopify jimdo webflow elementor www web website webserver www-data apache
    apache2 nginx httpd php cgi nobody root cron server hosting sendmail smtp mailbot bot robot system
"""
# Those that are nobody's name, also as one word of several: form-submission@, harbour.wordpress@.
_PART_NAMES: Final = """
    wordpress woocommerce webmaster mailer mailers phpmailer automailer noreply donotreply
    form forms webform webforms webmail formmail formmailer contactform contactforms formresponse formresponses
    formservice formsubmit submission submissions formular formulare kontaktformular anfrageformular formulaire
    formulaires formulario formularios formulier contactformulier formularz skjema lomake
"""
_PROGRAMS: Final = frozenset(_PROGRAM_NAMES.split())
_PARTS: Final = frozenset(_PART_NAMES.split())
_BETWEEN_WORDS: Final = re.compile(r"[-._+=]")
_MAX_LOCAL_PART_LENGTH: Final = 64


def plain(address: str) -> str:
    """The address in lower case, without what stands behind a plus."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def is_program(address: str) -> bool:
    """Whether an address is a program's rather than a person's."""
    local = address.lower().rpartition("@")[0][:_MAX_LOCAL_PART_LENGTH]
    if local in _PROGRAMS or is_no_reply(f"{local}@") or machine.is_daemon(f"{local}@"):
        return True
    return not _PARTS.isdisjoint(_BETWEEN_WORDS.split(local))


def person_in_reply_to(
    sender: str, reply_to: Sequence[tuple[str, str]], *, own: Collection[str], domain: str
) -> tuple[str, str] | None:
    """Name and address of the person that a program wrote for; None where the sender is the writer.

    So it is where the sender is one of our `own` addresses (plain), a program, or of the receiving channel's `domain`,
    and Reply-To stands elsewhere. What Reply-To names first counts.
    """
    is_own = plain(sender) in own
    if not is_own and not is_program(sender) and not is_of(sender, domain):
        return None
    for name, address in reply_to:
        if address == sender or plain(address) in own or is_program(address):
            continue
        # A colleague who wants answers at another address of the house is still the writer.
        if is_own or is_program(sender) or not is_of(address, domain):
            return name, address
    return None


def other_address(reply_to: Sequence[tuple[str, str]], sender: str) -> str:
    """Where a person wants answers, when that is not where they wrote from; empty else."""
    named = [address for _, address in reply_to]
    return "" if not named or sender in named else named[0]


def is_of(address: str, domain: str) -> bool:
    """Whether an address is of this domain or one below it, and the domain is one organization's alone."""
    domain = domain.lower()
    if not domain or is_public(domain):
        return False
    of = address.lower().rpartition("@")[2]
    return of == domain or of.endswith(f".{domain}")
