"""Stripe behind the port, through its official SDK."""
