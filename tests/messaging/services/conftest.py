"""Files on a disk of the test's own, and a clock that is wound on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.tenancy import every_organization, organization_scope
from messaging.models import Arrival, Channel
from messaging.services import arrivals, channels

DESK = "desk@harbour.example"


@pytest.fixture
def disk(settings: Any, tmp_path: Path) -> Path:
    """Where files are kept; empty at first."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def on_disk(folder: Path) -> list[Path]:
    """Every file that is kept there."""
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def picture(size: tuple[int, int] = (900, 600), form: str = "PNG") -> bytes:
    """A picture that a browser shows."""
    drawn = io.BytesIO()
    Image.new("RGB", size, (30, 120, 90)).save(drawn, form)
    return drawn.getvalue()


def all_of(model: Any, **filters: Any) -> list[Any]:
    """Rows of all organizations, oldest first."""
    with every_organization("the test looks at all"):
        return list(model.objects.filter(**filters).order_by("pk"))


def only(model: Any, **filters: Any) -> Any:
    """The one row; fails where there are none or more."""
    (row,) = all_of(model, **filters)
    return row


def make_mailbox(alice: Any, port: int = 25, address: str = DESK, **given: Any) -> Channel:
    """An e-mail channel of the clinic with a mail server on this machine."""
    credentials = {"host": "127.0.0.1", "port": str(port), "use_starttls": "false", **given.pop("credentials", {})}
    with organization_scope(alice.organization):
        return channels.create(
            organization=alice.organization, actor=alice.actor, kind="email", provider="smtp", name="Front desk",
            address=address, rate_per_second=1000, credentials=credentials, **given,
        )  # fmt: skip


def raw_mail(body: str = "Hello", **headers: str) -> bytes:
    """A mail as it comes over the wire; underscores in a header's name stand for hyphens."""
    given = {"From": "Ada Lovelace <ada@example.com>", "To": DESK, "Subject": "Question", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", *body.splitlines(), ""]).encode()


def mail_arrives(channel: Channel, raw: bytes, key: str = "") -> Arrival:
    """A mail as a mailbox's reader hands it over, worked on at once."""
    count = Arrival.objects.count()
    arrivals.store(
        key=key or f"mail:{count}", provider="smtp", kind="email", arrival_type=Arrival.Type.MESSAGE, body=raw,
        channel=channel, query=f"test={count}",
    )  # fmt: skip
    arrivals.process_due()
    return Arrival.objects.get(query=f"test={count}")
