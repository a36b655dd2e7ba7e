"""Products that sellers offer: what they are, what they cost, how they are found.

It moves no stock and sells nothing; it is the record that shows, carts and orders refer to.
"""
