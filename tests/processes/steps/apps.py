from __future__ import annotations

import time
from typing import Any

from django.apps import AppConfig

KIND = "test.steps"


def take_steps(work: Any) -> dict[str, Any]:
    """Writes an event a step, slowly, so that a kill finds it in the middle of one."""
    from activity.ledger import record
    from messaging.events import CONVERSATION_UPDATED

    count = work.params["count"]
    for number in range(work.state.get("next", 0), count):
        with work.step(done=number + 1, total=count):
            record(CONVERSATION_UPDATED, subject=work.job, payload={"step": number})
            time.sleep(0.005)
            work.state["next"] = number + 1
            work.state["sum"] = work.state.get("sum", 0) + number
    return {"sum": work.state["sum"]}


class StepsConfig(AppConfig):
    name = "tests.processes.steps"
    label = "steps"

    def ready(self) -> None:
        from activity import jobs

        if KIND not in jobs.KINDS:
            jobs.register(KIND, take_steps)
