-- What shows sell: the stock that each lot and the spotlight took along, who may bid, and sales whose order must wait.

ALTER TABLE shows ADD COLUMN requires_card boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN shows.requires_card IS 'who bids or buys here has saved a card before';

CREATE TABLE show_goods (
    show    text    NOT NULL CHECK (char_length(show) BETWEEN 1 AND 40),
    -- A lot's id, or 'spotlight'.
    object  text    NOT NULL CHECK (char_length(object) BETWEEN 1 AND 80),
    variant text    NOT NULL,
    product text    NOT NULL,
    -- All that was ever taken along for it; what of this was sold, `allotments` knows.
    given   integer NOT NULL CHECK (given BETWEEN 0 AND 1000000),
    -- taken: waits in the queue; opening: a command may be on its way into the log; open: the record has it.
    state   text    NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'opening', 'open', 'sold', 'back')),
    PRIMARY KEY (show, object, variant)
);
CREATE INDEX show_goods_opening ON show_goods (show, product) WHERE state = 'opening';

-- Recording never waits for an order: what could not be placed stands here until it is.
CREATE TABLE unplaced_sales (
    origin text   PRIMARY KEY CHECK (char_length(origin) BETWEEN 1 AND 160),
    show   text   NOT NULL,
    sale   jsonb  NOT NULL,
    error  text   NOT NULL CHECK (char_length(error) <= 1000),
    ts     bigint NOT NULL CHECK (ts > 0)
);
