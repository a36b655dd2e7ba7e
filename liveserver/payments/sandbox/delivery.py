"""Delivers the test provider's events: signed, to the same inbox as a real provider's."""

from liveserver.jobs.worker import Work
from liveserver.payments.inbox import Inbox
from liveserver.payments.sandbox.books import TellJob
from liveserver.payments.sandbox.provider import Sandbox


def works(sandbox: Sandbox, inbox: Inbox) -> list[Work]:
    """For the worker."""

    async def tell(job: TellJob) -> None:
        refused = await inbox.receive(*sandbox.signed(job.event))
        assert refused is None, "the test provider signs what it sends"

    return [Work("sandbox.tell", TellJob, tell)]
