"""What a request says of the device that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from core.http import client_address
from core.text_safety import is_storable

MAX_USER_AGENT: Final = 300
# First match; those that pretend to be others as well come before those.
_BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """The program by which somebody comes in, as it calls itself, and the address it comes from."""

    user_agent: str
    address: str

    @property
    def label(self) -> str:
        return label_of(self.user_agent)


def device_of(request: HttpRequest) -> Device:
    """What is kept of a request's device. Both may be anything: a caller chooses the first."""
    agent = " ".join(request.headers.get("User-Agent", "")[:MAX_USER_AGENT].split())
    return Device(agent if is_storable(agent) else "", client_address(request)[:45])


def label_of(user_agent: str) -> str:
    """A user agent in words: “Firefox on Linux”; what is no browser by its own first word."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or user_agent.split(" ")[0][:60] or _("Unknown device")
