-- What Latchkey alone needs. User ids are text, so that any key fits; times are Django's text; nothing refers to Django's tables.

CREATE TABLE latchkey_migration (
    name text NOT NULL PRIMARY KEY,
    applied_at text NOT NULL
);

-- The families of rotated refresh tokens: a row per token, successor empty until it is rotated.
CREATE TABLE latchkey_refresh (
    jti text NOT NULL PRIMARY KEY,
    family text NOT NULL,
    user_id text NOT NULL,
    successor text NOT NULL,
    issued_at text NOT NULL,
    expires_at text NOT NULL,
    rotated_at text,
    revoked_at text
);
CREATE INDEX latchkey_refresh_family ON latchkey_refresh (family);
CREATE INDEX latchkey_refresh_user ON latchkey_refresh (user_id);
CREATE INDEX latchkey_refresh_expires ON latchkey_refresh (expires_at);

-- What every mailed link was for, by a digest of it.
CREATE TABLE latchkey_link (
    digest text NOT NULL,
    purpose text NOT NULL,
    user_id text NOT NULL,
    created_at text NOT NULL,
    expires_at text NOT NULL,
    used_at text,
    PRIMARY KEY (digest, purpose)
);
CREATE INDEX latchkey_link_user ON latchkey_link (user_id);
CREATE INDEX latchkey_link_expires ON latchkey_link (expires_at);

-- Who was active before, and who may be let in by a mailed link: pending_at is set from a sign-up or a change of address until its activation.
CREATE TABLE latchkey_activation (
    user_id text NOT NULL PRIMARY KEY,
    activated_at text,
    pending_at text
);

-- Mail that is owed; a row goes when its mail went.
CREATE TABLE latchkey_mail (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    message_id text NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body_text text NOT NULL,
    body_html text NOT NULL,
    created_at text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at text NOT NULL,
    last_error text NOT NULL
);
CREATE INDEX latchkey_mail_due ON latchkey_mail (next_attempt_at, id);
