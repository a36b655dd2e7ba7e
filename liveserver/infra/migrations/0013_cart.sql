-- Carts, the addresses goods go to, how sellers ship, and their coupons.

CREATE TABLE carts (
    id         text   PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    -- `u:` and a person's id, or `g:` and the SHA-256 of a guest's token of 256 random bits.
    owner      text   NOT NULL CONSTRAINT carts_one_for_each_owner UNIQUE CHECK (owner ~ '^(u:[A-Za-z0-9_.:@-]{1,40}|g:[0-9a-f]{64})$'),
    touched_ts bigint NOT NULL CHECK (touched_ts > 0)
);
CREATE INDEX carts_by_age ON carts (touched_ts);

CREATE TABLE cart_items (
    id           text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    cart         text    NOT NULL REFERENCES carts ON DELETE CASCADE,
    product      text    NOT NULL REFERENCES products ON DELETE CASCADE,
    -- No foreign key: a variant that its seller drops stays in the cart, as no longer available.
    variant      text    NOT NULL CHECK (char_length(variant) BETWEEN 1 AND 40),
    quantity     integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    price_at_add bigint  NOT NULL CHECK (price_at_add BETWEEN 0 AND 1000000000000),
    CONSTRAINT cart_items_once_for_each_variant UNIQUE (cart, variant)
);
CREATE INDEX cart_items_of_product ON cart_items (product);

CREATE TABLE coupons (
    id         text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    seller     text    NOT NULL CHECK (char_length(seller) BETWEEN 1 AND 40),
    code       text    NOT NULL CHECK (code ~ '^[A-Z0-9_-]{3,40}$'),
    -- Of these two there is one.
    percent_bp integer CHECK (percent_bp BETWEEN 1 AND 10000),
    amount     bigint  CHECK (amount BETWEEN 1 AND 1000000000000),
    currency   char(3) CHECK (currency ~ '^[A-Z]{3}$'),
    minimum    bigint  NOT NULL CHECK (minimum BETWEEN 0 AND 1000000000000),
    from_ts    bigint  NOT NULL,
    until_ts   bigint  CHECK (until_ts > from_ts),
    uses_max   integer CHECK (uses_max BETWEEN 1 AND 1000000),
    person_max integer CHECK (person_max BETWEEN 1 AND 1000),
    products   text[]  NOT NULL CHECK (cardinality(products) <= 100),
    categories text[]  NOT NULL CHECK (cardinality(categories) <= 50),
    active     boolean NOT NULL,
    created_ts bigint  NOT NULL CHECK (created_ts > 0),
    CONSTRAINT coupons_code_is_unique UNIQUE (seller, code),
    CONSTRAINT coupons_take_off_one_thing CHECK ((percent_bp IS NULL) <> (amount IS NULL) AND (amount IS NULL OR currency IS NOT NULL))
);
-- An order that was cancelled unpaid has used nothing: so uses are counted together with their orders, and never given back twice.
CREATE TABLE coupon_uses (
    order_id text PRIMARY KEY REFERENCES orders,
    coupon   text NOT NULL REFERENCES coupons,
    person   text NOT NULL CHECK (char_length(person) BETWEEN 1 AND 40)
);
CREATE INDEX coupon_uses_of_coupon ON coupon_uses (coupon, person);

CREATE TABLE cart_coupons (
    cart   text NOT NULL REFERENCES carts ON DELETE CASCADE,
    seller text NOT NULL CHECK (char_length(seller) BETWEEN 1 AND 40),
    code   text NOT NULL CHECK (char_length(code) <= 40),
    PRIMARY KEY (cart, seller)
);

CREATE TABLE addresses (
    id          text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    person      text    NOT NULL CHECK (char_length(person) BETWEEN 1 AND 40),
    name        text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    line1       text    NOT NULL CHECK (char_length(line1) BETWEEN 1 AND 200),
    line2       text    NOT NULL CHECK (char_length(line2) <= 200),
    city        text    NOT NULL CHECK (char_length(city) BETWEEN 1 AND 120),
    region      text    NOT NULL CHECK (char_length(region) <= 120),
    postal_code text    NOT NULL CHECK (char_length(postal_code) <= 20),
    country     char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    phone       text    NOT NULL CHECK (char_length(phone) <= 40),
    usual       boolean NOT NULL,
    created_ts  bigint  NOT NULL CHECK (created_ts > 0)
);
COMMENT ON COLUMN addresses.usual IS 'where it goes unless said otherwise';
CREATE INDEX addresses_of_person ON addresses (person, id);
CREATE UNIQUE INDEX addresses_one_usual ON addresses (person) WHERE usual;

CREATE TABLE shipping_methods (
    id        text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    seller    text    NOT NULL CHECK (char_length(seller) BETWEEN 1 AND 40),
    name      text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    currency  char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    countries text[]  NOT NULL CHECK (cardinality(countries) <= 260),
    first     bigint  NOT NULL CHECK (first BETWEEN 0 AND 1000000000),
    further   bigint  NOT NULL CHECK (further BETWEEN 0 AND 1000000000),
    free_from bigint  CHECK (free_from BETWEEN 0 AND 1000000000000)
);
COMMENT ON COLUMN shipping_methods.countries IS 'empty: everywhere';
COMMENT ON COLUMN shipping_methods.first IS 'for the first item, minor units; further: for each one more';
CREATE INDEX shipping_methods_of_seller ON shipping_methods (seller, id);
