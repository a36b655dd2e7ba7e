-- Every statement of payments.

-- name: customer_of
-- The provider's customer of a person.
SELECT customer FROM customers WHERE person = $1 AND provider = $2;

-- name: person_of
-- Whose customer it is.
SELECT person FROM customers WHERE provider = $1 AND customer = $2;

-- name: add_customer
-- A person's customer at the provider; the first one stays.
INSERT INTO customers (person, provider, customer, created_ts) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: put_card
-- The card that a person pays with off session from now on, unless they have saved another since.
INSERT INTO saved_cards (person, provider, card, customer, brand, last4, exp_month, exp_year, saved_ts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (person, provider) DO UPDATE SET card = excluded.card, customer = excluded.customer, brand = excluded.brand,
    last4 = excluded.last4, exp_month = excluded.exp_month, exp_year = excluded.exp_year, saved_ts = excluded.saved_ts
WHERE saved_cards.saved_ts <= excluded.saved_ts;

-- name: card_of
-- A person's saved card.
SELECT card AS id, customer, brand, last4, exp_month, exp_year FROM saved_cards WHERE person = $1 AND provider = $2;

-- name: drop_card
-- Forgets a card.
DELETE FROM saved_cards WHERE person = $1 AND provider = $2 RETURNING card;

-- name: drop_that_card
-- Forgets a card, if it is this one.
DELETE FROM saved_cards WHERE person = $1 AND provider = $2 AND card = $3 RETURNING card;

-- name: tell_card
-- Who judges bidders hears that somebody's card is another.
SELECT pg_notify('cards', $1);

-- name: add_event
-- What the provider told, unless it was told before.
INSERT INTO provider_events (provider, id, type, object, account, created_ts, received_ts) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING RETURNING id;

-- name: find_event
-- An event that was told.
SELECT id, type, object, account, created_ts, applied_ts FROM provider_events WHERE provider = $1 AND id = $2;

-- name: lock_event
-- The same, held still: whoever applies it is alone.
SELECT applied_ts FROM provider_events WHERE provider = $1 AND id = $2 FOR UPDATE;

-- name: applied
-- It has had its effect.
UPDATE provider_events SET applied_ts = $3 WHERE provider = $1 AND id = $2;

-- name: drop_events
-- Forgets applied events that are too old to be delivered again.
DELETE FROM provider_events WHERE (provider, id) IN (
    SELECT provider, id FROM provider_events WHERE received_ts < $1 AND applied_ts IS NOT NULL LIMIT $2);

-- name: sandbox_claim
-- Takes an idempotency key for a call.
INSERT INTO sandbox_keys (key, request, created_ts) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING key;

-- name: sandbox_answer
-- What was answered under a key.
SELECT request, answer FROM sandbox_keys WHERE key = $1;

-- name: sandbox_keep
-- Keeps the answer under its key.
UPDATE sandbox_keys SET answer = $2 WHERE key = $1;

-- name: sandbox_add
-- A new object.
INSERT INTO sandbox_objects (id, kind, about, doc, created_ts) VALUES ($1, $2, $3, $4, $5);

-- name: sandbox_put
-- Changes an object.
UPDATE sandbox_objects SET doc = $2 WHERE id = $1;

-- name: sandbox_get
-- An object.
SELECT doc FROM sandbox_objects WHERE kind = $1 AND id = $2;

-- name: sandbox_lock
-- An object, held still.
SELECT doc FROM sandbox_objects WHERE kind = $1 AND id = $2 FOR UPDATE;

-- name: sandbox_about
-- Objects of a kind that are about something, the oldest first.
SELECT doc FROM sandbox_objects WHERE kind = $1 AND about = $2 ORDER BY created_ts, id LIMIT 1000;

-- name: sandbox_transactions
-- Lines of the books from a time to a time, behind a line.
SELECT created_ts, id, doc FROM sandbox_objects WHERE kind = 'transaction' AND created_ts >= $1 AND created_ts < $2 AND (created_ts, id) > ($3, $4)
ORDER BY created_ts, id LIMIT $5;
