-- name: lock_stock
-- What is on hand of these variants, held still in one order, so that two orders never wait for each other in a circle.
SELECT id, stock FROM variants WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE;

-- name: add_events
-- Changes of stock. The trigger moves what is on hand, its check refuses to go below nothing.
INSERT INTO inventory_events (variant, delta, reason, object, ts)
SELECT variant, delta, $3, $4, $5 FROM unnest($1::text[], $2::integer[]) AS t (variant, delta);

-- name: reserve
-- Holds all of it for an order until a time, or nothing: then it tells the first variant that is short, and what is left of it.
-- One statement, because in a show everybody wants the same variant, and waits for it.
WITH wanted AS (
    SELECT * FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS t (variant, quantity, position)
), on_hand AS MATERIALIZED (
    SELECT id, stock FROM variants WHERE id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE
), short AS MATERIALIZED (
    SELECT w.position, w.variant, coalesce(h.stock, 0) AS stock FROM wanted w LEFT JOIN on_hand h ON h.id = w.variant
    WHERE coalesce(h.stock, 0) < w.quantity
), moved AS (
    INSERT INTO inventory_events (variant, delta, reason, object, ts)
    SELECT variant, -quantity, 'reserved', $1, $5 FROM wanted WHERE NOT EXISTS (SELECT FROM short) ORDER BY variant
), held AS (
    INSERT INTO reservations (holder, variant, quantity, until_ts)
    SELECT $1, variant, quantity, $4 FROM wanted WHERE NOT EXISTS (SELECT FROM short)
)
SELECT variant, stock FROM short ORDER BY position LIMIT 1;

-- name: held
-- What an order holds, locked.
SELECT variant, quantity FROM reservations WHERE holder = $1 AND state = 'held' ORDER BY variant FOR UPDATE;

-- name: end_reservations
-- What an order held is sold, or given back.
UPDATE reservations SET state = $2 WHERE holder = $1 AND state = 'held';

-- name: extend_reservations
-- The order is being paid: it is held a little longer.
UPDATE reservations SET until_ts = greatest(until_ts, $2) WHERE holder = $1 AND state = 'held' RETURNING variant;

-- name: overdue
-- Orders that did not pay in time, the longest overdue first; those that somebody is just settling are passed over.
SELECT holder FROM reservations WHERE state = 'held' AND until_ts <= $1
ORDER BY until_ts LIMIT $2 FOR UPDATE SKIP LOCKED;

-- name: lock_allotment
-- What a show has of a variant, locked.
SELECT given, sold, returned FROM allotments WHERE show = $1 AND variant = $2 FOR UPDATE;

-- name: put_allotment
-- Gives a show so many more.
INSERT INTO allotments (show, variant, given) VALUES ($1, $2, $3)
ON CONFLICT (show, variant) DO UPDATE SET given = allotments.given + excluded.given;

-- name: take_back
-- Takes back from a show what it will not sell.
UPDATE allotments SET returned = returned + $3 WHERE show = $1 AND variant = $2;

-- name: add_allotment_sale
-- A sale in the show, unless it was told before.
INSERT INTO allotment_sales (show, object, variant, quantity) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING object;

-- name: sell_allotted
-- The show has sold so many.
UPDATE allotments SET sold = sold + $3 WHERE show = $1 AND variant = $2;

-- name: unsold
-- What a show has left, locked.
SELECT variant, given - sold - returned AS remaining FROM allotments
WHERE show = $1 AND given > sold + returned ORDER BY variant FOR UPDATE;

-- name: stock_apart
-- Variants whose stock is not the sum of their events: none, or something has gone around the inventory.
SELECT v.id, v.stock, coalesce(e.total, 0)::bigint AS total
FROM variants v LEFT JOIN (SELECT variant, sum(delta) AS total FROM inventory_events GROUP BY variant) e ON e.variant = v.id
WHERE v.stock <> coalesce(e.total, 0);
