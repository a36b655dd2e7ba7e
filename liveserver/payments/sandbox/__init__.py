"""The built-in test provider: a payment provider that keeps books and moves no money, so that a shop sells without keys."""
