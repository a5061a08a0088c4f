-- Events that receivers are owed, in order for each receiver and user. A row goes when it was delivered; one that was given up has failed_at. None outlives
-- expires_at: a receiver that the settings name no more leaves some behind.
CREATE TABLE latchkey_webhook (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id text NOT NULL,
    receiver text NOT NULL,
    user_id text NOT NULL,
    event text NOT NULL,
    body text NOT NULL,
    queued_at text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at text NOT NULL,
    last_error text NOT NULL,
    failed_at text,
    expires_at text NOT NULL
);
CREATE INDEX latchkey_webhook_due ON latchkey_webhook (receiver, next_attempt_at, id) WHERE failed_at IS NULL;
CREATE INDEX latchkey_webhook_expires ON latchkey_webhook (expires_at);
CREATE INDEX latchkey_webhook_order ON latchkey_webhook (receiver, user_id, id) WHERE failed_at IS NULL;
