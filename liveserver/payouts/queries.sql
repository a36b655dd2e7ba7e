-- Every statement of money out. Who plans or asks has locked the seller's balances (ledger) before.

-- name: find_account
-- A seller's account at a provider.
SELECT seller, provider, account, ready, wants, checked_ts FROM payout_accounts WHERE seller = $1 AND provider = $2;

-- name: find_account_by_reference
-- Whose account at the provider this is.
SELECT seller, provider, account, ready, wants, checked_ts FROM payout_accounts WHERE provider = $1 AND account = $2;

-- name: add_account
-- A seller's new account at the provider, unless there is one.
INSERT INTO payout_accounts (seller, provider, account, ready, wants, created_ts, checked_ts) VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT DO NOTHING;

-- name: set_account
-- What the provider says of an account now. Gives whether it was ready before.
UPDATE payout_accounts a SET ready = $3, wants = $4, checked_ts = $5
FROM (SELECT ready FROM payout_accounts WHERE seller = $1 AND provider = $2 FOR UPDATE) before
WHERE a.seller = $1 AND a.provider = $2 RETURNING before.ready AS was_ready;

-- name: currencies_of
-- The currencies in which a seller has sold anything or has any money.
SELECT currency FROM ledger_balances WHERE owner = $1 AND account IN ('seller_payable', 'seller_receivable', 'psp_sellers')
UNION SELECT currency FROM orders WHERE seller = $1 AND paid_ts IS NOT NULL ORDER BY currency;

-- name: balances_of
-- What stands on a seller's accounts, debit positive.
SELECT account, currency, balance FROM ledger_balances
WHERE owner = $1 AND account IN ('seller_payable', 'seller_receivable', 'payout_transit', 'psp_sellers');

-- name: held_of
-- What buyers have paid a seller for and is in escrow until delivery, by currency.
SELECT o.currency, -sum(b.balance)::bigint AS held FROM orders o
JOIN ledger_balances b ON b.account = 'escrow' AND b.owner = o.id AND b.currency = o.currency
WHERE o.seller = $1 AND o.funds = 'held' GROUP BY o.currency;

-- name: paid_out_of
-- What is in a seller's bank, by currency.
SELECT currency, sum(amount)::bigint AS paid_out FROM payouts WHERE seller = $1 AND status = 'paid' GROUP BY currency;

-- name: moving_of
-- What is about to be transferred to a seller's account or back and was not posted yet, by currency.
SELECT currency, coalesce(sum(amount) FILTER (WHERE kind = 'transfer'), 0)::bigint AS going,
    coalesce(sum(amount) FILTER (WHERE kind = 'reversal'), 0)::bigint AS giving_back
FROM transfers WHERE seller = $1 AND status = 'requested' GROUP BY currency;

-- name: untransferred
-- A seller's ($1) orders in a currency ($2) of which more is theirs than went to their account, the oldest first; of one order ($3) or
-- of all (''); test orders ($4) or others. Not those that the provider refused since $5: the same question would get the same answer.
SELECT o.id, o.charge, sums.left - coalesce(going.amount, 0) AS left FROM (
    SELECT coalesce(j.order_id, j.object) AS order_id, -sum(p.amount)::bigint AS left
    FROM ledger_postings p JOIN ledger_journals j ON j.id = p.journal
    WHERE p.account IN ('seller_payable', 'psp_sellers') AND p.owner = $1 AND p.currency = $2
        AND j.kind NOT IN ('payout_requested', 'payout_paid', 'payout_failed') AND ($3 = '' OR coalesce(j.order_id, j.object) = $3)
    GROUP BY 1
) sums JOIN orders o ON o.id = sums.order_id
LEFT JOIN LATERAL (
    SELECT sum(t.amount)::bigint AS amount FROM transfers t
    WHERE t.order_id = o.id AND t.kind = 'transfer' AND t.status = 'requested'
) going ON true
WHERE sums.left > coalesce(going.amount, 0) AND o.charge <> '' AND o.test = $4
    AND NOT EXISTS (SELECT FROM transfers f WHERE f.order_id = o.id AND f.kind = 'transfer' AND f.status = 'failed' AND f.settled_ts > $5)
ORDER BY o.number LIMIT $6;

-- name: reversible
-- A seller's transfers of which something is still on their account, those of one order ($3) first, then the newest; not those whose
-- reversal the provider refused since $5.
SELECT t.id, t.order_id, t.charge, t.reference, t.amount - back.amount AS left FROM transfers t
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.amount), 0)::bigint AS amount FROM transfers r WHERE r.of = t.id AND r.status <> 'failed'
) back
WHERE t.seller = $1 AND t.currency = $2 AND t.provider = $4 AND t.kind = 'transfer' AND t.status = 'done' AND t.amount > back.amount
    AND NOT EXISTS (SELECT FROM transfers f WHERE f.of = t.id AND f.status = 'failed' AND f.settled_ts > $5)
ORDER BY t.order_id <> $3, t.id DESC LIMIT $6;

-- name: count_transfers
-- How many transfers an order has had: the next one's number in its key.
SELECT count(*) FROM transfers WHERE order_id = $1 AND kind = 'transfer';

-- name: count_reversals
-- How many reversals a transfer has had: the next one's number in its key.
SELECT count(*) FROM transfers WHERE of = $1;

-- name: add_transfer
-- A transfer or reversal that the provider is about to be asked for.
INSERT INTO transfers (id, kind, seller, provider, account, order_id, charge, currency, amount, key, of, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: open_transfers
-- What the provider is yet to be asked for, or has not answered, of a seller in a currency; the oldest first.
SELECT t.*, coalesce(o.reference, '') AS of_reference FROM transfers t LEFT JOIN transfers o ON o.id = t.of
WHERE t.seller = $1 AND t.currency = $2 AND t.provider = $3 AND t.status = 'requested' ORDER BY t.id LIMIT $4;

-- name: open_transfer_like
-- What we are waiting to hear of, by what the provider says of a transfer that we do not know by its name.
SELECT t.*, '' AS of_reference FROM transfers t
WHERE t.order_id = $1 AND t.account = $2 AND t.currency = $3 AND t.amount = $4 AND t.kind = 'transfer' AND t.status = 'requested'
ORDER BY t.id LIMIT 1;

-- name: transfer_by_reference
-- Whether we know a transfer by the provider's name for it.
SELECT id FROM transfers WHERE kind = 'transfer' AND reference = $1;

-- name: settle_transfer
-- The provider has done it, or refuses it.
UPDATE transfers SET status = $2, reference = $3, error = $4, settled_ts = $5 WHERE id = $1 AND status = 'requested' RETURNING id;

-- name: sellers_apart
-- Sellers whose account at the provider does not hold what is theirs, or who wait for an answer of the provider; some of them, any.
SELECT a.seller, sums.currency FROM payout_accounts a
JOIN (
    SELECT owner, currency, sum(balance) AS apart FROM ledger_balances
    WHERE account IN ('seller_payable', 'payout_transit', 'psp_sellers') GROUP BY owner, currency
) sums ON sums.owner = a.seller
WHERE a.provider = $1 AND a.ready
    AND (sums.apart <> 0 OR EXISTS (
        SELECT FROM transfers t WHERE t.seller = a.seller AND t.currency = sums.currency AND t.status = 'requested'))
ORDER BY random() LIMIT $2;

-- name: lock_seller
-- One request for a payout of a seller at a time: their counter goes over all currencies.
SELECT pg_advisory_xact_lock(hashtext('payouts'), hashtext($1));

-- name: payouts_on
-- How many payouts a seller has asked for on a day.
SELECT coalesce(max(counter), 0) FROM payouts WHERE seller = $1 AND period = $2;

-- name: add_payout
-- A payout that is asked for.
INSERT INTO payouts (id, seller, period, counter, provider, account, currency, amount, actor, test, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *;

-- name: find_payout
-- A payout.
SELECT * FROM payouts WHERE id = $1;

-- name: lock_payout
-- A payout, held still.
SELECT * FROM payouts WHERE id = $1 FOR NO KEY UPDATE;

-- name: payouts_of
-- A seller's payouts, or all ($1 = ''), the newest first, before one.
SELECT * FROM payouts WHERE ($1 = '' OR seller = $1) AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: mark_sent
-- The provider is about to be asked. Gives since when it is.
UPDATE payouts SET sent_ts = coalesce(sent_ts, $2) WHERE id = $1 AND status = 'requested' RETURNING sent_ts;

-- name: unanswered_payouts
-- Payouts of a provider that it was asked for before a time and has not answered, the oldest first.
SELECT id FROM payouts WHERE status = 'requested' AND provider = $1 AND sent_ts < $2 ORDER BY sent_ts LIMIT $3;

-- name: set_payout
-- A payout goes on, from where it is known to be.
UPDATE payouts SET status = $3, reference = $4, error = $5, paid_ts = $6, ended_ts = $7 WHERE id = $1 AND status = $2 RETURNING id;

-- name: cancel_payout
-- Not to be sent after all; only while nobody has asked the provider.
UPDATE payouts SET status = 'cancelled', ended_ts = $2 WHERE id = $1 AND status = 'requested' AND sent_ts IS NULL RETURNING id;

-- name: psp_journals
-- What these journals, each named by kind and object, did to what we have with the provider.
SELECT j.kind, j.object, j.currency, coalesce(j.order_id, '') AS order_id,
    coalesce(sum(p.amount) FILTER (WHERE p.account IN ('psp_pending', 'psp_available')), 0)::bigint AS amount
FROM ledger_journals j JOIN ledger_postings p ON p.journal = j.id
WHERE (j.kind, j.object) IN (SELECT * FROM unnest($1::text[], $2::text[]))
GROUP BY j.id;

-- name: psp_journals_since
-- What we say has moved with the provider in a time, behind a journal, for test orders or for others.
SELECT j.id, j.kind, j.object, j.currency, j.order_id, j.ts,
    coalesce(sum(p.amount) FILTER (WHERE p.account IN ('psp_pending', 'psp_available')), 0)::bigint AS amount
FROM ledger_journals j JOIN ledger_postings p ON p.journal = j.id JOIN orders o ON o.id = j.order_id
WHERE j.ts >= $1 AND j.ts < $2 AND j.kind = ANY ($3::text[]) AND o.test = $4 AND j.id > $5
GROUP BY j.id ORDER BY j.id LIMIT $6;

-- name: refunds_named
-- Our refunds by the provider's names for them, and the ways back of payments that came too late.
SELECT reference, id FROM refunds WHERE reference = ANY ($1::text[])
UNION ALL SELECT reference, id FROM stray_payments WHERE reference = ANY ($1::text[]);

-- name: payouts_named
-- Our sellers' payouts among these names of the provider's.
SELECT reference FROM payouts WHERE reference = ANY ($1::text[]);

-- name: late_charges
-- Charges among these that came too late for their orders, and are given back.
SELECT charge FROM stray_payments WHERE charge = ANY ($1::text[]);

-- name: add_report
-- What a comparison came to.
INSERT INTO reconciliations (provider, since_ts, until_ts, made_ts, transactions, matched, posted, found, differences, unsound, complete,
    pending_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id;

-- name: reports
-- Comparisons, the newest first.
SELECT * FROM reconciliations WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: newest_difference_notes
-- What was said last about each of these differences.
SELECT DISTINCT ON (difference) difference, about, seen, note, actor, ts FROM difference_notes
WHERE difference = ANY ($1::text[]) ORDER BY difference, id DESC;

-- name: add_difference_note
-- Somebody has looked at a difference, or opens it again.
INSERT INTO difference_notes (difference, about, seen, note, actor, ts) VALUES ($1, $2, $3, $4, $5, $6);

-- name: difference_notes
-- What was said about differences, the newest first.
SELECT difference, about, seen, note, actor, ts FROM difference_notes ORDER BY id DESC LIMIT $1;

-- name: compared
-- Up to when the books were compared and nothing differed; and since when there was money that was not available yet.
SELECT (SELECT max(until_ts) FROM reconciliations WHERE provider = $1 AND found = 0) AS clean_ts,
    (SELECT pending_ts FROM reconciliations WHERE provider = $1 ORDER BY id DESC LIMIT 1) AS pending_ts;

-- name: newest_found
-- How many things differ by the newest comparison.
SELECT found FROM reconciliations ORDER BY id DESC LIMIT 1;

-- name: escrow_apart
-- Orders whose escrow does not hold what is left of the payment while it is held, or holds anything when it is not.
SELECT o.id, o.currency, o.funds, -b.balance AS there,
    CASE o.funds WHEN 'held' THEN o.item + o.shipping + o.tax - o.refunded_item - o.refunded_shipping - o.refunded_tax
        - o.lost_item - o.lost_shipping - o.lost_tax ELSE 0 END AS due
FROM ledger_balances b JOIN orders o ON o.id = b.owner
WHERE b.account = 'escrow' AND -b.balance <>
    CASE o.funds WHEN 'held' THEN o.item + o.shipping + o.tax - o.refunded_item - o.refunded_shipping - o.refunded_tax
        - o.lost_item - o.lost_shipping - o.lost_tax ELSE 0 END
LIMIT $1;

-- name: sellers_money_apart
-- Sellers whose accounts at the provider are not, by our books, what went there, came back and went on to their banks.
SELECT b.owner, b.currency, b.balance AS there, coalesce(moved.amount, 0) - coalesce(gone.amount, 0) AS due
FROM ledger_balances b
LEFT JOIN (
    SELECT seller, currency, sum(CASE kind WHEN 'transfer' THEN amount ELSE -amount END)::bigint AS amount
    FROM transfers WHERE status = 'done' GROUP BY seller, currency
) moved ON moved.seller = b.owner AND moved.currency = b.currency
LEFT JOIN (
    SELECT seller, currency, sum(amount)::bigint AS amount FROM payouts WHERE status = 'paid' GROUP BY seller, currency
) gone ON gone.seller = b.owner AND gone.currency = b.currency
WHERE b.account = 'psp_sellers' AND b.balance <> coalesce(moved.amount, 0) - coalesce(gone.amount, 0) LIMIT $1;

-- name: transit_apart
-- Sellers of whom more or less is said to be on its way to the bank than their payouts say.
SELECT b.owner, b.currency, -b.balance AS there, coalesce(open.amount, 0) AS due
FROM ledger_balances b
LEFT JOIN (
    SELECT seller, currency, sum(amount)::bigint AS amount FROM payouts WHERE status IN ('requested', 'in_transit')
    GROUP BY seller, currency
) open ON open.seller = b.owner AND open.currency = b.currency
WHERE b.account = 'payout_transit' AND -b.balance <> coalesce(open.amount, 0) LIMIT $1;
