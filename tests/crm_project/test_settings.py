"""The start with wrong settings: a process of its own for each, as an operator would see it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.make_keys import lines as random_keys

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "ALLOWED_HOSTS": "crm.example.com",
    **dict(line.split("=", 1) for line in random_keys()),
}


def start(tmp_path, code="import crm_project.settings", **environment):
    """Read the settings in a process that knows nothing but this."""
    known = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATA_DIR": str(tmp_path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=known, capture_output=True, text=True, check=False
    )


def test_production_starts_with_what_it_needs(tmp_path):
    done = start(tmp_path, **PRODUCTION)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ENCRYPTION_KEYS", "ALLOWED_HOSTS"])
def test_production_does_not_start_without_what_it_needs_and_says_which(tmp_path, missing):
    done = start(tmp_path, **{name: value for name, value in PRODUCTION.items() if name != missing})
    assert done.returncode == 1
    assert f"{missing} is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert sum(name in done.stderr for name in PRODUCTION) == (1 if missing == "DEBUG" else 2)  # it and DEBUG=false


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is too easy to guess"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is too easy to guess"),
        ("SECRET_KEY", "only-for-development-" + "0" * 40, "SECRET_KEY is missing"),
        ("ENCRYPTION_KEYS", "b25seS1mb3ItZGV2ZWxvcG1lbnQtMDAwMDAwMDAwMDA=", "ENCRYPTION_KEYS is missing"),
        ("ENCRYPTION_KEYS", "not-a-key", "ENCRYPTION_KEYS: value 1 is no Fernet key"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS is missing"),
        ("DEBUG", "maybe", "DEBUG is 'maybe', but has to be true or false."),
        ("TICK_SECONDS", "two", "TICK_SECONDS is 'two', but has to be a whole number."),
        ("TICK_SECONDS", "0", "TICK_SECONDS is 0, but has to be between 1 and 60."),
        ("TRUSTED_PROXY_COUNT", "-1", "TRUSTED_PROXY_COUNT is -1"),
        ("DATABASE_URL", "mysql://a:pa55@b/c", "DATABASE_URL is no address beginning with"),
        ("REDIS_URL", "cache:6379", "REDIS_URL is no address beginning with redis://"),
        ("PUBLIC_BASE_URL", "crm.example.com", "PUBLIC_BASE_URL is no address beginning with https://"),
        ("EMAIL_URL", "gopher://mail", "EMAIL_URL is no address"),
        ("KEYWORD_TAGS_JSON", "{", "KEYWORD_TAGS_JSON is no JSON"),
        ("KEYWORD_TAGS_JSON", "[]", "KEYWORD_TAGS_JSON has to be a JSON object"),
        ("DEFAULT_COUNTRY_CODE", "44", "DEFAULT_COUNTRY_CODE is '44'"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is 'LOUD', but has to be one of DEBUG, INFO, WARNING, ERROR."),
        ("OUTBOUND_LEASE_SECONDS", "2", "OUTBOUND_LEASE_SECONDS is 2, but has to be at least 3."),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence_that_names_it(tmp_path, name, value, sentence):
    done = start(tmp_path, **{**PRODUCTION, name: value})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "pa55" not in done.stderr


def test_hsts_promises_nothing_for_other_hosts_unless_asked(tmp_path):
    code = "from crm_project import settings as s; print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD)"
    assert start(tmp_path, code, **PRODUCTION).stdout.split() == ["False", "False"]
    asked = {"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}
    assert start(tmp_path, code, **PRODUCTION, **asked).stdout.split() == ["True", "True"]


def test_nobody_else_on_the_machine_reads_the_data(tmp_path):
    folder = tmp_path / "data"
    start(tmp_path, DEBUG="true", DATA_DIR=str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)  # made by an earlier version
    start(tmp_path, DEBUG="true", DATA_DIR=str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    code = (
        "import django; django.setup(); from django.core.files.storage import default_storage as d; "
        "from django.core.files.base import ContentFile; print(d.path(d.save('a/b.txt', ContentFile(b'x'))))"
    )
    path = Path(
        start(
            tmp_path, code, DEBUG="true", DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="crm_project.settings"
        ).stdout.strip()
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_everything_wrong_is_reported_at_once(tmp_path):
    done = start(tmp_path, **{**PRODUCTION, "SECRET_KEY": "", "TICK_SECONDS": "x", "LOG_LEVEL": "y"})
    assert [name in done.stderr for name in ("SECRET_KEY", "TICK_SECONDS", "LOG_LEVEL")] == [True, True, True]


def test_production_is_closed_to_plain_http(tmp_path):
    code = (
        "from crm_project import settings as s; "
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0, "
        "s.TWILIO_VALIDATE_SIGNATURE, s.PUBLIC_BASE_URL)"
    )
    done = start(tmp_path, code, **PRODUCTION)
    assert done.stdout.split() == [*["True"] * 5, "https://crm.example.com"]


def test_the_environment_goes_before_the_file_and_the_file_before_local_env(tmp_path):
    file = tmp_path / "file.env"
    file.write_text("DEBUG=true\nTICK_SECONDS=3\nWORKER_THREADS=3\n")
    (tmp_path / "local.env").write_text("TICK_SECONDS=4\nWORKER_THREADS=4\nOUTBOUND_CONCURRENCY=4\n")
    code = "from crm_project import settings as s; print(s.TICK_SECONDS, s.WORKER_THREADS, s.OUTBOUND_CONCURRENCY)"
    done = start(tmp_path, code, ENV_FILE=str(file), TICK_SECONDS="2")
    assert done.stdout.split() == ["2", "3", "4"]


def test_without_redis_nothing_but_files_is_needed_and_with_it_everything_uses_it(tmp_path):
    code = "from crm_project import settings as s; print(s.CELERY_BROKER_URL, s.CACHES['default']['BACKEND'])"
    assert start(tmp_path, code, DEBUG="true").stdout.split() == [
        "local://localhost",
        "django.core.cache.backends.db.DatabaseCache",
    ]
    done = start(tmp_path, code, DEBUG="true", REDIS_URL="redis://127.0.0.1:6379/9")
    assert done.stdout.split() == ["redis://127.0.0.1:6379/9", "django.core.cache.backends.redis.RedisCache"]


def test_the_pool_holds_what_a_workers_threads_can_ask_for(tmp_path):
    code = "from crm_project import settings as s; print(s.DATABASES['default']['OPTIONS']['pool']['max_size'])"
    given = {
        "DEBUG": "true",
        "DATABASE_URL": "postgres://x@127.0.0.1/x",
        "WORKER_THREADS": "5",
        "OUTBOUND_CONCURRENCY": "7",
    }
    assert int(start(tmp_path, code, **given).stdout) >= 5 + 7
    code = "from crm_project.celery import require_connections; require_connections()"
    refused = start(tmp_path, code, **given, DATABASE_POOL_SIZE="11")
    assert refused.returncode != 0
    assert "DATABASE_POOL_SIZE is 11" in refused.stderr
    assert start(tmp_path, code, **given).returncode == 0
