"""What a key of Stripe's tells by itself. It knows nothing of the SDK, which servers without a key never load."""


def moves_no_money(secret_key: str) -> bool:
    """Whether it is one of Stripe's test keys (`sk_test_…`, `rk_test_…`)."""
    return "_test_" in secret_key
