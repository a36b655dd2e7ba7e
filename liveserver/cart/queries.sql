-- Every statement of carts, addresses, ways to ship and coupons.

-- name: find_cart
-- The id of somebody's cart.
SELECT id FROM carts WHERE owner = $1;

-- name: lock_cart
-- The id of somebody's cart, held still: whoever changes or orders it waits here.
SELECT id FROM carts WHERE owner = $1 FOR UPDATE;

-- name: make_cart
-- Somebody's cart, made if there is none, and held still.
INSERT INTO carts (id, owner, touched_ts) VALUES ($1, $2, $3)
ON CONFLICT (owner) DO UPDATE SET touched_ts = excluded.touched_ts RETURNING id;

-- name: items
-- What is in a cart with what is true of it now; in the order in which it was added.
SELECT i.id, i.product, i.variant, i.quantity, i.price_at_add, coalesce(v.price, i.price_at_add) AS price, p.title,
    coalesce(v.sku, '') AS sku, coalesce(v.color, '') AS color, coalesce(v.size, '') AS size,
    coalesce(p.images[1], '') AS picture, coalesce(p.category, '') AS category, p.seller,
    coalesce(a.name, (SELECT s.host_name FROM shows s WHERE s.host = p.seller ORDER BY s.created_ts DESC LIMIT 1), '') AS seller_name,
    p.currency, CASE WHEN p.archived THEN 0 ELSE coalesce(v.stock, 0) END AS stock
FROM cart_items i JOIN products p ON p.id = i.product LEFT JOIN variants v ON v.id = i.variant AND v.product = i.product
LEFT JOIN accounts a ON a.id = p.seller
WHERE i.cart = $1 ORDER BY i.id;

-- name: count_items
-- How many things somebody has in their cart.
SELECT coalesce(sum(i.quantity), 0)::bigint FROM carts c JOIN cart_items i ON i.cart = c.id WHERE c.owner = $1;

-- name: offer
-- A variant that is on sale.
SELECT v.id, v.product, v.price, v.stock, p.currency, p.seller
FROM variants v JOIN products p ON p.id = v.product WHERE v.id = $1 AND NOT p.archived;

-- name: put_item
-- Puts a variant into a cart, or sets how many of it.
INSERT INTO cart_items (id, cart, product, variant, quantity, price_at_add) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (cart, variant) DO UPDATE SET quantity = excluded.quantity;

-- name: set_quantity
-- How many of an item.
UPDATE cart_items SET quantity = $3 WHERE cart = $1 AND id = $2;

-- name: remove_item
-- Takes an item out.
DELETE FROM cart_items WHERE cart = $1 AND id = $2 RETURNING id;

-- name: clear_seller
-- Takes out what was ordered of one seller: its variants ($3), and nothing that was put in since.
DELETE FROM cart_items i USING products p WHERE i.cart = $1 AND p.id = i.product AND p.seller = $2 AND i.variant = ANY ($3::text[]);

-- name: leave_out
-- Keeps what of a guest's cart did not come along, to be told.
INSERT INTO cart_left_out (cart, variant, title, options, quantity, reason, note) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: forget_left_out
-- What an earlier guest's cart left out and nobody has looked at gives way to what this one does.
DELETE FROM cart_left_out WHERE cart = $1;

-- name: tell_left_out
-- What was left out of somebody's cart, told once: whoever reads it takes it.
WITH told AS (
    DELETE FROM cart_left_out l USING carts c WHERE c.owner = $1 AND l.cart = c.id
    RETURNING l.variant, l.title, l.options, l.quantity, l.reason, l.note
) SELECT variant, title, options, quantity, reason, note FROM told ORDER BY title, options, variant;

-- name: drop_cart
-- Forgets a cart and all that is in it.
DELETE FROM carts WHERE id = $1;

-- name: sweep_carts
-- Forgets carts that nobody has touched since $1, some at a time; those just in use are passed over.
DELETE FROM carts WHERE id IN (
    SELECT id FROM carts WHERE touched_ts < $1 ORDER BY touched_ts LIMIT $2 FOR UPDATE SKIP LOCKED
);

-- name: cart_coupons
-- The coupons that somebody has typed, by seller.
SELECT seller, code FROM cart_coupons WHERE cart = $1;

-- name: put_cart_coupon
-- Keeps the coupon for one seller's goods.
INSERT INTO cart_coupons (cart, seller, code) VALUES ($1, $2, $3)
ON CONFLICT (cart, seller) DO UPDATE SET code = excluded.code;

-- name: drop_cart_coupons
-- Forgets the coupons of a cart; of one seller if named.
DELETE FROM cart_coupons WHERE cart = $1 AND ($2::text = '' OR seller = $2);

-- name: move_cart_coupons
-- A guest's coupons become the person's, where they have none for that seller.
INSERT INTO cart_coupons (cart, seller, code) SELECT $2, seller, code FROM cart_coupons WHERE cart = $1 ON CONFLICT DO NOTHING;

-- name: find_coupon
-- A seller's coupon by its code.
SELECT id, seller, code, percent_bp, amount, currency, minimum, from_ts, until_ts, uses_max, person_max, products, categories, active
FROM coupons WHERE seller = $1 AND code = $2;

-- name: coupon_goods
-- What a coupon is for, by name: categories ($2), then products on offer ($1).
(SELECT name FROM categories WHERE id = ANY ($2::text[]) ORDER BY position)
UNION ALL (SELECT title FROM products WHERE id = ANY ($1::text[]) AND NOT archived ORDER BY title)
LIMIT $3;

-- name: lock_coupon
-- Holds a coupon while its uses are counted and one is added.
SELECT id FROM coupons WHERE seller = $1 AND code = $2 FOR UPDATE;

-- name: coupon_uses
-- Orders that have used a coupon: of everybody, and of one person. Those cancelled before they were paid don't count.
SELECT count(*)::int AS everybody, count(*) FILTER (WHERE u.person = $2)::int AS person
FROM coupon_uses u JOIN orders o ON o.id = u.order_id
WHERE u.coupon = $1 AND NOT (o.state = 'cancelled' AND o.paid_ts IS NULL);

-- name: use_coupon
-- An order has used a coupon; once.
INSERT INTO coupon_uses (order_id, coupon, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: coupons_of
-- A seller's coupons with how many orders count, the newest first.
SELECT c.id, c.seller, c.code, c.percent_bp, c.amount, c.currency, c.minimum, c.from_ts, c.until_ts, c.uses_max, c.person_max,
    c.products, c.categories, c.active, (
        SELECT count(*)::int FROM coupon_uses u JOIN orders o ON o.id = u.order_id
        WHERE u.coupon = c.id AND NOT (o.state = 'cancelled' AND o.paid_ts IS NULL)
    ) AS used
FROM coupons c WHERE c.seller = $1 ORDER BY c.id DESC LIMIT $2;

-- name: add_coupon
-- A new coupon, unless the seller has $16 of them.
INSERT INTO coupons (id, seller, code, percent_bp, amount, currency, minimum, from_ts, until_ts, uses_max, person_max, products,
    categories, active, created_ts)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
WHERE (SELECT count(*) FROM coupons WHERE seller = $2) < $16 RETURNING id;

-- name: set_coupon_active
-- A seller ends a coupon, or lets it be used again.
UPDATE coupons SET active = $3 WHERE id = $2 AND seller = $1 RETURNING id;

-- name: addresses_of
-- Somebody's addresses, the usual one first.
SELECT id, name, line1, line2, city, region, postal_code, country, phone, usual FROM addresses WHERE person = $1 ORDER BY usual DESC, id;

-- name: lock_addresses
-- Changes of one person's addresses come one after the other.
SELECT pg_advisory_xact_lock(hashtextextended('addresses:' || $1, 0));

-- name: add_address
-- A new address.
INSERT INTO addresses (id, person, name, line1, line2, city, region, postal_code, country, phone, usual, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: change_address
-- Another address in place of this one.
UPDATE addresses SET name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8, country = $9, phone = $10
WHERE person = $1 AND id = $2 RETURNING id;

-- name: remove_address
-- Forgets an address.
DELETE FROM addresses WHERE person = $1 AND id = $2 RETURNING usual;

-- name: no_usual_address
-- None is the usual one for a moment.
UPDATE addresses SET usual = false WHERE person = $1 AND usual;

-- name: make_usual
-- Goods go there unless said otherwise.
UPDATE addresses SET usual = true WHERE person = $1 AND id = $2;

-- name: methods_of
-- A seller's ways to ship, in the order in which they were added.
SELECT id, name, currency, countries, first, further, free_from FROM shipping_methods WHERE seller = $1 ORDER BY id LIMIT $2;

-- name: add_method
-- A new way to ship, unless the seller has $9 of them.
INSERT INTO shipping_methods (id, seller, name, currency, countries, first, further, free_from)
SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM shipping_methods WHERE seller = $2) < $9 RETURNING id;

-- name: change_method
-- Another way to ship in place of this one.
UPDATE shipping_methods SET name = $3, currency = $4, countries = $5, first = $6, further = $7, free_from = $8
WHERE seller = $1 AND id = $2 RETURNING id;

-- name: remove_method
-- The seller does not ship this way any more; orders keep what they were quoted.
DELETE FROM shipping_methods WHERE seller = $1 AND id = $2 RETURNING id;

-- name: show_is_open
-- Whether sales of a show travel together still: until $2 after its end.
SELECT ended_ts IS NULL OR ended_ts >= $2 FROM shows WHERE id = $1;

-- name: earlier_of_show
-- Whether the buyer has an order of this show that was placed before ($4; null: any) and was not cancelled: it pays for a first item.
SELECT EXISTS (
    SELECT FROM orders WHERE show = $1 AND buyer = $2 AND seller = $3 AND state <> 'cancelled' AND ($4::bigint IS NULL OR number < $4)
);
