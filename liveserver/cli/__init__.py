"""The command line: where all parts are put together, and what an operator can ask and do. Nothing imports it."""
