"""How soon somebody who is deactivated is out: pages, calls, a key, the calendar, open streams; in all PEOPLE times.

Each way is tried again and again from the moment in which the deactivation begins, until it is refused.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import django

PEOPLE = 10
GOAL_SECONDS = 2.0
PAUSE = 0.01


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from django.core.management import call_command

    from bench.environment import free_port, own_database
    from bench.parts import an_organization, running, wait_for

    # A page names its files by their hashes.
    call_command("collectstatic", interactive=False, verbosity=0)
    port = free_port()
    took: dict[str, list[float]] = {}
    with own_database() as variables:
        owner = an_organization()
        with running("web", {**variables, "PORT": str(port)}):
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/health")
            for number in range(PEOPLE):
                for way, seconds in once(owner, address, number).items():
                    took.setdefault(way, []).append(seconds)
    for way, times in took.items():
        print(f"  {way:<9} {statistics.median(times):6.3f} s median, {max(times):6.3f} s at most", flush=True)
    worst = max(max(times) for times in took.values())
    print(f"  out everywhere within {worst:.2f} s (goal: {GOAL_SECONDS:.0f} s)")
    return 0 if worst <= GOAL_SECONDS else 1


def once(owner: Any, address: str, number: int) -> dict[str, float]:
    """Somebody new, who is in by every way, deactivated; the seconds until each was closed."""
    from accounts.members import services as members
    from activity.actor import Actor
    from core.tenancy import organization_scope

    actor = Actor.for_user(owner.user)
    with organization_scope(owner.organization):
        member, ways = somebody(owner, address, number, actor)
    for way, request in ways.items():
        if way != "stream":
            urllib.request.urlopen(request, timeout=10).close()
    closed: dict[str, float] = {}
    threads = [
        threading.Thread(target=watch, args=(way, request, closed), daemon=True) for way, request in ways.items()
    ]
    stream = next(thread for thread, way in zip(threads, ways, strict=True) if way == "stream")
    stream.start()
    time.sleep(1)
    begun = time.perf_counter()
    for thread in threads:
        if thread is not stream:
            thread.start()
    with organization_scope(owner.organization):
        members.deactivate(member=member, actor=actor)
    for thread in threads:
        thread.join(30)
    return {way: closed[way] - begun for way in ways}


def somebody(owner: Any, address: str, number: int, actor: Any) -> tuple[Any, dict[str, urllib.request.Request]]:
    """A member with a browser, a token, a key and a calendar; and a request for each way."""
    from django.conf import settings
    from django.test import Client

    from accounts.credentials import api_keys, tokens
    from accounts.models import User
    from accounts.organizations import services as organizations
    from customers.work.calendar import feeds

    user = User.objects.create_user(f"leaver{number}@bench.example", "a calm harbour", name=f"Leaver {number}")
    member = organizations.add_member(organization=owner.organization, user=user, role_key="counselor", actor=actor)
    browser = Client(HTTP_HOST="127.0.0.1")
    browser.force_login(user)
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}
    _key, secret = api_keys.issue(member=member, name="Bench", actor=actor)
    pages = f"{address}/o/{owner.organization.slug}"
    given = {
        "page": (f"{pages}/customers/", cookie),
        "token": (
            f"{address}/api/v1/customers",
            {"Authorization": f"Bearer {tokens.begin(member=member).access_token}"},
        ),
        "key": (f"{address}/api/v1/customers", {"X-API-Key": secret}),
        "calendar": (f"{address}/calendar/{feeds.issue(member=member, actor=actor)}.ics", {}),
        "stream": (f"{pages}/live/", cookie),
    }
    proxied = {"X-Forwarded-Proto": "https"}
    return member, {
        way: urllib.request.Request(url, headers=headers | proxied) for way, (url, headers) in given.items()
    }


def watch(way: str, request: urllib.request.Request, closed: dict[str, float]) -> None:
    """Note when, by the clock, the way is closed: refused, sent to the sign-in, or at its end."""
    if way == "stream":
        with urllib.request.urlopen(request, timeout=60) as response:
            while response.read(1):
                pass
        closed[way] = time.perf_counter()
        return
    opener = urllib.request.build_opener(Stay)
    while True:
        try:
            with opener.open(request, timeout=10) as response:
                if response.status != 200:
                    break
        except urllib.error.HTTPError:
            break
        time.sleep(PAUSE)
    closed[way] = time.perf_counter()


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the way to the sign-in is an answer."""

    def redirect_request(self, *args: Any) -> None:
        return None


if __name__ == "__main__":
    sys.exit(main())
