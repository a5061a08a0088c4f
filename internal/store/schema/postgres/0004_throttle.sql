-- Attempts that are counted for a limit, in microseconds since 1970, and tries that did not succeed. After a crash they are forgotten, which costs nobody anything.
CREATE UNLOGGED TABLE latchkey_throttle (
    key text NOT NULL PRIMARY KEY,
    hits bigint[] NOT NULL,
    allowed boolean NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX latchkey_throttle_expires ON latchkey_throttle (expires_at);
CREATE UNLOGGED TABLE latchkey_try (
    key text NOT NULL PRIMARY KEY,
    tries integer NOT NULL,
    next_at bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX latchkey_try_expires ON latchkey_try (expires_at);
