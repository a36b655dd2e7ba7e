-- The ledger: journals that balance, postings that are never changed, and the balances that must not fall below nothing.

CREATE TABLE ledger_journals (
    id       bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind     text    NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    -- The provider's object or ours: what is reported twice is posted once.
    object   text    NOT NULL CHECK (char_length(object) BETWEEN 1 AND 120),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    order_id text    CHECK (char_length(order_id) BETWEEN 1 AND 40),
    reverses bigint  REFERENCES ledger_journals,
    memo     text    NOT NULL DEFAULT '' CHECK (char_length(memo) <= 500),
    ts       bigint  NOT NULL CHECK (ts > 0),
    CONSTRAINT ledger_journals_once UNIQUE (kind, object)
);
CREATE INDEX ledger_journals_of_order ON ledger_journals (order_id, id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_journals_reversed_once ON ledger_journals (reverses) WHERE reverses IS NOT NULL;

CREATE TABLE ledger_postings (
    journal  bigint   NOT NULL REFERENCES ledger_journals,
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 50),
    account  text     NOT NULL CHECK (account ~ '^[a-z_]{1,40}$'),
    -- An order or a person, for accounts that exist once for each.
    owner    text     NOT NULL DEFAULT '' CHECK (char_length(owner) <= 40),
    currency char(3)  NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount   bigint   NOT NULL CHECK (amount <> 0 AND abs(amount) <= 1000000000000),
    PRIMARY KEY (journal, position)
);
COMMENT ON COLUMN ledger_postings.amount IS 'minor units; debit positive, credit negative';
CREATE INDEX ledger_postings_of_account ON ledger_postings (account, owner, journal);

-- Of accounts with an owner: what may not be overdrawn is guarded here, under the row's lock.
CREATE TABLE ledger_balances (
    account  text    NOT NULL,
    owner    text    NOT NULL,
    currency char(3) NOT NULL,
    balance  bigint  NOT NULL,
    PRIMARY KEY (account, owner, currency),
    CONSTRAINT ledger_owed_to_others_is_not_overdrawn CHECK (
        account NOT IN ('escrow', 'seller_payable', 'payout_transit') OR balance <= 0
    ),
    CONSTRAINT ledger_owed_to_us_is_not_overpaid CHECK (account <> 'seller_receivable' OR balance >= 0)
);

CREATE FUNCTION ledger_keep_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.owner <> '' THEN
        -- Not in one upsert: its checks would judge the row as if it were new.
        UPDATE ledger_balances SET balance = balance + NEW.amount
        WHERE account = NEW.account AND owner = NEW.owner AND currency = NEW.currency;
        IF NOT FOUND THEN
            INSERT INTO ledger_balances (account, owner, currency, balance)
            VALUES (NEW.account, NEW.owner, NEW.currency, NEW.amount);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_keep_balance AFTER INSERT ON ledger_postings FOR EACH ROW EXECUTE FUNCTION ledger_keep_balance();

CREATE FUNCTION ledger_check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about bigint;
    lines integer;
    uneven text;
BEGIN
    IF TG_TABLE_NAME = 'ledger_journals' THEN about := NEW.id; ELSE about := NEW.journal; END IF;
    SELECT count(*) INTO lines FROM ledger_postings WHERE journal = about;
    SELECT string_agg(currency || ' ' || off, ', ') INTO uneven
    FROM (SELECT currency, sum(amount) AS off FROM ledger_postings WHERE journal = about GROUP BY currency) sums WHERE off <> 0;
    IF lines < 2 OR uneven IS NOT NULL THEN
        RAISE EXCEPTION 'journal % does not balance: % lines, off by %', about, lines, coalesce(uneven, 'nothing')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journals_balance';
    END IF;
    RETURN NULL;
END $$;
-- At the end of the transaction, when all lines of a journal are there; also for a line added to an old one.
CREATE CONSTRAINT TRIGGER ledger_journals_balance AFTER INSERT ON ledger_journals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balanced();
CREATE CONSTRAINT TRIGGER ledger_postings_balance AFTER INSERT ON ledger_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balanced();

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only ever added to: post a reversal instead' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_journals_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_journals
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_postings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
