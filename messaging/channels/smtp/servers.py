"""Where an account's mail goes out and comes in, read from its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from core.net import is_loopback
from messaging.channels.base import Account, Retry, SendError
from messaging.channels.text import has_control

_TRUE = ("true", "1", "yes", "on")
MAX_FOLDER_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in, with a password or with a token of OAuth 2.0."""

    username: str
    password: str = field(repr=False)
    oauth_token: str = field(default="", repr=False)

    @property
    def has_secret(self) -> bool:
        return bool(self.password or self.oauth_token)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must not stand in a message about the server."""
        return (self.username, self.password, self.oauth_token)

    def refuse_unfit(self, username_key: str) -> None:
        """Raises SendError for what could be read as more than a user name and a token."""
        if has_control(self.username) or has_control(self.password):
            message = "The user name or the password has a line break. Tell the administrators to enter them again."
            raise setting(username_key, message)
        if has_control(self.oauth_token) or " " in self.oauth_token or not self.oauth_token.isascii():
            raise setting("oauth_token", "The token has characters that no token has. Tell the administrators.")


@dataclass(frozen=True, slots=True)
class OutgoingServer:
    """Where and how to connect for handing mail over."""

    host: str
    port: int
    login: Login
    use_starttls: bool = True
    use_ssl: bool = False

    @classmethod
    def of(cls, account: Account) -> Self:
        """Raises SendError, which names the value that is wrong. Without any word on TLS, STARTTLS is used."""
        values = account.credentials
        use_ssl = is_true(values.get("use_ssl", False))
        token = _text(values, "oauth_token").strip()
        server = cls(
            host=_text(values, "host").strip(),
            port=_port(values.get("port") or (465 if use_ssl else 587), "port", "The mail server's port"),
            login=Login(
                username=_text(values, "username") or (account.address if token else ""),
                password="" if token else _text(values, "password"),
                oauth_token=token,
            ),
            use_starttls=is_true(values.get("use_starttls", not use_ssl)),
            use_ssl=use_ssl,
        )
        server._refuse_unsafe()
        server.login.refuse_unfit("username")
        return server

    def _refuse_unsafe(self) -> None:
        if not self.host:
            raise setting("host", "The channel has no mail server. Tell the administrators to enter its name.")
        if self.use_ssl and self.use_starttls:
            message = (
                "Choose one of TLS (usually port 465) and STARTTLS (usually port 587) for the mail server, not both."
            )
            raise setting("use_ssl", message)
        if self.login.has_secret and not (self.use_ssl or self.use_starttls or is_loopback(self.host)):
            message = (
                "Without TLS the password would be readable on the way. Switch on STARTTLS or TLS for this channel."
            )
            raise setting("use_starttls", message)


@dataclass(frozen=True, slots=True)
class IncomingServer:
    """Where and how to connect for reading mail."""

    host: str
    port: int
    login: Login
    use_ssl: bool = True
    folder: str = "INBOX"

    @classmethod
    def of(cls, account: Account) -> Self:
        """Raises SendError, which names the value that is wrong.

        The user name and the secret are those of the outgoing server unless there are own ones. Without TLS from the
        start STARTTLS is asked for, except on this machine itself.
        """
        values = account.credentials
        use_ssl = is_true(values.get("imap_use_ssl") if values.get("imap_use_ssl") not in (None, "") else True)
        own_password = _text(values, "imap_password")
        token = "" if own_password else _text(values, "oauth_token").strip()
        username = _text(values, "imap_username") or _text(values, "username") or account.address
        server = cls(
            host=_text(values, "imap_host").strip(),
            port=_port(values.get("imap_port") or (993 if use_ssl else 143), "imap_port", "The port for incoming mail"),
            login=Login(username, "" if token else own_password or _text(values, "password"), token),
            use_ssl=use_ssl,
            folder=_text(values, "imap_folder").strip() or "INBOX",
        )
        if not server.host:
            message = "The channel has no server for incoming mail. Tell the administrators to enter its name."
            raise setting("imap_host", message)
        if has_control(server.folder) or len(server.folder) > MAX_FOLDER_LENGTH:
            raise setting("imap_folder", "The folder to read has no usable name. Tell the administrators.")
        server.login.refuse_unfit("imap_username")
        return server

    @property
    def use_starttls(self) -> bool:
        return not self.use_ssl and not is_loopback(self.host)


def secret_destinations(credentials: Mapping[str, object]) -> dict[str, frozenset[tuple[object, ...]]]:
    """By a secret's key, the servers that it is sent to, each with its port and its encryption."""

    def switch(key: str, default: bool) -> bool:
        return is_true(credentials[key]) if credentials.get(key) not in (None, "") else default

    host, imap_host = (_text(credentials, key).strip().lower().rstrip(".") for key in ("host", "imap_host"))
    use_ssl, use_imap_ssl = switch("use_ssl", default=False), switch("imap_use_ssl", default=True)
    outgoing = (
        host,
        _text(credentials, "port").strip() or ("465" if use_ssl else "587"),
        use_ssl,
        switch("use_starttls", default=not use_ssl),
    )
    incoming = (imap_host, _text(credentials, "imap_port").strip() or ("993" if use_imap_ssl else "143"), use_imap_ssl)
    # Without a password of its own the incoming server is given the outgoing one's.
    both = {outgoing, incoming} if imap_host and not _text(credentials, "imap_password") else {outgoing}
    return {
        "password": frozenset(both),
        "oauth_token": frozenset(both),
        "imap_password": frozenset({incoming} if imap_host else ()),
    }


def is_true(value: object) -> bool:
    """A switch from a form, from JSON or from an environment's text."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


def setting(code: str, message: str) -> SendError:
    """A value that an administrator has to correct first."""
    return SendError(code, message, Retry.FIX)


def _text(credentials: Mapping[str, object], key: str) -> str:
    value = credentials.get(key)
    return "" if value is None else str(value)


def _port(value: object, key: str, label: str) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 65536:
        raise setting(key, f"{label} is not a number from 1 to 65535. Tell the administrators.")
    return port
