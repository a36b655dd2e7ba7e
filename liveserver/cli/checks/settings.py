"""Checks of the settings themselves: are they known, are they valid, are they safe where the server listens."""

from urllib.parse import urlsplit

from liveserver.cli.checks.model import Finding, Findings, Site, fail, ok, warn
from liveserver.config.settings import is_loopback

SECRET_CHARACTERS_MIN = 16
"""A metrics token shorter than this can be guessed over the network."""


async def known(site: Site) -> Findings:
    """Wrong values and names that no setting has."""
    loaded = site.loaded
    found = [
        fail(line, "Correct it; `liveserver config --docs` shows what each takes.") for line in loaded.wrong
    ]
    for stray in loaded.unknown:
        mend = f"Rename it to {stray.meant}." if stray.meant else "Remove it; `liveserver config` lists all."
        found.append(fail(str(stray), mend))
    changed = sum(source.kind != "default" for source in loaded.sources.values())
    return found or ok(f"{len(loaded.sources)} settings, {changed} of them set")


async def safe(site: Site) -> Findings:
    """What is allowed but should be known: open to the network without TLS, limits lifted, weak tokens."""
    settings = site.loaded.settings
    found: list[Finding] = []
    if not is_loopback(settings.host) and not settings.secure:
        found.append(
            warn(
                f"the server listens on {settings.host} and its public address is not https: passwords travel in the clear",
                "Put a TLS proxy before it and set LIVESERVER_PUBLIC_URL=https://…",
            )
        )
    if settings.secure and not settings.trusted_proxies:
        found.append(
            warn(
                "the public address is https, so a proxy stands before the server, but none is trusted: "
                "every visitor seems to come from the proxy's address and shares its rate limits",
                "Set LIVESERVER_TRUSTED_PROXIES to the proxy's address",
            )
        )
    if settings.unlimited:
        found.append(warn("rate limits are lifted", "Unset LIVESERVER_UNLIMITED outside load tests"))
    if settings.metrics_token and len(settings.metrics_token) < SECRET_CHARACTERS_MIN:
        found.append(
            warn(
                f"the metrics token has less than {SECRET_CHARACTERS_MIN} characters",
                "Set LIVESERVER_METRICS_TOKEN to a random one",
            )
        )
    for origin in (*settings.origins, *settings.frame_ancestors):
        parts = urlsplit(origin)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            found.append(
                warn(
                    f"{origin} is trusted but unencrypted: whoever sits between may act as it",
                    f"Use https://{parts.netloc}",
                )
            )
    return found or ok("nothing to worry about")
