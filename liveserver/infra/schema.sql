-- Made by `make schema` from the migrations; a test proves it equal to them. For reading: change migrations/ instead.

CREATE TYPE public.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

CREATE FUNCTION public.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;

CREATE FUNCTION public.inventory_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'inventory events are only ever added to: add one that takes it back' USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION public.inventory_moves_stock() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- The check on variants.stock refuses what would be sold twice.
    UPDATE variants SET stock = stock + NEW.delta WHERE id = NEW.variant;
    IF NOT FOUND AND NEW.delta < 0 THEN
        RAISE EXCEPTION 'there is no variant % to take from', NEW.variant USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.ledger_check_balanced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.ledger_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only ever added to: post a reversal instead' USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION public.ledger_keep_balance() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.accounts (
    id text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    password text NOT NULL,
    role text NOT NULL,
    verified boolean NOT NULL,
    created_ts bigint NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    CONSTRAINT accounts_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT accounts_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT accounts_email_key_check CHECK (((char_length(email_key) >= 3) AND (char_length(email_key) <= 254))),
    CONSTRAINT accounts_id_check CHECK ((id ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT accounts_name_check CHECK (((char_length(name) >= 2) AND (char_length(name) <= 30))),
    CONSTRAINT accounts_name_key_check CHECK (((char_length(name_key) >= 1) AND (char_length(name_key) <= 120))),
    CONSTRAINT accounts_password_check CHECK (((password ~~ '$argon2id$%'::text) AND (char_length(password) <= 200))),
    CONSTRAINT accounts_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'host'::text, 'admin'::text])))
);

COMMENT ON COLUMN public.accounts.email_verified IS 'a mail arrived there; "verified" says who may bid, which is something else';

CREATE TABLE public.addresses (
    id text NOT NULL,
    person text NOT NULL,
    name text NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    postal_code text NOT NULL,
    country character(2) NOT NULL,
    phone text NOT NULL,
    usual boolean NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT addresses_city_check CHECK (((char_length(city) >= 1) AND (char_length(city) <= 120))),
    CONSTRAINT addresses_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT addresses_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT addresses_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT addresses_line1_check CHECK (((char_length(line1) >= 1) AND (char_length(line1) <= 200))),
    CONSTRAINT addresses_line2_check CHECK ((char_length(line2) <= 200)),
    CONSTRAINT addresses_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT addresses_person_check CHECK (((char_length(person) >= 1) AND (char_length(person) <= 40))),
    CONSTRAINT addresses_phone_check CHECK ((char_length(phone) <= 40)),
    CONSTRAINT addresses_postal_code_check CHECK ((char_length(postal_code) <= 20)),
    CONSTRAINT addresses_region_check CHECK ((char_length(region) <= 120))
);

COMMENT ON COLUMN public.addresses.usual IS 'where it goes unless said otherwise';

CREATE TABLE public.allotment_sales (
    show text NOT NULL,
    object text NOT NULL,
    variant text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT allotment_sales_object_check CHECK (((char_length(object) >= 1) AND (char_length(object) <= 80))),
    CONSTRAINT allotment_sales_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000)))
);

CREATE TABLE public.allotments (
    show text NOT NULL,
    variant text NOT NULL,
    given integer NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    returned integer DEFAULT 0 NOT NULL,
    CONSTRAINT allotments_given_check CHECK (((given >= 0) AND (given <= 1000000))),
    CONSTRAINT allotments_not_oversold CHECK (((sold + returned) <= given)),
    CONSTRAINT allotments_returned_check CHECK ((returned >= 0)),
    CONSTRAINT allotments_show_check CHECK (((char_length(show) >= 1) AND (char_length(show) <= 40))),
    CONSTRAINT allotments_sold_check CHECK ((sold >= 0))
);

CREATE TABLE public.cart_coupons (
    cart text NOT NULL,
    seller text NOT NULL,
    code text NOT NULL,
    CONSTRAINT cart_coupons_code_check CHECK ((char_length(code) <= 40)),
    CONSTRAINT cart_coupons_seller_check CHECK (((char_length(seller) >= 1) AND (char_length(seller) <= 40)))
);

CREATE TABLE public.cart_items (
    id text NOT NULL,
    cart text NOT NULL,
    product text NOT NULL,
    variant text NOT NULL,
    quantity integer NOT NULL,
    price_at_add bigint NOT NULL,
    CONSTRAINT cart_items_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT cart_items_price_at_add_check CHECK (((price_at_add >= 0) AND (price_at_add <= '1000000000000'::bigint))),
    CONSTRAINT cart_items_quantity_check CHECK (((quantity >= 1) AND (quantity <= 100))),
    CONSTRAINT cart_items_variant_check CHECK (((char_length(variant) >= 1) AND (char_length(variant) <= 40)))
);

CREATE TABLE public.cart_left_out (
    cart text NOT NULL,
    variant text NOT NULL,
    title text NOT NULL,
    options text NOT NULL,
    quantity integer NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    CONSTRAINT cart_left_out_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 300))),
    CONSTRAINT cart_left_out_options_check CHECK ((char_length(options) <= 200)),
    CONSTRAINT cart_left_out_quantity_check CHECK (((quantity >= 1) AND (quantity <= 100))),
    CONSTRAINT cart_left_out_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 40))),
    CONSTRAINT cart_left_out_title_check CHECK ((char_length(title) <= 200)),
    CONSTRAINT cart_left_out_variant_check CHECK (((char_length(variant) >= 1) AND (char_length(variant) <= 40)))
);

COMMENT ON COLUMN public.cart_left_out.quantity IS 'how many of it were left out';

CREATE TABLE public.carts (
    id text NOT NULL,
    owner text NOT NULL,
    touched_ts bigint NOT NULL,
    CONSTRAINT carts_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT carts_owner_check CHECK ((owner ~ '^(u:[A-Za-z0-9_.:@-]{1,40}|g:[0-9a-f]{64})$'::text)),
    CONSTRAINT carts_touched_ts_check CHECK ((touched_ts > 0))
);

CREATE TABLE public.categories (
    id text NOT NULL,
    name text NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT categories_id_check CHECK ((id ~ '^[a-z0-9](-?[a-z0-9]){0,39}$'::text)),
    CONSTRAINT categories_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 60)))
);

ALTER TABLE public.categories ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.categories_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.commission_rates (
    id bigint NOT NULL,
    seller text DEFAULT ''::text NOT NULL,
    category text DEFAULT ''::text NOT NULL,
    commission_bp integer,
    note text DEFAULT ''::text NOT NULL,
    actor text NOT NULL,
    from_ts bigint NOT NULL,
    CONSTRAINT commission_rates_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 40))),
    CONSTRAINT commission_rates_are_of_somebody_or_something CHECK (((seller <> ''::text) OR (category <> ''::text))),
    CONSTRAINT commission_rates_category_check CHECK ((char_length(category) <= 40)),
    CONSTRAINT commission_rates_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT commission_rates_from_ts_check CHECK ((from_ts > 0)),
    CONSTRAINT commission_rates_note_check CHECK ((char_length(note) <= 200)),
    CONSTRAINT commission_rates_seller_check CHECK ((char_length(seller) <= 40))
);

COMMENT ON COLUMN public.commission_rates.commission_bp IS 'null: no rate of its own any more';

ALTER TABLE public.commission_rates ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.commission_rates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.coupon_uses (
    order_id text NOT NULL,
    coupon text NOT NULL,
    person text NOT NULL,
    CONSTRAINT coupon_uses_person_check CHECK (((char_length(person) >= 1) AND (char_length(person) <= 40)))
);

CREATE TABLE public.coupons (
    id text NOT NULL,
    seller text NOT NULL,
    code text NOT NULL,
    percent_bp integer,
    amount bigint,
    currency character(3),
    minimum bigint NOT NULL,
    from_ts bigint NOT NULL,
    until_ts bigint,
    uses_max integer,
    person_max integer,
    products text[] NOT NULL,
    categories text[] NOT NULL,
    active boolean NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT coupons_amount_check CHECK (((amount >= 1) AND (amount <= '1000000000000'::bigint))),
    CONSTRAINT coupons_categories_check CHECK ((cardinality(categories) <= 50)),
    CONSTRAINT coupons_check CHECK ((until_ts > from_ts)),
    CONSTRAINT coupons_code_check CHECK ((code ~ '^[A-Z0-9_-]{3,40}$'::text)),
    CONSTRAINT coupons_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT coupons_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT coupons_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT coupons_minimum_check CHECK (((minimum >= 0) AND (minimum <= '1000000000000'::bigint))),
    CONSTRAINT coupons_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000))),
    CONSTRAINT coupons_person_max_check CHECK (((person_max >= 1) AND (person_max <= 1000))),
    CONSTRAINT coupons_products_check CHECK ((cardinality(products) <= 100)),
    CONSTRAINT coupons_seller_check CHECK (((char_length(seller) >= 1) AND (char_length(seller) <= 40))),
    CONSTRAINT coupons_take_off_one_thing CHECK ((((percent_bp IS NULL) <> (amount IS NULL)) AND ((amount IS NULL) OR (currency IS NOT NULL)))),
    CONSTRAINT coupons_uses_max_check CHECK (((uses_max >= 1) AND (uses_max <= 1000000)))
);

CREATE TABLE public.credit_notes (
    refund text NOT NULL,
    order_id text NOT NULL,
    seller text NOT NULL,
    number bigint NOT NULL,
    issued_ts bigint NOT NULL,
    issuer jsonb NOT NULL,
    CONSTRAINT credit_notes_issuer_check CHECK ((octet_length((issuer)::text) <= 4096)),
    CONSTRAINT credit_notes_number_check CHECK ((number > 0))
);

CREATE TABLE public.customers (
    person text NOT NULL,
    provider text NOT NULL,
    customer text NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT customers_customer_check CHECK (((char_length(customer) >= 1) AND (char_length(customer) <= 120))),
    CONSTRAINT customers_person_check CHECK (((char_length(person) >= 1) AND (char_length(person) <= 40))),
    CONSTRAINT customers_provider_check CHECK (((char_length(provider) >= 1) AND (char_length(provider) <= 20)))
);

CREATE TABLE public.difference_notes (
    id bigint NOT NULL,
    difference text NOT NULL,
    about text NOT NULL,
    seen boolean NOT NULL,
    note text NOT NULL,
    actor text NOT NULL,
    ts bigint NOT NULL,
    CONSTRAINT difference_notes_about_check CHECK (((char_length(about) >= 1) AND (char_length(about) <= 500))),
    CONSTRAINT difference_notes_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 40))),
    CONSTRAINT difference_notes_difference_check CHECK ((difference ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT difference_notes_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 500))),
    CONSTRAINT difference_notes_ts_check CHECK ((ts > 0))
);

COMMENT ON COLUMN public.difference_notes.seen IS 'false: it is open again';

ALTER TABLE public.difference_notes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.difference_notes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.disputes (
    id text NOT NULL,
    order_id text NOT NULL,
    amount bigint NOT NULL,
    fee bigint NOT NULL,
    reason text NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    opened_ts bigint NOT NULL,
    closed_ts bigint,
    CONSTRAINT disputes_amount_check CHECK ((amount > 0)),
    CONSTRAINT disputes_fee_check CHECK ((fee >= 0)),
    CONSTRAINT disputes_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 120))),
    CONSTRAINT disputes_reason_check CHECK ((char_length(reason) <= 120)),
    CONSTRAINT disputes_status_check CHECK ((status = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text])))
);

CREATE TABLE public.facts (
    show text NOT NULL,
    seq bigint NOT NULL,
    idx integer NOT NULL,
    ts bigint NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL
);

COMMENT ON COLUMN public.facts.idx IS 'order among the facts of one entry that share seq';

CREATE TABLE public.http_idempotency (
    owner text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status smallint,
    body bytea,
    created_ts bigint NOT NULL,
    CONSTRAINT http_idempotency_body_check CHECK ((octet_length(body) <= 1048576)),
    CONSTRAINT http_idempotency_check CHECK (((status IS NULL) = (body IS NULL))),
    CONSTRAINT http_idempotency_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT http_idempotency_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT http_idempotency_owner_check CHECK (((char_length(owner) >= 1) AND (char_length(owner) <= 60))),
    CONSTRAINT http_idempotency_request_check CHECK ((octet_length(request) = 32)),
    CONSTRAINT http_idempotency_status_check CHECK (((status >= 200) AND (status <= 299)))
);

CREATE TABLE public.inventory_events (
    id bigint NOT NULL,
    variant text NOT NULL,
    delta integer NOT NULL,
    reason text NOT NULL,
    object text DEFAULT ''::text NOT NULL,
    ts bigint NOT NULL,
    CONSTRAINT inventory_events_delta_check CHECK (((delta <> 0) AND (abs(delta) <= 1000000))),
    CONSTRAINT inventory_events_object_check CHECK ((char_length(object) <= 80)),
    CONSTRAINT inventory_events_reason_check CHECK ((reason = ANY (ARRAY['counted'::text, 'reserved'::text, 'expired'::text, 'cancelled'::text, 'allotted'::text, 'unsold'::text, 'returned'::text]))),
    CONSTRAINT inventory_events_ts_check CHECK ((ts > 0)),
    CONSTRAINT inventory_events_variant_check CHECK (((char_length(variant) >= 1) AND (char_length(variant) <= 40)))
);

ALTER TABLE public.inventory_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inventory_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.invoice_issuers (
    seller text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    tax_id text DEFAULT ''::text NOT NULL,
    last_number bigint DEFAULT 0 NOT NULL,
    changed_ts bigint NOT NULL,
    last_credit bigint DEFAULT 0 NOT NULL,
    CONSTRAINT invoice_issuers_address_check CHECK (((char_length(address) >= 1) AND (char_length(address) <= 500))),
    CONSTRAINT invoice_issuers_last_credit_check CHECK ((last_credit >= 0)),
    CONSTRAINT invoice_issuers_last_number_check CHECK ((last_number >= 0)),
    CONSTRAINT invoice_issuers_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT invoice_issuers_seller_check CHECK (((char_length(seller) >= 1) AND (char_length(seller) <= 40))),
    CONSTRAINT invoice_issuers_tax_id_check CHECK ((char_length(tax_id) <= 40))
);

COMMENT ON COLUMN public.invoice_issuers.last_number IS 'of the invoice issued last; whoever issues the next one holds this row';

COMMENT ON COLUMN public.invoice_issuers.last_credit IS 'of the credit note issued last; whoever issues the next one holds this row';

CREATE TABLE public.invoices (
    order_id text NOT NULL,
    seller text NOT NULL,
    number bigint NOT NULL,
    issued_ts bigint NOT NULL,
    issuer jsonb NOT NULL,
    CONSTRAINT invoices_issuer_check CHECK ((octet_length((issuer)::text) <= 4096)),
    CONSTRAINT invoices_number_check CHECK ((number > 0))
);

CREATE TABLE public.ledger_balances (
    account text NOT NULL,
    owner text NOT NULL,
    currency character(3) NOT NULL,
    balance bigint NOT NULL,
    CONSTRAINT ledger_owed_to_others_is_not_overdrawn CHECK (((account <> ALL (ARRAY['escrow'::text, 'seller_payable'::text, 'payout_transit'::text])) OR (balance <= 0))),
    CONSTRAINT ledger_owed_to_us_is_not_overpaid CHECK (((account <> 'seller_receivable'::text) OR (balance >= 0))),
    CONSTRAINT ledger_sellers_money_is_not_overdrawn CHECK (((account <> 'psp_sellers'::text) OR (balance >= 0)))
);

CREATE TABLE public.ledger_journals (
    id bigint NOT NULL,
    kind text NOT NULL,
    object text NOT NULL,
    currency character(3) NOT NULL,
    order_id text,
    reverses bigint,
    memo text DEFAULT ''::text NOT NULL,
    ts bigint NOT NULL,
    CONSTRAINT ledger_journals_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT ledger_journals_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
    CONSTRAINT ledger_journals_memo_check CHECK ((char_length(memo) <= 500)),
    CONSTRAINT ledger_journals_object_check CHECK (((char_length(object) >= 1) AND (char_length(object) <= 120))),
    CONSTRAINT ledger_journals_order_id_check CHECK (((char_length(order_id) >= 1) AND (char_length(order_id) <= 40))),
    CONSTRAINT ledger_journals_ts_check CHECK ((ts > 0))
);

ALTER TABLE public.ledger_journals ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_journals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_postings (
    journal bigint NOT NULL,
    "position" smallint NOT NULL,
    account text NOT NULL,
    owner text DEFAULT ''::text NOT NULL,
    currency character(3) NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT ledger_postings_account_check CHECK ((account ~ '^[a-z_]{1,40}$'::text)),
    CONSTRAINT ledger_postings_amount_check CHECK (((amount <> 0) AND (abs(amount) <= '1000000000000'::bigint))),
    CONSTRAINT ledger_postings_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT ledger_postings_owner_check CHECK ((char_length(owner) <= 40)),
    CONSTRAINT ledger_postings_position_check CHECK ((("position" >= 1) AND ("position" <= 50)))
);

COMMENT ON COLUMN public.ledger_postings.amount IS 'minor units; debit positive, credit negative';

CREATE TABLE public.livekit_events (
    id text NOT NULL,
    show text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    received_ts bigint NOT NULL,
    CONSTRAINT livekit_events_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 120))),
    CONSTRAINT livekit_events_kind_check CHECK (((char_length(kind) >= 1) AND (char_length(kind) <= 40))),
    CONSTRAINT livekit_events_received_ts_check CHECK ((received_ts > 0)),
    CONSTRAINT livekit_events_subject_check CHECK ((char_length(subject) <= 120))
);

COMMENT ON COLUMN public.livekit_events.subject IS 'the track, connection or room session that is over; empty: none is';

CREATE TABLE public.log_entries (
    show text NOT NULL,
    epoch integer NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    ts bigint NOT NULL,
    node text NOT NULL,
    batch bigint NOT NULL,
    prev text NOT NULL,
    hash text NOT NULL,
    payload bytea NOT NULL,
    CONSTRAINT log_entries_check CHECK ((last >= first))
);

COMMENT ON COLUMN public.log_entries.ts IS 'server time in ms, given by the log';

CREATE TABLE public.log_holders (
    show text NOT NULL,
    node text NOT NULL,
    asked boolean DEFAULT false NOT NULL,
    yielded boolean DEFAULT false NOT NULL
);

COMMENT ON COLUMN public.log_holders.asked IS 'somebody wants to open the log again and waits for this node';

COMMENT ON COLUMN public.log_holders.yielded IS 'all that the node had is recorded, and it acknowledges nothing until it has resumed';

CREATE TABLE public.lots (
    show text NOT NULL,
    id text NOT NULL,
    product text,
    title text NOT NULL,
    picture text NOT NULL,
    format text NOT NULL,
    currency character(3) NOT NULL,
    start bigint NOT NULL,
    status text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    price bigint,
    bids integer DEFAULT 0 NOT NULL,
    winner text,
    alias text DEFAULT ''::text NOT NULL,
    public text DEFAULT ''::text NOT NULL,
    head text NOT NULL,
    opened_ts bigint NOT NULL,
    closed_ts bigint,
    seq bigint NOT NULL,
    CONSTRAINT lots_end_once CHECK (((status = ANY (ARRAY['sold'::text, 'passed'::text])) = (closed_ts IS NOT NULL))),
    CONSTRAINT lots_sold_have_a_winner CHECK (((status <> ALL (ARRAY['hammered'::text, 'sold'::text])) OR ((winner IS NOT NULL) AND (price IS NOT NULL)))),
    CONSTRAINT lots_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closing'::text, 'hammered'::text, 'sold'::text, 'passed'::text])))
);

COMMENT ON COLUMN public.lots.public IS 'the winner''s pseudonym within the show';

COMMENT ON COLUMN public.lots.head IS 'head of the lot''s hash chain after the last fact';

CREATE TABLE public.mail_tokens (
    token_hash bytea NOT NULL,
    account text NOT NULL,
    purpose text NOT NULL,
    email_key text NOT NULL,
    created_ts bigint NOT NULL,
    expires_ts bigint NOT NULL,
    CONSTRAINT mail_tokens_check CHECK ((expires_ts > created_ts)),
    CONSTRAINT mail_tokens_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT mail_tokens_email_key_check CHECK (((char_length(email_key) >= 3) AND (char_length(email_key) <= 254))),
    CONSTRAINT mail_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['verify'::text, 'reset'::text]))),
    CONSTRAINT mail_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

CREATE TABLE public.moderators (
    show text NOT NULL,
    person text NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT moderators_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT moderators_person_check CHECK ((person ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text))
);

CREATE TABLE public.nodes (
    id text NOT NULL,
    kind text NOT NULL,
    release text NOT NULL,
    python text NOT NULL,
    origin text NOT NULL,
    log_version integer NOT NULL,
    kinds text[] NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    heard_at timestamp with time zone DEFAULT now() NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    numbers jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT nodes_kind_check CHECK ((kind = ANY (ARRAY['serving'::text, 'recorder'::text])))
);

COMMENT ON COLUMN public.nodes.kinds IS 'commands that this process can decide: nothing is appended that a living one cannot';

CREATE TABLE public.order_events (
    order_id text NOT NULL,
    id bigint NOT NULL,
    ts bigint NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT order_events_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 40))),
    CONSTRAINT order_events_detail_check CHECK ((octet_length((detail)::text) <= 4096)),
    CONSTRAINT order_events_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text))
);

ALTER TABLE public.order_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.order_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.order_lines (
    order_id text NOT NULL,
    "position" smallint NOT NULL,
    product text DEFAULT ''::text NOT NULL,
    variant text DEFAULT ''::text NOT NULL,
    title text NOT NULL,
    sku text DEFAULT ''::text NOT NULL,
    options text DEFAULT ''::text NOT NULL,
    picture text DEFAULT ''::text NOT NULL,
    category text DEFAULT ''::text NOT NULL,
    quantity integer NOT NULL,
    price bigint NOT NULL,
    discount bigint DEFAULT 0 NOT NULL,
    commission_bp integer,
    CONSTRAINT order_lines_category_check CHECK ((char_length(category) <= 40)),
    CONSTRAINT order_lines_check CHECK (((discount >= 0) AND (discount <= (price * quantity)))),
    CONSTRAINT order_lines_commission_bp_check CHECK (((commission_bp >= 0) AND (commission_bp <= 10000))),
    CONSTRAINT order_lines_options_check CHECK ((char_length(options) <= 200)),
    CONSTRAINT order_lines_picture_check CHECK ((char_length(picture) <= 500)),
    CONSTRAINT order_lines_position_check CHECK ((("position" >= 1) AND ("position" <= 100))),
    CONSTRAINT order_lines_price_check CHECK (((price >= 0) AND (price <= '1000000000000'::bigint))),
    CONSTRAINT order_lines_product_check CHECK ((char_length(product) <= 40)),
    CONSTRAINT order_lines_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000))),
    CONSTRAINT order_lines_sku_check CHECK ((char_length(sku) <= 64)),
    CONSTRAINT order_lines_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200))),
    CONSTRAINT order_lines_variant_check CHECK ((char_length(variant) <= 40))
);

COMMENT ON COLUMN public.order_lines.commission_bp IS 'null: the rate of the order';

CREATE TABLE public.orders (
    id text NOT NULL,
    number bigint NOT NULL,
    origin text NOT NULL,
    source text NOT NULL,
    buyer text NOT NULL,
    buyer_name text NOT NULL,
    buyer_email text DEFAULT ''::text NOT NULL,
    seller text NOT NULL,
    seller_name text NOT NULL,
    show text DEFAULT ''::text NOT NULL,
    currency character(3) NOT NULL,
    coupon text DEFAULT ''::text NOT NULL,
    item bigint NOT NULL,
    shipping bigint NOT NULL,
    shipping_method text DEFAULT ''::text NOT NULL,
    taxes jsonb DEFAULT '[]'::jsonb NOT NULL,
    tax bigint NOT NULL,
    commission bigint NOT NULL,
    processing bigint NOT NULL,
    rates jsonb NOT NULL,
    address jsonb,
    state text DEFAULT 'awaiting_payment'::text NOT NULL,
    dispute text DEFAULT 'none'::text NOT NULL,
    funds text DEFAULT 'none'::text NOT NULL,
    defaulted boolean DEFAULT false NOT NULL,
    charge text DEFAULT ''::text NOT NULL,
    payment text DEFAULT ''::text NOT NULL,
    refunded_item bigint DEFAULT 0 NOT NULL,
    refunded_shipping bigint DEFAULT 0 NOT NULL,
    refunded_tax bigint DEFAULT 0 NOT NULL,
    lost_item bigint DEFAULT 0 NOT NULL,
    lost_shipping bigint DEFAULT 0 NOT NULL,
    lost_tax bigint DEFAULT 0 NOT NULL,
    test boolean NOT NULL,
    carrier text DEFAULT ''::text NOT NULL,
    tracking text DEFAULT ''::text NOT NULL,
    due_ts bigint NOT NULL,
    created_ts bigint NOT NULL,
    paid_ts bigint,
    shipped_ts bigint,
    delivered_ts bigint,
    completed_ts bigint,
    cancelled_ts bigint,
    units integer,
    CONSTRAINT orders_address_check CHECK ((octet_length((address)::text) <= 4096)),
    CONSTRAINT orders_are_paid_before_they_go CHECK ((((state = ANY (ARRAY['paid'::text, 'shipped'::text, 'delivered'::text, 'completed'::text])) <= (paid_ts IS NOT NULL)) AND ((state = 'cancelled'::text) = (cancelled_ts IS NOT NULL)))),
    CONSTRAINT orders_buyer_check CHECK ((buyer ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT orders_buyer_email_check CHECK ((char_length(buyer_email) <= 254)),
    CONSTRAINT orders_buyer_name_check CHECK ((char_length(buyer_name) <= 60)),
    CONSTRAINT orders_carrier_check CHECK ((char_length(carrier) <= 60)),
    CONSTRAINT orders_charge_check CHECK ((char_length(charge) <= 120)),
    CONSTRAINT orders_check CHECK (((commission >= 0) AND (commission <= item))),
    CONSTRAINT orders_check1 CHECK (((processing >= 0) AND (processing <= (item - commission)))),
    CONSTRAINT orders_coupon_check CHECK ((char_length(coupon) <= 40)),
    CONSTRAINT orders_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT orders_dispute_check CHECK ((dispute = ANY (ARRAY['none'::text, 'open'::text, 'won'::text, 'lost'::text]))),
    CONSTRAINT orders_due_ts_check CHECK ((due_ts > 0)),
    CONSTRAINT orders_funds_check CHECK ((funds = ANY (ARRAY['none'::text, 'held'::text, 'released'::text, 'reversed'::text]))),
    CONSTRAINT orders_give_back_what_was_paid CHECK ((((refunded_item + lost_item) <= item) AND ((refunded_shipping + lost_shipping) <= shipping) AND ((refunded_tax + lost_tax) <= tax))),
    CONSTRAINT orders_id_check CHECK ((id ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT orders_item_check CHECK (((item >= 0) AND (item <= '1000000000000'::bigint))),
    CONSTRAINT orders_lost_item_check CHECK ((lost_item >= 0)),
    CONSTRAINT orders_lost_shipping_check CHECK ((lost_shipping >= 0)),
    CONSTRAINT orders_lost_tax_check CHECK ((lost_tax >= 0)),
    CONSTRAINT orders_origin_check CHECK (((char_length(origin) >= 1) AND (char_length(origin) <= 120))),
    CONSTRAINT orders_payment_check CHECK ((char_length(payment) <= 120)),
    CONSTRAINT orders_refunded_item_check CHECK ((refunded_item >= 0)),
    CONSTRAINT orders_refunded_shipping_check CHECK ((refunded_shipping >= 0)),
    CONSTRAINT orders_refunded_tax_check CHECK ((refunded_tax >= 0)),
    CONSTRAINT orders_seller_check CHECK ((seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT orders_seller_name_check CHECK ((char_length(seller_name) <= 60)),
    CONSTRAINT orders_shipping_check CHECK (((shipping >= 0) AND (shipping <= '1000000000000'::bigint))),
    CONSTRAINT orders_shipping_method_check CHECK ((char_length(shipping_method) <= 80)),
    CONSTRAINT orders_show_check CHECK ((char_length(show) <= 40)),
    CONSTRAINT orders_source_check CHECK ((source = ANY (ARRAY['cart'::text, 'auction'::text, 'claim'::text]))),
    CONSTRAINT orders_state_check CHECK ((state = ANY (ARRAY['awaiting_payment'::text, 'payment_failed'::text, 'action_required'::text, 'paid'::text, 'shipped'::text, 'delivered'::text, 'completed'::text, 'cancelled'::text]))),
    CONSTRAINT orders_tax_check CHECK (((tax >= 0) AND (tax <= '1000000000000'::bigint))),
    CONSTRAINT orders_taxes_check CHECK (((jsonb_typeof(taxes) = 'array'::text) AND (octet_length((taxes)::text) <= 4096))),
    CONSTRAINT orders_tracking_check CHECK ((char_length(tracking) <= 120)),
    CONSTRAINT orders_units_check CHECK ((units > 0)),
    CONSTRAINT orders_with_money_were_paid CHECK (((paid_ts IS NOT NULL) OR ((funds = 'none'::text) AND (dispute = 'none'::text) AND (charge = ''::text))))
);

COMMENT ON COLUMN public.orders.item IS 'goods after discounts, minor units';

COMMENT ON COLUMN public.orders.lost_item IS 'what lost disputes took, besides refunds';

COMMENT ON COLUMN public.orders.units IS 'of all its lines, which never change; null: placed by a release that did not keep it';

ALTER TABLE public.orders ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orders_number_seq
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.payment_attempts (
    order_id text NOT NULL,
    attempt smallint NOT NULL,
    key text NOT NULL,
    request jsonb NOT NULL,
    provider text NOT NULL,
    payment text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'asked'::text NOT NULL,
    off_session boolean NOT NULL,
    unknowns smallint DEFAULT 0 NOT NULL,
    error_code text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_ts bigint NOT NULL,
    asked_ts bigint NOT NULL,
    updated_ts bigint NOT NULL,
    CONSTRAINT payment_attempts_asked_ts_check CHECK ((asked_ts > 0)),
    CONSTRAINT payment_attempts_attempt_check CHECK (((attempt >= 1) AND (attempt <= 50))),
    CONSTRAINT payment_attempts_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT payment_attempts_error_check CHECK ((char_length(error) <= 500)),
    CONSTRAINT payment_attempts_error_code_check CHECK ((char_length(error_code) <= 120)),
    CONSTRAINT payment_attempts_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 80))),
    CONSTRAINT payment_attempts_payment_check CHECK ((char_length(payment) <= 120)),
    CONSTRAINT payment_attempts_provider_check CHECK (((char_length(provider) >= 1) AND (char_length(provider) <= 20))),
    CONSTRAINT payment_attempts_request_check CHECK ((octet_length((request)::text) <= 8192)),
    CONSTRAINT payment_attempts_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'needs_card'::text, 'needs_action'::text, 'processing'::text, 'failed'::text, 'succeeded'::text, 'canceled'::text, 'refused'::text, 'absent'::text, 'returned'::text]))),
    CONSTRAINT payment_attempts_unknowns_check CHECK ((unknowns >= 0)),
    CONSTRAINT payment_attempts_updated_ts_check CHECK ((updated_ts > 0))
);

COMMENT ON COLUMN public.payment_attempts.asked_ts IS 'when the call was last sent';

CREATE TABLE public.payout_accounts (
    seller text NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    ready boolean NOT NULL,
    wants text[] DEFAULT '{}'::text[] NOT NULL,
    created_ts bigint NOT NULL,
    checked_ts bigint NOT NULL,
    CONSTRAINT payout_accounts_account_check CHECK (((char_length(account) >= 1) AND (char_length(account) <= 120))),
    CONSTRAINT payout_accounts_provider_check CHECK ((provider ~ '^[a-z]{1,20}$'::text)),
    CONSTRAINT payout_accounts_seller_check CHECK ((seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT payout_accounts_wants_check CHECK ((cardinality(wants) <= 50))
);

CREATE TABLE public.payouts (
    id text NOT NULL,
    seller text NOT NULL,
    period text NOT NULL,
    counter integer NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    currency character(3) NOT NULL,
    amount bigint NOT NULL,
    status text DEFAULT 'requested'::text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    actor text NOT NULL,
    test boolean NOT NULL,
    created_ts bigint NOT NULL,
    sent_ts bigint,
    paid_ts bigint,
    ended_ts bigint,
    CONSTRAINT payouts_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 40))),
    CONSTRAINT payouts_amount_check CHECK ((amount > 0)),
    CONSTRAINT payouts_counter_check CHECK (((counter >= 1) AND (counter <= 1000))),
    CONSTRAINT payouts_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payouts_error_check CHECK ((char_length(error) <= 500)),
    CONSTRAINT payouts_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT payouts_period_check CHECK ((period ~ '^\d{4}-\d\d-\d\d$'::text)),
    CONSTRAINT payouts_reference_check CHECK ((char_length(reference) <= 120)),
    CONSTRAINT payouts_seller_check CHECK ((seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT payouts_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'in_transit'::text, 'paid'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE public.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

CREATE SEQUENCE public.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_id_seq OWNED BY public.pgqueuer.id;

CREATE TABLE public.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status public.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

ALTER TABLE public.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status public.pgqueuer_status DEFAULT 'queued'::public.pgqueuer_status
);

CREATE SEQUENCE public.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_schedules_id_seq OWNED BY public.pgqueuer_schedules.id;

CREATE TABLE public.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

CREATE SEQUENCE public.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_statistics_id_seq OWNED BY public.pgqueuer_statistics.id;

CREATE TABLE public.products (
    id text NOT NULL,
    seller text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    price bigint NOT NULL,
    currency character(3) NOT NULL,
    images text[] NOT NULL,
    category text,
    archived boolean DEFAULT false NOT NULL,
    created_ts bigint NOT NULL,
    search_title text NOT NULL,
    search_rest text NOT NULL,
    search tsvector GENERATED ALWAYS AS (((setweight(to_tsvector('english'::regconfig, search_title), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, search_title), 'A'::"char")) || setweight(to_tsvector('english'::regconfig, search_rest), 'C'::"char"))) STORED NOT NULL,
    CONSTRAINT products_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT products_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT products_description_check CHECK ((char_length(description) <= 5000)),
    CONSTRAINT products_id_check CHECK ((id ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT products_images_check CHECK ((cardinality(images) <= 12)),
    CONSTRAINT products_price_check CHECK (((price >= 0) AND (price <= '1000000000000'::bigint))),
    CONSTRAINT products_seller_check CHECK ((seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT products_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 120)))
);

CREATE TABLE public.provider_events (
    provider text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    account text DEFAULT ''::text NOT NULL,
    created_ts bigint NOT NULL,
    received_ts bigint NOT NULL,
    applied_ts bigint,
    CONSTRAINT provider_events_account_check CHECK ((char_length(account) <= 120)),
    CONSTRAINT provider_events_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 120))),
    CONSTRAINT provider_events_object_check CHECK ((char_length(object) <= 120)),
    CONSTRAINT provider_events_provider_check CHECK (((char_length(provider) >= 1) AND (char_length(provider) <= 20))),
    CONSTRAINT provider_events_type_check CHECK (((char_length(type) >= 1) AND (char_length(type) <= 120)))
);

CREATE TABLE public.queued_lots (
    id text NOT NULL,
    show text NOT NULL,
    "position" integer,
    product text,
    title text NOT NULL,
    picture text NOT NULL,
    start bigint NOT NULL,
    reserve bigint,
    format text NOT NULL,
    exact boolean NOT NULL,
    increments text NOT NULL,
    preset text NOT NULL,
    duration_ms bigint,
    window_ms bigint,
    extend_ms bigint,
    hard_ms bigint,
    status text DEFAULT 'queued'::text NOT NULL,
    opened_ts bigint,
    created_ts bigint NOT NULL,
    variant text,
    CONSTRAINT queued_lots_check CHECK (((reserve >= start) AND (reserve <= '1000000000000'::bigint))),
    CONSTRAINT queued_lots_check1 CHECK ((hard_ms >= duration_ms)),
    CONSTRAINT queued_lots_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT queued_lots_duration_ms_check CHECK ((duration_ms > 0)),
    CONSTRAINT queued_lots_extend_ms_check CHECK ((extend_ms >= 0)),
    CONSTRAINT queued_lots_format_check CHECK (((char_length(format) >= 1) AND (char_length(format) <= 32))),
    CONSTRAINT queued_lots_id_check CHECK ((id ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT queued_lots_increments_check CHECK (((char_length(increments) >= 1) AND (char_length(increments) <= 32))),
    CONSTRAINT queued_lots_picture_check CHECK ((char_length(picture) <= 500)),
    CONSTRAINT queued_lots_position_check CHECK ((("position" >= 1) AND ("position" <= 500))),
    CONSTRAINT queued_lots_preset_check CHECK ((char_length(preset) <= 32)),
    CONSTRAINT queued_lots_start_check CHECK (((start >= 1) AND (start <= '1000000000000'::bigint))),
    CONSTRAINT queued_lots_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'opened'::text]))),
    CONSTRAINT queued_lots_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 120))),
    CONSTRAINT queued_lots_variant_check CHECK (((char_length(variant) >= 1) AND (char_length(variant) <= 40))),
    CONSTRAINT queued_lots_wait_or_are_opened CHECK ((((status = 'queued'::text) = ("position" IS NOT NULL)) AND ((status = 'opened'::text) = (opened_ts IS NOT NULL)))),
    CONSTRAINT queued_lots_window_ms_check CHECK ((window_ms >= 0))
);

CREATE TABLE public.reconciliations (
    id bigint NOT NULL,
    provider text NOT NULL,
    since_ts bigint NOT NULL,
    until_ts bigint NOT NULL,
    made_ts bigint NOT NULL,
    transactions integer NOT NULL,
    matched integer NOT NULL,
    posted integer NOT NULL,
    found integer NOT NULL,
    differences jsonb NOT NULL,
    unsound jsonb NOT NULL,
    complete boolean NOT NULL,
    pending_ts bigint,
    CONSTRAINT reconciliations_check CHECK ((until_ts >= since_ts)),
    CONSTRAINT reconciliations_differences_check CHECK ((octet_length((differences)::text) <= 1000000)),
    CONSTRAINT reconciliations_unsound_check CHECK ((octet_length((unsound)::text) <= 1000000))
);

COMMENT ON COLUMN public.reconciliations.found IS 'differences and unsound facts in all';

ALTER TABLE public.reconciliations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reconciliations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.refund_calls (
    refund text NOT NULL,
    asked_ts bigint NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    CONSTRAINT refund_calls_asked_ts_check CHECK ((asked_ts > 0)),
    CONSTRAINT refund_calls_reference_check CHECK ((char_length(reference) <= 120)),
    CONSTRAINT refund_calls_refund_check CHECK (((char_length(refund) >= 1) AND (char_length(refund) <= 40)))
);

CREATE TABLE public.refunds (
    id text NOT NULL,
    order_id text NOT NULL,
    item bigint NOT NULL,
    shipping bigint NOT NULL,
    tax bigint NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    status text DEFAULT 'requested'::text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_ts bigint NOT NULL,
    settled_ts bigint,
    CONSTRAINT refunds_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 40))),
    CONSTRAINT refunds_error_check CHECK ((char_length(error) <= 500)),
    CONSTRAINT refunds_give_something_back CHECK ((((item + shipping) + tax) > 0)),
    CONSTRAINT refunds_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT refunds_item_check CHECK ((item >= 0)),
    CONSTRAINT refunds_reason_check CHECK ((char_length(reason) <= 500)),
    CONSTRAINT refunds_reference_check CHECK ((char_length(reference) <= 120)),
    CONSTRAINT refunds_shipping_check CHECK ((shipping >= 0)),
    CONSTRAINT refunds_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'succeeded'::text, 'failed'::text]))),
    CONSTRAINT refunds_tax_check CHECK ((tax >= 0))
);

CREATE TABLE public.reminders (
    show text NOT NULL,
    person text NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT reminders_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT reminders_person_check CHECK ((person ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text))
);

CREATE TABLE public.reservations (
    holder text NOT NULL,
    variant text NOT NULL,
    quantity integer NOT NULL,
    state text DEFAULT 'held'::text NOT NULL,
    until_ts bigint NOT NULL,
    CONSTRAINT reservations_holder_check CHECK (((char_length(holder) >= 1) AND (char_length(holder) <= 40))),
    CONSTRAINT reservations_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000))),
    CONSTRAINT reservations_state_check CHECK ((state = ANY (ARRAY['held'::text, 'sold'::text, 'given_back'::text])))
);

COMMENT ON COLUMN public.reservations.holder IS 'the order that will be paid, or not';

CREATE TABLE public.room_snapshots (
    show text NOT NULL,
    seq bigint NOT NULL,
    epoch integer NOT NULL,
    head text NOT NULL,
    digest bytea NOT NULL,
    dump bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON COLUMN public.room_snapshots.digest IS 'SHA-256 of dump: a damaged snapshot is passed over, not loaded';

CREATE TABLE public.sandbox_keys (
    key text NOT NULL,
    request bytea NOT NULL,
    answer jsonb,
    created_ts bigint NOT NULL,
    CONSTRAINT sandbox_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT sandbox_keys_request_check CHECK ((octet_length(request) = 32))
);

CREATE TABLE public.sandbox_objects (
    id text NOT NULL,
    kind text NOT NULL,
    about text DEFAULT ''::text NOT NULL,
    doc jsonb NOT NULL,
    created_ts bigint NOT NULL,
    CONSTRAINT sandbox_objects_about_check CHECK ((char_length(about) <= 120)),
    CONSTRAINT sandbox_objects_doc_check CHECK ((octet_length((doc)::text) <= 16384)),
    CONSTRAINT sandbox_objects_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 120))),
    CONSTRAINT sandbox_objects_kind_check CHECK ((kind = ANY (ARRAY['customer'::text, 'card'::text, 'setup'::text, 'payment'::text, 'refund'::text, 'dispute'::text, 'account'::text, 'transfer'::text, 'payout'::text, 'transaction'::text])))
);

CREATE TABLE public.saved_cards (
    person text NOT NULL,
    provider text NOT NULL,
    card text NOT NULL,
    customer text NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month smallint NOT NULL,
    exp_year smallint NOT NULL,
    saved_ts bigint NOT NULL,
    CONSTRAINT saved_cards_brand_check CHECK ((char_length(brand) <= 40)),
    CONSTRAINT saved_cards_card_check CHECK (((char_length(card) >= 1) AND (char_length(card) <= 120))),
    CONSTRAINT saved_cards_exp_month_check CHECK (((exp_month >= 0) AND (exp_month <= 12))),
    CONSTRAINT saved_cards_exp_year_check CHECK (((exp_year >= 0) AND (exp_year <= 9999))),
    CONSTRAINT saved_cards_last4_check CHECK ((last4 ~ '^[0-9]{0,4}$'::text))
);

CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    since text
);

CREATE TABLE public.sessions (
    id text NOT NULL,
    account text NOT NULL,
    token_hash bytea NOT NULL,
    created_ts bigint NOT NULL,
    expires_ts bigint NOT NULL,
    CONSTRAINT sessions_check CHECK ((expires_ts > created_ts)),
    CONSTRAINT sessions_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT sessions_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT sessions_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

CREATE TABLE public.shipping_methods (
    id text NOT NULL,
    seller text NOT NULL,
    name text NOT NULL,
    currency character(3) NOT NULL,
    countries text[] NOT NULL,
    first bigint NOT NULL,
    further bigint NOT NULL,
    free_from bigint,
    CONSTRAINT shipping_methods_countries_check CHECK ((cardinality(countries) <= 260)),
    CONSTRAINT shipping_methods_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT shipping_methods_first_check CHECK (((first >= 0) AND (first <= 1000000000))),
    CONSTRAINT shipping_methods_free_from_check CHECK (((free_from >= 0) AND (free_from <= '1000000000000'::bigint))),
    CONSTRAINT shipping_methods_further_check CHECK (((further >= 0) AND (further <= 1000000000))),
    CONSTRAINT shipping_methods_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT shipping_methods_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
    CONSTRAINT shipping_methods_seller_check CHECK (((char_length(seller) >= 1) AND (char_length(seller) <= 40)))
);

COMMENT ON COLUMN public.shipping_methods.countries IS 'empty: everywhere';

COMMENT ON COLUMN public.shipping_methods.first IS 'for the first item, minor units; further: for each one more';

CREATE TABLE public.show_goods (
    show text NOT NULL,
    object text NOT NULL,
    variant text NOT NULL,
    product text NOT NULL,
    given integer NOT NULL,
    state text DEFAULT 'taken'::text NOT NULL,
    CONSTRAINT show_goods_given_check CHECK (((given >= 0) AND (given <= 1000000))),
    CONSTRAINT show_goods_object_check CHECK (((char_length(object) >= 1) AND (char_length(object) <= 80))),
    CONSTRAINT show_goods_show_check CHECK (((char_length(show) >= 1) AND (char_length(show) <= 40))),
    CONSTRAINT show_goods_state_check CHECK ((state = ANY (ARRAY['taken'::text, 'opening'::text, 'open'::text, 'sold'::text, 'back'::text])))
);

CREATE TABLE public.show_logs (
    show text NOT NULL,
    epoch integer NOT NULL,
    recorded_seq bigint DEFAULT 0 NOT NULL,
    recorded_ts bigint DEFAULT 0 NOT NULL,
    recorded_hash text DEFAULT ''::text NOT NULL,
    recorder text DEFAULT ''::text NOT NULL,
    recorder_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    recorder_dedicated boolean DEFAULT false NOT NULL,
    CONSTRAINT show_logs_epoch_check CHECK ((epoch > 0)),
    CONSTRAINT show_logs_recorded_seq_check CHECK ((recorded_seq >= 0))
);

COMMENT ON COLUMN public.show_logs.recorded_seq IS 'everything up to this sequence number is in log_entries and facts';

COMMENT ON COLUMN public.show_logs.recorder_dedicated IS 'the lease is held by a process that only records';

CREATE TABLE public.shows (
    id text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    host text NOT NULL,
    host_name text NOT NULL,
    currency character(3) NOT NULL,
    picture text NOT NULL,
    chat jsonb NOT NULL,
    status text DEFAULT 'scheduled'::text NOT NULL,
    scheduled_ts bigint,
    started_ts bigint,
    ended_ts bigint,
    created_ts bigint NOT NULL,
    list_rank smallint GENERATED ALWAYS AS (
CASE status
    WHEN 'live'::text THEN 0
    WHEN 'scheduled'::text THEN 1
    ELSE 2
END) STORED NOT NULL,
    list_key bigint GENERATED ALWAYS AS (
CASE status
    WHEN 'live'::text THEN (- started_ts)
    WHEN 'ended'::text THEN (- ended_ts)
    ELSE COALESCE(scheduled_ts, '9007199254740991'::bigint)
END) STORED NOT NULL,
    requires_card boolean DEFAULT false NOT NULL,
    co_hosts text[] DEFAULT '{}'::text[] NOT NULL,
    stage jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT shows_chat_check CHECK (((jsonb_typeof(chat) = 'object'::text) AND (octet_length((chat)::text) <= 65536))),
    CONSTRAINT shows_co_hosts_check CHECK ((cardinality(co_hosts) <= 10)),
    CONSTRAINT shows_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT shows_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT shows_description_check CHECK ((char_length(description) <= 2000)),
    CONSTRAINT shows_host_check CHECK ((host ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT shows_host_name_check CHECK (((char_length(host_name) >= 1) AND (char_length(host_name) <= 60))),
    CONSTRAINT shows_id_check CHECK ((id ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT shows_picture_check CHECK ((char_length(picture) <= 500)),
    CONSTRAINT shows_scheduled_ts_check CHECK ((scheduled_ts > 0)),
    CONSTRAINT shows_stage_check CHECK (((jsonb_typeof(stage) = 'array'::text) AND (octet_length((stage)::text) <= 16384))),
    CONSTRAINT shows_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'live'::text, 'ended'::text]))),
    CONSTRAINT shows_times_fit_the_status CHECK ((((status = 'scheduled'::text) = (started_ts IS NULL)) AND ((status = 'ended'::text) = (ended_ts IS NOT NULL)) AND (ended_ts >= started_ts))),
    CONSTRAINT shows_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 100)))
);

COMMENT ON COLUMN public.shows.requires_card IS 'who bids or buys here has saved a card before';

CREATE TABLE public.stage_tracks (
    show text NOT NULL,
    track text NOT NULL,
    room text NOT NULL,
    session text NOT NULL,
    person text NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    since_ts bigint NOT NULL,
    CONSTRAINT stage_tracks_name_check CHECK ((char_length(name) <= 60)),
    CONSTRAINT stage_tracks_person_check CHECK ((person ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT stage_tracks_room_check CHECK ((char_length(room) <= 120)),
    CONSTRAINT stage_tracks_session_check CHECK ((char_length(session) <= 120)),
    CONSTRAINT stage_tracks_since_ts_check CHECK ((since_ts > 0)),
    CONSTRAINT stage_tracks_source_check CHECK ((source = ANY (ARRAY['camera'::text, 'microphone'::text, 'screen'::text, 'other'::text]))),
    CONSTRAINT stage_tracks_track_check CHECK (((char_length(track) >= 1) AND (char_length(track) <= 120)))
);

COMMENT ON COLUMN public.stage_tracks.room IS 'one life of the room at the video server';

COMMENT ON COLUMN public.stage_tracks.session IS 'one connection of the person to it';

CREATE TABLE public.stray_payments (
    id text NOT NULL,
    order_id text NOT NULL,
    payment text NOT NULL,
    charge text NOT NULL,
    amount bigint NOT NULL,
    currency character(3) NOT NULL,
    reason text NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_ts bigint NOT NULL,
    settled_ts bigint,
    CONSTRAINT stray_payments_amount_check CHECK ((amount > 0)),
    CONSTRAINT stray_payments_charge_check CHECK (((char_length(charge) >= 1) AND (char_length(charge) <= 120))),
    CONSTRAINT stray_payments_created_ts_check CHECK ((created_ts > 0)),
    CONSTRAINT stray_payments_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT stray_payments_error_check CHECK ((char_length(error) <= 500)),
    CONSTRAINT stray_payments_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT stray_payments_payment_check CHECK ((char_length(payment) <= 120)),
    CONSTRAINT stray_payments_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 80))),
    CONSTRAINT stray_payments_reference_check CHECK ((char_length(reference) <= 120)),
    CONSTRAINT stray_payments_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'succeeded'::text, 'failed'::text])))
);

CREATE TABLE public.throttles (
    key text NOT NULL,
    full_us bigint NOT NULL,
    CONSTRAINT throttles_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 100)))
);

CREATE TABLE public.transfers (
    id text NOT NULL,
    kind text NOT NULL,
    seller text NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    order_id text NOT NULL,
    charge text NOT NULL,
    currency character(3) NOT NULL,
    amount bigint NOT NULL,
    key text NOT NULL,
    of text,
    status text DEFAULT 'requested'::text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_ts bigint NOT NULL,
    settled_ts bigint,
    CONSTRAINT transfers_amount_check CHECK ((amount > 0)),
    CONSTRAINT transfers_charge_check CHECK (((char_length(charge) >= 1) AND (char_length(charge) <= 120))),
    CONSTRAINT transfers_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT transfers_error_check CHECK ((char_length(error) <= 500)),
    CONSTRAINT transfers_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT transfers_key_check CHECK ((char_length(key) <= 200)),
    CONSTRAINT transfers_kind_check CHECK ((kind = ANY (ARRAY['transfer'::text, 'reversal'::text]))),
    CONSTRAINT transfers_reference_check CHECK ((char_length(reference) <= 120)),
    CONSTRAINT transfers_reverse_a_transfer CHECK (((kind = 'reversal'::text) = (of IS NOT NULL))),
    CONSTRAINT transfers_seller_check CHECK ((seller ~ '^[A-Za-z0-9_.:@-]{1,40}$'::text)),
    CONSTRAINT transfers_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'done'::text, 'failed'::text])))
);

CREATE TABLE public.unplaced_sales (
    origin text NOT NULL,
    show text NOT NULL,
    sale jsonb NOT NULL,
    error text NOT NULL,
    ts bigint NOT NULL,
    CONSTRAINT unplaced_sales_error_check CHECK ((char_length(error) <= 1000)),
    CONSTRAINT unplaced_sales_origin_check CHECK (((char_length(origin) >= 1) AND (char_length(origin) <= 160))),
    CONSTRAINT unplaced_sales_ts_check CHECK ((ts > 0))
);

CREATE TABLE public.variants (
    id text NOT NULL,
    product text NOT NULL,
    "position" smallint NOT NULL,
    sku text NOT NULL,
    color text NOT NULL,
    size text NOT NULL,
    stock integer NOT NULL,
    price bigint NOT NULL,
    CONSTRAINT variants_color_check CHECK ((char_length(color) <= 40)),
    CONSTRAINT variants_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 40))),
    CONSTRAINT variants_position_check CHECK ((("position" >= 1) AND ("position" <= 100))),
    CONSTRAINT variants_price_check CHECK (((price >= 0) AND (price <= '1000000000000'::bigint))),
    CONSTRAINT variants_size_check CHECK ((char_length(size) <= 40)),
    CONSTRAINT variants_sku_check CHECK (((char_length(sku) >= 1) AND (char_length(sku) <= 64))),
    CONSTRAINT variants_stock_check CHECK (((stock >= 0) AND (stock <= 1000000)))
);

ALTER TABLE ONLY public.pgqueuer ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_id_seq'::regclass);

ALTER TABLE ONLY public.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_schedules_id_seq'::regclass);

ALTER TABLE ONLY public.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_statistics_id_seq'::regclass);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_email_is_unique UNIQUE (email_key);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_name_is_unique UNIQUE (name_key);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.addresses
    ADD CONSTRAINT addresses_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.allotment_sales
    ADD CONSTRAINT allotment_sales_pkey PRIMARY KEY (show, object);

ALTER TABLE ONLY public.allotments
    ADD CONSTRAINT allotments_pkey PRIMARY KEY (show, variant);

ALTER TABLE ONLY public.cart_coupons
    ADD CONSTRAINT cart_coupons_pkey PRIMARY KEY (cart, seller);

ALTER TABLE ONLY public.cart_items
    ADD CONSTRAINT cart_items_once_for_each_variant UNIQUE (cart, variant);

ALTER TABLE ONLY public.cart_items
    ADD CONSTRAINT cart_items_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.cart_left_out
    ADD CONSTRAINT cart_left_out_pkey PRIMARY KEY (cart, variant);

ALTER TABLE ONLY public.carts
    ADD CONSTRAINT carts_one_for_each_owner UNIQUE (owner);

ALTER TABLE ONLY public.carts
    ADD CONSTRAINT carts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.commission_rates
    ADD CONSTRAINT commission_rates_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.coupon_uses
    ADD CONSTRAINT coupon_uses_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY public.coupons
    ADD CONSTRAINT coupons_code_is_unique UNIQUE (seller, code);

ALTER TABLE ONLY public.coupons
    ADD CONSTRAINT coupons_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.credit_notes
    ADD CONSTRAINT credit_notes_are_counted UNIQUE (seller, number);

ALTER TABLE ONLY public.credit_notes
    ADD CONSTRAINT credit_notes_pkey PRIMARY KEY (refund);

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_are_one_person UNIQUE (provider, customer);

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (person, provider);

ALTER TABLE ONLY public.difference_notes
    ADD CONSTRAINT difference_notes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.facts
    ADD CONSTRAINT facts_pkey PRIMARY KEY (show, seq, idx);

ALTER TABLE ONLY public.http_idempotency
    ADD CONSTRAINT http_idempotency_pkey PRIMARY KEY (owner, key);

ALTER TABLE ONLY public.inventory_events
    ADD CONSTRAINT inventory_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invoice_issuers
    ADD CONSTRAINT invoice_issuers_pkey PRIMARY KEY (seller);

ALTER TABLE ONLY public.invoices
    ADD CONSTRAINT invoices_are_counted UNIQUE (seller, number);

ALTER TABLE ONLY public.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY public.ledger_balances
    ADD CONSTRAINT ledger_balances_pkey PRIMARY KEY (account, owner, currency);

ALTER TABLE ONLY public.ledger_journals
    ADD CONSTRAINT ledger_journals_once UNIQUE (kind, object);

ALTER TABLE ONLY public.ledger_journals
    ADD CONSTRAINT ledger_journals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_postings
    ADD CONSTRAINT ledger_postings_pkey PRIMARY KEY (journal, "position");

ALTER TABLE ONLY public.livekit_events
    ADD CONSTRAINT livekit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.log_entries
    ADD CONSTRAINT log_entries_pkey PRIMARY KEY (show, last);

ALTER TABLE ONLY public.log_entries
    ADD CONSTRAINT log_entries_show_first_key UNIQUE (show, first);

ALTER TABLE ONLY public.log_holders
    ADD CONSTRAINT log_holders_pkey PRIMARY KEY (show, node);

ALTER TABLE ONLY public.lots
    ADD CONSTRAINT lots_pkey PRIMARY KEY (show, id);

ALTER TABLE ONLY public.mail_tokens
    ADD CONSTRAINT mail_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.moderators
    ADD CONSTRAINT moderators_pkey PRIMARY KEY (show, person);

ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.order_events
    ADD CONSTRAINT order_events_pkey PRIMARY KEY (order_id, id);

ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_pkey PRIMARY KEY (order_id, "position");

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_number_key UNIQUE (number);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_once_for_each_origin UNIQUE (origin);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_by_key UNIQUE (key);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_pkey PRIMARY KEY (order_id, attempt);

ALTER TABLE ONLY public.payout_accounts
    ADD CONSTRAINT payout_accounts_of_one_seller UNIQUE (provider, account);

ALTER TABLE ONLY public.payout_accounts
    ADD CONSTRAINT payout_accounts_pkey PRIMARY KEY (seller, provider);

ALTER TABLE ONLY public.payouts
    ADD CONSTRAINT payouts_once_for_each_key UNIQUE (seller, period, counter);

ALTER TABLE ONLY public.payouts
    ADD CONSTRAINT payouts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.provider_events
    ADD CONSTRAINT provider_events_pkey PRIMARY KEY (provider, id);

ALTER TABLE ONLY public.queued_lots
    ADD CONSTRAINT queued_lots_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.queued_lots
    ADD CONSTRAINT queued_lots_position_is_unique UNIQUE (show, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.reconciliations
    ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.refund_calls
    ADD CONSTRAINT refund_calls_pkey PRIMARY KEY (refund);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reminders
    ADD CONSTRAINT reminders_pkey PRIMARY KEY (show, person);

ALTER TABLE ONLY public.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (holder, variant);

ALTER TABLE ONLY public.room_snapshots
    ADD CONSTRAINT room_snapshots_pkey PRIMARY KEY (show, seq);

ALTER TABLE ONLY public.sandbox_keys
    ADD CONSTRAINT sandbox_keys_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.sandbox_objects
    ADD CONSTRAINT sandbox_objects_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.saved_cards
    ADD CONSTRAINT saved_cards_pkey PRIMARY KEY (person, provider);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_is_unique UNIQUE (token_hash);

ALTER TABLE ONLY public.shipping_methods
    ADD CONSTRAINT shipping_methods_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.show_goods
    ADD CONSTRAINT show_goods_pkey PRIMARY KEY (show, object, variant);

ALTER TABLE ONLY public.show_logs
    ADD CONSTRAINT show_logs_pkey PRIMARY KEY (show);

ALTER TABLE ONLY public.shows
    ADD CONSTRAINT shows_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stage_tracks
    ADD CONSTRAINT stage_tracks_pkey PRIMARY KEY (show, track);

ALTER TABLE ONLY public.stray_payments
    ADD CONSTRAINT stray_payments_once UNIQUE (charge);

ALTER TABLE ONLY public.stray_payments
    ADD CONSTRAINT stray_payments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.throttles
    ADD CONSTRAINT throttles_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_once_for_each_key UNIQUE (key);

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.unplaced_sales
    ADD CONSTRAINT unplaced_sales_pkey PRIMARY KEY (origin);

ALTER TABLE ONLY public.variants
    ADD CONSTRAINT variants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.variants
    ADD CONSTRAINT variants_position_is_unique UNIQUE (product, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.variants
    ADD CONSTRAINT variants_sku_is_unique UNIQUE (product, sku) DEFERRABLE INITIALLY DEFERRED;

CREATE INDEX addresses_of_person ON public.addresses USING btree (person, id);

CREATE UNIQUE INDEX addresses_one_usual ON public.addresses USING btree (person) WHERE usual;

CREATE INDEX cart_items_of_product ON public.cart_items USING btree (product);

CREATE INDEX carts_by_age ON public.carts USING btree (touched_ts);

CREATE INDEX commission_rates_newest ON public.commission_rates USING btree (seller, category, id DESC);

CREATE INDEX coupon_uses_of_coupon ON public.coupon_uses USING btree (coupon, person);

CREATE INDEX credit_notes_of_order ON public.credit_notes USING btree (order_id, number);

CREATE INDEX difference_notes_newest ON public.difference_notes USING btree (difference, id DESC);

CREATE INDEX disputes_of_order ON public.disputes USING btree (order_id);

CREATE INDEX http_idempotency_by_age ON public.http_idempotency USING btree (created_ts);

CREATE INDEX inventory_events_of_variant ON public.inventory_events USING btree (variant, id);

CREATE INDEX jobs_dead ON public.pgqueuer USING btree (id) WHERE (status = 'failed'::public.pgqueuer_status);

CREATE INDEX jobs_due ON public.pgqueuer USING btree (execute_after) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX ledger_journals_by_time ON public.ledger_journals USING btree (ts);

CREATE INDEX ledger_journals_of_order ON public.ledger_journals USING btree (order_id, id) WHERE (order_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_journals_reversed_once ON public.ledger_journals USING btree (reverses) WHERE (reverses IS NOT NULL);

CREATE INDEX ledger_postings_of_account ON public.ledger_postings USING btree (account, owner, journal);

CREATE INDEX ledger_postings_of_sellers ON public.ledger_postings USING btree (owner, currency, journal) INCLUDE (amount) WHERE (account = ANY (ARRAY['seller_payable'::text, 'seller_receivable'::text]));

CREATE INDEX livekit_events_old ON public.livekit_events USING btree (received_ts);

CREATE INDEX livekit_events_over ON public.livekit_events USING btree (show, subject) WHERE (subject <> ''::text);

CREATE INDEX log_holders_asked ON public.log_holders USING btree (node) WHERE (asked AND (NOT yielded));

CREATE INDEX lots_of_show ON public.lots USING btree (show, opened_ts, id);

CREATE INDEX lots_of_winner ON public.lots USING btree (winner, closed_ts) WHERE (status = 'sold'::text);

CREATE INDEX mail_tokens_by_expiry ON public.mail_tokens USING btree (expires_ts);

CREATE INDEX mail_tokens_of_account ON public.mail_tokens USING btree (account, purpose, created_ts);

CREATE INDEX order_lines_of_product ON public.order_lines USING btree (product) WHERE (product <> ''::text);

CREATE INDEX orders_defaulted ON public.orders USING btree (buyer, cancelled_ts) WHERE defaulted;

CREATE INDEX orders_of_buyer ON public.orders USING btree (buyer, number DESC);

CREATE UNIQUE INDEX orders_of_charge ON public.orders USING btree (charge) WHERE (charge <> ''::text);

CREATE INDEX orders_of_seller ON public.orders USING btree (seller, number DESC);

CREATE INDEX orders_of_seller_by_state ON public.orders USING btree (seller, state);

CREATE INDEX orders_of_show ON public.orders USING btree (show, number) WHERE (show <> ''::text);

CREATE INDEX orders_paid_of_seller ON public.orders USING btree (seller, paid_ts) WHERE (paid_ts IS NOT NULL);

CREATE INDEX orders_unpaid ON public.orders USING btree (buyer) WHERE (state = ANY (ARRAY['awaiting_payment'::text, 'payment_failed'::text, 'action_required'::text]));

CREATE UNIQUE INDEX payment_attempts_of_payment ON public.payment_attempts USING btree (payment) WHERE (payment <> ''::text);

CREATE UNIQUE INDEX payment_attempts_one_live ON public.payment_attempts USING btree (order_id) WHERE (state = ANY (ARRAY['asked'::text, 'needs_card'::text, 'needs_action'::text, 'processing'::text, 'failed'::text, 'succeeded'::text]));

CREATE UNIQUE INDEX payouts_by_reference ON public.payouts USING btree (account, reference) WHERE (reference <> ''::text);

CREATE INDEX payouts_of_seller ON public.payouts USING btree (seller, id DESC);

CREATE INDEX payouts_open ON public.payouts USING btree (created_ts) WHERE (status = ANY (ARRAY['requested'::text, 'in_transit'::text]));

CREATE INDEX pgqueuer_ep_ea_idx ON public.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON public.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON public.pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON public.pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON public.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON public.pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON public.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::public.pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON public.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::public.pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON public.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON public.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON public.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON public.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::public.pgqueuer_status, 'picked'::public.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON public.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::public.pgqueuer_status);

CREATE INDEX products_by_words ON public.products USING gin (search);

CREATE INDEX products_of_category ON public.products USING btree (category, id) WHERE (NOT archived);

CREATE INDEX products_of_seller ON public.products USING btree (seller, id);

CREATE INDEX provider_events_by_age ON public.provider_events USING btree (received_ts);

CREATE INDEX queued_lots_of_product ON public.queued_lots USING btree (product);

CREATE INDEX queued_lots_opened ON public.queued_lots USING btree (show, opened_ts, id) WHERE (status = 'opened'::text);

CREATE UNIQUE INDEX refunds_by_reference ON public.refunds USING btree (reference) WHERE (reference <> ''::text);

CREATE INDEX refunds_of_order ON public.refunds USING btree (order_id, id);

CREATE INDEX reminders_of_person ON public.reminders USING btree (person, created_ts);

CREATE INDEX reservations_to_expire ON public.reservations USING btree (until_ts) WHERE (state = 'held'::text);

CREATE INDEX sandbox_objects_about ON public.sandbox_objects USING btree (kind, about);

CREATE INDEX sandbox_transactions ON public.sandbox_objects USING btree (created_ts, id) WHERE (kind = 'transaction'::text);

CREATE INDEX sessions_by_expiry ON public.sessions USING btree (expires_ts);

CREATE INDEX sessions_of_account ON public.sessions USING btree (account, created_ts);

CREATE INDEX shipping_methods_of_seller ON public.shipping_methods USING btree (seller, id);

CREATE INDEX show_goods_opening ON public.show_goods USING btree (show, product) WHERE (state = 'opening'::text);

CREATE INDEX shows_in_list_order ON public.shows USING btree (list_rank, list_key, id);

CREATE INDEX shows_of_host ON public.shows USING btree (host, id);

CREATE INDEX stray_payments_of_order ON public.stray_payments USING btree (order_id);

CREATE INDEX throttles_by_time ON public.throttles USING btree (full_us);

CREATE UNIQUE INDEX transfers_by_reference ON public.transfers USING btree (kind, reference) WHERE (reference <> ''::text);

CREATE INDEX transfers_of_order ON public.transfers USING btree (order_id);

CREATE INDEX transfers_of_seller ON public.transfers USING btree (seller, currency, id);

CREATE INDEX transfers_open ON public.transfers USING btree (created_ts) WHERE (status = 'requested'::text);

CREATE INDEX transfers_reversed ON public.transfers USING btree (of) WHERE (of IS NOT NULL);

CREATE TRIGGER inventory_events_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON public.inventory_events FOR EACH STATEMENT EXECUTE FUNCTION public.inventory_is_append_only();

CREATE TRIGGER inventory_moves_stock AFTER INSERT ON public.inventory_events FOR EACH ROW EXECUTE FUNCTION public.inventory_moves_stock();

CREATE CONSTRAINT TRIGGER ledger_journals_balance AFTER INSERT ON public.ledger_journals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.ledger_check_balanced();

CREATE TRIGGER ledger_journals_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_journals FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_append_only();

CREATE TRIGGER ledger_keep_balance AFTER INSERT ON public.ledger_postings FOR EACH ROW EXECUTE FUNCTION public.ledger_keep_balance();

CREATE CONSTRAINT TRIGGER ledger_postings_balance AFTER INSERT ON public.ledger_postings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.ledger_check_balanced();

CREATE TRIGGER ledger_postings_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_postings FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_append_only();

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();

ALTER TABLE ONLY public.allotment_sales
    ADD CONSTRAINT allotment_sales_show_variant_fkey FOREIGN KEY (show, variant) REFERENCES public.allotments(show, variant);

ALTER TABLE ONLY public.cart_coupons
    ADD CONSTRAINT cart_coupons_cart_fkey FOREIGN KEY (cart) REFERENCES public.carts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.cart_items
    ADD CONSTRAINT cart_items_cart_fkey FOREIGN KEY (cart) REFERENCES public.carts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.cart_items
    ADD CONSTRAINT cart_items_product_fkey FOREIGN KEY (product) REFERENCES public.products(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.cart_left_out
    ADD CONSTRAINT cart_left_out_cart_fkey FOREIGN KEY (cart) REFERENCES public.carts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.coupon_uses
    ADD CONSTRAINT coupon_uses_coupon_fkey FOREIGN KEY (coupon) REFERENCES public.coupons(id);

ALTER TABLE ONLY public.coupon_uses
    ADD CONSTRAINT coupon_uses_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.credit_notes
    ADD CONSTRAINT credit_notes_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.credit_notes
    ADD CONSTRAINT credit_notes_refund_fkey FOREIGN KEY (refund) REFERENCES public.refunds(id);

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.invoices
    ADD CONSTRAINT invoices_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.ledger_journals
    ADD CONSTRAINT ledger_journals_reverses_fkey FOREIGN KEY (reverses) REFERENCES public.ledger_journals(id);

ALTER TABLE ONLY public.ledger_postings
    ADD CONSTRAINT ledger_postings_journal_fkey FOREIGN KEY (journal) REFERENCES public.ledger_journals(id);

ALTER TABLE ONLY public.livekit_events
    ADD CONSTRAINT livekit_events_show_fkey FOREIGN KEY (show) REFERENCES public.shows(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.log_entries
    ADD CONSTRAINT log_entries_show_fkey FOREIGN KEY (show) REFERENCES public.show_logs(show);

ALTER TABLE ONLY public.mail_tokens
    ADD CONSTRAINT mail_tokens_account_fkey FOREIGN KEY (account) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.moderators
    ADD CONSTRAINT moderators_show_fkey FOREIGN KEY (show) REFERENCES public.shows(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.order_events
    ADD CONSTRAINT order_events_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.order_lines
    ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.payment_attempts
    ADD CONSTRAINT payment_attempts_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_category_fkey FOREIGN KEY (category) REFERENCES public.categories(id);

ALTER TABLE ONLY public.queued_lots
    ADD CONSTRAINT queued_lots_product_fkey FOREIGN KEY (product) REFERENCES public.products(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.queued_lots
    ADD CONSTRAINT queued_lots_show_fkey FOREIGN KEY (show) REFERENCES public.shows(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.reminders
    ADD CONSTRAINT reminders_show_fkey FOREIGN KEY (show) REFERENCES public.shows(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.room_snapshots
    ADD CONSTRAINT room_snapshots_show_fkey FOREIGN KEY (show) REFERENCES public.show_logs(show);

ALTER TABLE ONLY public.saved_cards
    ADD CONSTRAINT saved_cards_person_provider_fkey FOREIGN KEY (person, provider) REFERENCES public.customers(person, provider);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_account_fkey FOREIGN KEY (account) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.stage_tracks
    ADD CONSTRAINT stage_tracks_show_fkey FOREIGN KEY (show) REFERENCES public.shows(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.stray_payments
    ADD CONSTRAINT stray_payments_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_of_fkey FOREIGN KEY (of) REFERENCES public.transfers(id);

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.variants
    ADD CONSTRAINT variants_product_fkey FOREIGN KEY (product) REFERENCES public.products(id) ON DELETE CASCADE;
