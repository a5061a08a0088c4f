-- A receiver's next event is found in the order in which they came, from the front of the queue, however long that is.
CREATE INDEX latchkey_webhook_queue ON latchkey_webhook (receiver, id) WHERE failed_at IS NULL;
DROP INDEX latchkey_webhook_due;
