-- Every statement on the library's tables that the library has not itself.

-- name: standing
-- How many jobs of each kind are due, are run, and are dead, and since when the oldest due one is.
SELECT entrypoint AS kind,
       count(*) FILTER (WHERE status = 'queued') AS due,
       count(*) FILTER (WHERE status = 'picked') AS running,
       count(*) FILTER (WHERE status = 'failed') AS dead,
       coalesce(extract(epoch FROM now() - min(execute_after) FILTER (WHERE status = 'queued')) * 1000, 0)::bigint AS oldest_due_ms
FROM pgqueuer WHERE (status = 'queued' AND execute_after <= now()) OR status = 'picked' OR status = 'failed'
GROUP BY entrypoint ORDER BY entrypoint;

-- name: planned
-- How many jobs of each kind are for later, and when the next one is due (ms).
SELECT entrypoint AS kind, count(*) AS planned, (extract(epoch FROM min(execute_after)) * 1000)::bigint AS next_ts
FROM pgqueuer WHERE status = 'queued' AND execute_after > now() GROUP BY entrypoint;

-- name: dead_jobs
-- The jobs that died last, from before the id $1, each with what its last try said.
SELECT q.id, q.entrypoint AS kind, q.payload, q.attempts,
       (extract(epoch FROM q.created) * 1000)::bigint AS created_ts, (extract(epoch FROM q.updated) * 1000)::bigint AS died_ts,
       (SELECT l.traceback #>> '{}' FROM pgqueuer_log l WHERE l.job_id = q.id AND l.status = 'failed'
        ORDER BY l.created DESC LIMIT 1) AS said
FROM pgqueuer q WHERE q.status = 'failed' AND q.id < $1 ORDER BY q.id DESC LIMIT $2;

-- name: retry_dead
-- Has a dead job tried again from the beginning, unless another of its key waits by now.
UPDATE pgqueuer q SET status = 'queued', execute_after = now(), updated = now(), attempts = 0, queue_manager_id = NULL
WHERE q.id = $1 AND q.status = 'failed' AND NOT EXISTS (
    SELECT FROM pgqueuer other WHERE other.dedupe_key = q.dedupe_key AND other.status IN ('queued', 'picked'))
RETURNING q.entrypoint;

-- name: drop_dead
-- Takes a dead job off the queue for good.
DELETE FROM pgqueuer WHERE id = $1 AND status = 'failed' RETURNING entrypoint;

-- name: is_dead
-- Whether there is such a dead job.
SELECT EXISTS (SELECT FROM pgqueuer WHERE id = $1 AND status = 'failed');

-- name: wake_workers
-- Tells workers that there is something to do, as the library's own trigger does for new jobs.
SELECT pg_notify($1, json_build_object('channel', $1::text, 'operation', 'update', 'sent_at', now(), 'table', 'pgqueuer',
                                       'type', 'table_changed_event')::text);

-- name: forget
-- Drops what was noted of jobs before $1 days, at most $2 lines; what dead jobs said last stays as long as they do.
DELETE FROM pgqueuer_log WHERE id IN (
    SELECT l.id FROM pgqueuer_log l WHERE l.created < now() - make_interval(days => $1)
      AND NOT EXISTS (SELECT FROM pgqueuer q WHERE q.id = l.job_id AND q.status = 'failed')
    ORDER BY l.created LIMIT $2
) RETURNING id;

-- name: forget_schedules
-- Drops the plans of regular jobs that nobody has run for $1 days: no release that knows them lives.
DELETE FROM pgqueuer_schedules WHERE greatest(updated, next_run) < now() - make_interval(days => $1) RETURNING id;
