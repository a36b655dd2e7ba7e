"""Auctions of a show: lots, their clocks, bids and what they come to, decided by the room alone.

It takes no money and makes no order: what a sale leads to is decided from its facts. `feature` is the way in.
"""
