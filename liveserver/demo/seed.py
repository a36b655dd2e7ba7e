"""Fills an empty server with what the demo needs: hosts, things, and shows live, upcoming and over. Doing it again changes nothing.

It runs no show: what happens in one comes from `run_demo`, through the WebSocket like everything else.
"""

from collections.abc import Sequence

import msgspec

from liveserver.accounts.model import Account, AccountRole, Identity, identity_of
from liveserver.catalog.model import Product, ProductDraft, VariantDraft
from liveserver.demo.goods import CARDS, CERAMICS, LIVE, SNEAKERS, Good
from liveserver.demo.people import JUNO, MARA, OPERATOR, THEO, VISITOR, Person
from liveserver.demo.services import DemoServices, granted
from liveserver.demo.shelf import DELIVERY, QUEUED_MIN, lot_draft
from liveserver.kernel.errors import Mendable
from liveserver.kernel.ids import UserId
from liveserver.kernel.pages import Page
from liveserver.shows.model import ChatSettings, LotDraft, Show, ShowChanges, ShowDraft

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EVENING_MS = 19 * HOUR_MS
"""When shows of the demo begin: seven in the evening, UTC."""
CURRENCY = "USD"
PAGES_MAX = 20
"""Pages of a host's own records looked through for the demo's; its own take one."""

LIVE_TITLE = "Friday finds: cameras, cards & clay"
PAST_TITLE = "Kiln night: one firing, six pieces"


class SignIn(msgspec.Struct, frozen=True):
    """Somebody a visitor of the demo may sign in as. Printed at the start; good for this machine only."""

    role: str
    name: str
    email: str
    password: str


class Stage(msgspec.Struct, frozen=True):
    """One show of the demo with its host and what is sold in it."""

    show: Show
    host: Identity
    stock: tuple[tuple[Good, Product], ...]


class Seeded(msgspec.Struct, frozen=True):
    """What `seed` has made or found."""

    live: Stage
    past: Stage
    upcoming: tuple[Stage, ...]
    sign_ins: tuple[SignIn, ...]


async def seed(services: DemoServices, *, loopback: bool) -> Seeded:
    """Makes what is missing of the demo's records.

    The sign-ins are fixed and printed in the README, so that nobody has to search for them; therefore the demo serves this
    machine only: raises Mendable unless `loopback`. Raises Mendable too when the data directory holds something else's names.
    """
    if not loopback:
        raise Mendable(
            "The demo's sign-ins are known to everybody, so it can't be shown to a network",
            "demo",
            "Leave --host at 127.0.0.1, or use `liveserver serve` with accounts of your own.",
        )
    mara = await _identity(services, MARA, "host")
    theo, juno = await _identity(services, THEO, "host"), await _identity(services, JUNO, "host")
    await _identity(services, VISITOR, "viewer")
    await _identity(services, OPERATOR, "admin")
    past_draft = ShowDraft(
        title=PAST_TITLE,
        currency=CURRENCY,
        description="Wood ash, pine and patience: everything from last week's firing.",
        picture=_stage("kiln"),
    )
    return Seeded(
        live=await live_stage(services, mara),
        past=await _stage_of(services, juno, past_draft, CERAMICS),
        upcoming=(
            await _upcoming(
                services, theo, "Sneaker drop: deadstock and grails", "Six pairs, three of them never worn.", "drop",
                SNEAKERS, 1,
            ),
            await _upcoming(
                services, juno, "Trading card break: first editions", "Slabs, sleeves and one sealed pack.", "cards",
                CARDS, 3,
            ),
        ),
        sign_ins=tuple(
            SignIn(role, who.name, who.email, who.password)
            for role, who in (("host", MARA), ("bidder", VISITOR), ("admin", OPERATOR))
        ),
    )  # fmt: skip


async def live_stage(services: DemoServices, mara: Identity) -> Stage:
    """The show that is or will be live; a new one when the last was ended, by a visitor, for good."""
    draft = ShowDraft(
        title=LIVE_TITLE,
        currency=CURRENCY,
        description="A table full of finds from attics, studios and one very dry basement. New lot every minute.",
        picture=_stage("friday"),
        chat=ChatSettings(blocked_words=("scam",)),
    )
    stage = await _stage_of(services, mara, draft, LIVE)
    await _queue(services, stage, stage.stock[:QUEUED_MIN])
    return stage


async def _identity(services: DemoServices, who: Person, role: AccountRole) -> Identity:
    account: Account | None = await services.accounts.by_email(who.email)
    if account is None:
        account = granted(
            await services.accounts.register(who.name, who.email, who.password), f"registering {who.name}"
        )
    if account.role != role:
        account = await services.accounts.set_role(account.id, role) or account
    return identity_of(account)


async def _stage_of(services: DemoServices, host: Identity, draft: ShowDraft, goods: Sequence[Good]) -> Stage:
    show = await _show(services, host, draft, ended_too=draft.title == PAST_TITLE)
    return Stage(show, host, await _products(services, host, goods))


async def _show(services: DemoServices, host: Identity, draft: ShowDraft, *, ended_too: bool) -> Show:
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page: Page[Show] = granted(await services.shows.by_host(_user(host), cursor, 100), "listing shows")
        for show in page.items:
            if show.title == draft.title and (ended_too or show.status != "ended"):
                return show
        cursor = page.next
        if cursor is None:
            break
    return granted(await services.shows.create(host, draft), f"creating {draft.title}")


async def _products(
    services: DemoServices, host: Identity, goods: Sequence[Good]
) -> tuple[tuple[Good, Product], ...]:
    known: dict[str, Product] = {}
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page: Page[Product] = granted(
            await services.catalog.by_seller(_user(host), cursor, 100), "listing products"
        )
        known |= {product.title: product for product in page.items}
        cursor = page.next
        if cursor is None:
            break
    return tuple([(good, known.get(good.title) or await _product(services, host, good)) for good in goods])


async def _product(services: DemoServices, host: Identity, good: Good) -> Product:
    draft = ProductDraft(
        title=good.title,
        price=good.worth,
        currency=CURRENCY,
        description=good.story,
        images=(good.picture,),
        category=good.category,
        variants=(VariantDraft(sku=good.key, stock=DELIVERY),),
    )
    return granted(await services.catalog.create(host, draft), f"offering {good.title}")


async def _upcoming(
    services: DemoServices,
    host: Identity,
    title: str,
    description: str,
    picture: str,
    goods: Sequence[Good],
    in_days: int,
) -> Stage:
    at_ms = (services.clock.now_ms() // DAY_MS + in_days) * DAY_MS + EVENING_MS
    draft = ShowDraft(
        title=title, currency=CURRENCY, description=description, picture=_stage(picture), scheduled_ts=at_ms
    )
    stage = await _stage_of(services, host, draft, goods)
    show = stage.show
    if show.status == "scheduled" and (show.scheduled_ts or 0) < services.clock.now_ms():
        # A demo of last week is started again: what was upcoming shall be so once more.
        moved = await services.shows.update(host, show.id, ShowChanges(scheduled_ts=at_ms))
        stage = msgspec.structs.replace(stage, show=granted(moved, f"moving {title}"))
    await _queue(services, stage, stage.stock)
    return stage


async def _queue(services: DemoServices, stage: Stage, stock: Sequence[tuple[Good, Product]]) -> None:
    """Fills the queue of a show that has not begun; one that has is its host's."""
    if stage.show.status != "scheduled" or await services.shows.queue(stage.show.id):
        return
    for good, product in stock:
        draft: LotDraft = lot_draft(good, product)
        granted(await services.shows.enqueue(stage.host, stage.show.id, draft), f"queueing {good.title}")


def _user(identity: Identity) -> UserId:
    return UserId(identity.id)


def _stage(name: str) -> str:
    return f"/media/generated/stage/{name}.svg"
