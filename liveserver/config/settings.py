"""Which settings there are: one flat frozen object, declared in sections so that a part can ask for its own section only.

Names in the environment are made of the field's name: `port` is `LIVESERVER_PORT`. A limit of 0 on a rate means none.
What the settings mean together (`checked`) is said here as well; where values come from is not (`load`).
"""

import dataclasses
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from liveserver.config.fields import Setting, declared, setting
from liveserver.config.selling import (
    CartSettings,
    LiveKitSettings,
    MailSettings,
    PaymentSettings,
    SalesSettings,
)

_FIXED = re.compile(r"[A-Z]{3}=[0-9]{1,7}")

JWT_SECRET_BYTES_MIN = 32
"""RFC 7518, 3.2: a key for HS256 has at least the size of the hash output."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Server: where it listens, where it keeps its data, how it speaks to the operator."""

    host: str = setting(
        "127.0.0.1", "Address to listen on; 0.0.0.0 or :: for all, best behind a proxy that does TLS."
    )
    port: int = setting(
        8080, "The one port of pages, API and WebSocket; 0 lets the system choose.", low=0, high=65535
    )
    workers: int = setting(1, "Server processes sharing the port, one node each.", low=1, high=64)
    recorder: str = setting(
        "process",
        "Who writes shows to PostgreSQL: a process of its own beside those that serve, or these themselves (inside).",
        choices=("process", "inside"),
    )
    unrecorded_max: int = setting(
        500_000,
        "Commands of a show that may wait for PostgreSQL, at about 1 KB of memory each; then new ones are refused as unavailable.",
        unit="commands",
        low=1_000,
        high=10_000_000,
    )
    public_url: str = setting(
        "", "Address under which people reach the server; empty: http:// with host and port.", form="origin"
    )
    data_dir: str = setting(
        "",
        "Folder of the server's own PostgreSQL and Valkey and its files; empty: /var/lib/liveserver for root, else the user's data folder.",
    )
    database_url: str = setting(
        "", "An existing PostgreSQL (postgresql://…); empty: the server starts its own.", form="url"
    )
    redis_url: str = setting(
        "",
        "An existing Redis or Valkey (redis://… or unix://…), or members of a cluster (redis://a:6379,b:6379); empty: the server starts its own.",
        form="url",
    )
    redis_replicas: int = setting(
        0,
        "Replicas of each Redis primary that must have a bid on disk before it is acknowledged; while one is away, bids wait.",
        unit="replicas",
        low=0,
        high=5,
    )
    database_pool_max: int = setting(10, "Connections to PostgreSQL per process.", low=2, high=200)
    statement_timeout_ms: int = setting(
        10_000, "Longest a database statement may run.", unit="ms", low=100, high=600_000
    )
    stop_grace_ms: int = setting(
        10_000,
        "Longest that stopping may take: sending viewers elsewhere, bidders last, and finishing open work.",
        unit="ms",
        low=0,
        high=300_000,
    )
    drain_notice_ms: int = setting(
        1_000,
        "Time between /readyz failing and the first viewer sent elsewhere, so that load balancers notice; 0 for none.",
        unit="ms",
        low=0,
        high=120_000,
    )
    drain_spread_ms: int = setting(
        5_000,
        "Time over which a stopping node sends its viewers elsewhere, one after the other; 0: all at once.",
        unit="ms",
        low=0,
        high=300_000,
    )
    log_level: str = setting(
        "info", "Least important message that is logged.", choices=("debug", "info", "warning", "error")
    )
    log_format: str = setting(
        "auto", "auto: for people on a terminal, JSON lines otherwise.", choices=("auto", "console", "json")
    )
    tracing_endpoint: str = setting(
        "",
        "Where OpenTelemetry traces go (OTLP over HTTP, http://collector:4318/v1/traces); empty: none. Wants the extra liveserver[tracing].",
        form="url",
    )
    tracing_percent: int = setting(
        10, "Share of requests and batches that are traced.", unit="%", low=0, high=100
    )
    unlimited: bool = setting(False, "Lifts rate limits for load tests; only accepted on a loopback address.")


@dataclass(frozen=True, kw_only=True)
class TrustSettings:
    """Trust: whom the server believes."""

    origins: tuple[str, ...] = setting(
        (), "Web origins besides the server's own that may open the WebSocket.", form="origin"
    )
    frame_ancestors: tuple[str, ...] = setting(
        (), "Web origins that may embed the show page in a frame.", form="origin"
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "Addresses or networks whose X-Forwarded-For is believed.", form="proxy"
    )
    metrics_token: str = setting("", "Bearer token for /metrics; empty: loopback only.", secret=True)
    jwt_secret: str = setting(
        "", "HS256 secret of the embedding app's tokens; empty: none are accepted.", secret=True
    )
    jwt_audience: str = setting("", "Required `aud` of such tokens; empty: not checked.")


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """Gateway: limits and times of the WebSocket edge."""

    connections_max: int = setting(
        20_000, "WebSocket connections per process; more are told to come back later.", low=1, high=1_000_000
    )
    joins_per_s: float = setting(4_000, "Room joins a second per process.", unit="1/s", low=0, rate=True)
    rooms_per_connection_max: int = setting(8, "Rooms one connection may be in.", low=1, high=1_000)
    frame_bytes_max: int = setting(
        16_384, "Largest message taken from a client.", unit="bytes", low=1_024, high=1_048_576
    )
    fragments_max: int = setting(16, "Fragments one message may come in.", low=1, high=1_000)
    frames_per_s: float = setting(
        100,
        "Frames a second per connection, control frames included; the burst is twice that.",
        unit="1/s",
        low=0,
        rate=True,
    )
    unsent_bytes_max: int = setting(
        1_048_576,
        "Bytes kept for a client that reads slowly; then it has to reconnect and resume.",
        unit="bytes",
        low=65_536,
        high=268_435_456,
    )
    header_deadline_ms: int = setting(
        5_000, "Time for an HTTP request's header to arrive.", unit="ms", low=100, high=120_000
    )
    hello_deadline_ms: int = setting(
        10_000, "Time for a new connection's hello to arrive.", unit="ms", low=100, high=120_000
    )
    message_deadline_ms: int = setting(
        5_000, "Time for an incomplete message to be completed.", unit="ms", low=100, high=120_000
    )
    heartbeat_ms: int = setting(
        20_000,
        "Time between pings; a client silent for two and a half of them is gone.",
        unit="ms",
        low=100,
        high=300_000,
    )
    flush_interval_ms: int = setting(
        25,
        "Longest that ordered events wait to be sent together in a busy room.",
        unit="ms",
        low=0,
        high=1_000,
    )
    state_interval_ms: int = setting(
        250, "Time between updates of viewer counts and reactions.", unit="ms", low=10, high=10_000
    )
    recheck_ms: int = setting(
        30_000,
        "Time after which a connection's session is checked again, should a sign-out go unheard.",
        unit="ms",
        low=1_000,
        high=300_000,
    )
    reconnect_window_ms: int = setting(
        120_000, "How long after a loss a client may expect to resume.", unit="ms", low=1_000, high=3_600_000
    )
    reconnect_spread_ms: int = setting(
        5_000, "Time over which clients spread their reconnects.", unit="ms", low=0, high=300_000
    )
    bids_per_s: float = setting(
        5, "Bids a second per connection, and per person in a show.", unit="1/s", low=0, rate=True
    )
    bids_burst: int = setting(
        10, "Bids a connection may send at once; a person in a show twice that.", low=1, high=1_000_000
    )
    chats_per_s: float = setting(
        1, "Chat messages a second per connection, and per person in a show.", unit="1/s", low=0, rate=True
    )
    chats_burst: int = setting(
        5,
        "Chat messages a connection may send at once; a person in a show twice that.",
        low=1,
        high=1_000_000,
    )
    reactions_per_s: float = setting(5, "Reactions a second per connection.", unit="1/s", low=0, rate=True)
    reactions_burst: int = setting(15, "Reactions a connection may send at once.", low=1, high=1_000_000)
    host_commands_per_s: float = setting(
        20, "Host's and moderators' commands a second per connection.", unit="1/s", low=0, rate=True
    )
    host_commands_burst: int = setting(
        40, "Host's and moderators' commands a connection may send at once.", low=1, high=1_000_000
    )
    chat_characters_max: int = setting(500, "Longest chat message.", unit="characters", low=1, high=2_000)


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """Accounts: sessions, passwords and how often one may try."""

    session_days: int = setting(30, "Days that a sign-in lasts.", unit="days", low=1, high=365)
    session_days_max: int = setting(
        180, "Days after which even a used sign-in ends.", unit="days", low=1, high=3_650
    )
    password_length_min: int = setting(10, "Shortest password accepted.", unit="characters", low=8, high=64)
    password_memory_kib: int = setting(
        65_536, "Memory of one Argon2 hash.", unit="KiB", low=8_192, high=1_048_576
    )
    sign_ins_per_account_per_min: float = setting(
        10, "Failed sign-ins a minute per account.", unit="1/min", low=0, rate=True
    )
    sign_ins_per_address_per_min: float = setting(
        30, "Sign-ins a minute per client address.", unit="1/min", low=0, rate=True
    )
    bid_requires_approval: bool = setting(
        False, "New accounts may bid only once a host or admin approved them."
    )
    hosts_may_register: bool = setting(
        False, "Whoever registers may choose to run shows; off, an admin makes people hosts."
    )
    account_mails_per_hour: float = setting(
        5,
        "Mails an hour to one address for a new password or to confirm it.",
        unit="1/h",
        low=0,
        rate=True,
    )
    account_mails_per_address_per_hour: float = setting(
        20, "Such mails an hour asked for from one client address.", unit="1/h", low=0, rate=True
    )
    registrations_per_address_per_hour: float = setting(
        30, "New accounts an hour per client address.", unit="1/h", low=0, rate=True
    )


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """HTTP: limits of pages and API."""

    body_bytes_max: int = setting(
        1_048_576, "Largest request body, after inflation.", unit="bytes", low=1_024, high=268_435_456
    )
    requests_per_s: float = setting(
        50,
        "Requests a second per client address; the burst is four times that.",
        unit="1/s",
        low=0,
        rate=True,
    )
    checkout_tries_per_min: float = setting(
        20,
        "Times a minute one person may begin to pay or to save a card; an address has ten times as many.",
        unit="1/min",
        low=0,
        rate=True,
    )
    coupon_tries_per_min: float = setting(
        10,
        "Coupon codes a minute one person may try; an address has ten times as many.",
        unit="1/min",
        low=0,
        rate=True,
    )
    video_tokens_per_min: float = setting(
        30,
        "Tokens for video a minute one person may get; an address has ten times as many.",
        unit="1/min",
        low=0,
        rate=True,
    )
    page_items_max: int = setting(100, "Most items in one page of a list.", low=1, high=1_000)


@dataclass(frozen=True, kw_only=True)
class AuctionSettings:
    """Auction: defaults that a lot pins when it opens."""

    hammer_ms: int = setting(
        700, "How long a lot stays closing for late packets before its result.", unit="ms", low=0, high=10_000
    )
    call_interval_ms: int = setting(
        3_000, "Least time between going once, going twice and sold.", unit="ms", low=0, high=60_000
    )
    confirm_multiple: int = setting(
        10,
        "A bid above this many times the minimum asks to be confirmed; 0 never asks.",
        low=0,
        high=1_000_000,
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings(
    ServerSettings,
    TrustSettings,
    GatewaySettings,
    AccountSettings,
    HttpSettings,
    AuctionSettings,
    PaymentSettings,
    CartSettings,
    SalesSettings,
    MailSettings,
    LiveKitSettings,
):
    """Every setting of the server. Make one with `load`; tests may call it with what they want different."""

    def __repr__(self) -> str:
        # A secret must not reach a log through an innocent %r.
        shown = (f"{name}={about.show(getattr(self, name))}" for name, about in SETTINGS.items())
        return f"Settings({', '.join(shown)})"

    def origin(self, port: int | None = None) -> str:
        """The server's own web origin for people; `port` is the one really bound when the setting says 0."""
        return self.public_url or self.local_origin(port)

    def local_origin(self, port: int | None = None) -> str:
        """Where the server is reached on this machine, whatever stands before it."""
        return f"http://{_reachable(self.host)}:{self.port if port is None else port}"

    @property
    def secure(self) -> bool:
        """Whether people reach the server over https, so that cookies are marked Secure."""
        return urlsplit(self.public_url).scheme == "https"

    def without_rates(self) -> "Settings":
        """The same settings with every rate limit lifted (`--unlimited`); sizes and deadlines stay."""
        return dataclasses.replace(self, **{name: 0 for name, about in SETTINGS.items() if about.rate})


SECTIONS = (
    ServerSettings,
    TrustSettings,
    GatewaySettings,
    AccountSettings,
    HttpSettings,
    AuctionSettings,
    PaymentSettings,
    CartSettings,
    SalesSettings,
    MailSettings,
    LiveKitSettings,
)
SETTINGS: dict[str, Setting] = declared(Settings, SECTIONS)
"""Every setting by name, in the order of the sections."""


def _reachable(host: str) -> str:
    """How a browser on this machine writes the address: "all addresses" becomes the loopback one, IPv6 gets brackets."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return str(address) if address.version == 4 else f"[{address}]"


def is_loopback(host: str) -> bool:
    """Whether the address reaches this machine only. A name other than `localhost` is not resolved: no."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def checked(settings: Settings) -> list[str]:
    """What is wrong with the settings taken together, a line each with its cure; empty when all is well."""
    wrong: list[str] = []
    if settings.unlimited and not is_loopback(settings.host):
        wrong.append(
            f"unlimited lifts every rate limit and is only for load tests on this machine, but host is {settings.host}. "
            "Use --host 127.0.0.1, or leave --unlimited away."
        )
    if settings.jwt_secret and len(settings.jwt_secret.encode()) < JWT_SECRET_BYTES_MIN:
        wrong.append(
            f"LIVESERVER_JWT_SECRET has less than {JWT_SECRET_BYTES_MIN} bytes and could be guessed. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    wrong.extend(
        f"LIVESERVER_PROCESSING_FIXED_BY_CURRENCY has {entry!r}. Write a currency and minor units, such as JPY=40."
        for entry in settings.processing_fixed_by_currency
        if not _FIXED.fullmatch(entry)
    )
    if settings.workers > 1 and settings.port == 0:
        wrong.append("workers share one port, so port can't be 0 with more than one of them. Name a port.")
    return wrong
