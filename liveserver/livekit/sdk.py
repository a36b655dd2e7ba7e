"""The only place that knows LiveKit's library: tokens as it makes them, and messages as it verifies and reads them.

It decides nothing: who may do what comes from `rules`, what a message means for the stage is `stage`'s. Importing it takes a
tenth of a server's start, so `service` does that only where there are keys.
"""

import datetime as dt
from typing import Any

import jwt
import msgspec
from livekit.api import AccessToken, TokenVerifier, VideoGrants, WebhookReceiver
from livekit.protocol.models import TrackSource
from livekit.protocol.webhook import WebhookEvent

from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ID_LENGTH_MAX, ShowId, UserId
from liveserver.livekit.errors import BAD_EVENT, NOT_SIGNED
from liveserver.livekit.model import Happening, Keys, Kind, Pass
from liveserver.shows.model import Source

PUBLISHED = ("camera", "microphone", "screen_share", "screen_share_audio")
"""What people on stage may send (https://docs.livekit.io/home/get-started/authentication/, canPublishSources)."""
SKEW_S = 60
"""How far the LiveKit server's clock may be from ours; its own verifiers allow as much."""
AHEAD_S = 86_400
"""A message signed for longer than this is refused: `stage.KEPT_MS` remembers messages longer than any signature is good."""
FIELD_MAX = 120
"""LiveKit's ids have some 20 characters."""
NAME_MAX = 60
TOKEN_LENGTH_MAX = 4_096

_KINDS: dict[str, Kind] = {
    "track_published": "published",
    "track_unpublished": "unpublished",
    "participant_left": "left",
    "participant_connection_aborted": "left",
    "room_finished": "finished",
}
_SOURCES: dict[int, Source] = {
    TrackSource.CAMERA: "camera",
    TrackSource.MICROPHONE: "microphone",
    TrackSource.SCREEN_SHARE: "screen",
    TrackSource.SCREEN_SHARE_AUDIO: "screen",
}


def sign(keys: Keys, of: Pass, ttl_s: int) -> tuple[str, int]:
    """The token, and its end in Unix ms. Data and metadata stay ours: chat and bids go through the show's log alone."""
    grants = VideoGrants(
        room_join=True,
        room=of.room,
        can_subscribe=True,
        can_publish=of.publish,
        can_publish_sources=list(PUBLISHED) if of.publish else None,
        can_publish_data=False,
        can_update_own_metadata=False,
    )
    token = (
        AccessToken(keys.key, keys.secret)
        .with_identity(of.identity)
        .with_name(of.name)
        .with_metadata(msgspec.json.encode({"role": of.role}).decode())
        .with_ttl(dt.timedelta(seconds=ttl_s))
        .with_grants(grants)
        .to_jwt()
    )
    return token, int(_claims(token)["exp"]) * 1000


def read(keys: Keys, body: bytes, authorization: str, now_ms: int) -> Happening | Rejected:
    """The message, if the LiveKit server signed exactly this body lately: `bad_signature`, `bad_event`."""
    token = authorization.removeprefix("Bearer ").strip()
    if not token or len(token) > TOKEN_LENGTH_MAX:
        return NOT_SIGNED
    receiver = WebhookReceiver(TokenVerifier(keys.key, keys.secret, leeway=dt.timedelta(seconds=SKEW_S)))
    try:
        event = receiver.receive(body.decode(), token)
        ends_s = int(_claims(token)["exp"])
    except Exception:  # noqa: BLE001  # the library says "not signed" in plain Exceptions besides those of its parsers
        return NOT_SIGNED
    if ends_s * 1000 > now_ms + (AHEAD_S + SKEW_S) * 1000:
        return NOT_SIGNED
    return _happening(event, now_ms)


def _claims(token: str) -> dict[str, Any]:
    """What a token says that was made or verified just now."""
    return jwt.decode(token, options={"verify_signature": False})


def _happening(event: WebhookEvent, now_ms: int) -> Happening | Rejected:
    person, track = event.participant, event.track
    named = (event.id, event.event, event.room.name, event.room.sid, person.sid, person.identity, track.sid)
    if not event.id or not event.event or any(len(text) > FIELD_MAX or "\0" in text for text in named):
        return BAD_EVENT
    seen = person.HasField("permission")
    return Happening(
        id=event.id,
        kind=_KINDS.get(event.event, "other"),
        named=event.event[:ID_LENGTH_MAX],
        show=ShowId(event.room.name),
        # A clock that is ahead must not put anybody on stage in the future.
        ts=min(event.created_at * 1000, now_ms) or now_ms,
        room=event.room.sid,
        session=person.sid,
        person=UserId(person.identity),
        name=person.name[:NAME_MAX].replace("\0", ""),
        track=track.sid,
        source=_SOURCES.get(track.source, "other"),
        publisher=person.is_publisher or not seen or person.permission.can_publish,
    )
