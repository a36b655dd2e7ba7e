"""Addresses of Redis servers as settings and clusters write them. It connects to nothing."""

from urllib.parse import urlsplit, urlunsplit

DEFAULT_PORT = 6379


def each(url: str) -> list[str]:
    """The single addresses in one that may name several members of a cluster: redis://user:password@a:6379,b:6379."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("redis"):
        return [url]
    credentials, at, hosts = parts.netloc.rpartition("@")
    return [
        urlunsplit(parts._replace(netloc=f"{credentials}{at}{host.strip()}")) for host in hosts.split(",")
    ]


def place_of(url: str) -> str:
    """Host and port, or the socket's path, without what is secret."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORT}" if parts.hostname else parts.path


def without_database(url: str) -> str:
    """The same address without another database's number: a cluster has none, and would not even say so."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("redis") or parts.path in {"", "/", "/0"}:
        return url
    return urlunsplit(parts._replace(path=""))


def url_at(url: str, place: str) -> str:
    """The same address (scheme, user, password) at another host and port."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    host, _, port = place.rpartition(":")
    host = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{port}"))
