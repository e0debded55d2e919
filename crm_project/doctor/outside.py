"""Checks of the way to the outside: our own address, its certificate, mail, disks."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import smtplib
import ssl
import time
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from activity.doctor import certificates
from activity.doctor.checks import Check, Line, about, failed, good, register, warning
from core import health
from core.certificates import ends_at
from core.net import is_loopback

SECONDS: Final = 5.0
MAX_ANSWER: Final = 2000
# Shares and megabytes of a disk that are free. A tenth of a large disk is plenty, so the share alone says little.
LOW_SHARE: Final = 0.1
LOW_SHARE_BELOW_MEGABYTES: Final = 20_000
LOW_MEGABYTES: Final = 1_000
FULL_SHARE: Final = 0.03
FULL_MEGABYTES: Final = 500

_ANSWERS: Final = gettext_noop("%(url)s answered in %(milliseconds)s ms, and it is this installation.")
_LOOPBACK: Final = gettext_noop("%(url)s answers on this machine only: providers and customers can’t reach it.")
_SET_PUBLIC: Final = gettext_noop("Set PUBLIC_BASE_URL to the address that browsers use.")
_UNREACHABLE: Final = gettext_noop("%(url)s can’t be reached from here: %(reason)s.")
_SEE_PROXY: Final = gettext_noop(
    "See whether the proxy and the web process run, and whether the name leads here. Webhooks come by this address."
)
_REDIRECTS: Final = gettext_noop("%(url)s leads on to %(target)s. A webhook’s request is lost on the way.")
_NAME_TARGET: Final = gettext_noop("Set PUBLIC_BASE_URL to the address at the end, with https:// where it is.")
_REFUSED: Final = gettext_noop("%(url)s answers with status %(status)s.")
_ADD_HOST: Final = gettext_noop("Status 400 means that ALLOWED_HOSTS lacks this name; else see the log of the proxy.")
_SOMEBODY_ELSE: Final = gettext_noop("Something answers at %(url)s, and it is not this installation.")
_CORRECT_URL: Final = gettext_noop(
    "Correct PUBLIC_BASE_URL, or where the name leads; each process needs one SECRET_KEY."
)


def public_address() -> list[Line]:
    """Whether the address that is given to browsers and providers leads to this installation."""
    return [_asked(settings.PUBLIC_BASE_URL)]


def _asked(url: str) -> Line:
    nonce = secrets.token_hex(16)
    parts = urlsplit(url)
    begun = time.perf_counter()
    connection = _connection(parts)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health?nonce={nonce}", headers={"Accept": "*/*"})
        answer = connection.getresponse()
        body = answer.read(MAX_ANSWER)
    except ssl.SSLCertVerificationError as error:
        return certificates.refused(parts.hostname or "", error.verify_message)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        reason = str(error) or type(error).__name__
        return failed(_UNREACHABLE, _SEE_PROXY, url=url, reason=reason[:200])
    finally:
        connection.close()
    if 300 <= answer.status < 400:
        target = (answer.getheader("Location") or "").partition("?")[0][:200]
        return failed(_REDIRECTS, _NAME_TARGET, url=url, target=target)
    if answer.status != 200:
        return failed(_REFUSED, _ADD_HOST, url=url, status=answer.status)
    if not secrets.compare_digest(_proof(body), health.proof(nonce).encode()):
        return failed(_SOMEBODY_ELSE, _CORRECT_URL, url=url)
    if is_loopback(parts.hostname or "") and not settings.DEBUG:
        return warning(_LOOPBACK, _SET_PUBLIC, url=url)
    return good(_ANSWERS, url=url, milliseconds=round((time.perf_counter() - begun) * 1000))


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=SECONDS)


def _proof(body: bytes) -> bytes:
    try:
        answer = json.loads(body)
    except ValueError:
        return b""
    return str(answer.get("proof", "")).encode() if isinstance(answer, dict) else b""


_NO_TLS: Final = gettext_noop("The public address has no certificate: it begins with http://.")
_USE_TLS: Final = gettext_noop(
    "Have a proxy end TLS, and set PUBLIC_BASE_URL to https://: passwords pass in the clear."
)


def certificate() -> list[Line]:
    """How long the certificate of our own address is good for."""
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme != "https":
        is_meant = settings.DEBUG or is_loopback(parts.hostname or "")
        return [good(_NO_TLS) if is_meant else warning(_NO_TLS, _USE_TLS)]
    host = parts.hostname or ""
    connection = _connection(parts)
    try:
        connection.connect()
        sock = connection.sock
        return [certificates.line(host, ends_at(sock) if isinstance(sock, ssl.SSLSocket) else None)]
    except ssl.SSLCertVerificationError as error:
        return [certificates.refused(host, error.verify_message)]
    except (OSError, UnicodeError) as error:
        return [failed(_UNREACHABLE, _SEE_PROXY, url=settings.PUBLIC_BASE_URL, reason=str(error)[:200])]
    finally:
        connection.close()


_MAIL_GOOD: Final = gettext_noop("The mail server %(host)s takes our mail.")
_MAIL_FILES: Final = gettext_noop("Mail of the system (invitations, passwords) is written into files, and not sent.")
_SET_MAIL: Final = gettext_noop("Set EMAIL_URL to a mail server.")
_MAIL_AWAY: Final = gettext_noop("The mail server %(host)s does not take our mail: %(reason)s.")
_SEE_MAIL: Final = gettext_noop("See whether EMAIL_URL has the right server, user and password. Invitations wait.")


def system_mail() -> list[Line]:
    """Whether the server for the system's own mail lets us in, and its certificate."""
    backend = get_connection(fail_silently=False)
    if not isinstance(backend, EmailBackend):
        is_meant = settings.DEBUG or "locmem" in settings.EMAIL_BACKEND
        return [good(_MAIL_FILES) if is_meant else warning(_MAIL_FILES, _SET_MAIL)]
    host = settings.EMAIL_HOST
    try:
        backend.open()
        sock = backend.connection.sock if backend.connection else None
        if isinstance(sock, ssl.SSLSocket):
            line = certificates.line(host, ends_at(sock))
            return [good(_MAIL_GOOD, host=host), about(line, "certificate")]
        return [good(_MAIL_GOOD, host=host)]
    except ssl.SSLCertVerificationError as error:
        return [certificates.refused(host, error.verify_message)]
    except (OSError, smtplib.SMTPException) as error:
        # What the server said may quote the user name.
        code = getattr(error, "smtp_code", "")
        return [failed(_MAIL_AWAY, _SEE_MAIL, host=host, reason=f"{type(error).__name__} {code}".strip())]
    finally:
        backend.close()


_DISK_GOOD: Final = gettext_noop("%(percent)s %% of the disk is free, %(gigabytes)s GB.")
_DISK_LOW: Final = gettext_noop("Only %(percent)s %% of the disk is free, %(gigabytes)s GB.")
_FREE_DISK: Final = gettext_noop("Make room or give the disk more: a full one stops the database and every upload.")


def disks() -> list[Line]:
    """How much room is left where files and, with SQLite, the database are."""
    places = {"DATA_DIR": Path(settings.DATA_DIR), "MEDIA_ROOT": Path(settings.MEDIA_ROOT)}
    lines = []
    devices = set()
    for name, path in places.items():
        place = path if path.exists() else path.parent
        device = place.stat().st_dev
        if device not in devices:
            devices.add(device)
            lines.append(about(_disk(place), name, name))
    return lines


def _disk(path: Path) -> Line:
    usage = shutil.disk_usage(path)
    share = usage.free / usage.total
    megabytes = usage.free // 1_000_000
    values = {"percent": round(share * 100), "gigabytes": round(megabytes / 1000, 1)}
    if share < FULL_SHARE or megabytes < FULL_MEGABYTES:
        return failed(_DISK_LOW, _FREE_DISK, **values)
    if megabytes < LOW_MEGABYTES or (share < LOW_SHARE and megabytes < LOW_SHARE_BELOW_MEGABYTES):
        return warning(_DISK_LOW, _FREE_DISK, **values)
    return good(_DISK_GOOD, **values)


def register_all() -> None:
    hour = timedelta(hours=1)
    for check in (
        Check(name="public address", label=_("Public address"), group="outside", run=public_address, is_quick=False),
        Check(
            name="certificate", label=_("Certificate"), group="outside", run=certificate, is_quick=False, every=hour
        ),
        Check(
            name="system mail", label=_("Mail of the system"), group="outside", run=system_mail, is_quick=False,
            every=timedelta(minutes=15),
        ),
        Check(name="disk", label=_("Disk"), group="storage", run=disks),
    ):  # fmt: skip
        register(check)
