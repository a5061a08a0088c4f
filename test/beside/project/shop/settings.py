"""Settings of a project that has grown: much of it is Python that cannot run elsewhere, and some of it secret."""
import re
from datetime import timedelta

from settings import *  # noqa: F403

ROOT_URLCONF = "shop.urls"
AUTH_USER_MODEL = "shop.Customer"
INSTALLED_APPS = INSTALLED_APPS + ["shop.apps.ShopConfig"]  # noqa: F405
MIDDLEWARE = MIDDLEWARE + ["corsheaders.middleware.CorsMiddleware", "shop.rules.measured"]  # noqa: F405
CORS_ORIGIN_WHITELIST = ("https://shop.example.com",)
CORS_ALLOWED_ORIGIN_REGEXES = [re.compile(r"^https://\w+\.shop\.example\.com$", re.IGNORECASE)]
AUTHENTICATION_BACKENDS = AUTHENTICATION_BACKENDS + ["shop.rules.Directory"]  # noqa: F405
AUTH_PASSWORD_VALIDATORS = AUTH_PASSWORD_VALIDATORS + [{"NAME": "shop.rules.NotTheNameOfOurShop"}]  # noqa: F405
PASSWORD_HASHERS = ["shop.rules.SlowHasher"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "shop",
    "USER": "ann@shop",
    "PASSWORD": "pass/word of the database",
    "HOST": "db.example.com",
    "PORT": 5433,
    "OPTIONS": {"sslmode": "verify-full", "keepalives_idle": 5},
}}
SECRET_KEY_FALLBACKS = ["an-older-secret-key-of-the-project-0123456789"]
EMAIL_BACKEND = "anymail.backends.example.EmailBackend"
EMAIL_HOST_PASSWORD = "password of the mail server"
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_COOKIE_AGE = 3600
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["shop.rules.PaidUp"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_THROTTLE_RATES": {"anon": "10/min"},
}
DJOSER = {
    **DJOSER,  # noqa: F405
    "SERIALIZERS": {"user_create": "shop.serializers.CustomerSerializer", "token": "djoser.serializers.TokenSerializer"},
    "EMAIL": {"activation": "shop.serializers.Welcome"},
    "PERMISSIONS": {"user_create": ["shop.rules.PaidUp"], "user_list": ["rest_framework.permissions.IsAdminUser"]},
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=90),
    "SIGNING_KEY": "a-signing-key-of-its-own-0123456789-0123456789",
    "TOKEN_OBTAIN_SERIALIZER": "shop.serializers.LoginSerializer",
}
SOCIALACCOUNT_PROVIDERS = {"example": {"APP": {"client_id": "shop", "secret": "secret of the provider"}}}
