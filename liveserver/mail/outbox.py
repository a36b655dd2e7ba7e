"""Puts a mail into the outbox, inside the caller's transaction: a job sends it later, and again until it is taken."""

from liveserver.infra.database import Connection
from liveserver.jobs.queue import enqueue
from liveserver.kernel.ids import new_id
from liveserver.mail.model import Mail, MailJob


async def send(on: Connection, mail: Mail, *, once: str = "") -> None:
    """Has a mail sent once the transaction is committed. To nobody (people of an embedding app have no address): nothing is."""
    if mail.to:
        await enqueue(on, "mail.send", MailJob(mail, new_id("mail")), once=once)
