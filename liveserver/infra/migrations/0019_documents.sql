-- Invoices: who bills, and each bill's number, counted for each seller without gaps.

CREATE TABLE invoice_issuers (
    seller      text   PRIMARY KEY CHECK (char_length(seller) BETWEEN 1 AND 40),
    name        text   NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    address     text   NOT NULL CHECK (char_length(address) BETWEEN 1 AND 500),
    tax_id      text   NOT NULL DEFAULT '' CHECK (char_length(tax_id) <= 40),
    last_number bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0),
    changed_ts  bigint NOT NULL
);
COMMENT ON COLUMN invoice_issuers.last_number IS 'of the invoice issued last; whoever issues the next one holds this row';

CREATE TABLE invoices (
    order_id  text   PRIMARY KEY REFERENCES orders,
    seller    text   NOT NULL,
    number    bigint NOT NULL CHECK (number > 0),
    issued_ts bigint NOT NULL,
    -- As it was that day: a bill does not change when its issuer moves house.
    issuer    jsonb  NOT NULL CHECK (octet_length(issuer::text) <= 4096),
    CONSTRAINT invoices_are_counted UNIQUE (seller, number)
);

-- Figures by the day of payment; what waits to be shipped.
CREATE INDEX orders_paid_of_seller ON orders (seller, paid_ts) WHERE paid_ts IS NOT NULL;
CREATE INDEX orders_of_seller_by_state ON orders (seller, state);
