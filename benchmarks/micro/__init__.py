"""What single operations of the server cost: each alone, beside doing nothing, without network or engines.

`python -m benchmarks.micro` prints the table; tests/costs counts the same operations' instructions against their budgets. How
fast the server is as a whole, and beside others, is not asked here: that is `python -m benchmarks`.
"""
