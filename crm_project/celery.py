"""Celery, the doorbell: the work itself is rows in the database (see docs/decisions)."""

from __future__ import annotations

import logging.config
import os
import sys
import warnings

from celery import Celery, signals

from core.broker import use_local_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm_project.settings")

use_local_broker()

app = Celery("parley", task_cls="core.jobs:JobTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect(weak=False)
def configure_logging(**_: object) -> None:
    """The same lines as everywhere, in place of Celery's own."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect(weak=False)
def forget_queries(**_: object) -> None:
    """With DEBUG Django keeps every query; a request forgets the last one's, and so does a task."""
    from django.db import reset_queries

    reset_queries()


# Celery's advice against DEBUG is about just that; the one against root is about pickle, which is not accepted here.
warnings.filterwarnings("ignore", message="Using settings.DEBUG leads to a memory", category=UserWarning)
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")


@signals.worker_init.connect(weak=False)
def listen(**_: object) -> None:
    """Every worker minds that it is not deaf."""
    from crm_project.watch import LivenessStep

    app.steps["consumer"].add(LivenessStep)


@signals.worker_init.connect(weak=False)
def require_connections(**_: object) -> None:
    """A pool smaller than what asks it would leave a send whose outcome can't be written."""
    from django.conf import settings

    if "pool" in settings.DATABASES["default"].get("OPTIONS", {}):
        size, needed = settings.DATABASE_POOL_SIZE, settings.WORKER_CONNECTIONS
        if size < needed:
            sys.exit(
                f"DATABASE_POOL_SIZE is {size}, but this worker’s threads may ask for {needed} connections at once. "
                f"Set it to {needed} or more, or lower WORKER_THREADS or OUTBOUND_CONCURRENCY."
            )


@signals.worker_init.connect(weak=False)
def look_by_itself(**_: object) -> None:
    """Every worker works off what is due, whether or not somebody rings."""
    from activity import installation
    from activity.doctor import processes
    from crm_project.ticker import Ticker, intervals

    app.loader.import_default_modules()
    app.finalize()
    installation.begin_watching()
    ticker = Ticker(intervals())
    ticker.start()
    processes.start_writing("worker")
    signals.worker_shutdown.connect(lambda **_: ticker.stop(), weak=False)
