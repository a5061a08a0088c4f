-- Attempts that are counted for a limit, a JSON list of microseconds since 1970, and tries that did not succeed.
CREATE TABLE latchkey_throttle (
    key text NOT NULL PRIMARY KEY,
    hits text NOT NULL,
    allowed bool NOT NULL,
    expires_at datetime NOT NULL
);
CREATE INDEX latchkey_throttle_expires ON latchkey_throttle (expires_at);
CREATE TABLE latchkey_try (
    key text NOT NULL PRIMARY KEY,
    tries integer NOT NULL,
    next_at integer NOT NULL,
    expires_at datetime NOT NULL
);
CREATE INDEX latchkey_try_expires ON latchkey_try (expires_at);
