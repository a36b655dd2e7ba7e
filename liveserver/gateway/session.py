"""Who is behind each connection: hello, sign-out within a second, tokens that expire, rights that change.

Who a token belongs to is the accounts' business; what a person may do in a show is decided in `fanout` and `routing`.
"""

from collections.abc import Iterable
from typing import Any

from liveserver.accounts.model import NO_SESSION, Identity, guest
from liveserver.gateway import closecodes
from liveserver.gateway.connection import Connection
from liveserver.gateway.limits import Limits
from liveserver.gateway.ports import People
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import SessionId, UserId, new_id

ALIVE_BATCH_MAX = 5_000
"""Sessions asked about in one query of the recheck."""


class Sessions:
    """Connections by session and by user; guests are in neither."""

    def __init__(self, people: People, limits: Limits, clock: Clock) -> None:
        self._people = people
        self._limits = limits
        self._clock = clock
        self._by_session: dict[SessionId, dict[Connection, None]] = {}
        self._by_user: dict[str, dict[Connection, str]] = {}
        """With the token, so that changed rights can be looked up again."""
        self.stale: dict[str, None] = {}
        """Users whose rights have changed and were not looked up yet."""
        people.on_ended(self._ended)
        people.on_changed(self._changed)

    def enter_as_guest(self, connection: Connection, message_id: str, client: str) -> None:
        """A hello without a token."""
        self._welcome(connection, message_id, client, guest(), "")

    async def sign_in(self, connection: Connection, message_id: str, client: str, token: str) -> None:
        """A hello with a token. A wrong one is answered with an error; the client may try another."""
        identity = await self._people.identify(token)
        if not connection.live:
            return
        if isinstance(identity, Rejected):
            connection.bad(message_id, identity)
        else:
            self._welcome(connection, message_id, client, identity, token)

    def _welcome(
        self, connection: Connection, message_id: str, client: str, identity: Identity, token: str
    ) -> None:
        if identity.session != NO_SESSION:
            self._by_session.setdefault(identity.session, {})[connection] = None
        if token:
            self._by_user.setdefault(identity.id, {})[connection] = token
        connection.welcome(identity, client)
        connection.ok(message_id or "hello", self._told(identity))

    def _told(self, identity: Identity) -> dict[str, Any]:
        return {
            "session": new_id("ws"),
            "user": {
                "id": identity.id,
                "name": identity.name,
                "role": identity.role,
                "verified": identity.verified,
            },
            "server_now": self._clock.now_ms(),
            "heartbeat_ms": self._limits.heartbeat_ms,
            "reconnect_window_ms": self._limits.reconnect_window_ms,
            "limits": self._limits.told(),
        }

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        identity = connection.identity
        if identity is None:
            return
        _discard(self._by_session, identity.session, connection)
        _discard(self._by_user, identity.id, connection)

    def _ended(self, session: SessionId) -> None:
        for connection in tuple(self._by_session.get(session, ())):
            connection.close(closecodes.SIGNED_OUT)

    def _changed(self, user: UserId) -> None:
        if user in self._by_user:
            self.stale[user] = None

    def of_user(self, user: str) -> Iterable[Connection]:
        """The connections that somebody who signed in has here."""
        return self._by_user.get(user, {})

    async def recheck(self) -> None:
        """Closes connections whose session has ended, should the news of it have been lost (faults.md, 7.4.1)."""
        sessions = list(self._by_session)
        for at in range(0, len(sessions), ALIVE_BATCH_MAX):
            part = sessions[at : at + ALIVE_BATCH_MAX]
            alive = frozenset(await self._people.alive(part))
            for session in part:
                if session not in alive:
                    self._ended(session)

    async def reassess(self) -> None:
        """Looks up people whose rights have changed and decides anew what they are in their rooms."""
        while self.stale:
            user, _ = self.stale.popitem()
            for connection, token in tuple(self._by_user.get(user, {}).items()):
                identity = await self._people.identify(token)
                if not connection.live:
                    continue
                if isinstance(identity, Rejected):
                    connection.close(closecodes.SIGNED_OUT)
                else:
                    connection.identity = identity
                    for member in tuple(connection.rooms.values()):
                        member.room.reassess(connection)


def _discard(groups: dict[Any, dict[Connection, Any]], key: Any, connection: Connection) -> None:
    group = groups.get(key)
    if group is not None:
        group.pop(connection, None)
        if not group:
            del groups[key]
