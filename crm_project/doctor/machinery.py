"""Checks of the machinery: worker, beat, broker, database, clock, live stream, versions."""

from __future__ import annotations

import secrets
import sys
import time
import tomllib
from datetime import timedelta
from typing import Final

import django
import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from activity import installation
from activity.doctor.checks import Check, Line, about, failed, good, register, unknown, warning
from activity.models import Heartbeat
from core import clock, health
from crm_project.watch import BEAT_LATE_AFTER, CANARY_LATE_AFTER

REDIS_SECONDS: Final = 1.0
SLOW_DATABASE_SECONDS: Final = 0.5
_CONNECT: Final = {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS}

_WORKS: Final = gettext_noop("Works: last heard of %(seconds)s s ago.")
_NOT_HEARD: Final = gettext_noop("Not heard of yet.")
_WORKER_SILENT: Final = gettext_noop(
    "Silent for %(seconds)s s. Nothing is sent, read or processed meanwhile; nothing is lost."
)
_START_WORKER: Final = gettext_noop("Start a worker, or look into its log: python scripts/parts.py worker.")
_BEAT_SILENT: Final = gettext_noop(
    "Silent for %(seconds)s s. Workers look by themselves for what is due, a little later."
)
_START_BEAT: Final = gettext_noop("Start the beat, or look into its log: python scripts/parts.py beat.")


def worker() -> list[Line]:
    """Whether a task went from the beat through the broker into a worker a moment ago."""
    return [_heard(Heartbeat.Name.CANARY, CANARY_LATE_AFTER, _WORKER_SILENT, _START_WORKER)]


def beat() -> list[Line]:
    """Whether the beat has ticked a moment ago."""
    return [_heard(Heartbeat.Name.BEAT, BEAT_LATE_AFTER, _BEAT_SILENT, _START_BEAT)]


def _heard(name: str, limit: timedelta, silent: str, advice: str) -> Line:
    at = Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()
    if at is None:
        return unknown(_NOT_HEARD, advice)
    age = clock.now() - at
    seconds = max(int(age.total_seconds()), 0)
    if age > limit:
        return about(failed(silent, advice, seconds=seconds), "", since=at)
    return good(_WORKS, seconds=seconds)


_BROKER_GOOD: Final = gettext_noop("Takes wake-ups.")
_BROKER_AWAY: Final = gettext_noop("Can’t be reached (%(error)s). Work is found later, by looking for it.")
_SEE_REDIS: Final = gettext_noop("See whether Redis runs, and whether REDIS_URL names it rightly.")
_SEE_FOLDER: Final = gettext_noop("See whether the folder “broker” in DATA_DIR can be written to.")
_EVICTS: Final = gettext_noop("Redis drops keys when its memory is full (maxmemory-policy %(policy)s).")
_NO_EVICTION: Final = gettext_noop("Set maxmemory-policy to noeviction: else wake-ups and limits vanish silently.")


def broker() -> list[Line]:
    """Whether wake-ups can be left, and stay."""
    try:
        health.broker_answers()
        policy = _eviction_policy() if settings.REDIS_URL else ""
    except (redis.RedisError, OSError) as error:
        advice = _SEE_REDIS if settings.REDIS_URL else _SEE_FOLDER
        return [failed(_BROKER_AWAY, advice, error=type(error).__name__)]
    if policy and policy != "noeviction":
        return [warning(_EVICTS, _NO_EVICTION, policy=policy)]
    return [good(_BROKER_GOOD)]


def _eviction_policy() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, **_CONNECT)
    try:
        return str(client.info("memory").get("maxmemory_policy", ""))
    except redis.ResponseError:  # a server that tells nobody
        return ""
    finally:
        client.close()


_DATABASE_GOOD: Final = gettext_noop("Answers in %(milliseconds)s ms.")
_DATABASE_AWAY: Final = gettext_noop("Can’t be asked (%(error)s). Pages answer 503 until it is back; nothing is lost.")
_START_DATABASE: Final = gettext_noop("See whether the database runs, and whether DATABASE_URL names it rightly.")
_DATABASE_SLOW: Final = gettext_noop("Answers, but took %(milliseconds)s ms for the smallest question.")
_SEE_DATABASE: Final = gettext_noop("Look at the load of the database’s machine, and at the network between.")
_NO_TIME_OUT: Final = gettext_noop("The server’s time-out %(name)s is switched off.")
_SET_TIME_OUT: Final = gettext_noop("Something between here and the server drops it: a pooler has to pass options on.")
_NO_WAL: Final = gettext_noop("SQLite writes without its log (journal_mode %(mode)s): readers and writers wait.")
_SET_WAL: Final = gettext_noop("Move the file to a local disk: write-ahead logging does not work over a network.")


def database() -> list[Line]:
    """Whether the database answers, quickly, and ends what takes too long."""
    begun = time.perf_counter()
    try:
        health.database_answers()
    except Error as error:
        return [failed(_DATABASE_AWAY, _START_DATABASE, error=type(error).__name__)]
    seconds = time.perf_counter() - begun
    values = {"milliseconds": round(seconds * 1000, 1)}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute("SELECT current_setting(%s)", [name])
                if cursor.fetchone()[0] == "0":
                    return [warning(_NO_TIME_OUT, _SET_TIME_OUT, name=name)]
        else:
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0])
            if mode not in ("wal", "memory"):
                return [warning(_NO_WAL, _SET_WAL, mode=mode)]
    if seconds > SLOW_DATABASE_SECONDS:
        return [warning(_DATABASE_SLOW, _SEE_DATABASE, **values)]
    return [good(_DATABASE_GOOD, **values)]


_MIGRATED: Final = gettext_noop("The database is at this version.")
_BEHIND: Final = gettext_noop("%(count)s migrations were not applied, the first is %(first)s.")
_MIGRATE: Final = gettext_noop("Run: python manage.py prepare. Until then pages may fail.")


def migrations() -> list[Line]:
    """Whether the database has every migration of this code."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = f"{plan[0][0].app_label}.{plan[0][0].name}"
        return [failed(_BEHIND, _MIGRATE, count=len(plan), first=first)]
    return [good(_MIGRATED)]


_CLOCK_GOOD: Final = gettext_noop("This machine’s clock and the database’s agree.")
_CLOCK_OFF: Final = gettext_noop("This machine’s clock is %(seconds)s s off the database’s.")
_SET_CLOCK: Final = gettext_noop("Set the clock (NTP). What is due goes by the database’s time, pages by this one.")


def clocks() -> list[Line]:
    """Whether this machine's clock is the database's, within half a minute."""
    off = clock.drift()
    if abs(off) > clock.MAX_DRIFT:
        return [failed(_CLOCK_OFF, _SET_CLOCK, seconds=int(off.total_seconds()))]
    return [good(_CLOCK_GOOD)]


_LIVE_GOOD: Final = gettext_noop("Signals pass through Redis.")
_LIVE_BY_LEDGER: Final = gettext_noop("Signals are read from the ledger: without Redis that is how it is done.")
_LIVE_AWAY: Final = gettext_noop("Signals do not pass through Redis. Open pages are updated from the ledger instead.")


def live() -> list[Line]:
    """Whether what is published reaches whoever listens."""
    if not settings.REDIS_URL:
        return [good(_LIVE_BY_LEDGER)]
    client = redis.Redis.from_url(settings.REDIS_URL, **_CONNECT)
    name = f"parley.doctor.{secrets.token_hex(8)}"
    try:
        with client.pubsub() as listener:  # type: ignore[no-untyped-call]
            listener.subscribe(name)
            listener.get_message(timeout=REDIS_SECONDS)  # that it listens
            client.publish(name, "1")
            is_heard = listener.get_message(timeout=REDIS_SECONDS) is not None
    except (redis.RedisError, OSError):
        is_heard = False
    finally:
        client.close()
    return [good(_LIVE_GOOD) if is_heard else warning(_LIVE_AWAY, _SEE_REDIS)]


_ORIGINAL: Final = gettext_noop("This installation is no restored copy.")
_COPY: Final = gettext_noop("Nothing leaves: this is a restored copy (%(reason)s).")
_DECIDE: Final = gettext_noop("Decide what becomes of what waits: in the admin, or with accept_restored_copy.")


def restored_copy() -> list[Line]:
    """Whether a decision about a restored copy is waited for."""
    row = installation.held()
    if row is None:
        return [good(_ORIGINAL)]
    url = reverse("admin:activity_installation_changelist")
    return [about(failed(_COPY, _DECIDE, reason=row.held_why), "", url=url, since=row.held_since)]


_VERSIONS: Final = gettext_noop("Parley %(parley)s, Python %(python)s, Django %(django)s, %(services)s.")


def versions() -> list[Line]:
    """What runs here."""
    return [
        good(
            _VERSIONS,
            parley=_own_version(),
            python=".".join(str(part) for part in sys.version_info[:3]),
            django=django.get_version(),
            services=", ".join([_database_version(), *([_redis_version()] if settings.REDIS_URL else [])]),
        )
    ]


def _own_version() -> str:
    try:
        return str(tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "?"


def _database_version() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0]}"
        cursor.execute("SELECT sqlite_version()")
        return f"SQLite {cursor.fetchone()[0]}"


def _redis_version() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, **_CONNECT)
    try:
        return f"Redis {client.info('server').get('redis_version', '')}"
    except (redis.RedisError, OSError):
        return "Redis ?"
    finally:
        client.close()


def register_all() -> None:
    for check in (
        Check(name="worker", label=_("Worker"), group="machinery", run=worker),
        Check(name="beat", label=_("Beat"), group="machinery", run=beat),
        Check(name="broker", label=_("Broker"), group="machinery", run=broker),
        Check(name="database", label=_("Database"), group="machinery", run=database),
        Check(name="migrations", label=_("Migrations"), group="machinery", run=migrations),
        Check(name="clock", label=_("Clock"), group="machinery", run=clocks),
        Check(name="live", label=_("Live updates"), group="machinery", run=live),
        Check(name="restored copy", label=_("Restored copy"), group="machinery", run=restored_copy),
        Check(name="versions", label=_("Versions"), group="versions", run=versions),
    ):
        register(check)
