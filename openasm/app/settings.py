"""Django's settings: safe by default, from the data folder and the environment (see configuration.py)."""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from openasm.app.configuration import configuration_from

CONFIGURATION = configuration_from(os.environ)
DATA = CONFIGURATION.data

DEBUG = False
SECRET_KEY = CONFIGURATION.derived_key("signing").hex()
ALLOWED_HOSTS = list(CONFIGURATION.hosts)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in CONFIGURATION.hosts] if CONFIGURATION.tls else []

INSTALLED_APPS = [
    "openasm.app.people",
    "openasm.app.audit",
    "openasm.app.published",
    "openasm.app.practices",
    "openasm.app.feeds",
    "openasm.app.lookup",
    "openasm.app.what_if",
    "openasm.app.worklists",
    "openasm.app.measures",
    "openasm.app.today",
    "openasm.app.clinicians",
    "openasm.app.episodes",
    "openasm.app.comparisons",
    "openasm.app.kept",
    "openasm.app.attestations",
    "openasm.app.readiness",
    "openasm.app.primary_care",
    "openasm.app.arrangements",
    "openasm.app.incentives",
    "openasm.app.requests",
    "openasm.app.submissions",
    "openasm.app.binder",
    "openasm.app.connections",
    "openasm.app.api",
    "openasm.app.look",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
]

MIDDLEWARE = [
    "openasm.app.look.middleware.RequestNumber",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "openasm.app.look.middleware.Headers",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "openasm.app.people.middleware.SessionLimits",
    "openasm.app.people.middleware.SecondFactor",
    "allauth.account.middleware.AccountMiddleware",
    "openasm.app.access.middleware.DenyByDefault",
]

ROOT_URLCONF = "openasm.app.urls"
WSGI_APPLICATION = "openasm.app.wsgi.application"
FORM_RENDERER = "openasm.app.look.widgets.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "look" / "templates"],  # before allauth's own, which it restyles
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "openasm.app.look.navigation.page_context",
            ],
        },
    }
]

DATABASES = {"default": CONFIGURATION.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = CONFIGURATION.time_zone  # of "today" and of what pages show; stored times are UTC
LANGUAGE_CODE = "en-us"
USE_I18N = False  # English alone; asking for each number and day which language it is in takes time

# Accounts. Signing up is by invitation only; the adapter closes allauth's own way.
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["openasm.app.people.passwords.StrongArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "openasm.app.people.passwords.NotTooLong"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60
ACCOUNT_ADAPTER = "openasm.app.people.sign_in.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is verified by its invitation
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to people who asked for none
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[OpenASM] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if CONFIGURATION.tls else "http"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # other sessions end, this one stays
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "reauthenticate": "10/m/user"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "OpenASM"
MFA_ADAPTER = "openasm.app.people.sign_in.SecondFactorAdapter"
MFA_RECOVERY_CODES_SHOW_ONCE = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "practices"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# Sessions: kept in the database, so that they can be ended; limits are checked by people.middleware.SessionLimits.
SESSION_ENGINE = "openasm.app.people.sessions"
SESSION_COOKIE_NAME = "__Host-openasm" if CONFIGURATION.tls else "openasm"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CONFIGURATION.tls
SESSION_IDLE_SECONDS = 30 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60
CSRF_COOKIE_NAME = "__Host-openasm-form" if CONFIGURATION.tls else "openasm-form"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = CONFIGURATION.tls
CSRF_FAILURE_VIEW = "openasm.app.look.errors.form_expired"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Transport and browser policy.
SECURE_SSL_REDIRECT = CONFIGURATION.tls
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIGURATION.tls else None
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if CONFIGURATION.tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = CONFIGURATION.tls
SECURE_HSTS_PRELOAD = False  # preloading is the domain owner's decision, so the check that asks for it says nothing
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the square code of an authenticator app is a data: picture
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_TEMP_DIR = None if DATA is None else str(DATA / "incoming")  # not where others of the machine write
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

STATIC_URL = "/static/"
STATIC_ROOT = None if DATA is None else str(DATA / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DATA is None
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DATA is None
MEDIA_ROOT = "" if DATA is None else str(DATA / "files")

for _name, _value in CONFIGURATION.mail().items():
    globals()[_name] = _value
DEFAULT_FROM_EMAIL = CONFIGURATION.mail_from
SERVER_EMAIL = CONFIGURATION.mail_from

CACHES = {  # rate limits only, common to all processes of a server; no page is cached
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if DATA is None
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA / "limits"),
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# Logs say what happened, never to whom: of a request the name of its page, never its address; forms are never logged.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "number": {"()": "openasm.app.look.logs.AddRequestNumber"},
        "addresses": {"()": "openasm.app.look.logs.WithoutAddresses"},
    },
    "formatters": {
        "line": {
            "()": "openasm.app.look.logs.OneLine",
            "format": "%(asctime)s %(levelname)s %(request_number)s %(message)s",
        }
    },
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["number", "addresses"]}
    },
    "root": {"handlers": ["terminal"], "level": "WARNING"},
    "loggers": {
        "openasm": {"level": "INFO"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}

# How many runs of a practice keep their patient rows (gaps, episodes); earlier ones keep scores for trends.
RUNS_WITH_PATIENTS = 1
