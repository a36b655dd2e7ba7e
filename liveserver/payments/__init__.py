"""Payments: the port that every payment provider stands behind, its adapters, saved cards, and the inbox of their events."""
