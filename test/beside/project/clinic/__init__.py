"""An app with a user model that has little of Django's own: a UUID, an address to sign in with, and columns of its own."""
