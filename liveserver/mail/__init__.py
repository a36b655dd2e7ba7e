"""Mails: their words, the outbox that belongs to a transaction, templates, and sending."""
