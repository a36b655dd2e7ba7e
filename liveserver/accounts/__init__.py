"""People: accounts, sign-ins, sessions, roles, and tokens of an embedding app.

It knows no show: what somebody is *in a show* is said by `liveserver.shows.rules.role_in`.
"""
