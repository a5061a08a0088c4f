"""Settings of a project whose user model is nothing like Django's own."""
from settings import *  # noqa: F403

AUTH_USER_MODEL = "members.Member"
INSTALLED_APPS = INSTALLED_APPS + ["members"]  # noqa: F405
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
if allauth.VERSION[0] >= 65:  # noqa: F405
    ACCOUNT_LOGIN_METHODS = {"email"}
    ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
else:
    ACCOUNT_AUTHENTICATION_METHOD = "email"
    ACCOUNT_USERNAME_REQUIRED = False
DJOSER = {**DJOSER, "HIDE_USERS": False}  # noqa: F405
