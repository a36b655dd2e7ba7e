-- Money out: what is kept of sales, sellers' accounts at the payment provider, what goes there and on to their banks, and the
-- nightly comparison with the provider's books.

-- Only ever added to: the newest row of a seller and category counts, from its time on; all of them are the history.
CREATE TABLE commission_rates (
    id            bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    seller        text    NOT NULL DEFAULT '' CHECK (char_length(seller) <= 40),
    category      text    NOT NULL DEFAULT '' CHECK (char_length(category) <= 40),
    commission_bp integer CHECK (commission_bp BETWEEN 0 AND 10000),
    note          text    NOT NULL DEFAULT '' CHECK (char_length(note) <= 200),
    actor         text    NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 40),
    from_ts       bigint  NOT NULL CHECK (from_ts > 0),
    CONSTRAINT commission_rates_are_of_somebody_or_something CHECK (seller <> '' OR category <> '')
);
COMMENT ON COLUMN commission_rates.commission_bp IS 'null: no rate of its own any more';
CREATE INDEX commission_rates_newest ON commission_rates (seller, category, id DESC);

CREATE TABLE payout_accounts (
    seller     text    NOT NULL CHECK (seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    provider   text    NOT NULL CHECK (provider ~ '^[a-z]{1,20}$'),
    account    text    NOT NULL CHECK (char_length(account) BETWEEN 1 AND 120),
    ready      boolean NOT NULL,
    wants      text[]  NOT NULL DEFAULT '{}' CHECK (cardinality(wants) <= 50),
    created_ts bigint  NOT NULL,
    checked_ts bigint  NOT NULL,
    PRIMARY KEY (seller, provider),
    CONSTRAINT payout_accounts_of_one_seller UNIQUE (provider, account)
);

-- Money between us and sellers' accounts at the provider. A row is there before the provider is asked.
CREATE TABLE transfers (
    id         text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    kind       text    NOT NULL CHECK (kind IN ('transfer', 'reversal')),
    seller     text    NOT NULL CHECK (seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    provider   text    NOT NULL,
    account    text    NOT NULL,
    order_id   text    NOT NULL REFERENCES orders,
    charge     text    NOT NULL CHECK (char_length(charge) BETWEEN 1 AND 120),
    currency   char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount     bigint  NOT NULL CHECK (amount > 0),
    -- The idempotency key that the provider is given.
    key        text    NOT NULL CONSTRAINT transfers_once_for_each_key UNIQUE CHECK (char_length(key) <= 200),
    -- Of a reversal: what it takes back.
    of         text    REFERENCES transfers,
    status     text    NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'done', 'failed')),
    reference  text    NOT NULL DEFAULT '' CHECK (char_length(reference) <= 120),
    error      text    NOT NULL DEFAULT '' CHECK (char_length(error) <= 500),
    created_ts bigint  NOT NULL,
    settled_ts bigint,
    CONSTRAINT transfers_reverse_a_transfer CHECK ((kind = 'reversal') = (of IS NOT NULL))
);
CREATE INDEX transfers_of_seller ON transfers (seller, currency, id);
CREATE INDEX transfers_of_order ON transfers (order_id);
CREATE INDEX transfers_open ON transfers (created_ts) WHERE status = 'requested';
CREATE INDEX transfers_reversed ON transfers (of) WHERE of IS NOT NULL;
CREATE UNIQUE INDEX transfers_by_reference ON transfers (kind, reference) WHERE reference <> '';

CREATE TABLE payouts (
    id         text    PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 40),
    seller     text    NOT NULL CHECK (seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'),
    -- The day it was asked for, and which one of that day: together the key, so that one that failed can be repeated.
    period     text    NOT NULL CHECK (period ~ '^\d{4}-\d\d-\d\d$'),
    counter    integer NOT NULL CHECK (counter BETWEEN 1 AND 1000),
    provider   text    NOT NULL,
    account    text    NOT NULL,
    currency   char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount     bigint  NOT NULL CHECK (amount > 0),
    status     text    NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'in_transit', 'paid', 'failed', 'cancelled')),
    reference  text    NOT NULL DEFAULT '' CHECK (char_length(reference) <= 120),
    error      text    NOT NULL DEFAULT '' CHECK (char_length(error) <= 500),
    actor      text    NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 40),
    test       boolean NOT NULL,
    created_ts bigint  NOT NULL,
    -- When the provider was first asked; from then on only the provider ends it.
    sent_ts    bigint,
    paid_ts    bigint,
    ended_ts   bigint,
    CONSTRAINT payouts_once_for_each_key UNIQUE (seller, period, counter)
);
CREATE INDEX payouts_of_seller ON payouts (seller, id DESC);
CREATE UNIQUE INDEX payouts_by_reference ON payouts (account, reference) WHERE reference <> '';
CREATE INDEX payouts_open ON payouts (created_ts) WHERE status IN ('requested', 'in_transit');

CREATE TABLE reconciliations (
    id           bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    provider     text    NOT NULL,
    since_ts     bigint  NOT NULL,
    until_ts     bigint  NOT NULL CHECK (until_ts >= since_ts),
    made_ts      bigint  NOT NULL,
    transactions integer NOT NULL,
    matched      integer NOT NULL,
    posted       integer NOT NULL,
    found        integer NOT NULL,
    -- The first of what differs, and what is wrong with our own books; bounded by the report.
    differences  jsonb   NOT NULL CHECK (octet_length(differences::text) <= 1000000),
    unsound      jsonb   NOT NULL CHECK (octet_length(unsound::text) <= 1000000),
    complete     boolean NOT NULL,
    -- The oldest line that was not available yet: it is read again.
    pending_ts   bigint
);
COMMENT ON COLUMN reconciliations.found IS 'differences and unsound facts in all';

ALTER TABLE ledger_balances ADD CONSTRAINT ledger_sellers_money_is_not_overdrawn CHECK (account <> 'psp_sellers' OR balance >= 0);
CREATE INDEX ledger_journals_by_time ON ledger_journals (ts);
