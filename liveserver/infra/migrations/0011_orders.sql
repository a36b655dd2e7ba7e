-- Orders: what was bought, in which state it is, what happened to it, and what of its money went back.

CREATE TABLE orders (
    id              text    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    -- What people call it by; gaps say nothing.
    number          bigint  NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY (START WITH 100001),
    -- What it came from: a lot that is told twice is ordered once.
    origin          text    NOT NULL CONSTRAINT orders_once_for_each_origin UNIQUE CHECK (char_length(origin) BETWEEN 1 AND 120),
    source          text    NOT NULL CHECK (source IN ('cart', 'auction', 'claim')),
    -- No foreign keys: people of an embedding app have no row here, shows may be deleted, orders stay.
    buyer           text    NOT NULL CHECK (buyer ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    buyer_name      text    NOT NULL CHECK (char_length(buyer_name) <= 60),
    buyer_email     text    NOT NULL DEFAULT '' CHECK (char_length(buyer_email) <= 254),
    seller          text    NOT NULL CHECK (seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    seller_name     text    NOT NULL CHECK (char_length(seller_name) <= 60),
    show            text    NOT NULL DEFAULT '' CHECK (char_length(show) <= 40),
    currency        char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    coupon          text    NOT NULL DEFAULT '' CHECK (char_length(coupon) <= 40),
    item            bigint  NOT NULL CHECK (item BETWEEN 0 AND 1000000000000),
    shipping        bigint  NOT NULL CHECK (shipping BETWEEN 0 AND 1000000000000),
    shipping_method text    NOT NULL DEFAULT '' CHECK (char_length(shipping_method) <= 80),
    taxes           jsonb   NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(taxes) = 'array' AND octet_length(taxes::text) <= 4096),
    tax             bigint  NOT NULL CHECK (tax BETWEEN 0 AND 1000000000000),
    -- Frozen with the figures above: whatever rates change later, these stay.
    commission      bigint  NOT NULL CHECK (commission BETWEEN 0 AND item),
    processing      bigint  NOT NULL CHECK (processing BETWEEN 0 AND item - commission),
    rates           jsonb   NOT NULL,
    address         jsonb   CHECK (octet_length(address::text) <= 4096),

    state           text    NOT NULL DEFAULT 'awaiting_payment' CHECK (state IN (
        'awaiting_payment', 'payment_failed', 'action_required', 'paid', 'shipped', 'delivered', 'completed', 'cancelled')),
    dispute         text    NOT NULL DEFAULT 'none' CHECK (dispute IN ('none', 'open', 'won', 'lost')),
    funds           text    NOT NULL DEFAULT 'none' CHECK (funds IN ('none', 'held', 'released', 'reversed')),
    defaulted       boolean NOT NULL DEFAULT false,
    charge          text    NOT NULL DEFAULT '' CHECK (char_length(charge) <= 120),
    payment         text    NOT NULL DEFAULT '' CHECK (char_length(payment) <= 120),
    refunded_item     bigint NOT NULL DEFAULT 0 CHECK (refunded_item >= 0),
    refunded_shipping bigint NOT NULL DEFAULT 0 CHECK (refunded_shipping >= 0),
    refunded_tax      bigint NOT NULL DEFAULT 0 CHECK (refunded_tax >= 0),
    lost_item         bigint NOT NULL DEFAULT 0 CHECK (lost_item >= 0),
    lost_shipping     bigint NOT NULL DEFAULT 0 CHECK (lost_shipping >= 0),
    lost_tax          bigint NOT NULL DEFAULT 0 CHECK (lost_tax >= 0),
    test            boolean NOT NULL,
    carrier         text    NOT NULL DEFAULT '' CHECK (char_length(carrier) <= 60),
    tracking        text    NOT NULL DEFAULT '' CHECK (char_length(tracking) <= 120),

    due_ts          bigint  NOT NULL CHECK (due_ts > 0),
    created_ts      bigint  NOT NULL CHECK (created_ts > 0),
    paid_ts         bigint,
    shipped_ts      bigint,
    delivered_ts    bigint,
    completed_ts    bigint,
    cancelled_ts    bigint,

    CONSTRAINT orders_give_back_what_was_paid CHECK (
        refunded_item + lost_item <= item AND refunded_shipping + lost_shipping <= shipping AND refunded_tax + lost_tax <= tax
    ),
    CONSTRAINT orders_with_money_were_paid CHECK (paid_ts IS NOT NULL OR (funds = 'none' AND dispute = 'none' AND charge = '')),
    CONSTRAINT orders_are_paid_before_they_go CHECK (
        (state IN ('paid', 'shipped', 'delivered', 'completed')) <= (paid_ts IS NOT NULL)
        AND (state = 'cancelled') = (cancelled_ts IS NOT NULL)
    )
);
COMMENT ON COLUMN orders.item IS 'goods after discounts, minor units';
COMMENT ON COLUMN orders.lost_item IS 'what lost disputes took, besides refunds';
CREATE UNIQUE INDEX orders_of_charge ON orders (charge) WHERE charge <> '';
CREATE INDEX orders_of_buyer ON orders (buyer, number DESC);
CREATE INDEX orders_of_seller ON orders (seller, number DESC);
CREATE INDEX orders_of_show ON orders (show, number) WHERE show <> '';
CREATE INDEX orders_unpaid ON orders (buyer) WHERE state IN ('awaiting_payment', 'payment_failed', 'action_required');
CREATE INDEX orders_defaulted ON orders (buyer, cancelled_ts) WHERE defaulted;

CREATE TABLE order_lines (
    order_id      text     NOT NULL REFERENCES orders,
    position      smallint NOT NULL CHECK (position BETWEEN 1 AND 100),
    product       text     NOT NULL DEFAULT '' CHECK (char_length(product) <= 40),
    variant       text     NOT NULL DEFAULT '' CHECK (char_length(variant) <= 40),
    title         text     NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    sku           text     NOT NULL DEFAULT '' CHECK (char_length(sku) <= 64),
    options       text     NOT NULL DEFAULT '' CHECK (char_length(options) <= 200),
    picture       text     NOT NULL DEFAULT '' CHECK (char_length(picture) <= 500),
    category      text     NOT NULL DEFAULT '' CHECK (char_length(category) <= 40),
    quantity      integer  NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    price         bigint   NOT NULL CHECK (price BETWEEN 0 AND 1000000000000),
    discount      bigint   NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND price * quantity),
    commission_bp integer  CHECK (commission_bp BETWEEN 0 AND 10000),
    PRIMARY KEY (order_id, position)
);
COMMENT ON COLUMN order_lines.commission_bp IS 'null: the rate of the order';
CREATE INDEX order_lines_of_product ON order_lines (product) WHERE product <> '';

-- The history that buyer and seller see; only ever added to.
CREATE TABLE order_events (
    order_id text   NOT NULL REFERENCES orders,
    id       bigint GENERATED ALWAYS AS IDENTITY,
    ts       bigint NOT NULL,
    kind     text   NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    actor    text   NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 40),
    detail   jsonb  NOT NULL DEFAULT '{}' CHECK (octet_length(detail::text) <= 4096),
    PRIMARY KEY (order_id, id)
);

CREATE TABLE refunds (
    id         text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    order_id   text    NOT NULL REFERENCES orders,
    item       bigint  NOT NULL CHECK (item >= 0),
    shipping   bigint  NOT NULL CHECK (shipping >= 0),
    tax        bigint  NOT NULL CHECK (tax >= 0),
    reason     text    NOT NULL CHECK (char_length(reason) <= 500),
    actor      text    NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 40),
    status     text    NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'succeeded', 'failed')),
    -- The provider's name for it, once it has one.
    reference  text    NOT NULL DEFAULT '' CHECK (char_length(reference) <= 120),
    error      text    NOT NULL DEFAULT '' CHECK (char_length(error) <= 500),
    created_ts bigint  NOT NULL,
    settled_ts bigint,
    CONSTRAINT refunds_give_something_back CHECK (item + shipping + tax > 0)
);
CREATE INDEX refunds_of_order ON refunds (order_id, id);
CREATE UNIQUE INDEX refunds_by_reference ON refunds (reference) WHERE reference <> '';

CREATE TABLE disputes (
    id        text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 120),
    order_id  text    NOT NULL REFERENCES orders,
    amount    bigint  NOT NULL CHECK (amount > 0),
    fee       bigint  NOT NULL CHECK (fee >= 0),
    reason    text    NOT NULL CHECK (char_length(reason) <= 120),
    status    text    NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost')),
    opened_ts bigint  NOT NULL,
    closed_ts bigint
);
CREATE INDEX disputes_of_order ON disputes (order_id);
