"""One settings file for development, tests and production; the environment makes the difference.

Every name it reads is in the table of docs/configure.md. With nothing set, all of it points at the embedded servers.
"""

from email.utils import formataddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from environs import validate

from config import logging as studio_logging
from config import s3_endpoint, safety
from config.env import Environment, address, address_or_blank, groups_or_blank, origin
from config.origins import is_loopback
from config.server import defaults as server_defaults
from devserver import addresses

django_stubs_ext.monkeypatch()

BASE_DIR: Final = Path(__file__).resolve().parent.parent
env = Environment()

# --- this process
DEBUG: bool = env.bool("DEBUG", True)
SECRET_KEY = env.required("SECRET_KEY", optional=DEBUG, default=safety.DEVELOPMENT_KEY, hint=safety.KEY_HINT)
# former ones: what was signed with them is still believed, and nothing new is signed with them
SECRET_KEY_FALLBACKS: list[str] = env.keys("SECRET_KEY_FALLBACKS")
PORT: int = addresses.port()
# seconds that a client may keep a connection waiting: for a head, the next piece of a body, room for the next part
CLIENT_TIMEOUT: int = env.int("CLIENT_TIMEOUT", server_defaults.CLIENT_TIMEOUT, validate=validate.Range(min=1, max=60))
HOST: str = env.str("HOST", "") or "127.0.0.1"  # where the web process listens; the Procfile has the same default
# where people find the studio: cookies, CSRF, HSTS, mails and passkeys go by it
SITE_URL: str = env.origin("SITE_URL", f"http://localhost:{PORT}", required="" if DEBUG else safety.SITE_URL_HINT)
# what it is called: on pages, in mails, in authenticator apps
SITE_NAME: str = " ".join(env.str("SITE_NAME", "").split()) or "Kling Studio"
INSECURE_HTTP: bool = env.bool("INSECURE_HTTP", False)
_named_hosts = env.hosts("ALLOWED_HOSTS", optional=DEBUG)
ALLOWED_HOSTS: list[str] = [*_named_hosts, *safety.own_hosts(SITE_URL)]
_behind_https = SITE_URL.startswith("https://")
# where fal finds it: without it there are no webhooks
FAL_WEBHOOKS: bool = env.bool("FAL_WEBHOOKS", True)
_public_url = env.origin("PUBLIC_URL", SITE_URL if _behind_https and not DEBUG else "")
PUBLIC_URL: str = _public_url if FAL_WEBHOOKS else ""
TRUSTED_PROXIES: int = env.proxies("TRUSTED_PROXIES", optional=DEBUG)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", "")  # opens what only machines of ours should read
METRICS_PORT: int | None = env.port("METRICS_PORT")  # at which worker and cron tell theirs
env.writable_directory("PROMETHEUS_MULTIPROC_DIR")  # where `config.metrics` counts, which reads it by itself
LOGGING = studio_logging.config(
    env.str("LOG_LEVEL", "INFO"), env.str("LOG_FORMAT", "line", validate=validate.OneOf(studio_logging.FORMATS))
)
# where traces go; `config.tracing` is started with it, and the SDK reads it and the other OTEL_* names itself
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "", validate=address_or_blank)

# --- applications
INSTALLED_APPS = [
    "accounts",
    "generations",
    "sharing",
    "api",
    "accounts.apps.StudioAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_rq",
    "ninja",  # the static files of its page alone
    "storages",
]
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.middleware.HeadersMiddleware",
    "api.middleware.ProgramsMiddleware",
    "config.monitoring.AnyHostMiddleware",
    "config.middleware.ThisMachineOnlyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.MetricsMiddleware",
    "config.middleware.NeverCacheMiddleware",
    "generations.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.UnstorableParametersMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.time_zones.TimeZoneMiddleware",
    "accounts.middleware.SuspensionMiddleware",
    "accounts.middleware.StaffSecondFactorMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.ImpersonationMiddleware",
    "config.middleware.MethodsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["config.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "generations.context_processors.studio",
            ],
        },
    }
]

# --- the truth: PostgreSQL
DATABASES: dict[str, Any] = {
    "default": {
        **env.database("DATABASE_URL", addresses.database_url()),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- what the processes count together: in the database, so that signing in needs no other server
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # with few, many attempts would make it forget the earlier ones
    }
}

# --- wake-ups: Valkey or Redis
REDIS_URL: str = env.str("REDIS_URL", addresses.redis_url())
RQ_QUEUES = {"default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1, "DEFAULT_RESULT_TTL": 0}}
RQ = {"WORKER_CLASS": "generations.tasks.Worker"}

# --- the bucket
_embedded_s3 = addresses.s3_address()
_has_bucket = bool(env.str("AWS_STORAGE_BUCKET_NAME", "") or env.str("AWS_S3_ENDPOINT_URL", ""))
AWS_STORAGE_BUCKET_NAME: str = (
    env.str("AWS_STORAGE_BUCKET_NAME") if _has_bucket else _embedded_s3.bucket  # an endpoint alone is not enough
)
_endpoint = s3_endpoint.endpoint(
    env.str("AWS_S3_ENDPOINT_URL", "", validate=address_or_blank) if _has_bucket else _embedded_s3.endpoint_url,
    AWS_STORAGE_BUCKET_NAME,
)
AWS_S3_ENDPOINT_URL: str | None = _endpoint.url  # none for AWS, however it was named
# blank keys mean: use the machine's own role
AWS_ACCESS_KEY_ID: str | None = env.str("AWS_ACCESS_KEY_ID", "") or None if _has_bucket else _embedded_s3.access_key
AWS_SECRET_ACCESS_KEY: str | None = (
    env.str("AWS_SECRET_ACCESS_KEY", "") or None if _has_bucket else _embedded_s3.secret_key
)
# of a role, or of keys that live for hours; a developer's own is nothing to the embedded server
AWS_SESSION_TOKEN: str | None = env.str("AWS_SESSION_TOKEN", "") or None if _has_bucket else None
_machine_region = env.str("AWS_REGION", "") or env.str("AWS_DEFAULT_REGION", "")
AWS_S3_REGION_NAME: str = (
    env.str("AWS_S3_REGION_NAME", "")
    or _endpoint.region
    or ("" if _endpoint.url else _machine_region)
    or s3_endpoint.DEFAULT_REGION
    if _has_bucket
    else _embedded_s3.region
)
if _endpoint.region and _endpoint.region != AWS_S3_REGION_NAME and not _endpoint.url:
    env.add_conflict("AWS_S3_REGION_NAME", f"must be {_endpoint.region}, as AWS_S3_ENDPOINT_URL says")
AWS_QUERYSTRING_EXPIRE = 3600  # seconds that a presigned address lives
STORAGES: dict[str, Any] = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "default_acl": None,
            "file_overwrite": True,
            "client_config": _endpoint.config(
                max_pool_connections=50,
                connect_timeout=5,
                read_timeout=20,  # of a server that hangs; its next byte, not the whole answer
                retries={"max_attempts": 2, "mode": "standard"},
                # only AWS itself knows the newer checksums everywhere
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_DELIVERY: str = env.str(
    "MEDIA_DELIVERY", "redirect" if _has_bucket else "proxy", validate=validate.OneOf(["redirect", "proxy"])
)
MIRROR_MAX_BYTES: int = env.int("MIRROR_MAX_BYTES", 2 * 1024**3, validate=validate.Range(min=1))

# --- fal; without a key the sandbox stands in
FAL_KEY: str = env.str("FAL_KEY", "")
FAL_KEY_FALLBACKS: list[str] = env.keys("FAL_KEY_FALLBACKS")  # former ones: what was sent with them is asked for so
FAL_IS_SANDBOX: Final = not FAL_KEY
SANDBOX_KEY: str = env.str("SANDBOX_KEY", "sandbox:sandbox")
_sandbox: str | None = addresses.sandbox_url() if FAL_IS_SANDBOX else None
FAL_QUEUE_URL: str = env.str("FAL_QUEUE_URL", _sandbox or "https://queue.fal.run", validate=address).rstrip("/")
FAL_REST_URL: str = env.str("FAL_REST_URL", _sandbox or "https://rest.fal.ai", validate=address).rstrip("/")
FAL_API_URL: str = env.str("FAL_API_URL", f"{_sandbox or 'https://api.fal.ai'}/v1", validate=address).rstrip("/")
FAL_JWKS_URL: str = env.str("FAL_JWKS_URL", f"{FAL_REST_URL}/.well-known/jwks.json", validate=address)
FAL_ADMIN_KEY: str = env.str("FAL_ADMIN_KEY", "")  # with it fal's billing records are compared with ours
FAL_USER_ID: str = env.str("FAL_USER_ID", "")  # when set, webhooks for other users of fal are not believed
GENERATION_GIVE_UP_HOURS: float = env.float("GENERATION_GIVE_UP_HOURS", 24, validate=validate.Range(min=0))
FAL_MAX_RUNNING: int = env.int("FAL_MAX_RUNNING", 2, validate=validate.Range(min=1))
REVIEW: str = env.str("REVIEW", "after", validate=validate.OneOf(["after", "before"]))
EVIDENCE_DAYS: int = env.int("EVIDENCE_DAYS", 180, validate=validate.Range(min=1))
SUBMITS_PER_MINUTE: int = env.int("SUBMITS_PER_MINUTE", 30, validate=validate.Range(min=0))  # of a person; 0: any
# of a key, at /api/v1/; 0: any
API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", 600, validate=validate.Range(min=0))
UPLOADS_PER_MINUTE: int = env.int("UPLOADS_PER_MINUTE", 30, validate=validate.Range(min=0))  # of a person; 0: any
# of a team's picture library
LIBRARY_MAX_PICTURES: int = env.int("LIBRARY_MAX_PICTURES", 10_000, validate=validate.Range(min=1))
LIBRARY_MAX_BYTES: int = env.int("LIBRARY_MAX_BYTES", 20 * 1024**3, validate=validate.Range(min=1))
# rewrites prompts for who asks for it: any server that has OpenAI's chat completions; blank: nobody is offered that
LLM_URL: str = env.str("LLM_URL", "", validate=address_or_blank).rstrip("/")
LLM_KEY: str = env.str("LLM_KEY", "")
LLM_MODEL: str = env.str("LLM_MODEL", "")
if LLM_URL and not LLM_MODEL:
    env.add_error("LLM_MODEL", "is not set. LLM_URL needs the name of a model that is there.")
FAL_INPUT_DELIVERY: str = env.str("FAL_INPUT_DELIVERY", "upload", validate=validate.OneOf(["presigned", "upload"]))
# where fal itself is on this machine, its files may be too; otherwise only https to public addresses is fetched
_fal_is_local = is_loopback(urlsplit(FAL_QUEUE_URL).hostname or "")
MIRROR_TRUSTED_ORIGINS: frozenset[str] = frozenset(
    {"http://127.0.0.1:*", "http://localhost:*"} if _fal_is_local else ()
)

# --- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.AuthenticationBackend",
    "allauth.account.auth_backends.AuthenticationBackend",  # named by sessions of 0.2 and before
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.DigitsPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "gallery"
ACCOUNT_LOGOUT_REDIRECT_URL = "gallery"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
# where no mail server is configured, nobody could open the link: then an unverified address may sign in
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if env.str("EMAIL_URL", "") else "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
IMPORT_UPLOADS_FACTOR = 10  # for the pictures of a sheet, which come by the hundred
_pictures = {"upload_picture": UPLOADS_PER_MINUTE, "import_picture": UPLOADS_PER_MINUTE * IMPORT_UPLOADS_FACTOR}
ACCOUNT_RATE_LIMITS = {"rewrite_prompt": "20/m/user"} | {
    action: f"{most}/m/user,{most * 10}/h/user" for action, most in _pictures.items() if most
}
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # of changes to what opens an account
STAFF_SECOND_FACTOR: str = env.str(
    "STAFF_SECOND_FACTOR", "optional" if DEBUG else "required", validate=validate.OneOf(["required", "optional"])
)
SIGN_UP: str = env.str("SIGN_UP", "open", validate=validate.OneOf(["open", "invite", "domains"]))
SIGN_UP_DOMAINS: list[str] = env.str("SIGN_UP_DOMAINS", "").lower().replace(",", " ").split()
# the organisation's own sign-in, by OpenID Connect
OIDC_SERVER_URL: str = env.str("OIDC_SERVER_URL", "", validate=address_or_blank).rstrip("/")
OIDC_NAME: str = env.str("OIDC_NAME", "your organisation")
OIDC_GROUPS: str = env.str("OIDC_GROUPS", "", validate=groups_or_blank)
OIDC_GROUPS_CLAIM: str = env.str("OIDC_GROUPS_CLAIM", "groups")
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True  # of addresses that the provider has verified
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", ""),
                "secret": env.str("OIDC_CLIENT_SECRET", ""),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}
ALLAUTH_TRUSTED_PROXY_COUNT: int = TRUSTED_PROXIES
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_FORMS = {"add_webauthn": "accounts.forms.AddPasskeyForm"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG  # http://localhost

# --- mail
_mail = env.mail("EMAIL_URL", optional=DEBUG, directory=addresses.var() / "mail")
vars().update(_mail)
EMAIL_FILE_PATH: str = str(_mail.get("EMAIL_FILE_PATH", ""))
_sender = formataddr((SITE_NAME, f"studio@{urlsplit(SITE_URL).hostname}"))
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", _sender)

# --- texts and time
LANGUAGE_CODE = "en-us"
TIME_ZONE: str = env.str("TIME_ZONE", "UTC")
USE_I18N = False  # no text has a translation yet, and to look for one is a tenth of the work for a page
USE_TZ = True

# --- static files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- security
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _behind_https and TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = False  # the proxy in front does it; the health checks inside speak plain http
SECURE_HSTS_SECONDS = 31536000 if _behind_https else 0
SESSION_ENGINE = "config.session_store"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _behind_https
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "generations.views.errors.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # who selects too many videos is told how many are too many
FILE_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024**2
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],  # the import map stands in the page; the nonce is sent where that is
        "style-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        # `generations.middleware` adds the bucket's own origin to these two
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        # Chrome asks it of what a form is redirected to as well
        "form-action": [SELF, *([origin(OIDC_SERVER_URL)] if OIDC_SERVER_URL else [])],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

_start = safety.StartSettings(
    DEBUG, HOST, SECRET_KEY, SITE_URL, _public_url, _named_hosts, INSECURE_HTTP, SECRET_KEY_FALLBACKS
)
for _name, _problem in safety.problems(_start):
    env.add_error(_name, _problem)
env.finish()
