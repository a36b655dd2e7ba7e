"""Work that is done later, or again until it succeeds: enqueued in the transaction that it follows from, on PostgreSQL."""
