"""Makes a message of a mail and has it handed over; the job `mail.send`.

A mail can be sent twice, when the process ends between handing over and noting it: both have the same Message-ID, by which mail
programs see that they are one. It decides nothing about who is written to.
"""

import re
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses

import structlog

from liveserver.jobs.worker import Hopeless, Work
from liveserver.kernel.clock import Clock
from liveserver.mail.letters import compose
from liveserver.mail.model import Mail, MailJob
from liveserver.mail.post import Post

TRIES_MAX = 24
"""Half a day: as long as a mail server may be away for a weekend night."""
MESSAGE_BYTES_MAX = 65_536
"""Ours have some 8 KB; more would be a mistake of ours."""
_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,64}@[^\s@\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,253}")

log = structlog.get_logger(__name__)


class Mailer:
    """Sends mails under one name. `origin` is the server's public address."""

    def __init__(self, post: Post, clock: Clock, *, origin: str, sender: str) -> None:
        """Raises ValueError when `sender` is no address (`liveserver <shop@example.com>`)."""
        self._post = post
        self._clock = clock
        self._origin = origin
        self._sender = sender_of(sender)

    async def deliver(self, mail: Mail, id: str) -> None:
        """Hands it over, once. Raises Hopeless when it can never be delivered, and the post's errors when it may be later."""
        message = self._message(mail, id)
        await self._post.hand_over(message)
        log.info("mail_sent", mail=id, template=mail.template)

    def _message(self, mail: Mail, id: str) -> EmailMessage:
        if not _ADDRESS.fullmatch(mail.to):
            raise Hopeless("this is no e-mail address")
        letter = compose(mail, self._origin)
        message = EmailMessage(policy=policy.SMTP)
        try:
            message["From"] = self._sender
            message["To"] = Address(addr_spec=ascii_domain(mail.to))
            message["Subject"] = letter.subject
            message["Date"] = formatdate(self._clock.now_ms() // 1000)
            message["Message-ID"] = f"<{id}@{self._sender.domain}>"
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5: no out-of-office notes, please
        except (MessageError, ValueError, IndexError) as error:
            raise Hopeless(f"this mail has a header that can't be sent: {error}") from error
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        assert len(message.as_bytes()) <= MESSAGE_BYTES_MAX, "what goes into a letter is bounded"
        return message


def sender_of(text: str) -> Address:
    """`liveserver <shop@example.com>` or `shop@example.com` as an address. Raises ValueError."""
    found = getaddresses([text])
    name, spec = found[0] if len(found) == 1 else ("", "")
    if not text.isprintable() or not _ADDRESS.fullmatch(spec):
        raise ValueError("must be an e-mail address, such as liveserver <shop@example.com>")
    try:
        return Address(display_name=name, addr_spec=ascii_domain(spec))
    except (MessageError, IndexError) as error:
        raise ValueError("must be an e-mail address, such as liveserver <shop@example.com>") from error


def ascii_domain(spec: str) -> str:
    """The address with its domain as the domain name system knows it (RFC 5891); the part before the @ stays as it is."""
    local, _, domain = spec.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return spec


def works(mailer: Mailer) -> list[Work]:
    """For the worker."""

    async def send(job: MailJob) -> None:
        await mailer.deliver(job.mail, job.id)

    return [Work("mail.send", MailJob, send, tries_max=TRIES_MAX)]
