"""A service that has no accounts of its own and checks access tokens with SimpleJWT as it is.

BESIDE_DATABASE  as for the project that has them
BESIDE_JWKS      where the public keys are; without it tokens are checked by SECRET_KEY
"""
import os

from settings import ALLOWED_HOSTS, DATABASES, DEFAULT_AUTO_FIELD, SECRET_KEY  # noqa: F401

ROOT_URLCONF = "orders.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
if os.environ.get("BESIDE_JWKS"):
    SIMPLE_JWT = {"ALGORITHM": "RS256", "JWK_URL": os.environ["BESIDE_JWKS"]}
