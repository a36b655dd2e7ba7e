"""What must always be so in our own books, looked at again as a whole: the database guards each change, this finds what went around
it. It changes nothing.
"""

from liveserver.infra.database import Connection, Pool
from liveserver.inventory import store as inventory
from liveserver.ledger import store as ledger
from liveserver.payouts.store import Q

FACTS_MAX = 100
"""Of each kind that are told."""


async def unsound_facts(on: Pool | Connection) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    found = [
        f"the books in {currency} are off by {sum(accounts.values())}"
        for currency, accounts in (await ledger.trial_balance(on)).items()
        if sum(accounts.values())
    ]
    found += (await ledger.balances_apart(on))[:FACTS_MAX]
    found += [
        f"escrow of order {row['id']} ({row['funds']}) holds {row['there']} {row['currency']} and should hold {row['due']}"
        for row in await on.fetch(Q.escrow_apart, FACTS_MAX)
    ]
    found += [
        f"the account of seller {row['owner']} at the provider holds {row['there']} {row['currency']} by the ledger, "
        f"{row['due']} by its transfers and payouts"
        for row in await on.fetch(Q.sellers_money_apart, FACTS_MAX)
    ]
    found += [
        f"{row['there']} {row['currency']} of seller {row['owner']} are on the way to the bank by the ledger, {row['due']} by "
        "their payouts"
        for row in await on.fetch(Q.transit_apart, FACTS_MAX)
    ]
    found += (await inventory.stock_apart(on))[:FACTS_MAX]
    return found
