"""Writes recordings.json: what django-cors-headers answers. Run it where Django and django-cors-headers are installed, in this folder.

The headers are those that the middleware adds, and those of the answers that it makes itself.
"""
import json

import django
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import override_settings
from importlib.metadata import version

settings.configure()
django.setup()
from corsheaders.middleware import CorsMiddleware  # noqa: E402

APP, OTHER = "https://app.example.com", "https://evil.example"
SETTINGS = [
    {},
    {"CORS_ALLOWED_ORIGINS": [APP, "http://localhost:3000"]},
    {"CORS_ALLOWED_ORIGINS": ["null"]},
    {"CORS_ALLOWED_ORIGINS": ["file://"]},
    {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example\.com$"]},
    {"CORS_ALLOWED_ORIGIN_REGEXES": [r"https://\w+\.example\.com"]},
    {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^http://localhost:\d{4,5}\Z", r"(?i)^HTTPS://APP\.example\.com$"]},
    {"CORS_ALLOW_ALL_ORIGINS": True},
    {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
    {"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_CREDENTIALS": True, "CORS_EXPOSE_HEADERS": ["retry-after", "X-Request-Id"]},
    {"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_HEADERS": ["authorization", "X-Shop"], "CORS_ALLOW_METHODS": ["GET", "POST"], "CORS_PREFLIGHT_MAX_AGE": 60},
    {"CORS_ALLOWED_ORIGINS": [APP], "CORS_PREFLIGHT_MAX_AGE": 0, "CORS_ALLOW_HEADERS": [], "CORS_ALLOW_METHODS": []},
    {"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_PRIVATE_NETWORK": True},
    {"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"^/auth/.*$"},
]
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
ORIGINS = [None, "", APP, OTHER, "null", "file://", "file:///index.html", "http://localhost:3000", "http://localhost:30000", "HTTPS://app.example.com",
           "https://app.example.com:443", "https://app.example.com.evil.example", "https://app.example.com@evil.example", "http://app.example.com",
           "https://APP.example.com", "https://[broken", "https://xapp.example.com"]


def requests():
    for origin in ORIGINS:
        sent = {} if origin is None else {"Origin": origin}
        yield "GET", "/auth/users/me/", sent
        yield "OPTIONS", "/auth/users/me/", {**sent, **PREFLIGHT}
    sent = {"Origin": APP}
    yield "POST", "/auth/jwt/create/", sent
    yield "OPTIONS", "/auth/users/", sent  # no preflight
    yield "OPTIONS", "/auth/users/", {**sent, **PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    yield "OPTIONS", "/auth/users/", {**sent, **PREFLIGHT, "Access-Control-Request-Private-Network": "false"}
    yield "GET", "/auth/users/", {**sent, **PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    yield "GET", "/healthz", sent
    yield "OPTIONS", "/healthz", {**sent, **PREFLIGHT}


def view(request):
    return HttpResponse("view", status=404, headers={"Vary": "Accept-Language"})


recordings = []
for chosen in SETTINGS:
    with override_settings(**chosen):
        exchanges = []
        for method, path, sent in requests():
            extra = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent.items()}
            answer = CorsMiddleware(view)(RequestFactory().generic(method, path, **extra))
            headers = {name.lower(): value for name, value in answer.items()}
            if answer.content == b"view":
                del headers["content-type"]
            exchanges.append({"method": method, "path": path, "sent": sent, "status": answer.status_code, "headers": headers})
        recordings.append({"settings": chosen, "exchanges": exchanges})
with open("recordings.json", "w") as out:
    lines = ",\n".join('{"settings": %s, "exchanges": [\n%s]}' % (json.dumps(r["settings"]), ",\n".join(map(json.dumps, r["exchanges"]))) for r in recordings)
    made = "django-cors-headers %s, Django %s" % (version("django-cors-headers"), django.get_version())
    out.write('{"made by": %s, "recordings": [\n%s]}\n' % (json.dumps(made), lines))
