"""The project of test/beside as the benchmark has it: what both sides must have alike, and what makes Django faster.

BENCH_ITERATIONS  the count of PBKDF2
BENCH_ROTATE      1 where refresh tokens rotate
"""
import os
from datetime import timedelta

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from settings import *
from settings import DATABASES


class Hasher(PBKDF2PasswordHasher):
    iterations = int(os.environ["BENCH_ITERATIONS"])


PASSWORD_HASHERS = ["bench_settings.Hasher"]
DATABASES["default"]["CONN_MAX_AGE"] = None  # connections are kept, as Latchkey keeps its own
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # nothing that djoser's JSON endpoints can do without
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation." + name}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
DJOSER = {}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": os.environ["BENCH_ROTATE"] == "1",
    "BLACKLIST_AFTER_ROTATION": os.environ["BENCH_ROTATE"] == "1",
}
