"""Django's settings. What an operator may choose is in `enrollment.conf`, from the environment."""

from pathlib import Path

import django_stubs_ext

from certsrv import database
from enrollment import conf
from enrollment.serving import log, secret_key

# Lets `ModelAdmin[Row]` name its row at run time too.
django_stubs_ext.monkeypatch()

SITE = conf.current()
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = SITE.secret_key or secret_key.read_or_make(SITE.home)

# The names people and programs reach us by; any other `Host` gets a sentence and a 400.
ALLOWED_HOSTS = [
    SITE.hostname,
    SITE.hostname.partition(".")[0],
    "localhost",
    "127.0.0.1",
    "[::1]",
    *(f"[{at.host}]" if ":" in at.host else at.host for at in (SITE.http, SITE.https) if at),
]

INSTALLED_APPS = [
    "certsrv.apps.DeskConfig",  # the admin, with the managers' desk as its site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "crispy_forms",
    "crispy_bootstrap5",
    "enrollment",
]

# No GZipMiddleware, ever: scripts ask for gzip and do not decode it (contract, rule 20).
MIDDLEWARE = [
    # Before anything is logged.
    "enrollment.serving.tracing.TraceMiddleware",
    # Before anything reads a header.
    "enrollment.signin.proxies.ProxyMiddleware",
    "enrollment.serving.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Below those that write headers: a refusal carries them, too.
    "enrollment.serving.framing.FramingMiddleware",
    "enrollment.serving.open_addresses.OpenAddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "enrollment.serving.limits.LimitsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "enrollment.signin.middleware.SignInMiddleware",
    "enrollment.signin.posts.PostMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "enrollment.admin.readable.ReadableMiddleware",
]

ROOT_URLCONF = "certsrv.urls"
WSGI_APPLICATION = "certsrv.wsgi.application"
# A redirect would make programs send their post again as a GET.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "enrollment.protocols.web.context.site",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"


DATABASES = {"default": database.configuration(SITE.database_url, SITE.home)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    # Also where no directory is set: an account from one is nobody's then.
    "enrollment.signin.backend.DirectoryBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "signin:login"
LOGIN_REDIRECT_URL = "/certsrv/"
LOGOUT_REDIRECT_URL = "signin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "enrollment.signin.posts.token_failure"
# Cookies that only travel over TLS would lock people out of the plain listener, where there is one
# that people use: not behind a proxy that ends TLS, whose operator says so by HSTS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE.http is None or bool(SITE.web.hsts_seconds)
if SESSION_COOKIE_SECURE:
    # No neighbor under the same domain can plant a cookie of such a name.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Sent over TLS only. On another port than 443 it would send browsers from the plain listener's
# port to a TLS handshake that nobody answers there.
_HSTS_BY_ITSELF = 365 * 24 * 60 * 60 if str(SITE.https).endswith(":443") else 0
SECURE_HSTS_SECONDS = _HSTS_BY_ITSELF if SITE.web.hsts_seconds is None else SITE.web.hsts_seconds

# A form is read into memory up to this; a request is bounded much tighter by its own service.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * SITE.max_request_bytes + 64 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE
# What is longer is not even read: a file would be written to the disk before anybody asks whose.
MOST_BODY = DATA_UPLOAD_MAX_MEMORY_SIZE + 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 2

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# Files are served from where they are: a fresh clone needs no collecting.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 600

LOGGING = log.configuration(SITE.web)
