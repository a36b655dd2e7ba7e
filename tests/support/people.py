"""People for tests of accounts: who registered, who signed in, and what a refusal was."""

from collections.abc import Awaitable, Callable

from liveserver.accounts.model import Account, Session
from liveserver.accounts.service import Accounts
from liveserver.kernel.errors import Rejected

NewAccounts = Callable[..., Awaitable[Accounts]]
PASSWORD = "blue harvest 7"
IP = "192.0.2.7"


async def registered(accounts: Accounts, name: str = "Ana") -> Account:
    account = await accounts.register(name, f"{name.replace(' ', '.')}@example.com", PASSWORD)
    assert isinstance(account, Account), account
    return account


async def signed_in(
    accounts: Accounts, name: str = "Ana", ip: str = IP, password: str = PASSWORD
) -> tuple[Session, str]:
    signed = await accounts.sign_in(f"{name.replace(' ', '.')}@example.com", password, ip)
    assert not isinstance(signed, Rejected), signed
    return signed


def code(answer: object) -> str:
    return answer.code if isinstance(answer, Rejected) else "accepted"
