"""djoser before 2.3 builds its mails with a package of this name, which Debian does not have; newer ones do not look for it."""
