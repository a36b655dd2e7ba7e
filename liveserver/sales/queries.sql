-- What sales read of others' tables to make an order, and the sales whose order must wait.

-- name: show_of_sale
-- Who sells in a show.
SELECT host, host_name FROM shows WHERE id = $1;

-- name: goods_of_sale
-- What a variant is called now; nothing when it has left the catalog.
SELECT v.sku, v.color, v.size, coalesce(p.category, '') AS category
FROM variants v JOIN products p ON p.id = v.product WHERE v.id = $1;

-- name: category_of_product
-- On which shelf a product stands.
SELECT coalesce(category, '') FROM products WHERE id = $1;

-- name: keep_unplaced
-- A sale whose order must wait; told again, it waits once.
INSERT INTO unplaced_sales (origin, show, sale, error, ts) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (origin) DO UPDATE SET error = excluded.error;

-- name: lock_unplaced
-- The sale that waits, held.
SELECT sale FROM unplaced_sales WHERE origin = $1 FOR UPDATE;

-- name: drop_unplaced
-- Its order is there.
DELETE FROM unplaced_sales WHERE origin = $1;

-- name: picture_of_lot
-- What a lot looked like.
SELECT picture FROM lots WHERE show = $1 AND id = $2;
