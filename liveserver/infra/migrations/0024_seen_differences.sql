-- What operators have said about differences between the payment provider's books and ours; only ever added to.

CREATE TABLE difference_notes (
    id         bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- SHA-256 of all that a report says of it: with other figures it is another difference, and open.
    difference text    NOT NULL CHECK (difference ~ '^[0-9a-f]{64}$'),
    about      text    NOT NULL CHECK (char_length(about) BETWEEN 1 AND 500),
    seen       boolean NOT NULL,
    note       text    NOT NULL CHECK (char_length(note) BETWEEN 1 AND 500),
    actor      text    NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 40),
    ts         bigint  NOT NULL CHECK (ts > 0)
);
COMMENT ON COLUMN difference_notes.seen IS 'false: it is open again';
CREATE INDEX difference_notes_newest ON difference_notes (difference, id DESC);
