#!/usr/bin/env python3
"""The Django project that the tests run beside Latchkey; settings.py says what it takes from the environment."""
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
