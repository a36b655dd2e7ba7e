"""What somebody means to buy, where it goes, and what all of it costs.

A cart holds no stock and promises no price: both are looked at again when it is ordered (`quotes`), and the order takes the stock.
"""
