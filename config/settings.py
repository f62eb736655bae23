"""Settings of every process of Lotwise; what differs between deployments comes from the environment."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.environment import (
    broker_from_url,
    database_from_url,
    env_bool,
    env_int,
    env_list,
    env_path,
    env_secret,
    env_url,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env_path("LOTWISE_DATA_DIR", default=BASE_DIR / ".lotwise")

DEBUG = env_bool("LOTWISE_DEBUG", default=False)
SECRET_KEY = env_secret("LOTWISE_SECRET_KEY", keep_in=DATA_DIR / "secret_key")
ALLOWED_HOSTS = env_list("LOTWISE_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("LOTWISE_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "accounts",
    "securities",
    "lots",
    "proposals",
    "harvesting",
    "rebalancing",
    "scans",
    "config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "config.guards.size_guard",
    "config.guards.text_guard",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.guards.no_store",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # default deny: open views say so
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.desk",
            ],
        },
    }
]

# PostgreSQL only: locks, bounded checks, advisory locks and COPY are part of the design.
DATABASE_URL = env_url("DATABASE_URL", default="")
DATABASES = {"default": database_from_url(DATABASE_URL)}
REDIS_URL = env_url("REDIS_URL", default="")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("LOTWISE_HTTPS", default=False)
SECURE_SSL_REDIRECT = False  # the proxy in front decides
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"  # the market's zone: trade dates are dates in it
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "build" / "static"
# The stylesheet comes out of the package that carries it; its app (an admin theme) is not installed.
_TABLER = Path(str(find_spec("jazzy_tabler").origin)).parent / "static" / "vendor" / "tabler"  # type: ignore[union-attr]  # locked dependency
STATICFILES_DIRS = [BASE_DIR / "static", ("tabler", _TABLER)]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # Tabler's stylesheet draws its icons as data URLs
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
}

# Uploads are read in memory: the importers refuse by size before they read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
IMPORT_MAX_BYTES = 20 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api_errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lotwise API",
    "DESCRIPTION": "Read a firm's households, accounts, lots, windows and proposals; post transactions.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_AUTHENTICATION": [],  # the document is open: it holds nobody's data
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {
        "AccountKind": "accounts.serializers.KINDS",
        "EntryKind": "lots.serializers.KINDS",
        "ProposalKind": "proposals.serializers.KINDS",
        "ProposalStatus": "proposals.serializers.STATUSES",
    },
}
# Of one token.
API_CALLS_A_MINUTE = env_int("LOTWISE_API_CALLS_A_MINUTE", default=600, least=0, most=1_000_000)

# Celery carries hints; the work list in PostgreSQL holds the truth (docs/adr/0006).
CELERY_BROKER_URL = broker_from_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]  # never pickle: a forged message must not be code
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900}  # above the hard time limit
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1_048_576  # KiB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the lease refuses a second run
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

# The work list's clock (seconds). A lease always outlives the hard time limit of the task that holds it.
SCAN_LEASE_SECONDS = env_int("LOTWISE_SCAN_LEASE_SECONDS", default=330, least=1, most=86_400)
SCAN_MAX_ATTEMPTS = env_int("LOTWISE_SCAN_MAX_ATTEMPTS", default=3, least=1, most=100)
SCAN_SWEEP_SECONDS = env_int("LOTWISE_SCAN_SWEEP_SECONDS", default=60, least=1, most=86_400)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
