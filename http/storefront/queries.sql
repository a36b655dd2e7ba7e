-- What the HTTP side reads and keeps by itself: results of shows for pages, and answers kept for repeated requests.

-- name: results_of_show
-- A show's decided lots, the latest first.
SELECT l.id AS lot, l.show, s.title AS show_title, l.title, l.picture, l.currency, l.status, l.price,
       coalesce(l.alias, '') AS alias, l.bids, l.closed_ts
FROM lots l JOIN shows s ON s.id = l.show
WHERE l.show = $1 AND l.status IN ('sold', 'passed') ORDER BY l.closed_ts DESC, l.id DESC LIMIT $2;

-- name: won_by
-- What somebody won, the latest first.
SELECT l.id AS lot, l.show, s.title AS show_title, l.title, l.picture, l.currency, l.status, l.price,
       coalesce(l.alias, '') AS alias, l.bids, l.closed_ts
FROM lots l JOIN shows s ON s.id = l.show
WHERE l.winner = $1 AND l.status = 'sold' ORDER BY l.closed_ts DESC, l.id DESC LIMIT $2;

-- name: totals
-- How many lots each of these shows sold, and for how much.
SELECT show, count(*)::int AS sold, coalesce(sum(price), 0)::bigint AS total
FROM lots WHERE show = ANY ($1::text[]) AND status = 'sold' GROUP BY show;

-- name: queued
-- How many lots wait in each of these shows.
SELECT show, count(*)::int AS n FROM queued_lots WHERE show = ANY ($1::text[]) AND status = 'queued' GROUP BY show;

-- name: products_of_show
-- The products of a show's lots: those that ran, in their order, then those that wait.
SELECT product FROM queued_lots WHERE show = $1 AND product IS NOT NULL
GROUP BY product ORDER BY min(coalesce(position, 0)), min(opened_ts), product LIMIT $2;

-- name: claim_key
-- Takes an idempotency key for a request about to be carried out; nothing if the key is taken, or its owner has too many.
INSERT INTO http_idempotency (owner, key, request, created_ts)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM http_idempotency WHERE owner = $1) < $5
ON CONFLICT (owner, key) DO NOTHING RETURNING key;

-- name: kept_answer
-- What is kept under a key.
SELECT request, status, body, created_ts FROM http_idempotency WHERE owner = $1 AND key = $2;

-- name: take_over_key
-- Takes a key whose request died without an answer; nothing if another retry was faster.
UPDATE http_idempotency SET created_ts = $3
WHERE owner = $1 AND key = $2 AND status IS NULL AND created_ts <= $4 RETURNING key;

-- name: keep_answer
-- Keeps the answer of the request that took the key.
UPDATE http_idempotency SET status = $3, body = $4 WHERE owner = $1 AND key = $2;

-- name: release_key
-- Gives a key back whose request came to nothing.
DELETE FROM http_idempotency WHERE owner = $1 AND key = $2 AND status IS NULL;

-- name: drop_old_keys
-- Forgets keys after their time, a bounded number at once.
DELETE FROM http_idempotency WHERE ctid IN
    (SELECT ctid FROM http_idempotency WHERE created_ts < $1 ORDER BY created_ts LIMIT $2);
