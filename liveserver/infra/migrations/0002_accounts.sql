-- Who people are: accounts, their sign-ins, and how often somebody has tried lately.

CREATE TABLE accounts (
    id         text    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    name       text    NOT NULL CHECK (char_length(name) BETWEEN 2 AND 30),
    -- The name as it is compared: computed by liveserver/accounts/rules.py, so that no database's locale decides it.
    name_key   text    NOT NULL CONSTRAINT accounts_name_is_unique UNIQUE CHECK (char_length(name_key) BETWEEN 1 AND 120),
    email      text    NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
    email_key  text    NOT NULL CONSTRAINT accounts_email_is_unique UNIQUE CHECK (char_length(email_key) BETWEEN 3 AND 254),
    password   text    NOT NULL CHECK (password LIKE '$argon2id$%' AND char_length(password) <= 200),
    role       text    NOT NULL CHECK (role IN ('viewer', 'host', 'admin')),
    verified   boolean NOT NULL,
    created_ts bigint  NOT NULL CHECK (created_ts > 0)
);

CREATE TABLE sessions (
    id         text   PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    account    text   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    -- SHA-256 of a token of 256 random bits: nothing to guess, so no slow hash; nothing to steal from a backup.
    token_hash bytea  NOT NULL CONSTRAINT sessions_token_is_unique UNIQUE CHECK (octet_length(token_hash) = 32),
    created_ts bigint NOT NULL CHECK (created_ts > 0),
    expires_ts bigint NOT NULL CHECK (expires_ts > created_ts)
);
CREATE INDEX sessions_of_account ON sessions (account, created_ts);
CREATE INDEX sessions_by_expiry ON sessions (expires_ts);

-- One row per key (an address, or a hash of an e-mail address) that has tried lately; see liveserver/accounts/throttle.py.
CREATE TABLE throttles (
    key     text   PRIMARY KEY CHECK (char_length(key) BETWEEN 1 AND 100),
    full_us bigint NOT NULL
);
CREATE INDEX throttles_by_time ON throttles (full_us);
