-- Video by LiveKit: who may be on stage beside the host, who is, and what the video server told about it.

ALTER TABLE shows
    ADD COLUMN co_hosts text[] NOT NULL DEFAULT '{}' CHECK (cardinality(co_hosts) <= 10),
    -- Who is on stage now, as shows are read: made of `stage_tracks`, in the transactions that change those.
    ADD COLUMN stage    jsonb  NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(stage) = 'array' AND octet_length(stage::text) <= 16384);

-- Messages about the stage that have taken effect: each once. They also say what is over, for messages overtake each other.
CREATE TABLE livekit_events (
    id          text   PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 120),
    show        text   NOT NULL REFERENCES shows ON DELETE CASCADE,
    kind        text   NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 40),
    subject     text   NOT NULL CHECK (char_length(subject) <= 120),
    received_ts bigint NOT NULL CHECK (received_ts > 0)
);
COMMENT ON COLUMN livekit_events.subject IS 'the track, connection or room session that is over; empty: none is';
CREATE INDEX livekit_events_over ON livekit_events (show, subject) WHERE subject <> '';
CREATE INDEX livekit_events_old ON livekit_events (received_ts);

-- Tracks that can be seen or heard now.
CREATE TABLE stage_tracks (
    show     text   NOT NULL REFERENCES shows ON DELETE CASCADE,
    track    text   NOT NULL CHECK (char_length(track) BETWEEN 1 AND 120),
    room     text   NOT NULL CHECK (char_length(room) <= 120),
    session  text   NOT NULL CHECK (char_length(session) <= 120),
    person   text   NOT NULL CHECK (person ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    name     text   NOT NULL CHECK (char_length(name) <= 60),
    source   text   NOT NULL CHECK (source IN ('camera', 'microphone', 'screen', 'other')),
    since_ts bigint NOT NULL CHECK (since_ts > 0),
    PRIMARY KEY (show, track)
);
COMMENT ON COLUMN stage_tracks.room IS 'one life of the room at the video server';
COMMENT ON COLUMN stage_tracks.session IS 'one connection of the person to it';
