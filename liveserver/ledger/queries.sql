-- name: lock_balances
-- The balances of these accounts, locked in one order, so that two journals never wait for each other in a circle.
SELECT account, owner, currency, balance FROM ledger_balances
WHERE (account, owner, currency) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
ORDER BY account, owner, currency FOR UPDATE;

-- name: add_balances
-- Rows for accounts that were never posted to, so that there is something to lock.
INSERT INTO ledger_balances (account, owner, currency, balance)
SELECT account, owner, currency, 0 FROM unnest($1::text[], $2::text[], $3::text[]) AS t (account, owner, currency)
ORDER BY account, owner, currency ON CONFLICT DO NOTHING;

-- name: add_journal
-- A journal, unless the same event was posted before.
INSERT INTO ledger_journals (kind, object, currency, order_id, reverses, memo, ts) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (kind, object) DO NOTHING RETURNING id;

-- name: add_postings
-- A journal's lines.
INSERT INTO ledger_postings (journal, position, account, owner, currency, amount)
SELECT $1, * FROM unnest($2::smallint[], $3::text[], $4::text[], $5::text[], $6::bigint[]);

-- name: find_journal
-- A journal and its lines, by the event it is about.
SELECT j.id, j.currency, j.order_id, j.reverses, j.memo, j.ts, p.account, p.owner, p.amount
FROM ledger_journals j JOIN ledger_postings p ON p.journal = j.id
WHERE j.kind = $1 AND j.object = $2 ORDER BY p.position;

-- name: balance
-- What stands on an owned account, debit positive.
SELECT balance FROM ledger_balances WHERE account = $1 AND owner = $2 AND currency = $3;

-- name: journals_of_order
-- All that was posted for an order, in order, a row for each line.
SELECT j.id, j.kind, j.object, j.currency, j.order_id, j.reverses, j.memo, j.ts, p.account, p.owner, p.amount
FROM ledger_journals j JOIN ledger_postings p ON p.journal = j.id
WHERE j.order_id = $1 ORDER BY j.id, p.position;

-- name: statement
-- What came to a seller and went, the newest first, before a journal, with what stood there after each: what they are owed, less
-- what they owe. A journal that moves something from the one to the other changes nothing and is left out. What stood there is
-- counted down from what stands there now: a page reads its own lines and, for later pages, the sums of what is newer.
WITH lines AS (
    SELECT journal, sum(amount)::bigint AS amount FROM ledger_postings
    WHERE account IN ('seller_payable', 'seller_receivable') AND owner = $1 AND currency = $2 AND journal < $3
    GROUP BY journal HAVING sum(amount) <> 0 ORDER BY journal DESC LIMIT $4
), now AS (
    SELECT coalesce(sum(balance), 0) AS balance FROM ledger_balances
    WHERE account IN ('seller_payable', 'seller_receivable') AND owner = $1 AND currency = $2
), newer AS (
    SELECT coalesce(sum(amount), 0) AS amount FROM ledger_postings
    WHERE account IN ('seller_payable', 'seller_receivable') AND owner = $1 AND currency = $2 AND journal >= $3
)
SELECT j.id, j.kind, j.object, j.order_id, j.memo, j.ts, l.amount, now.balance - newer.amount
    - coalesce(sum(l.amount) OVER (ORDER BY l.journal DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS balance
FROM lines l JOIN ledger_journals j ON j.id = l.journal CROSS JOIN now CROSS JOIN newer ORDER BY l.journal DESC;

-- name: trial_balance
-- What all accounts of a kind hold together, by currency, debit positive.
SELECT account, currency, sum(amount)::bigint AS balance FROM ledger_postings GROUP BY account, currency ORDER BY currency, account;

-- name: balances_apart
-- Balances that are not the sum of their lines: none, or something has gone around the ledger.
SELECT b.account, b.owner, b.currency, b.balance, coalesce(p.total, 0)::bigint AS total
FROM ledger_balances b
LEFT JOIN (SELECT account, owner, currency, sum(amount) AS total FROM ledger_postings WHERE owner <> '' GROUP BY 1, 2, 3) p
    USING (account, owner, currency)
WHERE b.balance <> coalesce(p.total, 0);


-- name: rates_of_sale
-- The commissions that may count for a seller ($1) and some categories ($2, with '' for all): the newest of each.
SELECT seller, category, commission_bp FROM (
    SELECT DISTINCT ON (seller, category) seller, category, commission_bp FROM commission_rates
    WHERE seller IN ('', $1) AND category = ANY ($2::text[]) ORDER BY seller, category, id DESC
) newest WHERE commission_bp IS NOT NULL;

-- name: lock_rates
-- One change of the rates at a time; who reads them waits for nobody.
SELECT pg_advisory_xact_lock(hashtext('commission_rates'));

-- name: newest_rate
-- What counts for a seller and category now.
SELECT commission_bp FROM commission_rates WHERE seller = $1 AND category = $2 ORDER BY id DESC LIMIT 1;

-- name: count_rates
-- How many rates of their own count now.
SELECT count(*) FROM (
    SELECT DISTINCT ON (seller, category) commission_bp FROM commission_rates ORDER BY seller, category, id DESC
) newest WHERE commission_bp IS NOT NULL;

-- name: add_rate
-- A rate that counts from now on.
INSERT INTO commission_rates (seller, category, commission_bp, note, actor, from_ts) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, seller, category, commission_bp, note, actor, from_ts;

-- name: current_rates
-- The rates that count now.
SELECT * FROM (
    SELECT DISTINCT ON (seller, category) id, seller, category, commission_bp, note, actor, from_ts FROM commission_rates
    ORDER BY seller, category, id DESC
) newest WHERE commission_bp IS NOT NULL ORDER BY seller, category LIMIT $1;

-- name: rate_history
-- All changes of rates, the newest first, before one.
SELECT id, seller, category, commission_bp, note, actor, from_ts FROM commission_rates WHERE id < $1 ORDER BY id DESC LIMIT $2;
