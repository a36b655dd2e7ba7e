"""From a cart or a won lot to exactly one payment: attempts that survive crashes, winners' charges, refunds, expiry.

It prices nothing (cart), holds no order's rules (orders) and speaks to no provider but through the port (payments).
"""
