-- What makes a shop's figures and a seller's statement cheap: how many units an order has, kept with it, and a seller's lines by journal.

ALTER TABLE orders ADD COLUMN units integer CHECK (units > 0);
COMMENT ON COLUMN orders.units IS 'of all its lines, which never change; null: placed by a release that did not keep it';
UPDATE orders o SET units = (SELECT sum(l.quantity) FROM order_lines l WHERE l.order_id = o.id);

CREATE INDEX ledger_postings_of_sellers ON ledger_postings (owner, currency, journal) INCLUDE (amount)
    WHERE account IN ('seller_payable', 'seller_receivable');
