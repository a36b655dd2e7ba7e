-- The record of every show's log: entries as they were appended, the facts they came to, snapshots of room state.

CREATE TABLE show_logs (
    show            text PRIMARY KEY,
    epoch           integer NOT NULL CHECK (epoch > 0),
    recorded_seq    bigint NOT NULL DEFAULT 0 CHECK (recorded_seq >= 0),
    recorded_ts     bigint NOT NULL DEFAULT 0,
    recorded_hash   text NOT NULL DEFAULT '',
    -- Who records at the moment: an optimisation. Right is whoever moves recorded_seq forward in its transaction.
    recorder        text NOT NULL DEFAULT '',
    recorder_until  timestamptz NOT NULL DEFAULT '-infinity',
    opened_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN show_logs.recorded_seq IS 'everything up to this sequence number is in log_entries and facts';

CREATE TABLE log_entries (
    show     text NOT NULL REFERENCES show_logs,
    epoch    integer NOT NULL,
    first    bigint NOT NULL,
    last     bigint NOT NULL CHECK (last >= first),
    ts       bigint NOT NULL,
    node     text NOT NULL,
    batch    bigint NOT NULL,
    prev     text NOT NULL,
    hash     text NOT NULL,
    payload  bytea NOT NULL,
    PRIMARY KEY (show, last),
    UNIQUE (show, first)
);
COMMENT ON COLUMN log_entries.ts IS 'server time in ms, given by the log';

CREATE TABLE facts (
    show     text NOT NULL REFERENCES show_logs,
    seq      bigint NOT NULL,
    idx      integer NOT NULL,
    ts       bigint NOT NULL,
    kind     text NOT NULL,
    payload  jsonb NOT NULL,
    PRIMARY KEY (show, seq, idx)
);
COMMENT ON COLUMN facts.idx IS 'order among the facts of one entry that share seq';

CREATE TABLE room_snapshots (
    show        text NOT NULL REFERENCES show_logs,
    seq         bigint NOT NULL,
    epoch       integer NOT NULL,
    head        text NOT NULL,
    digest      bytea NOT NULL,
    dump        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (show, seq)
);
COMMENT ON COLUMN room_snapshots.digest IS 'SHA-256 of dump: a damaged snapshot is passed over, not loaded';
