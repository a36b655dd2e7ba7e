-- Stock as events that are only ever added; what is on hand follows from them and can't fall below nothing.

CREATE TABLE inventory_events (
    id      bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    -- No foreign key: a variant may be dropped from its product, what happened to its stock stays.
    variant text    NOT NULL CHECK (char_length(variant) BETWEEN 1 AND 40),
    delta   integer NOT NULL CHECK (delta <> 0 AND abs(delta) <= 1000000),
    reason  text    NOT NULL CHECK (reason IN ('counted', 'reserved', 'expired', 'cancelled', 'allotted', 'unsold', 'returned')),
    -- The reservation, show or order that it is about; a count is about nothing else.
    object  text    NOT NULL DEFAULT '' CHECK (char_length(object) <= 80),
    ts      bigint  NOT NULL CHECK (ts > 0)
);
CREATE INDEX inventory_events_of_variant ON inventory_events (variant, id);

-- What was on hand before there were events is a first count.
INSERT INTO inventory_events (variant, delta, reason, ts)
SELECT id, stock, 'counted', (extract(epoch FROM now()) * 1000)::bigint FROM variants WHERE stock <> 0;

CREATE FUNCTION inventory_moves_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The check on variants.stock refuses what would be sold twice.
    UPDATE variants SET stock = stock + NEW.delta WHERE id = NEW.variant;
    IF NOT FOUND AND NEW.delta < 0 THEN
        RAISE EXCEPTION 'there is no variant % to take from', NEW.variant USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER inventory_moves_stock AFTER INSERT ON inventory_events FOR EACH ROW EXECUTE FUNCTION inventory_moves_stock();

CREATE FUNCTION inventory_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'inventory events are only ever added to: add one that takes it back' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER inventory_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON inventory_events
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_is_append_only();

CREATE TABLE reservations (
    holder   text    NOT NULL CHECK (char_length(holder) BETWEEN 1 AND 40),
    variant  text    NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    state    text    NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'sold', 'given_back')),
    until_ts bigint  NOT NULL,
    PRIMARY KEY (holder, variant)
);
COMMENT ON COLUMN reservations.holder IS 'the order that will be paid, or not';
CREATE INDEX reservations_to_expire ON reservations (until_ts) WHERE state = 'held';

CREATE TABLE allotments (
    show     text    NOT NULL CHECK (char_length(show) BETWEEN 1 AND 40),
    variant  text    NOT NULL,
    given    integer NOT NULL CHECK (given BETWEEN 0 AND 1000000),
    sold     integer NOT NULL DEFAULT 0 CHECK (sold >= 0),
    returned integer NOT NULL DEFAULT 0 CHECK (returned >= 0),
    PRIMARY KEY (show, variant),
    CONSTRAINT allotments_not_oversold CHECK (sold + returned <= given)
);
-- Each sale in a show takes from its allotment once, however often its fact is told.
CREATE TABLE allotment_sales (
    show     text    NOT NULL,
    object   text    NOT NULL CHECK (char_length(object) BETWEEN 1 AND 80),
    variant  text    NOT NULL,
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    PRIMARY KEY (show, object),
    FOREIGN KEY (show, variant) REFERENCES allotments
);
