-- Shows as planned and remembered: the shows, who moderates them, the queue of lots, who wants to be reminded.

CREATE TABLE shows (
    id           text    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    title        text    NOT NULL CHECK (char_length(title) BETWEEN 1 AND 100),
    description  text    NOT NULL CHECK (char_length(description) <= 2000),
    -- An account's id, or `ext:…` for a person of the embedding app, who has no row here: so no foreign key.
    host         text    NOT NULL CHECK (host ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    host_name    text    NOT NULL CHECK (char_length(host_name) BETWEEN 1 AND 60),
    currency     char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    picture      text    NOT NULL CHECK (char_length(picture) <= 500),
    chat         jsonb   NOT NULL CHECK (jsonb_typeof(chat) = 'object' AND octet_length(chat::text) <= 65536),
    status       text    NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'live', 'ended')),
    scheduled_ts bigint  CHECK (scheduled_ts > 0),
    started_ts   bigint,
    ended_ts     bigint,
    created_ts   bigint  NOT NULL CHECK (created_ts > 0),
    CONSTRAINT shows_times_fit_the_status CHECK (
        (status = 'scheduled') = (started_ts IS NULL) AND (status = 'ended') = (ended_ts IS NOT NULL)
        AND ended_ts >= started_ts
    ),
    -- Lists are in one order: live (latest first), upcoming (soonest first, undated last), ended (latest first).
    list_rank    smallint NOT NULL GENERATED ALWAYS AS (
        CASE status WHEN 'live' THEN 0 WHEN 'scheduled' THEN 1 ELSE 2 END
    ) STORED,
    list_key     bigint  NOT NULL GENERATED ALWAYS AS (
        CASE status WHEN 'live' THEN -started_ts WHEN 'ended' THEN -ended_ts ELSE coalesce(scheduled_ts, 9007199254740991) END
    ) STORED
);
CREATE INDEX shows_in_list_order ON shows (list_rank, list_key, id);
CREATE INDEX shows_of_host ON shows (host, id);

CREATE TABLE moderators (
    show       text   NOT NULL REFERENCES shows ON DELETE CASCADE,
    person     text   NOT NULL CHECK (person ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    created_ts bigint NOT NULL CHECK (created_ts > 0),
    PRIMARY KEY (show, person)
);

CREATE TABLE queued_lots (
    id          text    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    show        text    NOT NULL REFERENCES shows ON DELETE CASCADE,
    -- Null once opened. Deferred, because a reordering passes through doubles.
    position    integer CHECK (position BETWEEN 1 AND 500),
    product     text    REFERENCES products ON DELETE SET NULL,
    title       text    NOT NULL CHECK (char_length(title) BETWEEN 1 AND 120),
    picture     text    NOT NULL CHECK (char_length(picture) <= 500),
    start       bigint  NOT NULL CHECK (start BETWEEN 1 AND 1000000000000),
    reserve     bigint  CHECK (reserve BETWEEN start AND 1000000000000),
    format      text    NOT NULL CHECK (char_length(format) BETWEEN 1 AND 32),
    exact       boolean NOT NULL,
    increments  text    NOT NULL CHECK (char_length(increments) BETWEEN 1 AND 32),
    preset      text    NOT NULL CHECK (char_length(preset) <= 32),
    duration_ms bigint  CHECK (duration_ms > 0),
    window_ms   bigint  CHECK (window_ms >= 0),
    extend_ms   bigint  CHECK (extend_ms >= 0),
    hard_ms     bigint  CHECK (hard_ms >= duration_ms),
    status      text    NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'opened')),
    opened_ts   bigint,
    created_ts  bigint  NOT NULL CHECK (created_ts > 0),
    CONSTRAINT queued_lots_position_is_unique UNIQUE (show, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT queued_lots_wait_or_are_opened CHECK (
        (status = 'queued') = (position IS NOT NULL) AND (status = 'opened') = (opened_ts IS NOT NULL)
    )
);
CREATE INDEX queued_lots_opened ON queued_lots (show, opened_ts, id) WHERE status = 'opened';
CREATE INDEX queued_lots_of_product ON queued_lots (product);

CREATE TABLE reminders (
    show       text   NOT NULL REFERENCES shows ON DELETE CASCADE,
    person     text   NOT NULL CHECK (person ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    created_ts bigint NOT NULL CHECK (created_ts > 0),
    PRIMARY KEY (show, person)
);
CREATE INDEX reminders_of_person ON reminders (person, created_ts);
