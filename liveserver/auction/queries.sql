-- Results of lots, as the recorder writes them and pages read them.

-- name: open_lot
-- A lot that was opened; a repetition changes nothing.
INSERT INTO lots (show, id, product, title, picture, format, currency, start, status, head, opened_ts, seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11)
ON CONFLICT (show, id) DO NOTHING;

-- name: move_lot
-- Where a lot stands after its newest facts; older ones change nothing.
UPDATE lots
SET status = $3, reason = $4, price = $5, bids = $6, winner = $7, alias = $8, public = $9, head = $10,
    closed_ts = $11, seq = $12
WHERE show = $1 AND id = $2 AND seq < $12;

-- name: find_lot
-- One lot of a show.
SELECT show, id, product, title, picture, format, currency, start, status, reason, price, bids, winner, alias, public,
       head, opened_ts, closed_ts, seq
FROM lots WHERE show = $1 AND id = $2;

-- name: lots_of_show
-- The lots of a show in the order in which they were opened.
SELECT show, id, product, title, picture, format, currency, start, status, reason, price, bids, winner, alias, public,
       head, opened_ts, closed_ts, seq
FROM lots WHERE show = $1 ORDER BY opened_ts, id LIMIT $2;

-- name: lots_won
-- What a person won, the latest first.
SELECT show, id, product, title, picture, format, currency, start, status, reason, price, bids, winner, alias, public,
       head, opened_ts, closed_ts, seq
FROM lots WHERE winner = $1 AND status = 'sold' ORDER BY closed_ts DESC, id LIMIT $2;
