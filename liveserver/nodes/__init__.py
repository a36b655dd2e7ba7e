"""The registry of living server processes, in PostgreSQL: who they are, what they can decide, how they do.

It elects nobody and decides nothing: shows have no owner. Operators look at it, and the log's recovery asks the living.
"""
