"""Seeding on the real database: everything there, nothing twice, and only for this machine."""

import pytest

from liveserver.accounts.model import Session
from liveserver.cart import addresses
from liveserver.demo import seed
from liveserver.demo.door import sign_in
from liveserver.demo.goods import CARDS, CERAMICS, EVERYTHING, LIVE, SNEAKERS
from liveserver.demo.people import cast
from liveserver.demo.seed import DAY_MS
from liveserver.demo.shelf import QUEUED_MIN, Shelf
from liveserver.kernel.errors import Mendable
from tests.demo.conftest import Records


async def counts(records: Records) -> tuple[int, int, int, int]:
    fetchval = records.accounts._pool.fetchval
    tables = ("accounts", "products", "shows", "queued_lots")
    a, b, c, d = [await fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    return a, b, c, d


async def test_doing_it_again_changes_nothing(records: Records) -> None:
    first = await seed(records, loopback=True)
    before = await counts(records)
    assert before == (
        5,
        len(LIVE) + len(CERAMICS) + len(SNEAKERS) + len(CARDS),
        4,
        QUEUED_MIN + len(SNEAKERS) + len(CARDS),
    )
    again = await seed(records, loopback=True)
    assert again.live.show == first.live.show
    assert await seed(records, loopback=True) == again, "the queues have their pieces since the first time"
    assert await counts(records) == before


async def test_what_visitors_see(records: Records) -> None:
    seeded = await seed(records, loopback=True)
    assert [stage.show.host_name for stage in seeded.upcoming] == ["Theo Brandt", "Juno Park"]
    now = records.clock.now_ms()
    assert all(now < (stage.show.scheduled_ts or 0) < now + 7 * DAY_MS for stage in seeded.upcoming)
    for stage in (seeded.live, seeded.past, *seeded.upcoming):
        assert stage.show.status == "scheduled", "going live is a matter of the room"
        for good, product in stage.stock:
            assert product.images == (good.picture,)
            assert product.seller == stage.host.id
    assert (
        len({good.key for good in EVERYTHING})
        == len({good.title for good in EVERYTHING})
        == len(EVERYTHING)
        >= 22
    )
    assert len({good.category for good, _ in seeded.live.stock}) == 4


async def test_the_printed_sign_ins_work_and_are_what_they_say(records: Records) -> None:
    seeded = await seed(records, loopback=True)
    roles = {}
    for who in seeded.sign_ins:
        begun = await records.accounts.sign_in(who.email, who.password, "127.0.0.1")
        assert isinstance(begun, tuple)
        session: Session = begun[0]
        roles[who.role] = session.user
    assert roles["host"].role == "host"
    assert roles["host"].id == seeded.live.show.host
    assert (roles["bidder"].role, roles["bidder"].verified) == ("viewer", True)
    assert roles["admin"].role == "admin"


async def test_known_passwords_are_for_this_machine_only(records: Records) -> None:
    with pytest.raises(Mendable, match="known to everybody"):
        await seed(records, loopback=False)
    assert await counts(records) == (0, 0, 0, 0)


async def test_somebody_elses_account_is_not_used(records: Records) -> None:
    await records.accounts.register("Mara Lindqvist", "mara@real.example", "a password of her own")
    with pytest.raises(Mendable, match="name_taken"):
        await seed(records, loopback=True)


async def test_bots_come_back_to_their_accounts(records: Records) -> None:
    who = cast(1, 1)[0].person
    tokens = {await sign_in(records, who) for _ in range(2)}
    assert len(tokens) == 2
    assert (await counts(records))[0] == 1


async def test_most_bots_can_pay_some_can_not_and_all_live_somewhere(records: Records) -> None:
    cards: list[str] = []
    for character in cast(1, 24):
        await sign_in(records, character.person)
        account = await records.accounts.by_email(character.person.email)
        assert account is not None
        assert await addresses.usual_of(records.pool, account.id) is not None
        card = await records.cards.card_of(records.pool, account.id)
        cards.append("" if card is None else card.last4)
    assert cards.count("4242") > len(cards) / 2
    assert {"", "0341"} <= set(cards)


async def test_the_shelf_never_runs_dry_and_respects_the_order_of_the_queue(records: Records) -> None:
    stage = (await seed(records, loopback=True)).live
    shelf = Shelf(records, stage.host, stage.show.id, stage.stock)
    for good, _ in [*stage.stock[:QUEUED_MIN]]:
        lot = await shelf.next()
        assert lot is not None
        assert lot.title == good.title
        shelf.skip(lot.id)
        await records.shows.mark_opened(lot.id)
        await shelf.restock()
    assert len(await records.shows.queue(stage.show.id)) == QUEUED_MIN
    for lot in await records.shows.queue(stage.show.id):
        await records.shows.dequeue(stage.host, lot.id)
    assert await shelf.next() is not None, "an emptied queue is filled again"
