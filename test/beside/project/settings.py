"""A Django project as djoser and SimpleJWT document it, for Django 3.2 to 5.2.

BESIDE_DATABASE   sqlite:///path or postgres://user@/name?host=…&schema=…, as Latchkey writes it
BESIDE_SMTP_PORT  the mail server on 127.0.0.1
"""
import os
from datetime import timedelta
from importlib.metadata import version
from urllib.parse import parse_qs, unquote, urlsplit

import allauth
import django
from django.conf import global_settings

SECRET_KEY = "a-secret-key-that-django-and-latchkey-share-0123456789"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
SITE_ID = 1
LANGUAGE_CODE = "en-us"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "djoser",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
if allauth.VERSION[0] >= 65:
    MIDDLEWARE.append("allauth.account.middleware.AccountMiddleware")
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 9}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["hashers.QuickHasher"] + global_settings.PASSWORD_HASHERS[1:] + [
    "django.contrib.auth.hashers.BCryptPasswordHasher",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]

_url = urlsplit(os.environ["BESIDE_DATABASE"])
if _url.scheme == "sqlite":
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": unquote(_url.path),
        "OPTIONS": {"timeout": 20},
    }}
    if django.VERSION >= (5, 1):  # so that its transactions wait for the lock instead of failing
        DATABASES["default"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
else:
    _query = parse_qs(_url.query)
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path.lstrip("/"),
        "USER": _url.username or "",
        "PASSWORD": _url.password or "",
        "HOST": _query.get("host", [_url.hostname or ""])[0],
        "PORT": _url.port or "",
        "OPTIONS": {"options": "-c search_path=" + _query["schema"][0]},
    }}

EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ.get("BESIDE_SMTP_PORT", "25"))
DEFAULT_FROM_EMAIL = "Accounts <accounts@example.com>"
DOMAIN = "app.example.com"
SITE_NAME = "Example"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": (
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ),
}
DJOSER = {
    "SEND_ACTIVATION_EMAIL": True,
    "ACTIVATION_URL": "activate/{uid}/{token}",
    "PASSWORD_RESET_CONFIRM_URL": "password/reset/confirm/{uid}/{token}",
    "USERNAME_RESET_CONFIRM_URL": "username/reset/confirm/{uid}/{token}",
    "CREATE_SESSION_ON_LOGIN": True,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "AUTH_TOKEN_CLASSES": (
        "rest_framework_simplejwt.tokens.AccessToken",
        "rest_framework_simplejwt.tokens.SlidingToken",
    ),
}
if int(version("djangorestframework-simplejwt").split(".")[1]) >= 3:  # earlier ones do not know it
    SIMPLE_JWT["CHECK_REVOKE_TOKEN"] = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
if allauth.VERSION[0] >= 65:
    ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
else:
    ACCOUNT_EMAIL_REQUIRED = True
