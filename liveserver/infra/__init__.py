"""What the server stands on: embedded engines, the database pool and migrations, Redis connections.

It knows no domain: no table but `schema_migrations`, no key, no rule.
"""
