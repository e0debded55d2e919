"""One wake-up a task: while one waits in the broker, another would say nothing new.

So the broker holds at most one message for each thing that can be rung for, however long no worker comes. With Redis
a key that expires says that one waits; the local broker looks at its files. What a wake-up that was lost costs is a
tick, since the worker looks for due work by itself.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import redis
from django.conf import settings

from core import broker

logger = logging.getLogger(__name__)

# Where the key of a wake-up travels, in the message's context header.
WAKE: Final = "wake"
# A wake-up that was lost with its worker keeps others away for so long; the worker's own look is sooner.
PENDING_MILLISECONDS: Final = 10_000
# With so many messages waiting nobody is short of something to do.
MAX_WAITING: Final = 500

_lock = threading.Lock()
_client: redis.Redis | None = None


def key_of(task: str, arguments: Mapping[str, object] | None = None) -> str:
    """The same key is the same wake-up: letters and digits only, for a file's name and a Redis key."""
    text = repr((task, sorted((arguments or {}).items())))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def may_publish(key: str) -> bool:
    """Whether no equal wake-up waits; then this one is on its way. Raises what the broker's client raises."""
    if not settings.REDIS_URL:
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"]) / settings.CELERY_TASK_DEFAULT_QUEUE
        return not broker.is_pending(folder, key)
    steps = _redis().pipeline(transaction=False)
    steps.set(_name(key), 1, nx=True, px=PENDING_MILLISECONDS)
    steps.llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    is_first, waiting = steps.execute()
    return bool(is_first) and int(waiting) < MAX_WAITING


def answered(key: str) -> None:
    """A worker begins: what is rung for from now on is another wake-up. Never raises."""
    if not settings.REDIS_URL:
        return  # taking the file was it
    try:
        _redis().delete(_name(key))
    except redis.RedisError as error:
        logger.debug("wakeup_not_noted", extra={"reason": str(error)})


def _name(key: str) -> str:
    return f"parley:wake:{key}"


def _redis() -> redis.Redis:
    """A client that does not wait: a wake-up is worth a moment and no more."""
    global _client
    with _lock:
        if _client is None:
            _client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)
        return _client
