"""Checks of the settings for LiveKit. It does not ask that server: browsers do, often on another network than ours."""

import re
from urllib.parse import urlsplit

from liveserver.cli.checks.model import Finding, Findings, Site, fail, ok, warn
from liveserver.config.settings import is_loopback

SECRET_CHARACTERS_MIN = 32
"""As LiveKit itself demands; RFC 7518, 3.2, says the same of HS256."""
_KEY = re.compile(r"[!-~]{3,120}")


async def named(site: Site) -> Findings:
    """Whether address, key and secret are all there and look like what they are."""
    settings = site.loaded.settings
    given = {
        "LIVESERVER_LIVEKIT_URL": settings.livekit_url,
        "LIVESERVER_LIVEKIT_API_KEY": settings.livekit_api_key,
        "LIVESERVER_LIVEKIT_API_SECRET": settings.livekit_api_secret,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return ok("no LiveKit server is named, so shows have no video")
    found: list[Finding] = []
    if missing:
        found.append(fail(f"video is off: {' and '.join(missing)} not set", "Set all three, or none"))
    found += _address(settings.livekit_url, https=settings.secure) if settings.livekit_url else []
    if settings.livekit_api_key and not _KEY.fullmatch(settings.livekit_api_key):
        found.append(
            fail(
                "LIVESERVER_LIVEKIT_API_KEY is no key of LiveKit's",
                "Copy one from its configuration (keys:), without quotes",
            )
        )
    if settings.livekit_api_secret and len(settings.livekit_api_secret) < SECRET_CHARACTERS_MIN:
        found.append(
            warn(
                f"LIVESERVER_LIVEKIT_API_SECRET has less than {SECRET_CHARACTERS_MIN} characters and could be guessed",
                "Make a new pair with: livekit-server generate-keys",
            )
        )
    return found or ok(f"video comes from {settings.livekit_url}")


def _address(url: str, *, https: bool) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        return [
            fail(f"LIVESERVER_LIVEKIT_URL is {url}, which no browser can open", "Write wss://and-its-host")
        ]
    if parts.scheme in ("wss", "https"):
        return []
    if https:
        return [
            fail(
                f"pages come over https, from which browsers open no {parts.scheme}:// address",
                f"Put TLS before LiveKit and write wss://{parts.netloc}",
            )
        ]
    if is_loopback(parts.hostname):
        return []
    return [
        warn(
            "people's tokens travel to LiveKit in the clear",
            f"Put TLS before it and write wss://{parts.netloc}",
        )
    ]
