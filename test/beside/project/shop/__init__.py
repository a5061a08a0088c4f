"""An app with everything that Latchkey cannot take over, for the test of django-settings."""
