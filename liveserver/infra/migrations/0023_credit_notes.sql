-- Credit notes: what a refund takes off an invoice, on a paper with a number of its own, counted for each seller without gaps.

ALTER TABLE invoice_issuers ADD COLUMN last_credit bigint NOT NULL DEFAULT 0 CHECK (last_credit >= 0);
COMMENT ON COLUMN invoice_issuers.last_credit IS 'of the credit note issued last; whoever issues the next one holds this row';

CREATE TABLE credit_notes (
    refund    text   PRIMARY KEY REFERENCES refunds,
    order_id  text   NOT NULL REFERENCES orders,
    seller    text   NOT NULL,
    number    bigint NOT NULL CHECK (number > 0),
    issued_ts bigint NOT NULL,
    -- As it was that day.
    issuer    jsonb  NOT NULL CHECK (octet_length(issuer::text) <= 4096),
    CONSTRAINT credit_notes_are_counted UNIQUE (seller, number)
);
CREATE INDEX credit_notes_of_order ON credit_notes (order_id, number);

-- Those of refunds that were sent before there were credit notes, in the order in which they were.
INSERT INTO credit_notes (refund, order_id, seller, number, issued_ts, issuer)
SELECT r.id, r.order_id, i.seller, row_number() OVER (PARTITION BY i.seller ORDER BY r.settled_ts, r.id),
    greatest(r.settled_ts, i.issued_ts), i.issuer
FROM refunds r JOIN invoices i ON i.order_id = r.order_id WHERE r.status = 'succeeded';
UPDATE invoice_issuers s SET last_credit = c.last
FROM (SELECT seller, max(number) AS last FROM credit_notes GROUP BY seller) c WHERE c.seller = s.seller;
