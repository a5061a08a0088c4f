"""A hasher as projects have them to set the count, which is small here for the tests' sake."""
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    iterations = 20000
