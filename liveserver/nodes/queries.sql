-- name: beat
-- A process lives; with what it says of itself. The first beat makes its row, and so does one after it was forgotten.
INSERT INTO nodes (id, kind, release, python, origin, log_version, kinds, draining, numbers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET heard_at = now(), draining = excluded.draining, numbers = excluded.numbers;

-- name: alive
-- The processes heard within so many ms, oldest first; times in ms.
SELECT id, kind, release, python, origin, log_version, kinds,
       (extract(epoch FROM started_at) * 1000)::bigint AS started_ms,
       (extract(epoch FROM now() - heard_at) * 1000)::bigint AS silent_ms, draining, numbers
FROM nodes WHERE heard_at > now() - $1 * interval '1 millisecond' ORDER BY started_at, id LIMIT $2;

-- name: count_alive
-- How many processes of each kind were heard within so many ms.
SELECT kind, count(*) AS processes FROM nodes WHERE heard_at > now() - $1 * interval '1 millisecond' GROUP BY kind ORDER BY kind;

-- name: leave
-- The process ends in order.
DELETE FROM nodes WHERE id = $1;

-- name: forget
-- Processes that died long ago.
DELETE FROM nodes WHERE heard_at < now() - $1 * interval '1 millisecond';
