-- The audit trail: what happened, to whom, by whom, when and from where. Rows are added, never changed, and go only when they are older than what
-- latchkey_audit_retention says; to delete others does nothing.
CREATE TABLE latchkey_audit (
    id text NOT NULL PRIMARY KEY,
    at text NOT NULL,
    event text NOT NULL,
    result text NOT NULL,
    user_id text NOT NULL,
    username text NOT NULL,
    actor text NOT NULL,
    via text NOT NULL,
    changed text NOT NULL,
    address text NOT NULL,
    agent text NOT NULL,
    request text NOT NULL,
    times integer NOT NULL
);
CREATE INDEX latchkey_audit_at ON latchkey_audit (at);
CREATE INDEX latchkey_audit_user ON latchkey_audit (user_id, at);
CREATE TABLE latchkey_audit_retention (
    id integer NOT NULL PRIMARY KEY,
    before text NOT NULL
);
CREATE TRIGGER latchkey_audit_change BEFORE UPDATE ON latchkey_audit
BEGIN
    SELECT RAISE(ABORT, 'latchkey_audit takes new rows only');
END;
CREATE TRIGGER latchkey_audit_keep BEFORE DELETE ON latchkey_audit
WHEN NOT EXISTS (SELECT 1 FROM latchkey_audit_retention WHERE before > old.at)
BEGIN
    SELECT RAISE(IGNORE);
END;
