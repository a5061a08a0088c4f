"""Prints the settings of a Django project as Latchkey's configuration:

    latchkey django-settings | python manage.py shell -v 0 > latchkey.yaml

It reads settings, models, signals and urls, changes nothing and asks no database. What cannot be carried over stands in comments at the end.
"""
import datetime
import json
import re
import sys
import uuid
import weakref
from decimal import Decimal
from urllib.parse import quote, urlencode

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model, hashers, signals as auth_signals
from django.contrib.auth.models import AbstractUser
from django.db.models import NOT_PROVIDED, DecimalField, signals as model_signals
from django.dispatch import Signal
from django.template.loader import get_template
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.module_loading import import_string

# What can be set: names by section, those that may be null, the classes that are known, and what replaces other settings.
KNOWN = json.loads("{{KNOWN}}")
WITH_SECRETS = "{{WITH_SECRETS}}"

SECRETS = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "EMAIL_HOST_PASSWORD", "SIMPLE_JWT.SIGNING_KEY", "SOCIALACCOUNT_PROVIDERS"}
# Where Django's own default is not Latchkey's, the value in effect is printed whether it was set or not.
ALWAYS = {"TIME_ZONE", "USE_TZ", "INSTALLED_APPS", "MIDDLEWARE", "AUTH_PASSWORD_VALIDATORS", "PASSWORD_HASHERS"}
SECTIONS = ("DJOSER", "SIMPLE_JWT", "REST_FRAMEWORK", "REST_AUTH")
PACKAGES = ("django", "rest_framework", "rest_framework_simplejwt", "djoser", "allauth", "dj_rest_auth", "social_django", "corsheaders")
CLASS_HINTS = {
    "DJOSER.EMAIL": "mail_templates is a folder of texts that replace Latchkey's mails",
    "DJOSER.SERIALIZERS": "its fields of the user model stand under user_model; keep that endpoint on Django if that is not enough",
    "DJOSER.CONSTANTS": "messages are djoser's own",
    "SIMPLE_JWT": "tokens have SimpleJWT's own claims; login_fields adds user columns to the answer of a login",
    "REST_AUTH": "login_fields adds user columns to the answer of a login; keep that endpoint on Django if that is not enough",
    "EMAIL_BACKEND": "mail goes out by SMTP: set EMAIL_HOST to your provider's SMTP server",
    "AUTHENTICATION_BACKENDS": "users sign in with the password in the user table",
    "AUTH_PASSWORD_VALIDATORS": "Django's four validators are known; MinimumLengthValidator takes min_length",
    "REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES": "whoever signs in by it is a stranger to Latchkey",
    "REST_FRAMEWORK.DEFAULT_THROTTLE_CLASSES": "throttle_rates are Latchkey's own limits",
}
lost = []


class NotPlain(Exception):
    """A value that has no YAML."""


def lose(what, instead):
    lost.append((what, re.sub(r"^remove it[:;] ", "", instead)))


def plain(value):
    """A setting as what YAML can hold."""
    if isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
        for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
            if seconds and seconds % size == 0:
                return "%d%s" % (seconds // size, unit)
        return int(seconds) if seconds == int(seconds) else seconds
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, re.Pattern):
        flags = "".join(letter for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S), ("x", re.X)) if value.flags & flag)
        return ("(?%s)" % flags if flags else "") + value.pattern
    if isinstance(value, type):
        return value.__module__ + "." + value.__qualname__
    if isinstance(value, str) or type(value).__name__ == "__proxy__" or hasattr(value, "__fspath__"):
        return str(value)
    raise NotPlain


def yaml(value, indent=""):
    """The lines of a value, the first of which follows its key."""
    if isinstance(value, dict) and value:
        lines = [""]
        for key, item in value.items():
            first, *rest = yaml(item, indent + "  ")
            lines += [indent + yaml(key)[0] + ":" + (" " + first if first else "")] + rest
        return lines
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value) or isinstance(value, list) and len(value) > 3:
        return [""] + [indent + "- " + flow(item) for item in value]
    return [flow(value)]


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (flow(key), flow(item)) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_/][\w./@+-]*", value, re.ASCII) and value.lower() not in words:
        return value
    return json.dumps(value, ensure_ascii=False)


def show(key, value):
    first, *rest = yaml(value, "  ")
    print(key + ":" + (" " + first if first else ""), *rest, sep="\n")


def variable(key):
    return "LATCHKEY_" + key.upper().replace(".", "__")


def hint(key):
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        found = CLASS_HINTS.get(".".join(parts[:length]))
        if found:
            return found
    return "Python code of your own does not run here"


def known_classes(key, value):
    """The value with those of its classes that are known; what is not is lost."""
    allowed = KNOWN["classes"].get(key)
    if allowed is None or value is None:
        return value
    many = isinstance(value, list)
    kept, gone = [], []
    for item in value if many else [value]:
        name = item.get("NAME") if isinstance(item, dict) else item
        (kept if name in allowed else gone).append(item)
    for item in gone:
        lose("%s: %s" % (key, flow(item)), hint(key))
    if gone and (key.startswith("DJOSER.PERMISSIONS.") or key.endswith("_PERMISSION_CLASSES")):
        lose(key + " is only for staff now, where your own class stood", "write the class that is nearest to yours")
        return ["rest_framework.permissions.IsAdminUser"]
    if gone and not kept:
        raise NotPlain
    return kept if many else value


def carry(section, values):
    """The part of a section that Latchkey knows."""
    out = {}
    for name, value in values.items():
        key = section + "." + name if section else name
        if name not in KNOWN["settings"][section]:
            lose(key, KNOWN["instead"].get(key, "it has no bearing on the answers given here, or is not known"))
            continue
        if key in SECRETS and not WITH_SECRETS:
            if value and value != settings.SECRET_KEY:
                print("# %s: in the environment, as %s" % (key, variable(key)))
            continue
        if isinstance(value, dict) and key in KNOWN["settings"]:
            out[name] = carry(key, value)
            continue
        try:
            value = plain(value)
        except NotPlain:
            lose(key, hint(key))
            continue
        if value is None and key not in KNOWN["nullable"]:
            continue
        try:
            out[name] = known_classes(key, value)
        except NotPlain:
            continue  # it is told already
    return {name: value for name, value in out.items() if value != {}}


def database():
    """The default database as a URL."""
    db = settings.DATABASES["default"]
    engine, options = db["ENGINE"], dict(db.get("OPTIONS") or {})
    for option in ("transaction_mode", "timeout", "init_command", "pool", "isolation_level", "server_side_binding", "assume_role"):
        options.pop(option, None)  # how Django connects, which does not bind Latchkey
    if engine.endswith("sqlite3"):
        name = str(db["NAME"])
        if ":memory:" in name or name.startswith("file:"):
            lose("DATABASES: " + name, "name the file of the database")
            return
        print("database:", flow("sqlite://" + quote(name)))
    elif engine.rpartition(".")[2] in ("postgresql", "postgresql_psycopg2", "postgis"):
        host, query = db.get("HOST") or "", {}
        if host.startswith("/"):
            host, query["host"] = "", host
        path = re.fullmatch(r"-c\s*search_path=([^\s,]+)", str(options.pop("options", "")).strip())
        if path:
            query["schema"] = path.group(1)
        for option in ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"):
            if options.get(option) is not None:
                query[option] = options.pop(option)
        who = quote(db.get("USER") or "", safe="")
        if db.get("PASSWORD") and WITH_SECRETS:
            who += ":" + quote(db["PASSWORD"], safe="")
        elif db.get("PASSWORD"):
            print("# The database's password: in the environment, as PGPASSWORD, or in the whole URL as LATCHKEY_DATABASE.")
        port = ":%s" % db["PORT"] if db.get("PORT") else ""
        print("database:", flow("postgres://%s%s%s/%s%s" % (
            who, "@" if who else "", host + port, quote(db["NAME"], safe=""), "?" + urlencode(query) if query else "")))
    else:
        lose("DATABASES: " + engine, "Latchkey keeps its data in PostgreSQL or SQLite")
        return
    for option in options:
        lose("DATABASES: the option " + option, "see the parameters of the database URL")
    if len(settings.DATABASES) > 1 or settings.DATABASE_ROUTERS:
        lose("DATABASES: others than default, DATABASE_ROUTERS", "all tables of the accounts must be in one database")


def patterns(resolver, prefix=""):
    """All routes: their path, the module that was included or the view."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern).lstrip("^")
        if hasattr(pattern, "url_patterns"):
            yield path, getattr(pattern.urlconf_module, "__name__", None), None
            yield from patterns(pattern, path)
        else:
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            yield re.sub(r"(\\Z|\$)$", "", path), None, view


def mounts():
    """Where the APIs are, as far as they stand together."""
    includes = {"djoser.urls": "djoser", "djoser.urls.base": "djoser", "djoser.urls.jwt": "djoser", "djoser.urls.authtoken": "djoser",
                "dj_rest_auth.urls": "dj-rest-auth", "dj_rest_auth.registration.urls": "dj-rest-auth.registration"}
    simple = {"TokenObtainPairView": ("", "pair/"), "TokenRefreshView": ("refresh/",), "TokenVerifyView": ("verify/",),
              "TokenBlacklistView": ("blacklist/",), "TokenObtainSlidingView": ("sliding/",), "TokenRefreshSlidingView": ("sliding/refresh/",)}
    found, single = [], []
    for path, module, view in patterns(get_resolver()):
        if module in includes:
            found.append((path, includes[module]))
        if view is None:
            continue
        home = view.__module__.partition(".")[0]
        if home == "rest_framework_simplejwt":
            single.append((path, view.__name__))
        elif any(base.__module__.partition(".")[0] in ("djoser", "dj_rest_auth", "rest_framework_simplejwt") for base in view.__mro__) and home not in PACKAGES:
            lose("urls: %s, a view of your own (%s.%s)" % (path, view.__module__, view.__name__), "have the proxy send this path to Django")
    own = [path for path, dialect in found if dialect == "dj-rest-auth"]
    found = [(path, dialect) for path, dialect in found
             if dialect != "dj-rest-auth.registration" or path.rpartition("registration/")[0] not in own]
    obtain = [path[:-5] if path.endswith("pair/") else path for path, name in single if name == "TokenObtainPairView"]
    for path, name in single:
        if any(path.startswith(base + part) for base, dialect in found for part in ("jwt/", "token/") if dialect in ("djoser", "dj-rest-auth")):
            continue
        bases = [path[:len(path) - len(end)] for end in simple.get(name, ()) if path.endswith(end)]
        base = next((base for base in bases if base in obtain), bases[0] if bases else None)
        if base is None or name == "TokenObtainPairView" and base not in obtain:
            lose("urls: %s, SimpleJWT's %s" % (path, name), "mount simplejwt where its routes fit, and have the proxy rewrite this path")
        else:
            found.append((base, "simplejwt"))
    out = []
    for path, dialect in found:
        mount = {"path": "/" + path.rstrip("/") if path else "", "dialect": dialect}
        if re.search(r"[^\w./~-]", path):
            lose("urls: %s, which has variables" % path, "mount %s at one plain path" % dialect)
        elif mount not in out:
            out.append(mount)
    if out:
        show("mounts", out)
    else:
        lose("urls: none of djoser, dj-rest-auth and SimpleJWT was found", "name what is to be served under mounts")
    links = {}
    for name, key, marks in (("account_confirm_email", "account_confirm_email", ["key"]), ("password_reset_confirm", "password_reset_confirm", ["uid", "token"])):
        try:
            link = reverse(name, args=["x%sx" % mark for mark in marks])
        except Exception:  # there is no such route, or it takes something else
            continue
        for mark in marks:
            link = link.replace("x%sx" % mark, "{%s}" % mark)
        links[key] = link
    if links and any(mount["dialect"].startswith("dj-rest-auth") for mount in out):
        show("links", links)


# The types of columns that user_model.fields can list, by Django's name.
LISTED = {"CharField", "TextField", "SlugField", "SmallIntegerField", "IntegerField", "BigIntegerField", "PositiveSmallIntegerField", "PositiveIntegerField",
          "PositiveBigIntegerField", "BooleanField", "NullBooleanField", "DateField", "DateTimeField", "DecimalField", "UUIDField", "JSONField", "ForeignKey",
          "OneToOneField"}
STOCK = ("password", "last_login", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active", "date_joined")


def user_model():
    """The user table, where it is not Django's own."""
    model = get_user_model()
    if model._meta.label == "auth.User":
        return
    columns = {field.name: field for field in model._meta.concrete_fields}
    email = getattr(model, "EMAIL_FIELD", "email")
    out = {"table": model._meta.db_table, "username_field": model.USERNAME_FIELD, "email_field": email if email in columns else "",
           "required_fields": list(model.REQUIRED_FIELDS)}
    own = set(STOCK) - set(columns)  # without one of them, it is no AbstractUser
    shown = shown_fields(model)
    entries = [entry(field, field.name in shown, model, not own) for field in columns.values() if not field.primary_key and field.name != "password"]
    out["fields"] = [found if len(found) > 1 else found["name"] for found in entries if found]
    show("user_model", {key: value for key, value in out.items() if value != [] or key == "required_fields"})


def shown_fields(model):
    """The fields that answers have: those of Django's and djoser's own lists, and of serializers that the project wrote."""
    names = set(model.REQUIRED_FIELDS)
    for section, keys in (("DJOSER", ("user", "current_user", "user_create", "user_create_password_retype")), ("REST_AUTH", ("USER_DETAILS_SERIALIZER",))):
        values = getattr(settings, section, None) or {}
        values = values.get("SERIALIZERS") or {} if section == "DJOSER" else values
        for key in keys:
            try:
                own = values[key]
                own = import_string(own) if isinstance(own, str) else own
                if issubclass(own.Meta.model, model):
                    names.update(own.Meta.fields)
            except Exception:  # it is not set, or no serializer of the user model's fields
                continue
    return names


def entry(field, shown, model, abstract):
    """What user_model.fields must say of a field; nothing where the table tells all that is needed."""
    stock, out = field.name in STOCK, {"name": field.name}
    words = field.name.replace("_", " ")
    if stock and abstract:
        words = str(AbstractUser._meta.get_field(field.name).verbose_name)
    if str(field.verbose_name) != words:
        out["label"] = str(field.verbose_name)
    help_text = AbstractUser._meta.get_field(field.name).help_text if stock and abstract else ""
    if str(field.help_text) != str(help_text):
        out["help_text"] = str(field.help_text)
    if stock:
        optional = field.name not in ("username", model.USERNAME_FIELD)
        if field.name == getattr(model, "EMAIL_FIELD", "email") and optional and not field.blank:
            out["required"] = True
        return out if len(out) > 1 and field.name in ("username", "email", "first_name", "last_name") else None
    if field.name in (model.USERNAME_FIELD, getattr(model, "EMAIL_FIELD", "email")) and len(out) == 1:
        return None  # which every user model has
    known, filled = field.get_internal_type() in LISTED, field.null or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
    if not known or not shown:
        if not filled and not (known and fills(field, out)):
            lose("user_model: %s is filled in by Python" % field.name, "give it a default in the database, or let it be NULL: nobody can sign up without")
            return None
        if not known and shown:
            lose("user_model: %s, a %s" % (field.name, type(field).__name__), "columns of its type are left alone")
        if not known or filled:
            return None
        return {"name": field.name, "hidden": True, **{key: out[key] for key in ("default", "auto_now", "max_digits", "decimal_places") if key in out}}
    if not filled and not fills(field, out):
        lose("user_model: the default of %s is Python code" % field.name, "sign-up asks for it, unless you write another default")
    if not field.editable and not out.get("auto_now"):
        out["read_only"] = True
    if field.blank and field.get_internal_type() in ("CharField", "TextField", "SlugField"):
        out["blank"] = True
    if field.choices:
        lose("user_model: the choices of " + field.name, "any value of its type is taken")
    for validator in field.validators:
        if not type(validator).__module__.startswith("django.") or type(validator).__name__ == "RegexValidator":
            lose("user_model: %s is checked by %s" % (field.name, type(validator).__name__), "what it refuses is taken here")
    return out


def fills(field, out):
    """Adds to an entry what a new user gets in a field, and tells whether there is such a thing."""
    if isinstance(field, DecimalField):
        out["max_digits"], out["decimal_places"] = field.max_digits, field.decimal_places
    if getattr(field, "auto_now", False):
        out["auto_now"] = True
    elif getattr(field, "auto_now_add", False) or field.default in (timezone.now, datetime.date.today):
        out["default"] = "now"
    elif field.default is uuid.uuid4:
        out["default"] = "uuid4"
    elif not field.has_default():
        if field.empty_strings_allowed and field.blank:
            return True  # an empty text
        return field.name in shown_fields(field.model)  # sign-up asks for it
    elif field.default in (dict, list) or not callable(field.default):
        value = field.default() if callable(field.default) else field.default
        out["default"] = str(value) if isinstance(value, (Decimal, uuid.UUID, datetime.date)) else plain(value)
    else:
        return False
    return True


def password_hashers():
    """The hashers, a subclass under the name of the known class it stands for, and their parameters."""
    allowed, names = KNOWN["classes"]["PASSWORD_HASHERS"], []
    for index, hasher in enumerate(hashers.get_hashers()):
        own = [base.__module__ + "." + base.__name__ for base in type(hasher).__mro__]
        name = next((name for name in own if name in allowed), None)
        if name is None:
            lose("PASSWORD_HASHERS: " + own[0], "users whose password it made must set a new one by a mailed link")
            continue
        if name != own[0]:
            lose("PASSWORD_HASHERS: %s, taken for %s" % (own[0], name), "check that it makes the same hashes")
        if name not in names:
            names.append(name)
        if index == 0 and name.endswith(("PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher")) and hasher.iterations != 1000000:
            print("# PBKDF2 as this Django does it, or each side would hash the other's passwords anew.")
            show("pbkdf2_iterations", hasher.iterations)
        if name.endswith("Argon2PasswordHasher"):
            try:
                length = hasher.params().hash_len
            except Exception:  # argon2-cffi is not installed
                length = 16
            if length != 16:
                show("argon2_hash_length", length)
    return names


def token_user_id():
    """SimpleJWT wrote user ids as numbers before 5.5."""
    if get_user_model()._meta.pk.get_internal_type() == "UUIDField":
        return  # which always was a text
    try:
        from rest_framework_simplejwt.settings import api_settings
        from rest_framework_simplejwt.tokens import AccessToken
        claim = AccessToken.for_user(get_user_model()(pk=1))[api_settings.USER_ID_CLAIM]
    except Exception:  # SimpleJWT is not there, or has no key to sign with
        return
    if isinstance(claim, int):
        show("jwt_user_id", "integer")


def receivers():
    """Functions of the project that Django calls when accounts change."""
    model = get_user_model()
    watched = {"user " + name: getattr(model_signals, name) for name in ("pre_save", "post_save", "pre_delete", "post_delete")}
    watched.update({name: getattr(auth_signals, name) for name in ("user_logged_in", "user_logged_out", "user_login_failed")})
    for module in ("djoser.signals", "allauth.account.signals"):
        if module in sys.modules:
            found = vars(sys.modules[module])
            watched.update({name: value for name, value in found.items() if isinstance(value, Signal)})
    for name, signal in watched.items():
        for entry in signal.receivers:
            sender = entry[0][1]
            receiver = entry[1]() if isinstance(entry[1], weakref.ReferenceType) else entry[1]
            module = getattr(receiver, "__module__", None) or ""
            if receiver is None or module.partition(".")[0] in PACKAGES or name.startswith("user ") and sender not in (id(None), id(model)):
                continue
            lose("signals: %s calls %s.%s" % (name, module, getattr(receiver, "__qualname__", "?")),
                 "Latchkey's changes send no signals: a database trigger, or a job that looks at date_joined and last_login, can do it")


def main():
    print("# Latchkey's settings, read from a project on Django %s." % django.get_version())
    if WITH_SECRETS:
        print("# It holds secrets: let nobody else read it.")
        show("secret_key", settings.SECRET_KEY)
    else:
        print("# secret_key: SECRET_KEY, in the environment as LATCHKEY_SECRET_KEY")
    database()
    print()
    mounts()
    user_model()
    token_user_id()
    hasher_names = password_hashers()
    print()

    top = KNOWN["settings"][""]
    given = {name: getattr(settings, name) for name in top
             if name not in SECTIONS and name != "SECRET_KEY" and hasattr(settings, name)
             and (name in ALWAYS or settings.is_overridden(name))}
    given["PASSWORD_HASHERS"] = hasher_names
    given["INSTALLED_APPS"] = [app.name for app in apps.get_app_configs()]
    for name in dir(settings):
        if name.startswith(("ACCOUNT_", "SOCIALACCOUNT_")):
            given[name] = getattr(settings, name)
    for old, name in (("CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_ALL_ORIGINS"), ("CORS_ORIGIN_WHITELIST", "CORS_ALLOWED_ORIGINS"),
                      ("CORS_ORIGIN_REGEX_WHITELIST", "CORS_ALLOWED_ORIGIN_REGEXES")):  # django-cors-headers takes either
        if hasattr(settings, old):
            given.setdefault(name, getattr(settings, old))
    for name in ("SESSION_ENGINE", "SESSION_SERIALIZER", "CSRF_USE_SESSIONS"):
        if settings.is_overridden(name):
            lose(name, KNOWN["instead"][name])
    for middleware in settings.MIDDLEWARE:
        if middleware.partition(".")[0] not in PACKAGES:
            lose("MIDDLEWARE: " + middleware, "it does not run here; what it adds to answers, the proxy can add")
    for name, value in carry("", given).items():
        show(name, value)
    for section in SECTIONS:
        values = dict(getattr(settings, section, None) or {})
        if section == "REST_FRAMEWORK" and "rest_framework" in sys.modules:
            from rest_framework.settings import DEFAULTS
            values.setdefault("DEFAULT_AUTHENTICATION_CLASSES", DEFAULTS["DEFAULT_AUTHENTICATION_CLASSES"])
        carried = carry(section, values)
        if carried:
            print()
            show(section, carried)
    receivers()
    if "djoser" in sys.modules:
        try:
            origin = get_template("email/activation.html").origin.name
            if not origin.startswith(sys.modules["djoser"].__path__[0]):
                lose("templates: your own mails, " + origin, CLASS_HINTS["DJOSER.EMAIL"])
        except Exception:  # there are no templates
            pass
    if lost:
        print("\n# Not carried over:")
    for what, instead in lost:
        print("# - %s: %s." % (what, instead))


main()
