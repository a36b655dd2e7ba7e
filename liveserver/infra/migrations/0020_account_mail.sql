-- What proves an address: tokens that a mail brought, used once; and the indices by which dead and due jobs are found.

ALTER TABLE accounts ADD COLUMN email_verified boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN accounts.email_verified IS 'a mail arrived there; "verified" says who may bid, which is something else';

CREATE TABLE mail_tokens (
    -- SHA-256 of a token of 256 random bits, as for sessions: a backup has nothing to use.
    token_hash bytea  PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account    text   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    purpose    text   NOT NULL CHECK (purpose IN ('verify', 'reset')),
    -- The address it was sent to: a token proves nothing about one that was entered later.
    email_key  text   NOT NULL CHECK (char_length(email_key) BETWEEN 3 AND 254),
    created_ts bigint NOT NULL CHECK (created_ts > 0),
    expires_ts bigint NOT NULL CHECK (expires_ts > created_ts)
);
CREATE INDEX mail_tokens_of_account ON mail_tokens (account, purpose, created_ts);
CREATE INDEX mail_tokens_by_expiry ON mail_tokens (expires_ts);

CREATE INDEX jobs_dead ON pgqueuer (id) WHERE status = 'failed';
CREATE INDEX jobs_due ON pgqueuer (execute_after) WHERE status = 'queued';
