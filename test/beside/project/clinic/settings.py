"""Settings of a project with a user model of its own and without the blacklist app."""
from settings import *  # noqa: F403

AUTH_USER_MODEL = "clinic.Patient"
INSTALLED_APPS = [app for app in INSTALLED_APPS if "token_blacklist" not in app] + ["clinic"]  # noqa: F405
