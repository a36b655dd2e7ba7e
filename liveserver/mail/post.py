"""Hands messages over: to an SMTP server, or to the log where none is set. What can't be delivered ever is `Hopeless`.

It tries once; the job that calls it tries again. It reads no template and keeps nothing.
"""

import ssl
from email.message import EmailMessage
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec
import structlog

from liveserver.jobs.worker import Hopeless

ANSWER_MAX_S = 20.0
"""Longest wait for each of the server's answers (RFC 5321, 4.5.3.2 would wait minutes; a job comes back later instead)."""
SUBMISSION_PORT, SUBMISSIONS_PORT, RELAY_PORT = 587, 465, 25
"""RFC 8314, 3.3 and RFC 6409, 3.1: submission with TLS from the start, with STARTTLS, and plain relaying."""

log = structlog.get_logger(__name__)

Encryption = Literal["tls", "starttls", "offered"]


class Post(Protocol):
    """Takes messages."""

    async def hand_over(self, message: EmailMessage) -> None:
        """Once. Raises Hopeless when this message can never be delivered; anything else may be better later."""
        ...


class SmtpAddress(msgspec.Struct, frozen=True):
    """Where mails go, out of a URL."""

    host: str
    port: int
    encryption: Encryption
    """`offered`: STARTTLS if the server has it, its certificate unchecked, as mail servers do among each other (RFC 7435)."""
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"SmtpAddress({self.host}:{self.port}, {self.encryption})"


_SCHEMES: dict[str, tuple[Encryption, int]] = {
    "smtps": ("tls", SUBMISSIONS_PORT),
    "smtp+starttls": ("starttls", SUBMISSION_PORT),
    "smtp": ("offered", RELAY_PORT),
}


def smtp_address(url: str) -> SmtpAddress:
    """Reads `smtps://user:password@host:465`, `smtp+starttls://user:password@host:587` or `smtp://host:25`. Raises ValueError.

    A password is never sent unencrypted, nor to a server that proves nothing: with one, `smtp://` means STARTTLS with a checked
    certificate, except to this machine itself.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("must be smtps://…, smtp+starttls://… or smtp://…, with a host")
    encryption, port = _SCHEMES[parts.scheme]
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.username and encryption == "offered" and not local:
        encryption, port = "starttls", SUBMISSION_PORT
    return SmtpAddress(
        host=parts.hostname,
        port=parts.port or port,
        encryption=encryption,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class Smtp:
    """A connection for each message: mails are few, and servers close those that are idle."""

    def __init__(self, address: SmtpAddress, tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._tls = tls
        """Other trusted certificates than the system's, for tests."""

    async def hand_over(self, message: EmailMessage) -> None:
        address = self._address
        checked = address.encryption != "offered"
        try:
            await aiosmtplib.send(
                message,
                hostname=address.host,
                port=address.port,
                username=address.user or None,
                password=address.password or None,
                use_tls=address.encryption == "tls",
                start_tls={"tls": False, "starttls": True, "offered": None}[address.encryption],
                tls_context=self._tls if checked else None,
                validate_certs=checked,
                timeout=ANSWER_MAX_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            # There is one recipient.
            if all(_for_ever(each.code) for each in refused.recipients):
                raise Hopeless(f"the address was refused: {_said(refused.recipients[0])}") from None
            raise
        except aiosmtplib.SMTPDataError as refused:
            if _for_ever(refused.code):
                raise Hopeless(f"the message was refused: {_said(refused)}") from None
            raise
        # Any other 5xx (login, sender, size of the server's patience) is about our settings, not about this mail: it is tried
        # again, and an operator who mends them loses none.


def _for_ever(code: int) -> bool:
    """RFC 5321, 4.2.1: 5yz is a permanent negative reply."""
    return 500 <= code < 600


def _said(refused: aiosmtplib.SMTPResponseException) -> str:
    return f"{refused.code} {' '.join(refused.message.split())[:200]}"


class Printed:
    """Puts mails into the log instead of sending them: for trying out, so that a newcomer finds the links."""

    async def hand_over(self, message: EmailMessage) -> None:
        text = message.get_body(("plain",))
        assert text is not None, "every message of ours has a text"
        log.info(
            "mail_printed", to=str(message["To"]), subject=str(message["Subject"]), text=text.get_content()
        )
