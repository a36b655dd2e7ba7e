-- Every statement of shows. Whoever changes a show's queue holds the show's row first, so that queues change one by one.

-- name: insert_show
-- Adds a show, unless its host ($4) has $10 of them waiting to start.
INSERT INTO shows (id, title, description, host, host_name, currency, picture, chat, scheduled_ts, created_ts, requires_card)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12
WHERE (SELECT count(*) FROM shows WHERE host = $4 AND status = 'scheduled') < $10
RETURNING id;

-- name: update_show
-- Replaces what a show says.
UPDATE shows SET title = $2, description = $3, currency = $4, picture = $5, chat = $6, scheduled_ts = $7, requires_card = $8
WHERE id = $1;

-- name: find_show
-- One show with its moderators.
SELECT s.*, ARRAY(SELECT person FROM moderators m WHERE m.show = s.id ORDER BY m.created_ts, person) AS moderators
FROM shows s WHERE s.id = $1;

-- name: lock_show
-- Holds a show of this host ($3; any host's if $2) for a change. What it says is read after, by a statement of its own: one
-- that had to wait here would still see the moderators from before the wait.
SELECT id FROM shows WHERE id = $1 AND ($2 OR host = $3) FOR NO KEY UPDATE;

-- name: show_of_lot
-- Which show of this host ($3; any host's if $2) a lot belongs to; a lot never changes its show.
SELECT s.id FROM shows s JOIN queued_lots q ON q.show = s.id WHERE q.id = $1 AND ($2 OR s.host = $3);

-- name: list_shows
-- Shows of a rank (any if null) and a host (any if null) in list order, after the position ($3, $4, $5).
SELECT s.*, ARRAY(SELECT person FROM moderators m WHERE m.show = s.id ORDER BY m.created_ts, person) AS moderators
FROM shows s
WHERE ($1::smallint IS NULL OR s.list_rank = $1) AND ($2::text IS NULL OR s.host = $2)
    AND ($3::bigint IS NULL OR (s.list_rank, s.list_key, s.id) > ($3::bigint, $4::bigint, $5::text))
ORDER BY s.list_rank, s.list_key, s.id LIMIT $6;

-- name: set_co_hosts
-- Replaces the co-hosts.
UPDATE shows SET co_hosts = $2 WHERE id = $1;

-- name: set_stage
-- Replaces who is on stage.
UPDATE shows SET stage = $2 WHERE id = $1;

-- name: add_moderator
-- Names a moderator, unless there are $4 already; naming one twice changes nothing.
INSERT INTO moderators (show, person, created_ts)
SELECT $1, $2, $3 WHERE (SELECT count(*) FROM moderators WHERE show = $1) < $4
ON CONFLICT DO NOTHING RETURNING person;

-- name: remove_moderator
-- Takes the office back.
DELETE FROM moderators WHERE show = $1 AND person = $2;

-- name: is_account
-- Whether somebody with this id registered here.
SELECT EXISTS (SELECT FROM accounts WHERE id = $1);

-- name: queue
-- The lots waiting, in their order.
SELECT * FROM queued_lots WHERE show = $1 AND status = 'queued' ORDER BY position;

-- name: opened_lots
-- The $2 lots opened last, in the order of opening.
SELECT * FROM (
    SELECT * FROM queued_lots WHERE show = $1 AND status = 'opened' ORDER BY opened_ts DESC, id DESC LIMIT $2
) last ORDER BY opened_ts, id;

-- name: find_lot
-- One lot, waiting or opened.
SELECT * FROM queued_lots WHERE id = $1;

-- name: count_queue
-- How many lots wait.
SELECT count(*) FROM queued_lots WHERE show = $1 AND status = 'queued';

-- name: product_for_lot
-- What a lot takes from a product of the show's host.
SELECT title, coalesce(images[1], '') AS picture, currency FROM products WHERE id = $1 AND seller = $2 AND NOT archived;

-- name: lot_title
-- What names a lot: its product, and the variant if one is chosen.
SELECT p.title, coalesce(v.color, '') AS color, coalesce(v.size, '') AS size
FROM products p LEFT JOIN variants v ON v.product = p.id AND v.id = $2 WHERE p.id = $1;

-- name: variant_of_lot
-- The variant that was chosen for a lot.
SELECT variant FROM queued_lots WHERE id = $1;

-- name: insert_lot
-- Adds a lot at a position.
INSERT INTO queued_lots (id, show, position, product, title, picture, start, reserve, format, exact, increments, preset,
    duration_ms, window_ms, extend_ms, hard_ms, variant, created_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: update_lot
-- Replaces what a waiting lot says.
UPDATE queued_lots SET product = $2, title = $3, picture = $4, start = $5, reserve = $6, format = $7, exact = $8,
    increments = $9, preset = $10, duration_ms = $11, window_ms = $12, extend_ms = $13, hard_ms = $14,
    variant = $15
WHERE id = $1;

-- name: delete_lot
-- Removes a waiting lot.
DELETE FROM queued_lots WHERE id = $1 AND status = 'queued' RETURNING position;

-- name: close_gap
-- Moves up what waits behind a position that fell free.
UPDATE queued_lots SET position = position - 1 WHERE show = $1 AND position > $2;

-- name: reorder
-- Gives the waiting lots $2 the positions 1, 2, … in this order.
UPDATE queued_lots q SET position = wanted.position
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (id, position) WHERE q.id = wanted.id AND q.show = $1;

-- name: hold_show_of_lot
-- Holds the show of a lot, so that its queue changes one by one.
SELECT s.id FROM shows s JOIN queued_lots q ON q.show = s.id WHERE q.id = $1 FOR NO KEY UPDATE OF s;

-- name: open_lot
-- Takes a lot out of the queue, once, and tells which position fell free.
WITH former AS (SELECT id, show, position FROM queued_lots WHERE id = $1 AND status = 'queued' FOR UPDATE)
UPDATE queued_lots q SET status = 'opened', position = NULL, opened_ts = $2 FROM former WHERE q.id = former.id
RETURNING former.show, former.position;

-- name: start_show
-- A show went live; only the first time counts.
UPDATE shows SET status = 'live', started_ts = $2 WHERE id = $1 AND status = 'scheduled';

-- name: end_show
-- A show is over; only the first time counts.
UPDATE shows SET status = 'ended', ended_ts = greatest($2::bigint, started_ts) WHERE id = $1 AND status = 'live';

-- name: add_reminder
-- Remembers that somebody wants to be reminded, unless they wait for $4 shows already.
INSERT INTO reminders (show, person, created_ts)
SELECT $1, $2, $3 WHERE (
    SELECT count(*) FROM reminders r JOIN shows s ON s.id = r.show WHERE r.person = $2 AND s.status = 'scheduled'
) < $4
ON CONFLICT DO NOTHING;

-- name: remove_reminder
-- Forgets it.
DELETE FROM reminders WHERE show = $1 AND person = $2;

-- name: has_reminder
-- Whether somebody wants to be reminded of a show.
SELECT EXISTS (SELECT FROM reminders WHERE show = $1 AND person = $2);

-- name: reminders_of
-- The shows that somebody waits for, the soonest first.
SELECT r.show FROM reminders r JOIN shows s ON s.id = r.show
WHERE r.person = $1 AND s.status = 'scheduled' ORDER BY s.list_key, s.id LIMIT $2;

-- name: hold_show
-- Holds a show, whoever's it is.
SELECT status FROM shows WHERE id = $1 FOR NO KEY UPDATE;

-- name: lock_variants
-- What is on hand of a product's variants, held still in the order in which everybody holds them.
SELECT id, stock, position FROM variants WHERE product = $1 ORDER BY id FOR NO KEY UPDATE;

-- name: goods_of_object
-- What a show took along for a lot or the spotlight, locked.
SELECT variant, product, given, state FROM show_goods WHERE show = $1 AND object = $2 ORDER BY variant FOR UPDATE;

-- name: goods_left_opening
-- The id of a lot that never was in the queue, for which a piece of a product was taken and which the record does not know.
SELECT g.object FROM show_goods g
WHERE g.show = $1 AND g.product = $2 AND g.state = 'opening' AND NOT EXISTS (SELECT FROM queued_lots q WHERE q.id = g.object)
ORDER BY g.object LIMIT 1;

-- name: add_goods
-- A piece for a lot; one that was given back is taken again.
INSERT INTO show_goods (show, object, variant, product, given) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (show, object, variant) DO UPDATE SET state = 'taken', given = excluded.given;

-- name: more_goods
-- So many more for the spotlight.
INSERT INTO show_goods (show, object, variant, product, given, state) VALUES ($1, $2, $3, $4, $5, 'open')
ON CONFLICT (show, object, variant) DO UPDATE SET given = show_goods.given + excluded.given;

-- name: goods_opening
-- A command to open the lot may be on its way into the log.
UPDATE show_goods SET state = 'opening' WHERE show = $1 AND object = $2 AND product = $3 AND state = 'taken';

-- name: move_goods
-- What became of what was taken for a lot.
UPDATE show_goods SET state = $4 WHERE show = $1 AND object = $2 AND variant = $3;

-- name: end_goods
-- The show is over: nothing of this can be sold any more.
UPDATE show_goods SET state = 'back' WHERE show = $1 AND state IN ('taken', 'opening', 'open');
