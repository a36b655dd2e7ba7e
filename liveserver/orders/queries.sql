-- Every statement of orders. A change names the states it may come from: a row that is elsewhere is not changed, and the caller is told.

-- name: insert_order
-- Places an order, unless one of the same origin is there.
INSERT INTO orders (id, origin, source, buyer, buyer_name, buyer_email, seller, seller_name, show, currency, coupon, item, shipping,
    shipping_method, taxes, tax, commission, processing, rates, address, due_ts, created_ts, test, units)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
ON CONFLICT (origin) DO NOTHING RETURNING id;

-- name: insert_lines
-- What an order consists of.
INSERT INTO order_lines (order_id, position, product, variant, title, sku, options, picture, category, quantity, price, discount, commission_bp)
SELECT $1, row_number() OVER (), * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::integer[], $10::bigint[], $11::bigint[], $12::integer[]);

-- name: lock_order
-- Holds an order for a change. What it says is read after, by a statement of its own, for one that had to wait here would still
-- see what was before the wait.
SELECT id FROM orders WHERE id = $1 FOR NO KEY UPDATE;

-- name: find_orders
-- Orders by their ids, with their lines.
SELECT o.*, (SELECT jsonb_agg(l ORDER BY l.position) FROM order_lines l WHERE l.order_id = o.id) AS lines
FROM orders o WHERE o.id = ANY ($1::text[]) ORDER BY o.number DESC;

-- name: id_of_origin
-- The order that came from something.
SELECT id FROM orders WHERE origin = $1;

-- name: id_of_charge
-- The order that a charge paid.
SELECT id FROM orders WHERE charge = $1;

-- name: list_orders
-- A buyer's ($1) or a seller's ($2) orders, the newest first, below a number; of some states, a show, a time, or with a text in
-- number, names or titles.
SELECT o.id FROM orders o
WHERE ($1::text IS NULL OR o.buyer = $1) AND ($2::text IS NULL OR o.seller = $2) AND o.number < $3
    AND (cardinality($4::text[]) = 0 OR o.state = ANY ($4)) AND ($5::text = '' OR o.show = $5)
    AND o.created_ts >= $6 AND o.created_ts < $7
    AND ($8::text = '' OR o.number::text = $8 OR strpos(lower(o.buyer_name), lower($8)) > 0
        OR EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND strpos(lower(l.title), lower($8)) > 0))
ORDER BY o.number DESC LIMIT $9;

-- name: add_event
-- A line of an order's history.
INSERT INTO order_events (order_id, ts, kind, actor, detail) VALUES ($1, $2, $3, $4, $5);

-- name: history
-- All that happened to an order, in order.
SELECT ts, kind, actor, detail FROM order_events WHERE order_id = $1 ORDER BY id LIMIT $2;

-- name: tell
-- Who has to know hears of it when the transaction ends.
SELECT pg_notify('orders', $1);

-- name: reprice
-- Another address, and what follows from it; only while nothing is paid.
UPDATE orders SET address = $2, shipping = $3, shipping_method = $4, taxes = $5, tax = $6, processing = $7
WHERE id = $1 AND state IN ('awaiting_payment', 'payment_failed', 'action_required') RETURNING id;

-- name: set_unpaid_state
-- Between attempts to pay.
UPDATE orders SET state = $2 WHERE id = $1 AND state IN ('awaiting_payment', 'payment_failed', 'action_required') RETURNING id;

-- name: pay
-- The provider says it is paid.
UPDATE orders SET state = 'paid', paid_ts = $2, charge = $3, payment = $4, funds = $5
WHERE id = $1 AND state IN ('awaiting_payment', 'payment_failed', 'action_required') RETURNING id;

-- name: cancel
-- Will not be delivered.
UPDATE orders SET state = 'cancelled', cancelled_ts = $2, defaulted = $3
WHERE id = $1 AND state IN ('awaiting_payment', 'payment_failed', 'action_required', 'paid') RETURNING id;

-- name: ship
-- On its way.
UPDATE orders SET state = 'shipped', shipped_ts = $2, carrier = $3, tracking = $4 WHERE id = $1 AND state = 'paid' RETURNING id;

-- name: deliver
-- It arrived.
UPDATE orders SET state = 'delivered', delivered_ts = $2 WHERE id = $1 AND state = 'shipped' RETURNING id;

-- name: complete
-- Nothing more is expected.
UPDATE orders SET state = 'completed', completed_ts = $2 WHERE id = $1 AND state = 'delivered' RETURNING id;

-- name: set_money
-- What went back of it, and where the rest is. The caller holds the row.
UPDATE orders SET refunded_item = $2, refunded_shipping = $3, refunded_tax = $4, lost_item = $5, lost_shipping = $6, lost_tax = $7,
    funds = $8, dispute = $9
WHERE id = $1 RETURNING id;

-- name: release
-- What was held is whose it is. The caller holds the row.
UPDATE orders SET funds = 'released' WHERE id = $1 AND funds = 'held' RETURNING id;

-- name: insert_refund
-- Money that is to go back.
INSERT INTO refunds (id, order_id, item, shipping, tax, reason, actor, created_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: refund_asked_before
-- The refund of an order that somebody ($2) asked for under a key ($3), of the same amount and not longer ago than $5.
SELECT detail ->> 'refund' FROM order_events
WHERE order_id = $1 AND kind = 'refund_requested' AND actor = $2 AND detail ->> 'once' = $3 AND detail ->> 'amount' = $4::bigint::text
    AND ts > $5 LIMIT 1;

-- name: find_refund
-- A refund, with what it is of.
SELECT r.*, o.charge, o.currency FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.id = $1;

-- name: refunds_of
-- An order's refunds, the oldest first.
SELECT r.*, o.charge, o.currency FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.order_id = $1 ORDER BY r.id LIMIT $2;

-- name: id_of_reference
-- The refund that the provider calls so.
SELECT id FROM refunds WHERE reference = $1;

-- name: settle_refund
-- It has left the provider, or could not.
UPDATE refunds SET status = $2, reference = $3, error = $4, settled_ts = $5 WHERE id = $1 AND status = 'requested' RETURNING id;

-- name: fail_settled_refund
-- The buyer's bank has sent it back after all.
UPDATE refunds SET status = 'failed', error = $2, settled_ts = $3 WHERE id = $1 AND status = 'succeeded' RETURNING id;

-- name: refunds_to_credit
-- Refunds of an invoiced order that were sent and have no credit note yet, in the order in which they were sent.
SELECT r.id, i.seller FROM refunds r JOIN invoices i ON i.order_id = r.order_id
WHERE r.order_id = $1 AND r.status = 'succeeded' AND NOT EXISTS (SELECT FROM credit_notes c WHERE c.refund = r.id)
ORDER BY r.settled_ts, r.id;

-- name: next_credit
-- The seller's next number of a credit note, held until the transaction ends.
UPDATE invoice_issuers SET last_credit = last_credit + 1 WHERE seller = $1 RETURNING last_credit, name, address, tax_id;

-- name: add_credit_note
-- Issues the credit note of a refund.
INSERT INTO credit_notes (refund, order_id, seller, number, issued_ts, issuer) VALUES ($1, $2, $3, $4, $5, $6);

-- name: credit_notes_of
-- The credit notes of some orders, with the refund and the invoice that each is about.
SELECT c.order_id, c.number, c.issued_ts, c.issuer, c.refund, r.item, r.shipping, r.tax, r.reason, r.settled_ts,
    r.status = 'failed' AS void, i.number AS invoice, i.issued_ts AS invoice_ts
FROM credit_notes c JOIN refunds r ON r.id = c.refund JOIN invoices i ON i.order_id = c.order_id
WHERE c.order_id = ANY ($1::text[]) ORDER BY c.number;

-- name: insert_dispute
-- The bank has taken it back while it decides; told once.
INSERT INTO disputes (id, order_id, amount, fee, reason, opened_ts) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id;

-- name: find_dispute
-- A dispute.
SELECT * FROM disputes WHERE id = $1;

-- name: disputes_of
-- An order's disputes, the oldest first.
SELECT * FROM disputes WHERE order_id = $1 ORDER BY opened_ts, id LIMIT $2;

-- name: close_dispute
-- The bank has decided.
UPDATE disputes SET status = $2, closed_ts = $3 WHERE id = $1 AND status = 'open' RETURNING id;

-- name: unpaid_of
-- What somebody has open to pay: how many, and how much in a currency.
SELECT count(*) AS orders, coalesce(sum(item + shipping + tax), 0)::bigint AS total FROM orders
WHERE buyer = $1 AND currency = $2 AND state IN ('awaiting_payment', 'payment_failed', 'action_required');

-- name: defaults_of
-- How often somebody has not paid in time since then.
SELECT count(*) FROM orders WHERE buyer = $1 AND defaulted AND cancelled_ts >= $2;

-- name: sums_of_show
-- What a show has sold so far, by where the money is: for its host.
SELECT currency, count(*) AS orders, coalesce(sum(item) FILTER (WHERE paid_ts IS NOT NULL), 0)::bigint AS paid,
    coalesce(sum(item) FILTER (WHERE paid_ts IS NULL AND state <> 'cancelled'), 0)::bigint AS waiting
FROM orders WHERE show = $1 AND seller = $2 GROUP BY currency;
