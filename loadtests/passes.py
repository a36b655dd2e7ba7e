"""By what people of the load are let in: tokens signed with the server's own secret, or tokens that were given.

Secrets come from the environment only: a command line can be read by everybody on the machine. Nothing is kept in a file.
"""

import os
import time
from collections.abc import Mapping

import jwt
import msgspec

SECRET = "LIVESERVER_JWT_SECRET"
HOST_TOKEN = "LIVESERVER_LOAD_HOST_TOKEN"
TOKENS = "LIVESERVER_LOAD_TOKENS"
VALID_S = 24 * 3600
"""Longer than any load."""
HOST_SUBJECT = "load-host"


class NoPass(Exception):
    """Somebody who has to sign in has nothing to do it with; the message names the cure."""


class Passes(msgspec.Struct, frozen=True):
    """`secret` signs everybody in; `tokens` are those of real accounts, used one each."""

    secret: str = ""
    host_token: str = ""
    tokens: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Passes":
        given = environment.get(TOKENS, "").split()
        return cls(environment.get(SECRET, ""), environment.get(HOST_TOKEN, ""), tuple(given))

    def host(self) -> str:
        """Whoever opens the lots. Signed by us it is an operator (`admin`), who may host every show."""
        if self.host_token:
            return self.host_token
        if not self.secret:
            raise NoPass(f"To host, set {SECRET} (the server's own) or {HOST_TOKEN} (a host's session).")
        return self._signed(HOST_SUBJECT, "The host", "admin")

    def person(self, process: str, number: int) -> str:
        """The `number`th person of a load process, counted from 0."""
        if self.secret:
            return self._signed(f"load-{process}-{number}", f"Load {number}", "viewer")
        if number < len(self.tokens):
            return self.tokens[number]
        raise NoPass(f"{len(self.tokens)} tokens are not enough: set {SECRET}, or more of them in {TOKENS}.")

    def _signed(self, subject: str, name: str, role: str) -> str:
        claims = {"sub": subject, "name": name, "role": role, "exp": int(time.time()) + VALID_S}
        return jwt.encode(claims, self.secret, "HS256")
