-- Which server processes live, and which of them hold a show's room: who is asked before a lost log is rebuilt.

CREATE TABLE nodes (
    id          text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('serving', 'recorder')),
    release     text NOT NULL,
    python      text NOT NULL,
    origin      text NOT NULL,
    log_version integer NOT NULL,
    kinds       text[] NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    heard_at    timestamptz NOT NULL DEFAULT now(),
    draining    boolean NOT NULL DEFAULT false,
    numbers     jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN nodes.kinds IS 'commands that this process can decide: nothing is appended that a living one cannot';

-- No foreign keys: a row must be writable before and removable after its node's and its show's.
CREATE TABLE log_holders (
    show    text NOT NULL,
    node    text NOT NULL,
    asked   boolean NOT NULL DEFAULT false,
    yielded boolean NOT NULL DEFAULT false,
    PRIMARY KEY (show, node)
);
CREATE INDEX log_holders_asked ON log_holders (node) WHERE asked AND NOT yielded;
COMMENT ON COLUMN log_holders.asked IS 'somebody wants to open the log again and waits for this node';
COMMENT ON COLUMN log_holders.yielded IS 'all that the node had is recorded, and it acknowledges nothing until it has resumed';
