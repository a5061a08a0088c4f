-- The audit trail: what happened, to whom, by whom, when and from where. Rows are added, never changed, and go only when they are older than what
-- latchkey_audit_retention says; to delete others does nothing.
CREATE TABLE latchkey_audit (
    id text NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
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
    before timestamptz NOT NULL
);
CREATE FUNCTION latchkey_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'latchkey_audit takes new rows only';
END $$;
CREATE FUNCTION latchkey_audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM latchkey_audit_retention WHERE before > OLD.at) THEN
        RETURN OLD;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER latchkey_audit_change BEFORE UPDATE ON latchkey_audit FOR EACH ROW EXECUTE FUNCTION latchkey_audit_change();
CREATE TRIGGER latchkey_audit_truncate BEFORE TRUNCATE ON latchkey_audit FOR EACH STATEMENT EXECUTE FUNCTION latchkey_audit_change();
CREATE TRIGGER latchkey_audit_keep BEFORE DELETE ON latchkey_audit FOR EACH ROW EXECUTE FUNCTION latchkey_audit_keep();
