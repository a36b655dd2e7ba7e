"""What can be done with video: get a token for a show, and take in what the LiveKit server tells.

It asks nobody: tokens are signed here, and LiveKit sends its messages by itself. Whether somebody is banned is the room's to know, and
its caller's to ask.
"""

from importlib import import_module

from liveserver.accounts.model import Identity
from liveserver.config.settings import LiveKitSettings
from liveserver.infra.database import Pool
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.livekit import errors, stage
from liveserver.livekit.model import Keys, Pass, StageToken
from liveserver.shows.model import Show
from liveserver.shows.rules import may_publish, role_in


class LiveKit:
    """Tokens and messages of one LiveKit server."""

    def __init__(self, pool: Pool, clock: Clock, settings: LiveKitSettings) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._keys = Keys(settings.livekit_api_key, settings.livekit_api_secret)
        if self._has_keys:
            import_module("liveserver.livekit.sdk")  # now, and not while a show waits for its first token

    @property
    def configured(self) -> bool:
        """Whether there is a LiveKit server to make tokens for."""
        return bool(self._settings.livekit_url) and self._has_keys

    @property
    def _has_keys(self) -> bool:
        return bool(self._keys.key and self._keys.secret)

    def refusal(self, show: Show, who: Identity) -> Rejected | None:
        """What stands against a token, short of a ban: `livekit_not_configured`, `show_ended`, `sign_in_first`."""
        if not self.configured:
            return errors.NOT_CONFIGURED
        if show.status == "ended":
            return errors.SHOW_ENDED
        if who.role == "guest" and not self._settings.livekit_guests:
            return errors.SIGN_IN_FIRST
        return None

    def token(self, show: Show, who: Identity) -> StageToken | Rejected:
        """A token for this show and person, good for `livekit_token_minutes`. The host and co-hosts may publish camera, microphone and
        screen; everybody else only sees and hears. Refusals as `refusal` says."""
        refused = self.refusal(show, who)
        if refused is not None:
            return refused
        from liveserver.livekit.sdk import sign

        publish = may_publish(show, who)
        role = "co_host" if publish and who.id != show.host else role_in(show, who)
        of = Pass(show.id, who.id, who.name, role, publish)
        token, expires_ts = sign(self._keys, of, self._settings.livekit_token_minutes * 60)
        return StageToken(self._settings.livekit_url, token, expires_ts, publish)

    async def receive(self, body: bytes, authorization: str) -> Rejected | None:
        """Takes in a message of the LiveKit server, once: `livekit_not_configured`, `bad_signature`, `bad_event`. None also for one that
        is known already, or about somebody else's room."""
        if not self._has_keys:
            return errors.NOT_CONFIGURED
        from liveserver.livekit.sdk import read

        now_ms = self._clock.now_ms()
        told = read(self._keys, body, authorization, now_ms)
        if isinstance(told, Rejected):
            return told
        await stage.take(self._pool, told, now_ms)
        return None
