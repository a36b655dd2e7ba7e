-- Which variant of its product a lot in the queue is; null: the first that is in stock.

-- No foreign key: a variant that its seller drops is said when a piece of it is asked for.
ALTER TABLE queued_lots ADD COLUMN variant text CHECK (char_length(variant) BETWEEN 1 AND 40);
