-- Every statement of accounts.

-- name: insert_account
-- Adds an account; the unique constraints say who was first.
INSERT INTO accounts (id, name, name_key, email, email_key, password, role, verified, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: find_account
-- One account by its id.
SELECT id, name, email, role, verified, created_ts, email_verified FROM accounts WHERE id = $1;

-- name: find_account_by_email
-- One account by its compared e-mail address.
SELECT id, name, email, role, verified, created_ts, email_verified FROM accounts WHERE email_key = $1;

-- name: find_account_by_name
-- One account by its compared name.
SELECT id, name, email, role, verified, created_ts, email_verified FROM accounts WHERE name_key = $1;

-- name: find_credentials
-- An account with its password's hash, for a sign-in.
SELECT id, name, email, role, verified, created_ts, email_verified, password FROM accounts WHERE email_key = $1;

-- name: find_credentials_by_id
-- An account with its password's hash, for a change of password.
SELECT id, name, email, role, verified, created_ts, email_verified, password FROM accounts WHERE id = $1;

-- name: rename_account
-- Gives an account another name.
UPDATE accounts SET name = $2, name_key = $3 WHERE id = $1
RETURNING id, name, email, role, verified, created_ts, email_verified;

-- name: replace_password
-- Changes a hash, provided that it still is the one that was checked.
UPDATE accounts SET password = $3 WHERE id = $1 AND password = $2 RETURNING id;

-- name: set_role
-- Changes a role and tells the former one.
WITH former AS (SELECT id, role FROM accounts WHERE id = $1 FOR NO KEY UPDATE)
UPDATE accounts SET role = $2 FROM former WHERE accounts.id = former.id
RETURNING accounts.id, name, email, accounts.role, verified, created_ts, email_verified, former.role AS former_role;

-- name: set_verified
-- Allows or forbids bidding.
UPDATE accounts SET verified = $2 WHERE id = $1 RETURNING id, name, email, role, verified, created_ts, email_verified;

-- name: insert_session
-- Begins a session, provided that the password is still the one that was checked: a change of it waits for this row lock,
-- or this waits for the change, so that no session begun with the old password outlives it.
WITH person AS (SELECT id FROM accounts WHERE id = $2 AND password = $6 FOR SHARE)
INSERT INTO sessions (id, account, token_hash, created_ts, expires_ts)
SELECT $1, person.id, $3, $4, $5 FROM person RETURNING id;

-- name: trim_sessions
-- Ends an account's oldest sessions beyond the allowed number.
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE account = $1 ORDER BY created_ts DESC, id DESC OFFSET $2
) RETURNING id;

-- name: find_session
-- A session that has not expired, by its token's hash, with its account.
SELECT s.id AS session, s.created_ts AS began_ts, s.expires_ts,
       a.id, a.name, a.email, a.role, a.verified, a.created_ts, a.email_verified
FROM sessions s JOIN accounts a ON a.id = s.account
WHERE s.token_hash = $1 AND s.expires_ts > $2;

-- name: prolong_session
-- Moves a session's end; never back, whatever order two requests arrive in.
UPDATE sessions SET expires_ts = greatest(expires_ts, $2) WHERE id = $1;

-- name: replace_token
-- Gives a living session another token, once.
UPDATE sessions SET token_hash = $2 WHERE token_hash = $1 AND expires_ts > $3 RETURNING id;

-- name: alive_sessions
-- Which of these sessions have not ended.
SELECT id FROM sessions WHERE id = ANY ($1::text[]) AND expires_ts > $2;

-- name: end_session
-- Ends the session of a token and tells the other processes when this is committed.
WITH ended AS (DELETE FROM sessions WHERE token_hash = $1 RETURNING id)
SELECT id, pg_notify($2, $3 || ' ended ' || id) FROM ended;

-- name: end_sessions_of
-- Ends all sessions of an account but one, and tells the other processes when this is committed.
WITH ended AS (DELETE FROM sessions WHERE account = $1 AND id <> $2 RETURNING id)
SELECT id, pg_notify($3, $4 || ' ended ' || id) FROM ended;

-- name: end_expired
-- Ends up to $2 sessions whose time is over; rows another process is ending are left to it.
WITH expired AS (SELECT id FROM sessions WHERE expires_ts <= $1 ORDER BY expires_ts LIMIT $2 FOR UPDATE SKIP LOCKED),
ended AS (DELETE FROM sessions USING expired WHERE sessions.id = expired.id RETURNING sessions.id)
SELECT id, pg_notify($3, $4 || ' ended ' || id) FROM ended;

-- name: notify
-- Tells the other processes something.
SELECT pg_notify($1, $2);

-- name: take_attempt
-- Counts an attempt at $2 (us) that costs $3 us of time, if no more than $4 us are then in use; a row from the far future was
-- written by a clock since corrected, and counts for nothing.
INSERT INTO throttles AS t (key, full_us) VALUES ($1, $2::bigint + $3::bigint)
ON CONFLICT (key) DO UPDATE SET full_us =
    CASE WHEN t.full_us > $2::bigint + 2 * $4::bigint THEN $2::bigint ELSE greatest(t.full_us, $2::bigint) END + $3::bigint
WHERE CASE WHEN t.full_us > $2::bigint + 2 * $4::bigint THEN $2::bigint ELSE greatest(t.full_us, $2::bigint) END
    + $3::bigint - $2::bigint <= $4::bigint
RETURNING full_us;

-- name: give_back_attempt
-- Takes back an attempt that turned out to be rightful.
UPDATE throttles SET full_us = full_us - $2 WHERE key = $1;

-- name: when_full
-- Until when a key's attempts reach.
SELECT full_us FROM throttles WHERE key = $1;

-- name: forget_attempts
-- Drops up to $2 keys whose attempts lie in the past.
DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE full_us <= $1 ORDER BY full_us LIMIT $2) RETURNING key;

-- name: forget_surplus_attempts
-- Drops the keys nearest to being free, beyond the $1 others that are kept, at most $2 at once.
DELETE FROM throttles WHERE key IN (SELECT key FROM throttles ORDER BY full_us DESC OFFSET $1 LIMIT $2) RETURNING key;

-- name: insert_mail_token
-- Notes a token that a mail brings, unless the account is gone or has another address by now.
INSERT INTO mail_tokens (token_hash, account, purpose, email_key, created_ts, expires_ts)
SELECT $1, id, $3, email_key, $5, $6 FROM accounts WHERE id = $2 AND email_key = $4 RETURNING account;

-- name: trim_mail_tokens
-- Makes an account's oldest tokens of a purpose void, beyond the allowed number.
DELETE FROM mail_tokens WHERE token_hash IN (
    SELECT token_hash FROM mail_tokens WHERE account = $1 AND purpose = $2 ORDER BY created_ts DESC, token_hash OFFSET $3
);

-- name: find_mail_token
-- Whose living token this is, if its address still is the account's.
SELECT a.id, a.name, a.email, a.role, a.verified, a.created_ts, a.email_verified
FROM mail_tokens t JOIN accounts a ON a.id = t.account AND a.email_key = t.email_key
WHERE t.token_hash = $1 AND t.purpose = $2 AND t.expires_ts > $3;

-- name: use_mail_token
-- Takes a living token: of several who bring it at once, one gets the account.
WITH used AS (DELETE FROM mail_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_ts > $3 RETURNING account, email_key)
SELECT a.id FROM used JOIN accounts a ON a.id = used.account AND a.email_key = used.email_key;

-- name: confirm_email
-- A mail arrived at the account's address.
UPDATE accounts SET email_verified = true WHERE id = $1;

-- name: void_mail_tokens
-- Makes all of an account's tokens of a purpose void.
DELETE FROM mail_tokens WHERE account = $1 AND purpose = $2;

-- name: set_password
-- Gives an account another password, whatever it was.
UPDATE accounts SET password = $2 WHERE id = $1;

-- name: forget_mail_tokens
-- Drops up to $2 tokens whose time is over.
DELETE FROM mail_tokens WHERE token_hash IN (SELECT token_hash FROM mail_tokens WHERE expires_ts <= $1 ORDER BY expires_ts LIMIT $2);
