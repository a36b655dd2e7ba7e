"""Stock: what is on hand of each variant, what is held for somebody, what a show has taken along.

All of it are events that are only ever added; it knows no product, no price and no person.
"""
