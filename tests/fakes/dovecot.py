"""A real Dovecot on loopback, for reading mail by IMAP: started from a folder of its own, by root or anybody else."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from imaplib import IMAP4
from pathlib import Path

import pytest
from imap_tools import MailBoxUnencrypted

PASSWORD = "correct-horse"
MISSING = "needs Dovecot: apt-get install dovecot-imapd"
_START_SECONDS = 10.0

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {internal}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mailbox_idle_check_interval = 1 secs
disable_plaintext_auth = no
auth_mechanisms = plain
auth_failure_delay = 0 secs
mail_max_userip_connections = 50
shutdown_clients = yes
{tls}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner_group} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = {has_tls}
  }}
}}
service anvil {{
  chroot =
  # Otherwise an address that got a password wrong waits longer each time.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """A running server. Every user name is known to it, with PASSWORD; a test takes one of its own."""

    port: int
    tls_port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @contextmanager
    def user(self, name: str) -> Iterator[MailBoxUnencrypted]:
        """The user's own program: to deliver, look at flags and make folders."""
        with MailBoxUnencrypted("127.0.0.1", self.port, timeout=5).login(name, PASSWORD) as box:
            yield box

    def deliver(self, name: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a user's folder, unseen."""
        with self.user(name) as box:
            for mail in mails:
                box.append(mail, folder)

    def stop(self) -> None:
        """End it with all its connections, those included that would like to go on."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)


@contextmanager
def dovecot(certificate: Path | None = None) -> Iterator[Dovecot]:
    """A server, without TLS unless there is a certificate (PEM, with its key).

    Where Dovecot is not installed the test is skipped, and says so; with REQUIRE_DOVECOT=1 it fails.
    """
    program = _program()
    # Not pytest's folder: another user has to reach it, and a socket's path may not be long.
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    process = None
    try:
        server = _started(program, folder, certificate)
        process = server.process
        yield server
    finally:
        if process is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout if found else ""
    if found and version.startswith("2.3"):
        return found
    words = f"{MISSING} (version 2.3; this is {version.split()[0]})" if version else MISSING
    if os.environ.get("REQUIRE_DOVECOT") == "1":
        pytest.fail(words)
    pytest.skip(words)


def _started(program: str, folder: Path, certificate: Path | None) -> Dovecot:
    port, tls_port = _free_ports()
    is_root = os.geteuid() == 0
    # Dovecot gives no mail to root: then nobody owns it. Anybody else is who they are.
    me, group = getpass.getuser(), grp.getgrgid(os.getegid()).gr_name
    owner, owner_group = (65534, 65534) if is_root else (os.geteuid(), os.getegid())
    tls = f"ssl = yes\nssl_cert = <{folder}/tls.pem\nssl_key = <{folder}/tls.pem" if certificate else "ssl = no"
    if certificate:
        shutil.copy(certificate, folder / "tls.pem")
    folder.chmod(0o755)
    (folder / "home").mkdir()
    os.chown(folder / "home", owner, owner_group)
    (folder / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            internal="nobody" if is_root else me,
            internal_group="nogroup" if is_root else group,
            owner=owner,
            owner_group=owner_group,
            password=PASSWORD,
            port=port,
            tls_port=tls_port,
            tls=tls,
            has_tls="yes" if certificate else "no",
        )
    )
    process = subprocess.Popen(
        [program, "-F", "-c", str(folder / "dovecot.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    server = Dovecot(port, tls_port, folder, process)
    _wait_for(server)
    return server


def _answers(port: int) -> bool:
    try:
        with IMAP4("127.0.0.1", port, timeout=5):
            return True
    except (OSError, IMAP4.error):
        return False


def _wait_for(server: Dovecot) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.process.poll() is None:
        if _answers(server.port):
            return
        time.sleep(0.02)
    server.stop()
    log = server.folder / "log"
    pytest.fail(f"Dovecot did not start: {log.read_text() if log.exists() else 'it wrote no log'}")


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]
