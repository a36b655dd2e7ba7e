-- Answers kept for repeated requests (header Idempotency-Key), for a day; see http/storefront/idempotency.py.

CREATE TABLE http_idempotency (
    owner      text     NOT NULL CHECK (char_length(owner) BETWEEN 1 AND 60),
    key        text     NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    -- SHA-256 of method, address and body: the same key with another request is a client's mistake.
    request    bytea    NOT NULL CHECK (octet_length(request) = 32),
    -- Null while the request is carried out.
    status     smallint CHECK (status BETWEEN 200 AND 299),
    body       bytea    CHECK (octet_length(body) <= 1048576),
    created_ts bigint   NOT NULL CHECK (created_ts > 0),
    PRIMARY KEY (owner, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX http_idempotency_by_age ON http_idempotency (created_ts);
