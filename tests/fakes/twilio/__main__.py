"""The stand-in as a process of its own."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.fakes.twilio.server import FakeTwilio
from tests.fakes.twilio.steps import Step
from tests.fakes.twilio.store import ACCOUNT_SID, AUTH_TOKEN


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.twilio", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--delay-ms", type=float, default=0, help="before the answer to every request")
    parser.add_argument("--control", action="store_true", help="open /_control/ for scripts and counts")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--statuses", default="sent,delivered", help="what becomes of a message, in this order")
    arguments = parser.parse_args()
    twilio = FakeTwilio(
        port=arguments.port,
        delay=arguments.delay_ms / 1000,
        tokens={arguments.account_sid: arguments.auth_token},
        default=Step(statuses=[status for status in arguments.statuses.split(",") if status]),
        has_control=arguments.control,
    )
    is_over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_over.set())
    with twilio:
        print(twilio.url, flush=True)
        is_over.wait()


if __name__ == "__main__":
    main()
