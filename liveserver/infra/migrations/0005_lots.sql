-- Lots of shows as pages list them: what was opened, who won at which price. Derived from facts, by the recorder alone.

CREATE TABLE lots (
    show       text    NOT NULL,
    id         text    NOT NULL,
    -- No foreign keys: shows, products and people may be deleted or be somebody else's, results stay.
    product    text,
    title      text    NOT NULL,
    picture    text    NOT NULL,
    format     text    NOT NULL,
    currency   char(3) NOT NULL,
    start      bigint  NOT NULL,
    status     text    NOT NULL CHECK (status IN ('open', 'closing', 'hammered', 'sold', 'passed')),
    reason     text    NOT NULL DEFAULT '',
    price      bigint,
    bids       integer NOT NULL DEFAULT 0,
    -- Who leads, and in the end who won.
    winner     text,
    alias      text    NOT NULL DEFAULT '',
    public     text    NOT NULL DEFAULT '',
    head       text    NOT NULL,
    opened_ts  bigint  NOT NULL,
    closed_ts  bigint,
    -- The last fact this row has taken in: an older one that comes again changes nothing.
    seq        bigint  NOT NULL,
    PRIMARY KEY (show, id),
    CONSTRAINT lots_sold_have_a_winner CHECK (status NOT IN ('hammered', 'sold') OR (winner IS NOT NULL AND price IS NOT NULL)),
    CONSTRAINT lots_end_once CHECK ((status IN ('sold', 'passed')) = (closed_ts IS NOT NULL))
);
CREATE INDEX lots_of_show ON lots (show, opened_ts, id);
CREATE INDEX lots_of_winner ON lots (winner, closed_ts) WHERE status = 'sold';
COMMENT ON COLUMN lots.head IS 'head of the lot''s hash chain after the last fact';
COMMENT ON COLUMN lots.public IS 'the winner''s pseudonym within the show';
