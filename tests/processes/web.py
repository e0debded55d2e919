"""A real web process on the database of the test, its open streams, and what is asked of it meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from scripts.parts import ROOT, command
from tests.browser.stack import free_port
from tests.conftest import Person
from tests.processes.conftest import database_url

# No request may hang longer, whatever happens to the database.
ASKING_SECONDS = 30


class Web:
    """One web process; `database` and `redis` are ports of wires to put between."""

    def __init__(self, log: Path, *, database: int = 0, redis: int = 0, **environment: str) -> None:
        self.port = free_port()
        self.log = log
        self.environment = {
            **os.environ,
            "DATABASE_URL": _by_port(database_url(), database),
            "REDIS_URL": _by_port(settings.REDIS_URL, redis),
            "EXTRA_APPS": "",
            "LOG_LEVEL": "WARNING",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **environment,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command("web", self.environment), cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Web:
        end = time.monotonic() + 60
        while self.ask("/health").status != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError(self.log.read_text(errors="replace")[-4000:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        print(self.log.read_text(errors="replace")[-4000:])

    def ask(self, path: str, who: Person | None = None, body: Any = None) -> Answer:
        """A page by the person's session, or with a body a call of the API by their token; status 0: no answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if who is not None and body is None:
            request.add_header("Cookie", f"sessionid={session_of(who)}")
        elif who is not None:
            request.add_header("Authorization", who.token)
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        begun = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=ASKING_SECONDS) as response:
                return Answer(response.status, response.read(), lowered(response.headers), time.monotonic() - begun)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), lowered(error.headers), time.monotonic() - begun)
        except OSError:
            return Answer(0, b"", {}, time.monotonic() - begun)

    def cpu_seconds(self) -> float:
        """Of the process since its start, user and system."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Answer:
    def __init__(self, status: int, body: bytes, headers: dict[str, str], seconds: float) -> None:
        self.status, self.body, self.headers, self.seconds = status, body, headers, seconds


def lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def session_of(who: Person) -> str:
    """A session that is open already, so that asking writes none."""
    if not hasattr(who, "session"):
        who.session = who.client.cookies["sessionid"].value
        who.token = who.api._credentials["HTTP_AUTHORIZATION"]
    return who.session


def _by_port(url: str, port: int) -> str:
    if not port:
        return url
    parts = urlsplit(url)
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{login}127.0.0.1:{port}").geturl()


class Streams:
    """Many open streams of one person, read all the while."""

    def __init__(self, web: Web, who: Person) -> None:
        self._web, self._who = web, who
        self._readers: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.texts: list[str] = []
        self.is_ended: list[bool] = []

    async def open(self, count: int) -> None:
        """Raises where one is not opened, or not within half a minute."""
        await asyncio.wait_for(asyncio.gather(*(self._open() for _ in range(count))), 60)

    async def _open(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._web.port)
        lines = [
            f"GET {self._who.url('live/')} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: sessionid={session_of(self._who)}",
        ]  # fmt: skip
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = await reader.readline()
        assert b" 200 " in status, status
        number = len(self.texts)
        self.texts.append("")
        self.is_ended.append(False)
        self._writers.append(writer)
        begun = asyncio.Event()
        self._readers.append(asyncio.create_task(self._read(number, reader, begun)))
        await begun.wait()

    async def _read(self, number: int, reader: asyncio.StreamReader, begun: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.texts[number] += data.decode()
                if "event: heartbeat" in self.texts[number]:
                    begun.set()
        self.is_ended[number] = True

    def forget(self) -> None:
        """Only what comes from here on counts."""
        self.texts = [""] * len(self.texts)

    async def all_have(self, words: str, within: float) -> None:
        end = time.monotonic() + within
        while not all(words in text for text in self.texts):
            if time.monotonic() > end:
                have = sum(words in text for text in self.texts)
                raise AssertionError(f"{have} of {len(self.texts)} streams had {words!r} within {within} s")
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
