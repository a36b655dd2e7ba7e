"""Words that every package shares: ids, money, clocks, limits, errors. No I/O, and no import of ours."""
