ALTER TABLE learnda.run
    ADD COLUMN client         text NOT NULL DEFAULT 'unknown', -- whose it is: turns go round
    ADD COLUMN operations     float8,                  -- estimated; null before this migration
    ADD COLUMN idempotency_key text,                   -- a second POST with it makes no second run
    ADD COLUMN request_digest bytea,                   -- of what was posted with the key
    ADD COLUMN name           text,                    -- a run with one of these three is kept
    ADD COLUMN note           text,
    ADD COLUMN shared         boolean NOT NULL DEFAULT false;

CREATE UNIQUE INDEX run_posted_once ON learnda.run (client, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- What each client's runs took, by the hour in which they ended; it outlives them.
CREATE TABLE learnda.usage (
    client  text NOT NULL,
    hour    timestamptz NOT NULL,
    seconds float8 NOT NULL,
    PRIMARY KEY (client, hour)
);
