-- What did not come along when a guest's cart became a person's: kept until they have been told.

CREATE TABLE cart_left_out (
    cart     text    NOT NULL REFERENCES carts ON DELETE CASCADE,
    variant  text    NOT NULL CHECK (char_length(variant) BETWEEN 1 AND 40),
    -- As it was called then: a product may be renamed before it is told.
    title    text    NOT NULL CHECK (char_length(title) <= 200),
    options  text    NOT NULL CHECK (char_length(options) <= 200),
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    reason   text    NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 40),
    note     text    NOT NULL CHECK (char_length(note) BETWEEN 1 AND 300),
    PRIMARY KEY (cart, variant)
);
COMMENT ON COLUMN cart_left_out.quantity IS 'how many of it were left out';
