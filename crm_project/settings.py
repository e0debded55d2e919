"""Every setting of Parley, read from the environment in this one place; `.env.example` explains each to an operator.

Where a value comes from, first match: the process's environment, the file `.env` (or ENV_FILE), the file
`local.env` in DATA_DIR, which `make run` fills with random keys. A wrong value ends the start with a sentence.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from core.logging import logging_config
from crm_project import environment as env
from crm_project.schedule import beat_schedule

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where settings come from -----------------------------------------------------------------------------------------

env.read_file(Path(env.text("ENV_FILE", str(BASE_DIR / ".env"))))
DATA_DIR = (BASE_DIR / env.text("DATA_DIR", "var")).resolve()
env.read_file(DATA_DIR / "local.env")
DATA_DIR.mkdir(parents=True, exist_ok=True)
env.close_folder(DATA_DIR)

# --- What production must say -----------------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", default=False)
# Known to everyone, so good for a developer's machine only; production refuses them.
_DEVELOPMENT_SECRET_KEY = "only-for-development-" + "0" * 40
_DEVELOPMENT_ENCRYPTION_KEY = "b25seS1mb3ItZGV2ZWxvcG1lbnQtMDAwMDAwMDAwMDA="

SECRET_KEY = env.text("SECRET_KEY", _DEVELOPMENT_SECRET_KEY)
ENCRYPTION_KEYS = env.fernet_keys("ENCRYPTION_KEYS", [_DEVELOPMENT_ENCRYPTION_KEY])
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")

if not DEBUG:
    if SECRET_KEY == _DEVELOPMENT_SECRET_KEY:
        env.refuse(
            "SECRET_KEY is missing: with DEBUG=false it has to be a long random value (python scripts/make_keys.py)."
        )
    elif len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
        env.refuse("SECRET_KEY is too easy to guess: it has to be random and 50 characters or more.")
    if _DEVELOPMENT_ENCRYPTION_KEY in ENCRYPTION_KEYS:
        env.refuse(
            "ENCRYPTION_KEYS is missing: with DEBUG=false it has to hold a Fernet key (python scripts/make_keys.py)."
        )
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        env.refuse(
            "ALLOWED_HOSTS is missing: with DEBUG=false it has to name the host names Parley answers to, and no *."
        )

# --- Addresses --------------------------------------------------------------------------------------------------------

PORT = env.number("PORT", 8000, at_least=1, at_most=65535)
_own_address = f"http://127.0.0.1:{PORT}" if DEBUG or not ALLOWED_HOSTS else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
PUBLIC_BASE_URL = env.url("PUBLIC_BASE_URL", _own_address)
_public = urlsplit(PUBLIC_BASE_URL)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [f"{_public.scheme}://{_public.netloc}"])
# How many proxies of ours stand in front: so many last entries of X-Forwarded-For are believed; and X-Forwarded-Proto.
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, at_most=10)
# A name of this installation. A database that bears another one is a copy: nothing leaves until somebody decides. Give
# a copy for trying things out another name than its original.
INSTALLATION_NAME = env.text("INSTALLATION_NAME", "")[:100]
SIGN_UP_ENABLED = env.flag("SIGN_UP_ENABLED", default=True)
# Who knows it reads /metrics; empty: there is no such page.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# --- The apps ---------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "crm_project",
    "analytics",
    "workflows",
    "messaging",
    "customers",
    "accounts",
    "activity",
    "core",
    "crm_project.admin_app.ParleyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "lucide",
    "rest_framework",
    "template_partials",
    # Further apps, for development: a debugging aid that production does not install.
    *env.words("EXTRA_APPS"),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
TENANT_MODEL = "accounts.Organization"
ROOT_URLCONF = "crm_project.urls"
ASGI_APPLICATION = "crm_project.asgi.application"

MIDDLEWARE = [
    "core.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.StaticFilesMiddleware",
    "core.compression.PageCompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.text_safety.storable_text_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.refused_pages.RefusedMiddleware",
    "accounts.access.acting.ActingMiddleware",
    "core.outage.OutageMiddleware",
]

TEMPLATES: list[dict[str, object]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.frame.context.shell",
            ],
        },
    }
]

# --- Threads ----------------------------------------------------------------------------------------------------------

# How often the beat and every worker look for what is due, in seconds; a commit rings at once, so this is what a
# lost ring costs.
TICK_SECONDS = env.number("TICK_SECONDS", 2, at_least=1, at_most=60)
WORKER_THREADS = env.number("WORKER_THREADS", 8, at_least=2, at_most=64)
OUTBOUND_CONCURRENCY = env.number("OUTBOUND_CONCURRENCY", 8, at_least=1, at_most=64)
# All that can ask for a connection at once in a worker: its tasks, the senders, the threads that look by themselves for
# what is due (crm_project.ticker), and those that renew leases and watch.
WORKER_CONNECTIONS = WORKER_THREADS + OUTBOUND_CONCURRENCY + 10
DATABASE_POOL_SIZE = env.number("DATABASE_POOL_SIZE", WORKER_CONNECTIONS, at_least=2)

# --- Database ---------------------------------------------------------------------------------------------------------

_database = env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'parley.sqlite3'}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database |= {
        # IMMEDIATE and WAL: writers queue instead of failing with "database is locked", and readers never wait.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        },
        # A file, not memory: threads of a test see the same database.
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }
else:
    from core.postgresql import Connection

    _seconds = {
        # No statement of a page or of a sweep takes longer; `manage.py migrate` lifts it for itself.
        "statement_timeout": env.number("DATABASE_STATEMENT_SECONDS", 60, at_least=5),
        # Whoever waits for a row that somebody holds tries again later.
        "lock_timeout": env.number("DATABASE_LOCK_SECONDS", 10, at_least=1),
        # A process that was frozen or cut off inside a transaction gives its rows back.
        "idle_in_transaction_session_timeout": env.number("DATABASE_IDLE_SECONDS", 10, at_least=1),
    }
    Connection.longest_wait = _seconds["statement_timeout"] + 30.0
    _database |= {
        # With ASGI a kept connection is one per thread and leaks; the pool is shared.
        "CONN_MAX_AGE": 0,
        # A connection that the server has forgotten is noticed before a statement is lost with it.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 2,
            # A network that was cut is noticed by the kernel, in milliseconds and seconds.
            "tcp_user_timeout": 5000,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "options": " ".join(f"-c {name}={seconds}s" for name, seconds in _seconds.items()),
            **_database.get("OPTIONS", {}),
            "pool": {
                "connection_class": Connection,
                "min_size": 2,
                "max_size": DATABASE_POOL_SIZE,
                # A request that gets no connection is answered by 503 within three seconds.
                "timeout": 2.5,
                # How long one attempt to connect is repeated, each time after a longer pause: whoever asks next begins
                # another, so that an outage ends with the database's return and not a minute later.
                "reconnect_timeout": 2,
            },
        },
    }
DATABASES = {"default": _database}

# --- Redis, or what stands in for it ----------------------------------------------------------------------------------

REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss", "unix"))

CACHES: dict[str, dict[str, object]] = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "parley"}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    )
}

# --- Work that happens later ------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL or "local://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        # A task that a dead worker held comes back after so many seconds. The ticks have long found its row by then.
        "visibility_timeout": 900,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    if REDIS_URL
    else {"folder": str(DATA_DIR / "broker")}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_DEFAULT_QUEUE = "parley"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = WORKER_THREADS
CELERY_WORKER_POOL = "threads"
# Remote control and events are broadcasts that nobody here listens to; the canary says whether a worker works.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "crm_project.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = beat_schedule(TICK_SECONDS)

# --- Sign-in ----------------------------------------------------------------------------------------------------------

LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.credentials.validators.EndsSignIns"},
]
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=4).total_seconds())
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
ACCESS_TOKEN_MINUTES = env.number("ACCESS_TOKEN_MINUTES", 15, at_least=1, at_most=24 * 60)
REFRESH_TOKEN_DAYS = env.number("REFRESH_TOKEN_DAYS", 30, at_least=1, at_most=365)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "AUTH_HEADER_TYPES": ("Bearer",),
}

# --- What a browser is told -------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = not DEBUG
# A load balancer asks for health over plain HTTP, from inside.
SECURE_REDIRECT_EXEMPT = [r"^health(/ready)?$", r"^api/v1/health$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 0 if DEBUG else env.number("HSTS_SECONDS", 365 * 24 * 3600)
# Promises for host names that Parley does not know: whoever runs it has to give them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD", default=False)
# Django would have both set to true.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "media-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],  # an e-mail's own page, in a sandbox
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# --- The API ----------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.access.authentication.TokenAuthentication",
        "accounts.access.authentication.APIKeyAuthentication",
        "accounts.access.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.text_safety.StorableJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "UNICODE_JSON": True,
}
DRF_STANDARDIZED_ERRORS = {
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
    "EXCEPTION_HANDLER_CLASS": "core.api.handler.Handler",
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "Parley",
    "DESCRIPTION": "What external systems rely on: paths, methods, parameters and fields are added to, never renamed.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # one name for each set of values, wherever it stands
        "DirectionEnum": "customers.models.interaction.Interaction.Direction",
        "StageKindEnum": "customers.models.pipeline.Stage.Kind",
        "ProcessStatusEnum": "customers.models.process.Process.Status",
        "CustomerStatusEnum": "customers.models.customer.Customer.Status",
        "ConversationStatusEnum": "messaging.models.conversation.Conversation.Status",
        "MessageStatusEnum": "messaging.models.message.Message.Status",
        "ChannelKindEnum": "messaging.channels.base.KIND_CHOICES",
        "SendingChannelEnum": "messaging.costs.api.BILLED_KINDS",
        "KeyStateEnum": "accounts.api_keys.serializers.STATES",
        "PersonStatusEnum": "accounts.people.serializers.STATUSES",
        "HealthStatusEnum": "activity.models.health.HealthStatus",
        "RunStatusEnum": "workflows.models.run.WorkflowRun.Status",
        "CancelOnEnum": "workflows.rules.serializers.CANCEL_ON",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Messages ---------------------------------------------------------------------------------------------------------

DEFAULT_COUNTRY_CODE = env.text("DEFAULT_COUNTRY_CODE", "+44")
if not (DEFAULT_COUNTRY_CODE.startswith("+") and DEFAULT_COUNTRY_CODE[1:].isdigit() and len(DEFAULT_COUNTRY_CODE) <= 4):
    env.refuse(f"DEFAULT_COUNTRY_CODE is {DEFAULT_COUNTRY_CODE!r}, but has to be a calling code such as +44.")
KEYWORD_TAGS_JSON = env.mapping("KEYWORD_TAGS_JSON")
# Words that opt out beside those that Parley knows, each the whole of a message.
OPT_OUT_WORDS = env.words("OPT_OUT_WORDS", [])
TWILIO_VALIDATE_SIGNATURE = env.flag("TWILIO_VALIDATE_SIGNATURE", default=not DEBUG)
TWILIO_WEBHOOK_BASE_URL = env.url("TWILIO_WEBHOOK_BASE_URL", PUBLIC_BASE_URL)
TWILIO_API_BASE_URL = env.url("TWILIO_API_BASE_URL")
# Mail servers and sign-in providers that may be in a private network; with DEBUG all, and this machine.
MAIL_ALLOWED_HOSTS = env.words("MAIL_ALLOWED_HOSTS", ["*"] if DEBUG else [])
SIGN_IN_PROVIDER_HOSTS = env.words("SIGN_IN_PROVIDER_HOSTS", ["localhost", "127.0.0.1"] if DEBUG else [])
PROVIDER_TIMEOUT_SECONDS = env.number("PROVIDER_TIMEOUT_SECONDS", 10, at_least=1, at_most=60)
OUTBOUND_LEASE_SECONDS = env.number("OUTBOUND_LEASE_SECONDS", 300, at_least=3)
if OUTBOUND_LEASE_SECONDS < 3 * PROVIDER_TIMEOUT_SECONDS:
    env.refuse(
        "OUTBOUND_LEASE_SECONDS has to be three times PROVIDER_TIMEOUT_SECONDS or more: a claim must outlive its send."
    )

# What rules send: to a customer at most so many within a day, and nothing in a thread so long after one of ours wrote.
AUTOMATIC_MESSAGES_A_DAY = env.number("AUTOMATIC_MESSAGES_A_DAY", 50, at_least=1, at_most=1000)
AUTOMATION_LATE_HOURS = env.number("AUTOMATION_LATE_HOURS", 24, at_least=1, at_most=7 * 24)
AUTOMATION_SILENT_MINUTES = env.number("AUTOMATION_SILENT_MINUTES", 60, at_least=0, at_most=7 * 24 * 60)
# The hour of an organization's clock at which its day is recorded, and whose dates it is.
DAILY_HOUR = env.number("DAILY_HOUR", 8, at_least=0, at_most=23)
# For so many days it is kept what each rule decided and did.
WORKFLOW_LOG_DAYS = env.number("WORKFLOW_LOG_DAYS", 90, at_least=1, at_most=3650)
# Notifications: after so many minutes without a request somebody is away, and mailed what is unread; what was read is
# forgotten after so many days.
NOTIFICATION_MAIL_AFTER_MINUTES = env.number("NOTIFICATION_MAIL_AFTER_MINUTES", 30, at_least=1, at_most=7 * 24 * 60)
NOTIFICATION_DAYS = env.number("NOTIFICATION_DAYS", 30, at_least=1, at_most=3650)

# --- Mail of the system itself ----------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"Parley <no-reply@{_public.hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
_mail = env.mail("EMAIL_URL") or {
    "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
    "EMAIL_FILE_PATH": str(DATA_DIR / "mail"),
}
EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_FILE_PATH: str = _mail.get("EMAIL_FILE_PATH", "")
EMAIL_HOST: str = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _mail.get("EMAIL_USE_SSL", False)

# --- Files ------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
# Development serves the files as they stand, production what `collectstatic` put into STATIC_ROOT.
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
if DEBUG:
    STATIC_ROOT.mkdir(exist_ok=True)
MEDIA_ROOT = DATA_DIR / "media"
# Where a backup is put each day; empty: none is taken by itself.
BACKUP_DIR = env.text("BACKUP_DIR", "")
BACKUP_KEEP_DAYS = env.number("BACKUP_KEEP_DAYS", 7, at_least=1, at_most=365)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
# Customers brought in by a file: larger ones are refused before they are parsed.
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES", 50_000_000, at_least=1000)
IMPORT_MAX_ROWS = env.number("IMPORT_MAX_ROWS", 500_000, at_least=1, at_most=1_000_000)
# What may be put on a customer's page, each.
FILE_MAX_BYTES = env.number("FILE_MAX_BYTES", 25_000_000, at_least=1)
# What comes with a message, each: a larger one is not fetched, and the thread says so.
MEDIA_MAX_BYTES = env.number("MEDIA_MAX_BYTES", 25_000_000, at_least=1000)
# How long the address is good that a provider fetches a file of ours from.
MEDIA_LINK_HOURS = env.number("MEDIA_LINK_HOURS", 4, at_least=1, at_most=168)
# A whole e-mail with its files.
MAIL_MAX_BYTES = env.number("MAIL_MAX_BYTES", 40_000_000, at_least=100_000)
# How often a mailbox is looked at.
MAIL_POLL_SECONDS = env.number("MAIL_POLL_SECONDS", 30, at_least=5, at_most=3600)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "crm_project.static_files.Storage"
        )
    },
}

# --- Words and times --------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Logs -------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR")).upper()
LOG_JSON = env.flag("LOG_JSON", default=not DEBUG)
LOGGING = logging_config(level=LOG_LEVEL, as_json=LOG_JSON)

env.stop_if_wrong()
