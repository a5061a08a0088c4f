"""Settings of a project whose users have a name, a password and nothing else."""
from settings import *  # noqa: F403

AUTH_USER_MODEL = "clerks.Clerk"
INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("allauth")] + ["clerks"]  # noqa: F405
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("allauth")]  # noqa: F405
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
ROOT_URLCONF = "clerks.urls"
DJOSER = {"CREATE_SESSION_ON_LOGIN": True}
SIMPLE_JWT = {**SIMPLE_JWT, "USER_ID_FIELD": "number"}  # noqa: F405
