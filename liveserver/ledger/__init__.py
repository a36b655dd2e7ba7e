"""Double-entry bookkeeping: every cent that a sale moves, in balanced journals that are only ever added to.

It knows orders, sellers and the payment provider's objects by their ids alone; when something is posted is the orders' affair.
"""
