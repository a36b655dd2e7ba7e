"""Orders as HTTP shows and moves them: whose they are, exports, figures, papers.

What may happen to an order is decided in `liveserver.orders`; here stands who may ask for it.
"""
