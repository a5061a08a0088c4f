-- What users have open, as they are shown it. Refresh tokens are one device for as long as one follows from the other; id is then the jti of the first and
-- handle that of the newest. Of a session of Django's, handle is its key, and id a digest of that; so it is for a token key, whose handle is empty.
CREATE TABLE latchkey_device (
    id text NOT NULL PRIMARY KEY,
    user_id text NOT NULL,
    kind text NOT NULL,
    handle text NOT NULL,
    address text NOT NULL,
    agent text NOT NULL,
    created_at text NOT NULL,
    used_at text NOT NULL,
    expires_at text,
    ended_at text
);
CREATE INDEX latchkey_device_user ON latchkey_device (user_id);
CREATE INDEX latchkey_device_expires ON latchkey_device (expires_at);

-- Families of refresh tokens that are older than this table.
INSERT INTO latchkey_device (id, user_id, kind, handle, address, agent, created_at, used_at, expires_at, ended_at)
    SELECT family, user_id, 'refresh', jti, '', '', issued_at, issued_at, expires_at, NULL FROM latchkey_refresh
    WHERE rotated_at IS NULL AND revoked_at IS NULL
    ON CONFLICT (id) DO NOTHING;

-- Before when a user's sessions are over that no row above tells of, and before when access tokens are.
CREATE TABLE latchkey_cutoff (
    user_id text NOT NULL PRIMARY KEY,
    sessions_before text,
    access_before text
);
