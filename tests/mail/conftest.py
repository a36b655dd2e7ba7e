"""A real SMTP server in this process, as a provider's: with TLS, sign-in, and refusals when told."""

import asyncio
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Provider:
    """Takes mails and keeps them; `refuses` says what it answers instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.signed_in: list[str] = []
        self.refuses: dict[str, str] = {}
        self.port = 0
        self.tls = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: Any
    ) -> str:
        if "rcpt" in self.refuses:
            return self.refuses["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if "data" in self.refuses:
            return self.refuses["data"]
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.encrypted.append(self.tls or session.ssl is not None)
        return "250 taken"

    def check(
        self, server: SMTP, session: SmtpSession, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (b"shop", b"p@ss word")
        if right:
            self.signed_in.append(data.login.decode())
        return AuthResult(success=right, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context, and a client's that trusts it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = Path(folder) / "cert.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=str(path))
    return server, client


Serve = Callable[..., Awaitable[Provider]]


@pytest.fixture
async def serve(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Serve]:
    """Starts a provider: `tls` from the start, `starttls` on demand, `auth` required."""
    servers: list[asyncio.Server] = []

    async def start(*, tls: bool = False, starttls: bool = False, auth: bool = False) -> Provider:
        provider = Provider()
        provider.tls = tls

        def protocol() -> SMTP:
            with warnings.catch_warnings():
                # It does not see that the connection is encrypted from the start, and warns.
                warnings.simplefilter("ignore", UserWarning)
                return speaker()

        def speaker() -> SMTP:
            return SMTP(
                provider,
                hostname="localhost",
                tls_context=certificate[0] if starttls else None,
                require_starttls=starttls,
                authenticator=provider.check if auth else None,
                auth_required=auth,
                auth_require_tls=not tls,
                loop=asyncio.get_running_loop(),
            )

        server = await asyncio.get_running_loop().create_server(
            protocol, "localhost", 0, ssl=certificate[0] if tls else None
        )
        servers.append(server)
        provider.port = server.sockets[0].getsockname()[1]
        return provider

    yield start
    for server in servers:
        server.close()
