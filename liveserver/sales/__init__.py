"""From a show's record to orders: what rooms sold is ordered, who may bid is judged by what they owe, changes are told.

It takes no payment and decides no sale: the room has decided, checkout charges.
"""
