"""Whether a webhook comes from Twilio.

https://www.twilio.com/docs/usage/webhooks/webhooks-security: base64 of HMAC-SHA1 with the auth token over the URL and,
for a form, every parameter's name and value, sorted by name. For any other body the URL carries its SHA-256.

The library computes that sum rightly. Around it, its validator breaks on a missing header, signs with an empty token,
takes one value of a repeated parameter unless it is given a QueryDict, cuts a user name or an IPv6 address at the colon
when it removes a port, takes a body that is neither form nor hashed, and compares in a time that depends on the text.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

from messaging.channels.base import InvalidPayload
from messaging.channels.twilio.payload import form_pairs

HEADER: Final = "X-Twilio-Signature"
FORM: Final = "application/x-www-form-urlencoded"

# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides: behind an address that Twilio calls, up to
# five more tries after whatever went wrong; 2 s to connect and 5 s to answer (in ms), so that there is time for another
# try within Twilio's 15 s in all.
OVERRIDES: Final = "#rc=5&rp=all&ct=2000&rt=5000"

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?::(?P<port>[0-9]{1,5}))?(?=[/?#]|$)", re.IGNORECASE)


def verify(
    *, urls: Iterable[str], body: bytes, content_type: str = FORM, signature: str | None, token: str | None
) -> bool:
    """Whether the signature is Twilio's over one of these URLs and the body. Never raises.

    Each URL is tried with its port, without one and with the scheme's own: Twilio is not consistent about them; and
    with our OVERRIDES behind it: Twilio does not send them, and does not say whether it signs them.
    """
    if not isinstance(signature, str) or not isinstance(token, str) or not signature or not token:
        return False
    try:
        received = signature.strip().encode("utf-8", "surrogatepass")
        validator = RequestValidator(token)
        is_valid = False
        for url in urls:
            form = _signed_form(url, body, content_type)
            for variant in _variants(url):
                if form is None:
                    continue
                computed = validator.compute_signature(variant, form).encode("ascii")
                is_valid |= hmac.compare_digest(computed, received)  # every variant is computed, whatever was found
        return is_valid
    except (ValueError, InvalidPayload):  # a text that can't be encoded, a form that can't be read
        return False


class _Form(dict[str, Sequence[str]]):
    """A form with every value of a parameter; the library asks for `getlist`."""

    def getlist(self, name: str) -> Sequence[str]:
        return self[name]


def _signed_form(url: str, body: bytes, content_type: str) -> _Form | None:
    """The parameters under the signature beside the URL; None when the signature can't speak for the body."""
    if not body:
        return _Form()
    if content_type.partition(";")[0].strip().lower() == FORM:
        form: dict[str, list[str]] = {}
        for name, value in form_pairs(body):
            form.setdefault(name, []).append(value)
        return _Form(form)
    stated = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0].lower()
    actual = hashlib.sha256(body).hexdigest()
    return _Form() if hmac.compare_digest(stated.encode("utf-8", "surrogatepass"), actual.encode("ascii")) else None


def _variants(url: str) -> list[str]:
    ports = _port_variants(url)
    return ports + [port + OVERRIDES for port in ports]


def _port_variants(url: str) -> list[str]:
    """The URL as it is, without a port and with one; nothing but the port changes."""
    match = _ORIGIN.match(url)
    if match is None:
        return [url]
    scheme, host, rest = match["scheme"], match["host"], url[match.end() :]
    port = match["port"] or _DEFAULT_PORTS[scheme.lower()]
    return list(dict.fromkeys([url, f"{scheme}://{host}{rest}", f"{scheme}://{host}:{port}{rest}"]))
