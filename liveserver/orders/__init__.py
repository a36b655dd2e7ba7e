"""Orders: what was bought, in which state it is, and every change of it together with its money, stock and history.

It asks no payment provider anything and knows no HTTP: checkout does, and tells it what came of it.
"""
