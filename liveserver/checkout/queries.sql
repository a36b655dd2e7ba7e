-- Every statement of checkout. An attempt's state goes forwards only; a row that has gone further is not changed, and the caller is told.

-- name: insert_attempt
-- Writes the next attempt down, unless one is live.
INSERT INTO payment_attempts (order_id, attempt, key, request, provider, off_session, created_ts, asked_ts, updated_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7) RETURNING *;

-- name: last_attempt
-- How many attempts an order had.
SELECT coalesce(max(attempt), 0) FROM payment_attempts WHERE order_id = $1;

-- name: live_attempt
-- The one attempt that could take money, or has.
SELECT * FROM payment_attempts
WHERE order_id = $1 AND state IN ('asked', 'needs_card', 'needs_action', 'processing', 'failed', 'succeeded');

-- name: find_attempt
-- An attempt by its number.
SELECT * FROM payment_attempts WHERE order_id = $1 AND attempt = $2;

-- name: off_session_attempts
-- How often a saved card was charged for an order without its owner.
SELECT count(*) FROM payment_attempts WHERE order_id = $1 AND off_session;

-- name: attempts_of
-- All attempts of an order.
SELECT * FROM payment_attempts WHERE order_id = $1 ORDER BY attempt;

-- name: sending
-- The call is about to be sent.
UPDATE payment_attempts SET asked_ts = $3 WHERE order_id = $1 AND attempt = $2 AND state = 'asked' RETURNING attempt;

-- name: not_answered
-- A call ended without an answer.
UPDATE payment_attempts SET unknowns = unknowns + 1, updated_ts = $3
WHERE order_id = $1 AND attempt = $2 AND state = 'asked' RETURNING *;

-- name: set_attempt
-- As the provider says now. What has succeeded or is over stays so; a payment that was taken for absent may turn up.
UPDATE payment_attempts SET state = $3, payment = CASE WHEN $4 = '' THEN payment ELSE $4 END, error_code = $5, error = $6, updated_ts = $7
WHERE order_id = $1 AND attempt = $2 AND state IN ('asked', 'needs_card', 'needs_action', 'processing', 'failed')
    AND (state, error_code) IS DISTINCT FROM ($3, $5) RETURNING *;

-- name: give_attempt_back
-- It succeeded, but too late: another may be made.
UPDATE payment_attempts SET state = 'returned', updated_ts = $3, payment = CASE WHEN payment = '' THEN $4 ELSE payment END
WHERE order_id = $1 AND attempt = $2;

-- name: insert_stray
-- A payment that came too late; the second time nothing.
INSERT INTO stray_payments (id, order_id, payment, charge, amount, currency, reason, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (charge) DO NOTHING RETURNING id;

-- name: find_stray
-- A payment that came too late.
SELECT * FROM stray_payments WHERE id = $1;

-- name: stray_of_charge
-- Whether a charge came too late.
SELECT * FROM stray_payments WHERE charge = $1;

-- name: lock_stray
-- Holds it for a change.
SELECT id FROM stray_payments WHERE id = $1 FOR NO KEY UPDATE;

-- name: settle_stray
-- It went back, or could not; or it went, and the buyer's bank has sent it back to us.
UPDATE stray_payments SET state = $2, reference = $3, error = $4, settled_ts = $5
WHERE id = $1 AND (state = 'requested' OR (state = 'succeeded' AND $2 = 'failed')) RETURNING id;

-- name: sending_refund
-- A refund is about to be sent; when that was the first time, and what was answered.
INSERT INTO refund_calls (refund, asked_ts) VALUES ($1, $2)
ON CONFLICT (refund) DO UPDATE SET refund = EXCLUDED.refund RETURNING asked_ts, reference;

-- name: refund_answered
-- What the provider calls a refund.
UPDATE refund_calls SET reference = $2 WHERE refund = $1;

-- name: settled_of_order
-- What the provider has surely given back of an order's charge, as far as we know.
SELECT coalesce(sum(item + shipping + tax), 0)::bigint FROM refunds WHERE order_id = $1 AND status = 'succeeded';

-- name: one_checkout_at_a_time
-- Two tabs that check out the same goods wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended('checkout:' || $1, 0));
