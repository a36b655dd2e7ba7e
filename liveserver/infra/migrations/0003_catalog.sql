-- What is on sale: categories, products, and the variants they are sold in.

CREATE TABLE categories (
    id       text    PRIMARY KEY CHECK (id ~ '^[a-z0-9](-?[a-z0-9]){0,39}$'),
    name     text    NOT NULL CHECK (char_length(name) BETWEEN 1 AND 60),
    position integer NOT NULL GENERATED ALWAYS AS IDENTITY
);
INSERT INTO categories (id, name) VALUES
    ('art', 'Art'), ('beauty', 'Beauty'), ('books', 'Books'), ('cameras', 'Cameras'), ('cards', 'Trading cards'),
    ('ceramics', 'Ceramics'), ('coins', 'Coins'), ('electronics', 'Electronics'), ('fashion', 'Fashion'), ('home', 'Home'),
    ('jewellery', 'Jewellery'), ('music', 'Music'), ('plants', 'Plants'), ('sneakers', 'Sneakers'), ('toys', 'Toys'),
    ('watches', 'Watches'), ('other', 'Other things');

CREATE TABLE products (
    id           text    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    -- An account's id, or `ext:…` for a person of the embedding app, who has no row here: so no foreign key.
    seller       text    NOT NULL CHECK (seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    title        text    NOT NULL CHECK (char_length(title) BETWEEN 1 AND 120),
    description  text    NOT NULL CHECK (char_length(description) <= 5000),
    price        bigint  NOT NULL CHECK (price BETWEEN 0 AND 1000000000000),
    currency     char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    images       text[]  NOT NULL CHECK (cardinality(images) <= 12),
    category     text    REFERENCES categories,
    archived     boolean NOT NULL DEFAULT false,
    created_ts   bigint  NOT NULL CHECK (created_ts > 0),
    -- The words as they are searched, prepared by liveserver/catalog/rules.py (case, accents, punctuation).
    search_title text    NOT NULL,
    search_rest  text    NOT NULL,
    -- English gives "camera" for "cameras"; simple keeps what English would drop ("The Who").
    search       tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', search_title), 'A') || setweight(to_tsvector('simple', search_title), 'A')
        || setweight(to_tsvector('english', search_rest), 'C')
    ) STORED
);
CREATE INDEX products_of_seller ON products (seller, id);
CREATE INDEX products_of_category ON products (category, id) WHERE NOT archived;
CREATE INDEX products_by_words ON products USING gin (search);

CREATE TABLE variants (
    id       text     PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    product  text     NOT NULL REFERENCES products ON DELETE CASCADE,
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 100),
    sku      text     NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 64),
    color    text     NOT NULL CHECK (char_length(color) <= 40),
    size     text     NOT NULL CHECK (char_length(size) <= 40),
    stock    integer  NOT NULL CHECK (stock BETWEEN 0 AND 1000000),
    price    bigint   NOT NULL CHECK (price BETWEEN 0 AND 1000000000000),
    CONSTRAINT variants_sku_is_unique UNIQUE (product, sku) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT variants_position_is_unique UNIQUE (product, position) DEFERRABLE INITIALLY DEFERRED
);
