"""Money out: sellers' balances, their accounts at the payment provider, what goes there and on to their banks, and the nightly
comparison of our books with the provider's.

It decides nothing about orders: what is released or given back is posted by them, and this package follows the ledger.
"""
