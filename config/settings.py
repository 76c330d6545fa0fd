"""One settings file; what differs between installations comes from the environment.

Every variable is read first and checked together, so that a wrong environment is reported once, in full.
"""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, ValidationError
from environs import validate as check

from earnings.money import CURRENCIES

BASE_DIR = Path(__file__).resolve().parent.parent


def _time_zone(name):
    if name not in available_timezones():
        raise ValidationError("Not a time zone such as Europe/Istanbul.")


def _origins(origins):
    for origin in origins:
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin):
            raise ValidationError(f"{origin!r} is not an origin such as https://app.example.com.")


def _stripe_or_here(url):
    """Where our Stripe key is sent: to Stripe, or to a stand-in on this very machine."""
    if url != "https://api.stripe.com" and not re.fullmatch(r"http://(127\.0\.0\.1|localhost):[0-9]{1,5}", url):
        raise ValidationError("It is https://api.stripe.com, or a test server such as http://127.0.0.1:12111.")


def _own_origin(url):
    """Links in mails and payments are this address and a path: only an origin makes them right."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValidationError("It is the site's own address without a path, such as https://shop.example.")


env = Env(eager=False)
# Set, but to nothing: the working directory, as pathlib has it, is nobody's wish.
VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var") if os.environ.get("VAR_DIR") else BASE_DIR / "var"
SECRET_KEY = env.str("SECRET_KEY", "")
DEBUG = env.bool("DEBUG", False)
_HOST = [] if DEBUG else check.Length(min=1, error="Name the site's hosts, such as shop.example.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], validate=_HOST)
PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000", validate=[check.URL(require_tld=False), _own_origin])
_SQL = check.Regexp(r"\A\Z|(postgres|postgresql|pgsql|sqlite)://", error="Begin with postgres:// or sqlite:///.")
DATABASE_URL = env.dj_db_url("DATABASE_URL") if env.str("DATABASE_URL", "", validate=_SQL) else None
REDIS_URL = env.str("REDIS_URL", "", validate=check.Regexp(r"\A\Z|(rediss?|unix)://"))
DEMO_STORE_NAME = "Lanternfish Studio"
STORE_NAME = env.str("STORE_NAME", DEMO_STORE_NAME)
# What the start page, the footer and search engines say of the shop (storefront/shop_words.py).
STORE_TAGLINE = env.str("STORE_TAGLINE", "", validate=check.Length(max=100))
STORE_INTRO = env.str("STORE_INTRO", "", validate=check.Length(max=300))
STORE_EMAIL = env.str("STORE_EMAIL", "hello@lanternfish.example", validate=check.Email())
STORE_TIMEZONE = env.str("STORE_TIMEZONE", "UTC", validate=_time_zone)
_ISO_4217 = check.OneOf(CURRENCIES, error="{input} is not a currency's code (ISO 4217) such as EUR.")
STORE_CURRENCY = env.str("STORE_CURRENCY", "USD", validate=_ISO_4217)
STORE_ADDRESS = env.str("STORE_ADDRESS", "")
STORE_TAX_NOTE = env.str("STORE_TAX_NOTE", "", validate=check.Length(max=200))
INVOICE_NOTE = env.str("INVOICE_NOTE", "")
PAYMENT_EVENT_DAYS = env.int("PAYMENT_EVENT_DAYS", 90, validate=check.Range(min=1, max=3650))
INVOICE_DAYS = env.int("INVOICE_DAYS", 14, validate=check.Range(min=0, max=365))
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "", validate=check.Regexp(r"\A\Z|(sk|rk)_(test|live)_\w+\Z"))
# Required with the key: without it no payment could be believed.
STRIPE_WEBHOOK_SECRET = env.str(
    "STRIPE_WEBHOOK_SECRET",
    *(() if STRIPE_SECRET_KEY else ("",)),
    validate=check.Regexp(r"\A\Z|whsec_\S+\Z"),
)
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com", validate=_stripe_or_here)
DEMO_PAYMENTS = env.bool("DEMO_PAYMENTS", False)
_MAIL = check.Regexp(r"\A\Z|(smtps?|smtp\+(tls|ssl)|submission|console|file|memory|dummy)://")
EMAIL_URL = env.dj_email_url("EMAIL_URL") if env.str("EMAIL_URL", "", validate=_MAIL) else None
AI_BASE_URL = env.str("AI_BASE_URL", "", validate=check.Regexp(r"\A\Z|https?://\S+\Z"))
AI_API_KEY = env.str("AI_API_KEY", "")
AI_MODEL = env.str("AI_MODEL", "")
AI_MAX_TOKENS = env.int("AI_MAX_TOKENS", 4000, validate=check.Range(min=100, max=100_000))  # of one answer
AI_DAILY_CALLS = env.int("AI_DAILY_CALLS", 1000, validate=check.Range(min=0, max=1_000_000))
Q_BROKER = env.str("Q_BROKER", "orm", validate=check.OneOf(["orm", "redis"]))
Q_WORKERS = env.int("Q_WORKERS", 2, validate=check.Range(min=1, max=64))
PROXIES = env.int("PROXIES", 0, validate=check.Range(min=0, max=5))
HSTS_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", True)
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", False)
PAGE_SHIELD = env.bool("PAGE_SHIELD", True)
CORS_ORIGINS = env.list("CORS_ORIGINS", [], validate=_origins)
LOG_FORMAT = env.str("LOG_FORMAT", "text", validate=check.OneOf(["text", "json"]))
try:
    env.seal()
except EnvValidationError as error:
    lines = [f"  {name}: {' '.join(map(str, reasons))}" for name, reasons in error.error_messages.items()]
    raise ImproperlyConfigured("The environment has errors:\n" + "\n".join(lines)) from None

PUBLIC_URL = PUBLIC_URL.rstrip("/")
VAR_DIR = VAR_DIR.resolve()
try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # briefs, clients, sessions: nobody else's to read
except OSError as error:
    raise ImproperlyConfigured(f"VAR_DIR: {VAR_DIR} can't be made: {error.strerror}.") from None
if not os.access(VAR_DIR, os.W_OK | os.X_OK):
    raise ImproperlyConfigured(f"VAR_DIR: {VAR_DIR} can't be written to by this user.")


def _secret_key_file(path):
    """The key of an installation that was not given one: made once, kept beside the database it protects."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_urlsafe(64)
    with os.fdopen(made, "w") as new:
        new.write(key)
    return key


SECRET_KEY = SECRET_KEY or _secret_key_file(VAR_DIR / "secret_key")
TIME_ZONE = STORE_TIMEZONE
STORE_ZONE = ZoneInfo(STORE_TIMEZONE)

INSTALLED_APPS = [
    "storefront",
    "agency",
    "earnings",
    "config.admin.BoardAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
]

MIDDLEWARE = [
    "config.requests.identified",
    "config.origins.shared_with_origins",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.requests.ContentSecurityPolicy",
    "config.api.personal",
    "config.api.slashless",
    "agency.readiness.probed",
    "config.requests.ConditionalAnswers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # What an owner puts into the first folder stands in the place of ours, and no update overwrites it.
        "DIRS": [VAR_DIR / "templates", BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "storefront.views.store",
            ],
        },
    }
]

# --- Database -----------------------------------------------------------------------------------

DATABASE_URL = DATABASE_URL or {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"}
# A connection is kept: 0 would cost a factor of 2 to 3 in workers and more on PostgreSQL pages.
DATABASES = {"default": DATABASE_URL | {"CONN_MAX_AGE": None}}
if DATABASE_URL["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "config.sqlite"
    # A file in tests, too: the in-memory database locks whole tables and ignores the timeout.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that means to write says so at once; one that upgrades later can fail with
        # "database is locked" whatever the timeout is.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "PRAGMA mmap_size=134217728; PRAGMA cache_size=-16000;"
        ),
    }
else:
    DATABASES["default"] |= {"ENGINE": "config.postgresql", "CONN_HEALTH_CHECKS": True}

# --- Cache, shared by all processes: throttles that count per process do not throttle -----------

CACHES = {
    "default": (
        {"BACKEND": "config.redis_cache.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "config.cache.OneFileCache", "LOCATION": VAR_DIR / "cache" / "cache.sqlite3"}
    )
}

# --- Workers: django-q2 carries bells, the Task table is the backlog (agency/direction_board.py) --

Q_CLUSTER = {
    "name": "direction-board",
    "label": "Background jobs",
    "orm": "default",
    "broker_class": ("agency.redis_broker.BellsInRedis" if Q_BROKER == "redis" else "agency.broker.WakingBroker"),
    "workers": Q_WORKERS,
    "queue_limit": Q_WORKERS,
    "bulk": Q_WORKERS,
    # A job is a time slice of the backlog; these bound a job, the engine bounds each task.
    "timeout": 3600,
    "retry": 3900,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "recycle": 10_000,
    "scheduler": False,
    "catch_up": False,
    "log_level": "WARNING",
}

RUNS_WAITING_LIMIT = 1000  # runs that may be open at once; more are refused (429) instead of piled up

# --- Security -------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "storefront.limits.caller"
AXES_USERNAME_CALLABLE = "storefront.limits.name_tried"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        # Imported products keep their pictures where the marketplace stores them.
        "img-src": [SELF, "data:", "https:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
_https = urlsplit(PUBLIC_URL).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https and HSTS_SUBDOMAINS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
CATALOG_UPLOAD_MAX_BYTES = 256_000_000
PRODUCT_FILE_MAX_BYTES = 2_000_000_000
BRIEF_UPLOAD_MAX_BYTES = 10_000_000  # what a client may add to an order's brief at a time
LOGIN_URL = "admin:login"

# --- Files ------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
# Everything under media/ is private: staff and owners reach it through views that check who asks.
MEDIA_ROOT = VAR_DIR / "media"
# Also where VAR_DIR was made by somebody else, for everybody: 644 is Django's own.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
FILE_UPLOAD_TEMP_DIR = VAR_DIR  # the same disk: an upload of 2 GB is moved there, and no /tmp in memory fills

# --- Mail -------------------------------------------------------------------------------------------

if EMAIL_URL:
    EMAIL_BACKEND = EMAIL_URL["EMAIL_BACKEND"]
    EMAIL_HOST = EMAIL_URL["EMAIL_HOST"]
    EMAIL_PORT = EMAIL_URL["EMAIL_PORT"]
    EMAIL_HOST_USER = EMAIL_URL["EMAIL_HOST_USER"]
    EMAIL_HOST_PASSWORD = EMAIL_URL["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS = EMAIL_URL["EMAIL_USE_TLS"]
    EMAIL_USE_SSL = EMAIL_URL["EMAIL_USE_SSL"]
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = STORE_EMAIL

# --- API --------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "agency.tokens.NarrowedTokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["earnings.rights.ModelRights"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.StorableJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["earnings.filters.Filters", "config.lists.Ordering"],
    "DEFAULT_PAGINATION_CLASS": "config.lists.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "config.schema.CallSchema",
    "DEFAULT_THROTTLE_CLASSES": ["config.throttles.Anybody", "config.throttles.Users"],
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "3000/min"},
    "EXCEPTION_HANDLER": "config.api.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": None, "TOKEN_LIMIT_PER_USER": None, "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS = {
    "TITLE": "Direction Board",
    "DESCRIPTION": "Wishes become entangled Sales and Ops tasks; finished work becomes earnings.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.schema.complete"],
    "ENUM_NAME_OVERRIDES": {
        "PackageTierEnum": "agency.models.Package.Tier",
        "MoneyKindEnum": "earnings.models.Kind",
        "MoneyKindOrAllEnum": "earnings.dashboard.KINDS",
        "ProductKindEnum": "storefront.models.Product.Kind",
        "ProductStatusEnum": "storefront.models.Product.Status",
        "IntentStatusEnum": "agency.models.Intent.Status",
        "RunStatusEnum": "agency.models.Run.Status",
        "TaskStatusEnum": "agency.models.Task.Status",
        "OrderStatusEnum": "storefront.models.Order.Status",
        "PaymentStatusEnum": "storefront.models.Payment.Status",
        "RefundStatusEnum": "storefront.models.Refund.Status",
        "StatementStatusEnum": "earnings.models.StatementImport.Status",
        "ServiceOrderStatusEnum": "agency.models.ServiceOrder.Status",
        "WebhookDeliveryStatusEnum": "agency.models.WebhookDelivery.Status",
    },
}

# --- Logs: no bodies, no addresses, no names ----------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name} [{request_id}]: {message}", "style": "{"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "filters": {"request_id": {"()": "config.logs.RequestId"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "config": {"level": "INFO"},
        "agency": {"level": "INFO"},
        "storefront": {"level": "INFO"},
        "earnings": {"level": "INFO"},
        "django-q": {"level": "WARNING"},
        # These two print user names and addresses.
        "axes": {"level": "CRITICAL"},
        "django.request": {"level": "ERROR"},
    },
}
