from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from rest_framework.permissions import BasePermission


class Directory(ModelBackend):
    pass


class SlowHasher(PBKDF2PasswordHasher):
    iterations = 345678


class PaidUp(BasePermission):
    pass


def greet(sender, **kwargs):
    pass


def measured(get_response):
    return get_response
