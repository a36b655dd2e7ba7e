-- Every statement of the catalog. A product's row comes with its variants as one JSON list.

-- name: insert_product
-- Adds a product, unless its seller ($2) already has $12 of them.
INSERT INTO products (id, seller, title, description, price, currency, images, category, created_ts, search_title, search_rest)
SELECT $1, $2, $3, $4, $5, $6, $7, nullif($8, ''), $9, $10, $11
WHERE (SELECT count(*) FROM products WHERE seller = $2) < $12
RETURNING id;

-- name: update_product
-- Replaces what a product says.
UPDATE products SET title = $2, description = $3, price = $4, currency = $5, images = $6, category = nullif($7, ''),
    archived = $8, search_title = $9, search_rest = $10
WHERE id = $1;

-- name: delete_variants
-- Removes the variants of a product whose sku is not among $2.
DELETE FROM variants WHERE product = $1 AND NOT (sku = ANY ($2::text[]));

-- name: insert_variant
-- Adds a variant, with nothing on hand: stock is the inventory's.
INSERT INTO variants (id, product, position, sku, color, size, stock, price) VALUES ($1, $2, $3, $4, $5, $6, 0, $7);

-- name: change_variant
-- Changes the variant of a product with this sku; it keeps its id.
UPDATE variants SET position = $3, color = $4, size = $5, price = $6 WHERE product = $1 AND sku = $2 RETURNING id;

-- name: lock_product
-- Holds a product of this seller ($3; any seller if $2) for a change. What it says is read after, by a statement of its own:
-- one that had to wait here would still see the variants from before the wait.
SELECT id FROM products WHERE id = $1 AND ($2 OR seller = $3) FOR NO KEY UPDATE;

-- name: find_products
-- Products by their ids, archived ones too.
SELECT p.id, p.seller, p.title, p.description, p.price, p.currency, p.images, p.category, p.archived, p.created_ts,
    (SELECT coalesce(jsonb_agg(v ORDER BY v.position), '[]') FROM variants v WHERE v.product = p.id) AS variants
FROM products p WHERE p.id = ANY ($1::text[]);

-- name: list_products
-- Products on offer, the newest first, after the id $1; of a category and a seller if named. Of archived ones: only if $4.
SELECT p.id, p.seller, p.title, p.description, p.price, p.currency, p.images, p.category, p.archived, p.created_ts,
    (SELECT coalesce(jsonb_agg(v ORDER BY v.position), '[]') FROM variants v WHERE v.product = p.id) AS variants
FROM products p
WHERE ($1::text IS NULL OR p.id < $1) AND ($2::text = '' OR p.category = $2) AND ($3::text IS NULL OR p.seller = $3)
    AND ($4 OR NOT p.archived)
ORDER BY p.id DESC LIMIT $5;

-- name: search_products
-- Products on offer with these words, the best match first, after rank $4 and id $5; English forms or the very words.
WITH found AS MATERIALIZED (
    SELECT p.id, (ts_rank(p.search, q.words) * 1000000)::bigint AS rank
    FROM products p, (SELECT to_tsquery('english', $1) || to_tsquery('simple', $1) AS words) q
    WHERE p.search @@ q.words AND NOT p.archived
        AND ($2::text = '' OR p.category = $2) AND ($3::text IS NULL OR p.seller = $3)
)
SELECT p.id, p.seller, p.title, p.description, p.price, p.currency, p.images, p.category, p.archived, p.created_ts, f.rank,
    (SELECT coalesce(jsonb_agg(v ORDER BY v.position), '[]') FROM variants v WHERE v.product = p.id) AS variants
FROM found f JOIN products p USING (id)
WHERE $4::bigint IS NULL OR (f.rank, f.id) < ($4::bigint, $5::text)
ORDER BY f.rank DESC, f.id DESC LIMIT $6;

-- name: list_categories
-- All categories in their order.
SELECT id, name FROM categories ORDER BY position LIMIT 500;

-- name: put_category
-- Adds a category at the end, or gives an existing one another name; no more than $3 in all.
INSERT INTO categories (id, name)
SELECT $1, $2 WHERE EXISTS (SELECT FROM categories WHERE id = $1) OR (SELECT count(*) FROM categories) < $3
ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id;
