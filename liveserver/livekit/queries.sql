-- Every statement about the stage. Whoever uses them holds the show's row, so that a show's messages take effect one by one.

-- name: drop_old_events
-- Forgets messages older than $1, a few at a time.
DELETE FROM livekit_events WHERE id IN (SELECT id FROM livekit_events WHERE received_ts < $1 ORDER BY received_ts LIMIT $2);

-- name: add_event
-- Remembers a message; null when it is known. `subject` is what is over by it, if anything is.
INSERT INTO livekit_events (id, show, kind, subject, received_ts) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING id;

-- name: is_over
-- Whether one of these (a track, its connection, its room's life) is over already.
SELECT EXISTS (SELECT FROM livekit_events WHERE show = $1 AND subject = ANY($2::text[]) AND subject <> '');

-- name: add_track
-- A track can be seen or heard, unless there are $9 in the show.
INSERT INTO stage_tracks (show, track, room, session, person, name, source, since_ts)
SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM stage_tracks WHERE show = $1) < $9
ON CONFLICT DO NOTHING;

-- name: drop_tracks
-- Takes away a track, or all of a connection, or of a life of the room; empty ones are not compared.
DELETE FROM stage_tracks
WHERE show = $1 AND (track = $2 AND $2 <> '' OR session = $3 AND $3 <> '' OR room = $4 AND $4 <> '')
RETURNING track;

-- name: tracks
-- What can be seen and heard, the longest first.
SELECT person, name, source, since_ts FROM stage_tracks WHERE show = $1 ORDER BY since_ts, track;
