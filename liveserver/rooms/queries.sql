-- name: log_of_show
-- Where a show's recording stands.
SELECT epoch, recorded_seq, recorded_ts, recorded_hash FROM show_logs WHERE show = $1;

-- name: create_log
-- The row of a show that never had a log; nothing if it is there.
INSERT INTO show_logs (show, epoch) VALUES ($1, 1) ON CONFLICT (show) DO NOTHING;

-- name: adopt_epoch
-- Follows the log into the epoch that was opened.
UPDATE show_logs SET epoch = $2 WHERE show = $1 AND epoch < $2;

-- name: lock_log
-- The log's row for one recording transaction, and whether another node's lease is still good; one that serves does not
-- keep out a node that does nothing but record.
SELECT epoch, recorded_seq, recorded_ts, recorded_hash,
       recorder <> $2 AND recorder_until > now() AND (recorder_dedicated OR NOT $3) AS leased_elsewhere
FROM show_logs WHERE show = $1 FOR UPDATE;

-- name: look_at_log
-- The same without a lock, for those who only follow.
SELECT recorded_seq, recorded_hash,
       recorder <> $2 AND recorder_until > now() AND (recorder_dedicated OR NOT $3) AS leased_elsewhere
FROM show_logs WHERE show = $1;

-- name: move_watermark
-- Moves the watermark forward and renews the lease.
UPDATE show_logs
SET recorded_seq = $3, recorded_ts = $4, recorded_hash = $5, recorder = $6, recorder_dedicated = $8,
    recorder_until = now() + $7 * interval '1 millisecond'
WHERE show = $1 AND recorded_seq = $2 RETURNING recorded_seq;

-- name: keep_leases
-- Renews a dedicated recorder's leases and takes those of serving nodes. Rows of transactions under way are left to these.
UPDATE show_logs
SET recorder = $1, recorder_dedicated = true, recorder_until = now() + $3 * interval '1 millisecond'
WHERE show IN (SELECT show FROM show_logs
               WHERE show = ANY($2::text[]) AND (recorder = $1 OR NOT recorder_dedicated OR recorder_until < now())
               FOR UPDATE SKIP LOCKED);

-- name: shows_to_record
-- Shows that a serving node records, or that a dedicated recorder has just left behind; without those in the list.
SELECT show FROM show_logs
WHERE recorder_until > now() - $2 * interval '1 millisecond' AND recorder <> $1
  AND CASE WHEN recorder_dedicated THEN recorder_until < now() ELSE recorder_until > now() END
  AND show <> ALL($3::text[])
ORDER BY show LIMIT $4;

-- name: give_up_lease
-- Lets another node record at once.
UPDATE show_logs SET recorder_until = '-infinity' WHERE show = $1 AND recorder = $2;

-- name: insert_entries
-- Writes entries; a sequence number given twice violates a key and fails the transaction.
INSERT INTO log_entries (show, epoch, first, last, ts, node, batch, prev, hash, payload)
SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
                         $9::text[], $10::bytea[]);

-- name: entries_after
-- Recorded entries behind a sequence number, in order.
SELECT epoch, first, last, ts, node, batch, prev, hash, payload
FROM log_entries WHERE show = $1 AND last > $2 ORDER BY last LIMIT $3;

-- name: facts_after
-- Recorded facts behind a sequence number, in order.
SELECT seq, idx, ts, kind, payload FROM facts WHERE show = $1 AND seq > $2 ORDER BY seq, idx LIMIT $3;

-- name: insert_snapshot
-- Keeps a room's state at a recorded entry's end.
INSERT INTO room_snapshots (show, seq, epoch, head, digest, dump)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (show, seq) DO NOTHING;

-- name: drop_old_snapshots
-- Keeps the two newest: if the newest turns out damaged, the one before and the log still do.
DELETE FROM room_snapshots WHERE show = $1 AND seq NOT IN
    (SELECT seq FROM room_snapshots WHERE show = $1 ORDER BY seq DESC LIMIT 2);

-- name: snapshots
-- The kept snapshots up to the watermark, newest first.
SELECT s.seq, s.epoch, s.head, s.digest, s.dump
FROM room_snapshots s JOIN show_logs l USING (show)
WHERE show = $1 AND s.seq <= l.recorded_seq ORDER BY s.seq DESC;

-- name: clock
-- PostgreSQL's clock in ms: the third opinion when a node's and Redis's differ.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- name: hold_log
-- This node holds the show's room and acknowledges commands.
INSERT INTO log_holders (show, node) VALUES ($1, $2)
ON CONFLICT (show, node) DO UPDATE SET asked = false, yielded = false;

-- name: ask_holders
-- Asks all who hold the show to record what they have and to acknowledge nothing meanwhile.
UPDATE log_holders SET asked = true WHERE show = $1 AND NOT asked;

-- name: asked_of
-- Shows that this node was asked for and has not yielded yet.
SELECT show FROM log_holders WHERE node = $1 AND asked AND NOT yielded ORDER BY show;

-- name: yield_log
-- This node has nothing of the show that is not recorded, and acknowledges nothing.
UPDATE log_holders SET yielded = true WHERE show = $1 AND node = $2 AND NOT yielded;

-- name: holders_left
-- Who holds the show and has not yielded, whether they live, and whether they are asked to.
SELECT h.node, h.asked, coalesce(n.heard_at > now() - $2 * interval '1 millisecond', false) AS lives
FROM log_holders h LEFT JOIN nodes n ON n.id = h.node WHERE h.show = $1 AND NOT h.yielded ORDER BY h.node;

-- name: forget_holders
-- Holders that died.
DELETE FROM log_holders WHERE show = $1 AND node = ANY($2::text[]);

-- name: let_go
-- This node holds the show no more.
DELETE FROM log_holders WHERE show = $1 AND node = $2;
