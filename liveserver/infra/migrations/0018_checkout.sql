-- Checkout: every attempt to have an order paid, written before the provider is asked; money that came too late; refunds that were asked for.

CREATE TABLE payment_attempts (
    order_id    text     NOT NULL REFERENCES orders,
    attempt     smallint NOT NULL CHECK (attempt BETWEEN 1 AND 50),
    -- The provider's idempotency key, pi:{order}:{attempt}, and what goes with it: the same call can be made again after a crash.
    key         text     NOT NULL CONSTRAINT payment_attempts_by_key UNIQUE CHECK (char_length(key) BETWEEN 1 AND 80),
    request     jsonb    NOT NULL CHECK (octet_length(request::text) <= 8192),
    provider    text     NOT NULL CHECK (char_length(provider) BETWEEN 1 AND 20),
    -- The provider's name for it; '' until its answer has come.
    payment     text     NOT NULL DEFAULT '' CHECK (char_length(payment) <= 120),
    -- asked: written, perhaps sent, no answer yet; then as the provider says. refused: it found the call wrong; absent: it was proved
    -- that it has none; returned: it succeeded too late and is given back.
    state       text     NOT NULL DEFAULT 'asked' CHECK (state IN (
        'asked', 'needs_card', 'needs_action', 'processing', 'failed', 'succeeded', 'canceled', 'refused', 'absent', 'returned')),
    off_session boolean  NOT NULL,
    -- Calls that ended without an answer.
    unknowns    smallint NOT NULL DEFAULT 0 CHECK (unknowns >= 0),
    error_code  text     NOT NULL DEFAULT '' CHECK (char_length(error_code) <= 120),
    error       text     NOT NULL DEFAULT '' CHECK (char_length(error) <= 500),
    created_ts  bigint   NOT NULL CHECK (created_ts > 0),
    asked_ts    bigint   NOT NULL CHECK (asked_ts > 0),
    updated_ts  bigint   NOT NULL CHECK (updated_ts > 0),
    PRIMARY KEY (order_id, attempt)
);
COMMENT ON COLUMN payment_attempts.asked_ts IS 'when the call was last sent';
-- While one could still take money, or has, there is no other.
CREATE UNIQUE INDEX payment_attempts_one_live ON payment_attempts (order_id)
    WHERE state IN ('asked', 'needs_card', 'needs_action', 'processing', 'failed', 'succeeded');
CREATE UNIQUE INDEX payment_attempts_of_payment ON payment_attempts (payment) WHERE payment <> '';

-- Money that came for an order that was cancelled or paid otherwise: it goes back.
CREATE TABLE stray_payments (
    id         text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    order_id   text    NOT NULL REFERENCES orders,
    payment    text    NOT NULL CHECK (char_length(payment) <= 120),
    charge     text    NOT NULL CONSTRAINT stray_payments_once UNIQUE CHECK (char_length(charge) BETWEEN 1 AND 120),
    amount     bigint  NOT NULL CHECK (amount > 0),
    currency   char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason     text    NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 80),
    state      text    NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'succeeded', 'failed')),
    reference  text    NOT NULL DEFAULT '' CHECK (char_length(reference) <= 120),
    error      text    NOT NULL DEFAULT '' CHECK (char_length(error) <= 500),
    created_ts bigint  NOT NULL CHECK (created_ts > 0),
    settled_ts bigint
);
CREATE INDEX stray_payments_of_order ON stray_payments (order_id);

-- When a refund (an order's, or a stray payment's) was first sent to the provider, which forgets its key a day later.
CREATE TABLE refund_calls (
    refund    text   PRIMARY KEY CHECK (char_length(refund) BETWEEN 1 AND 40),
    asked_ts  bigint NOT NULL CHECK (asked_ts > 0),
    -- What the provider answered with; '' before.
    reference text   NOT NULL DEFAULT '' CHECK (char_length(reference) <= 120)
);
