-- Payments: who is which customer, saved cards, the provider's events; and the books of the built-in test provider.

CREATE TABLE customers (
    person     text   NOT NULL CHECK (char_length(person) BETWEEN 1 AND 40),
    provider   text   NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 20),
    customer   text   NOT NULL CHECK (char_length(customer) BETWEEN 1 AND 120),
    created_ts bigint NOT NULL,
    PRIMARY KEY (person, provider),
    CONSTRAINT customers_are_one_person UNIQUE (provider, customer)
);

-- One card each: the last that was saved. What people recognise it by, and the provider's name for it; never its number.
CREATE TABLE saved_cards (
    person    text     NOT NULL,
    provider  text     NOT NULL,
    card      text     NOT NULL CHECK (char_length(card) BETWEEN 1 AND 120),
    customer  text     NOT NULL,
    brand     text     NOT NULL CHECK (char_length(brand) <= 40),
    last4     text     NOT NULL CHECK (last4 ~ '^[0-9]{0,4}$'),
    exp_month smallint NOT NULL CHECK (exp_month BETWEEN 0 AND 12),
    exp_year  smallint NOT NULL CHECK (exp_year BETWEEN 0 AND 9999),
    saved_ts  bigint   NOT NULL,
    PRIMARY KEY (person, provider),
    FOREIGN KEY (person, provider) REFERENCES customers
);

-- What the provider told: each event once, however often it is delivered.
CREATE TABLE provider_events (
    provider    text   NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 20),
    id          text   NOT NULL CHECK (char_length(id) BETWEEN 1 AND 120),
    type        text   NOT NULL CHECK (char_length(type) BETWEEN 1 AND 120),
    object      text   NOT NULL CHECK (char_length(object) <= 120),
    account     text   NOT NULL DEFAULT '' CHECK (char_length(account) <= 120),
    created_ts  bigint NOT NULL,
    received_ts bigint NOT NULL,
    -- Null: not applied yet.
    applied_ts  bigint,
    PRIMARY KEY (provider, id)
);
CREATE INDEX provider_events_by_age ON provider_events (received_ts);

-- The test provider's own books. Nothing of ours refers to them but by the names it gives.
CREATE TABLE sandbox_objects (
    id         text   PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 120),
    kind       text   NOT NULL CHECK (kind IN (
        'customer', 'card', 'setup', 'payment', 'refund', 'dispute', 'account', 'transfer', 'payout', 'transaction')),
    -- What it is looked up by besides: a payment's order, a refund's charge, a card's customer.
    about      text   NOT NULL DEFAULT '' CHECK (char_length(about) <= 120),
    doc        jsonb  NOT NULL CHECK (octet_length(doc::text) <= 16384),
    created_ts bigint NOT NULL
);
CREATE INDEX sandbox_objects_about ON sandbox_objects (kind, about);
CREATE INDEX sandbox_transactions ON sandbox_objects (created_ts, id) WHERE kind = 'transaction';

CREATE TABLE sandbox_keys (
    key        text   PRIMARY KEY CHECK (char_length(key) BETWEEN 1 AND 255),
    request    bytea  NOT NULL CHECK (octet_length(request) = 32),
    answer     jsonb,
    created_ts bigint NOT NULL
);
