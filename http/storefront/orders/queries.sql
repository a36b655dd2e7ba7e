-- Orders as pages, API and exports ask for them; the owner stands in each statement.

-- name: bought
-- Somebody's own order.
SELECT id FROM orders WHERE id = $1 AND buyer = $2;

-- name: sold
-- An order of one's own shop; of any shop for an admin ($2).
SELECT id FROM orders WHERE id = $1 AND ($2 OR seller = $3);

-- name: title_of_show
-- What a show is called.
SELECT title FROM shows WHERE id = $1;

-- name: counts_of_seller
-- How many orders of a shop are in each of these states.
SELECT state, count(*) AS orders FROM orders WHERE seller = $1 AND state = ANY ($2::text[]) GROUP BY state;

-- name: last_of_seller
-- What tells that something changed in a shop: the newest line in the histories of its latest orders.
SELECT coalesce(max(e.id), 0)::bigint
FROM (SELECT id FROM orders WHERE seller = $1 ORDER BY number DESC LIMIT 100) o
CROSS JOIN LATERAL (SELECT max(h.id) AS id FROM order_events h WHERE h.order_id = o.id) e;

-- name: sums_of_seller
-- What a shop was paid in a time, and gave back of it, by currency.
SELECT currency, test, count(*) AS orders, sum(item + shipping + tax)::bigint AS sales,
    sum(refunded_item + refunded_shipping + refunded_tax)::bigint AS refunded
FROM orders WHERE seller = $1 AND paid_ts >= $2 GROUP BY currency, test ORDER BY currency, test;

-- name: sales_by_day
-- What a shop sold, by the day (UTC) on which it was paid. Lines are counted only for orders of releases that did not keep their units.
SELECT paid_ts / 86400000 AS day, currency, test, count(*) AS orders,
    sum(coalesce(o.units, (SELECT sum(l.quantity) FROM order_lines l WHERE l.order_id = o.id)))::bigint AS units,
    sum(item + shipping + tax)::bigint AS sales, sum(refunded_item + refunded_shipping + refunded_tax)::bigint AS refunded
FROM orders o WHERE seller = $1 AND paid_ts >= $2 AND paid_ts < $3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $4;

-- name: sales_by_show
-- What a shop sold, by the show it was sold in ("" outside of shows), the best first.
SELECT o.show, coalesce(s.title, '') AS title, o.currency, o.test, count(*) AS orders,
    sum(coalesce(o.units, (SELECT sum(l.quantity) FROM order_lines l WHERE l.order_id = o.id)))::bigint AS units,
    sum(o.item + o.shipping + o.tax)::bigint AS sales,
    sum(o.refunded_item + o.refunded_shipping + o.refunded_tax)::bigint AS refunded
FROM orders o LEFT JOIN shows s ON s.id = o.show
WHERE o.seller = $1 AND o.paid_ts >= $2 AND o.paid_ts < $3
GROUP BY 1, 2, 3, 4 ORDER BY sales DESC, 1, 3, 4 LIMIT $4;

-- name: stock_of_product
-- What happened to the stock of a product's variants, the latest first, before an event.
SELECT e.id, e.variant, v.sku, e.delta, e.reason, e.object, e.ts
FROM inventory_events e JOIN variants v ON v.id = e.variant
WHERE v.product = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3;

-- name: issuer_of
-- What a seller wrote down for invoices.
SELECT name, address, tax_id FROM invoice_issuers WHERE seller = $1;

-- name: put_issuer
-- Writes it down; invoices issued before keep what they said.
INSERT INTO invoice_issuers (seller, name, address, tax_id, changed_ts) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (seller) DO UPDATE SET name = excluded.name, address = excluded.address, tax_id = excluded.tax_id,
    changed_ts = excluded.changed_ts;

-- name: invoice_of
-- The invoice of an order.
SELECT number, issued_ts, issuer FROM invoices WHERE order_id = $1;

-- name: invoices_of
-- The numbers of some orders' invoices.
SELECT order_id, number FROM invoices WHERE order_id = ANY ($1::text[]);

-- name: next_number
-- The seller's next invoice number, held until the transaction ends: what is rolled back leaves no gap.
UPDATE invoice_issuers SET last_number = last_number + 1 WHERE seller = $1
RETURNING last_number, name, address, tax_id;

-- name: add_invoice
-- Issues an invoice, unless the order has one.
INSERT INTO invoices (order_id, seller, number, issued_ts, issuer) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (order_id) DO NOTHING RETURNING number;
