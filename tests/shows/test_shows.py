"""Planning shows, their lists, moderators, reminders and what the recorder writes, on the real PostgreSQL."""

import asyncio
from typing import Any

import asyncpg
import pytest

from liveserver.accounts.model import Identity, guest
from liveserver.accounts.service import Accounts
from liveserver.config import Settings
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId, UserId
from liveserver.kernel.pages import Page
from liveserver.shows import service
from liveserver.shows.model import ChatSettings, LotChanges, LotDraft, Show, ShowChanges, ShowDraft
from liveserver.shows.recording import record
from liveserver.shows.rules import role_in
from liveserver.shows.service import Shows
from tests.support.hosts import code, person, planned, queued

ANA, BO, OPERATOR, VI = person("ana"), person("bo"), person("operator", "admin"), person("vi", "viewer")
HOUR_MS = 3_600_000


async def starts(pool: Pool, show: Show, ts: int) -> None:
    async with transaction(pool) as conn:
        await record(conn, show.id, [(1, ts, "show_started", {"by": show.host})])


async def ends(pool: Pool, show: Show, ts: int) -> None:
    async with transaction(pool) as conn:
        await record(conn, show.id, [(9, ts, "show_ended", {"by": show.host})])


async def fresh(shows: Shows, show: Show) -> Show:
    found = await shows.get(show.id)
    assert found is not None
    return found


async def test_a_planned_show_can_be_looked_at(shows: Shows, clock: VirtualClock):
    chat = ChatSettings(links=True, blocked_words=("spam", " SPAM ", "", "two  words"), slow_ms=5_000)
    show = await shows.create(
        ANA,
        ShowDraft(
            "  Sunday  cameras ", "EUR", "Good\nglass.", clock.now_ms() + HOUR_MS, "/media/x.svg", chat
        ),
    )
    assert isinstance(show, Show)
    assert show == Show(
        show.id, "Sunday cameras", "Good\nglass.", UserId("user_ana"), "Ana", (), "EUR", "scheduled",
        clock.now_ms() + HOUR_MS, None, None, "/media/x.svg", ChatSettings(True, ("spam", "two words"), 5_000),
        clock.now_ms(),
    )  # fmt: skip
    assert await shows.get(show.id) == show


@pytest.mark.parametrize(
    ("change", "refusal", "field"),
    [
        ({"title": " "}, "bad_title", "title"),
        ({"title": "x" * 101}, "bad_title", "title"),
        ({"title": "a\x07b"}, "bad_title", "title"),
        ({"description": "x" * 2001}, "bad_description", "description"),
        ({"currency": "dollars"}, "bad_currency", "currency"),
        ({"picture": "javascript:x"}, "bad_picture", "picture"),
        ({"scheduled_ts": 1}, "bad_scheduled_ts", "scheduled_ts"),
        ({"scheduled_ts": -(10**30)}, "bad_scheduled_ts", "scheduled_ts"),
        ({"scheduled_ts": 10**15}, "bad_scheduled_ts", "scheduled_ts"),
        ({"chat": ChatSettings(slow_ms=-1)}, "bad_chat", "chat.slow_ms"),
        ({"chat": ChatSettings(slow_ms=600_001)}, "bad_chat", "chat.slow_ms"),
        ({"chat": ChatSettings(blocked_words=("x" * 41,))}, "bad_chat", "chat.blocked_words"),
        ({"chat": ChatSettings(blocked_words=("x",) * 201)}, "bad_chat", "chat.blocked_words"),
    ],
)
async def test_refused_plans_and_changes(shows: Shows, change: dict[str, Any], refusal: str, field: str):
    show = await planned(shows, ANA)
    created = await shows.create(ANA, ShowDraft(**{"title": "Show", "currency": "USD", **change}))
    edited = await shows.update(ANA, show.id, ShowChanges(**change))
    for refused in (created, edited):
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.detail["field"]) == (refusal, field)
    assert await shows.get(show.id) == show
    assert await shows.list() == Page((show,))


@pytest.mark.parametrize("by", [VI, guest()])
async def test_only_hosts_plan(shows: Shows, by: Identity):
    assert code(await shows.create(by, ShowDraft("Show", "USD"))) == "not_a_host"


async def test_every_show_and_lot_is_changed_by_its_host_or_the_operator_only(shows: Shows):
    hosts = [ANA, BO, person("cy"), person("ext:1")]
    bystanders = [OPERATOR, VI, guest()]
    for owner in hosts:
        show = await planned(shows, owner)
        lots = [await queued(shows, owner, show) for _ in range(12)]
        named = await shows.add_moderator(owner, show.id, UserId("ext:mod"))
        assert isinstance(named, Show)
        moderator = Identity("ext:mod", "Mod", "host", True, "", 0)
        for by in [*hosts, *bystanders, moderator]:
            mine = by is owner or by is OPERATOR
            lot = lots.pop() if mine else lots[-1]
            answers = {
                "update": await shows.update(by, show.id, ShowChanges(title="Mine")),
                "moderate": await shows.add_moderator(by, show.id, UserId("ext:2")),
                "unmoderate": await shows.remove_moderator(by, show.id, UserId("ext:2")),
                "enqueue": await shows.enqueue(by, show.id, LotDraft("Lot", 100)),
                "edit": await shows.edit(by, lot.id, LotChanges(start=200)),
                "reorder": await shows.reorder(by, show.id, [x.id for x in await shows.queue(show.id)][::-1]),
                "dequeue": await shows.dequeue(by, lot.id),
            }
            for what, answer in answers.items():
                if mine:
                    assert code(answer) == "accepted", (
                        f"{by.id} may {what} in the show of {owner.id}: {answer}"
                    )
                else:
                    expected = {"show_not_found", "lot_not_found"} if by.role == "host" else {"not_a_host"}
                    assert code(answer) in expected, f"{by.id} can {what} in the show of {owner.id}"
        assert (await fresh(shows, show)).host == owner.id


async def test_roles_in_a_show(shows: Shows):
    show = await planned(shows, ANA)
    named = await shows.add_moderator(ANA, show.id, UserId("ext:mod"))
    assert isinstance(named, Show)
    expected = {
        "host": ANA,
        "admin": OPERATOR,
        "moderator": Identity("ext:mod", "Mod", "viewer", True, "", 0),
        "viewer": BO,
        "guest": guest(),
    }
    assert {role: role_in(named, who) for role, who in expected.items()} == {role: role for role in expected}
    assert role_in(named, VI) == "viewer"
    own = await planned(shows, OPERATOR)
    assert role_in(own, OPERATOR) == "host"
    assert role_in(named, person("ana", "viewer")) == "guest", "no host any more: neither commands nor bids"


async def test_what_is_left_unset_stays(shows: Shows, clock: VirtualClock):
    show = await planned(shows, ANA, scheduled_ts=clock.now_ms() + HOUR_MS)
    changed = await shows.update(ANA, show.id, ShowChanges(title="Other"))
    assert isinstance(changed, Show)
    assert (changed.title, changed.scheduled_ts) == ("Other", show.scheduled_ts)
    undated = await shows.update(ANA, show.id, ShowChanges(scheduled_ts=None))
    assert isinstance(undated, Show)
    assert (undated.title, undated.scheduled_ts) == ("Other", None)


async def test_a_show_whose_time_has_passed_can_still_be_changed(shows: Shows, clock: VirtualClock):
    show = await planned(shows, ANA, scheduled_ts=clock.now_ms())
    clock.advance(48 * HOUR_MS)
    assert code(await shows.update(ANA, show.id, ShowChanges(title="Late"))) == "accepted"
    assert code(await shows.update(ANA, show.id, ShowChanges(scheduled_ts=clock.now_ms() - 2 * HOUR_MS))) == (
        "bad_scheduled_ts"
    )


async def test_once_started_schedule_and_currency_are_settled(shows: Shows, pool: Pool, clock: VirtualClock):
    show = await planned(shows, ANA)
    await starts(pool, show, clock.now_ms())
    assert code(await shows.update(ANA, show.id, ShowChanges(currency="EUR"))) == "show_started"
    assert code(await shows.update(ANA, show.id, ShowChanges(scheduled_ts=clock.now_ms()))) == "show_started"
    assert code(await shows.update(ANA, show.id, ShowChanges(title="Live now"))) == "accepted"
    assert code(await shows.enqueue(ANA, show.id, LotDraft("Lot", 1))) == "accepted"
    await ends(pool, show, clock.now_ms())
    assert code(await shows.enqueue(ANA, show.id, LotDraft("Lot", 1))) == "show_ended"


async def test_the_currency_stays_while_the_queue_has_amounts(shows: Shows):
    show = await planned(shows, ANA)
    lot = await queued(shows, ANA, show)
    assert code(await shows.update(ANA, show.id, ShowChanges(currency="EUR"))) == "currency_in_use"
    assert await shows.dequeue(ANA, lot.id) is None
    assert code(await shows.update(ANA, show.id, ShowChanges(currency="EUR"))) == "accepted"


async def test_the_recorder_says_when_a_show_starts_and_ends(shows: Shows, pool: Pool, clock: VirtualClock):
    show, other = await planned(shows, ANA), await planned(shows, ANA)
    now = clock.now_ms()
    await ends(pool, show, now)
    assert await fresh(shows, show) == show, "what has not started does not end"
    facts = [
        (1, now, "lot_opened", {"show_started": 1}),
        (2, now + 1, "show_started", {"by": "user_ana"}),
        (3, now + 2, "show_started", {"by": "user_ana"}),
    ]
    for _ in range(2):  # facts may come again
        async with transaction(pool) as conn:
            await record(conn, show.id, facts)
        live = await fresh(shows, show)
        assert (live.status, live.started_ts, live.ended_ts) == ("live", now + 1, None)
    for ts in (now + 9, now + 10):
        await ends(pool, show, ts)
        await starts(pool, show, ts)
    over = await fresh(shows, show)
    assert (over.status, over.started_ts, over.ended_ts) == ("ended", now + 1, now + 9)
    assert await fresh(shows, other) == other


async def test_what_the_recorder_wrote_goes_with_its_transaction(
    shows: Shows, pool: Pool, clock: VirtualClock
):
    show = await planned(shows, ANA)

    async def recorder_fails() -> None:
        async with transaction(pool) as conn:
            await record(conn, show.id, [(1, clock.now_ms(), "show_started", {})])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await recorder_fails()
    assert await fresh(shows, show) == show


async def test_lists_show_live_then_upcoming_then_ended(shows: Shows, pool: Pool, clock: VirtualClock):
    now = clock.now_ms()
    plan = {"undated": None, "later": now + 3 * HOUR_MS, "soon": now + HOUR_MS}
    made = {title: await planned(shows, ANA, title, scheduled_ts=ts) for title, ts in plan.items()}
    for i, title in enumerate(["ended first", "ended last", "live first", "live last"]):
        made[title] = await planned(shows, BO, title)
        await starts(pool, made[title], now + i)
    await ends(pool, made["ended first"], now + 10)
    await ends(pool, made["ended last"], now + 20)
    expected = {
        "live": ["live last", "live first"],
        "scheduled": ["soon", "later", "undated"],
        "ended": ["ended last", "ended first"],
    }
    for status, titles in expected.items():
        page = await shows.list(status)
        assert isinstance(page, Page)
        assert [show.title for show in page.items] == titles
    for limit in (1, 2, 5, 7):
        seen: list[str] = []
        cursor: str | None = None
        for _ in range(8):
            page = await shows.list(cursor=cursor, limit=limit)
            assert isinstance(page, Page)
            seen += [show.title for show in page.items]
            if (cursor := page.next) is None:
                break
        assert seen == [title for titles in expected.values() for title in titles]
    page = await shows.by_host(UserId(BO.id))
    assert isinstance(page, Page)
    assert [show.title for show in page.items] == [*expected["live"], *expected["ended"]]
    assert await shows.by_host(UserId("\x00")) == Page(())


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "é", "W10", "WyJhIl0", "x" * 1000, "bnVsbA", "WzAsMCwiXHUwMDAwIl0",
     "WzAsOTIyMzM3MjAzNjg1NDc3NTgwOCwieCJd"],
)  # fmt: skip
async def test_cursors_from_elsewhere_are_refused(shows: Shows, cursor: str):
    assert code(await shows.list(cursor=cursor)) == "bad_cursor"


async def test_a_cursor_with_a_huge_rank_is_only_the_end_of_the_list(shows: Shows):
    from liveserver.kernel.pages import write_cursor

    await planned(shows, ANA)
    assert await shows.list(cursor=write_cursor(2**40, 0, "x")) == Page(())


async def test_moderators(shows: Shows, pool: Pool, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch):
    accounts = Accounts(pool, clock, Settings(password_memory_kib=8_192))
    mia = await accounts.register("Mia", "mia@example.com", "blue harvest 7")
    assert not isinstance(mia, Rejected)
    show = await planned(shows, ANA)
    for nobody in ("user_nobody", "\x00", ""):
        assert code(await shows.add_moderator(ANA, show.id, UserId(nobody))) == "no_account"
    assert code(await shows.add_moderator(ANA, show.id, UserId(ANA.id))) == "bad_user"
    for _ in range(2):
        named = await shows.add_moderator(ANA, show.id, mia.id)
        assert isinstance(named, Show)
        assert named.moderators == (mia.id,)
    monkeypatch.setattr(service, "MODERATORS_MAX", 2)
    assert code(await shows.add_moderator(ANA, show.id, UserId("ext:2"))) == "accepted"
    assert code(await shows.add_moderator(ANA, show.id, UserId("ext:3"))) == "too_many_moderators"
    for gone in (mia.id, mia.id, UserId("\x00")):
        left = await shows.remove_moderator(ANA, show.id, gone)
        assert isinstance(left, Show)
        assert left.moderators == ("ext:2",)
    await accounts.aclose()


async def test_reminders(shows: Shows, pool: Pool, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch):
    later = await planned(shows, ANA, scheduled_ts=clock.now_ms() + 2 * HOUR_MS)
    soon = await planned(shows, ANA, scheduled_ts=clock.now_ms() + HOUR_MS)
    user = UserId(VI.id)
    assert code(await shows.remind(guest(), soon.id, True)) == "sign_in_required"
    assert code(await shows.remind(VI, ShowId("show_none"), True)) == "show_not_found"
    assert code(await shows.remind(VI, ShowId("\x00"), True)) == "show_not_found"
    for _ in range(2):
        assert await shows.remind(VI, later.id, True) is True
        assert await shows.remind(VI, soon.id, True) is True
    assert await shows.reminders(user) == (soon.id, later.id)
    assert await shows.reminders(UserId(BO.id)) == ()
    monkeypatch.setattr(service, "REMINDERS_MAX", 2)
    third = await planned(shows, ANA)
    assert code(await shows.remind(VI, third.id, True)) == "too_many_reminders"
    for _ in range(2):
        assert await shows.remind(VI, later.id, False) is False
    assert await shows.reminders(user) == (soon.id,)
    await starts(pool, soon, clock.now_ms())
    assert await shows.reminders(user) == ()
    assert code(await shows.remind(VI, soon.id, True)) == "show_started"


async def test_a_host_has_so_many_shows_waiting(shows: Shows, pool: Pool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "SHOWS_WAITING_MAX", 2)
    first = await planned(shows, ANA)
    await planned(shows, ANA)
    assert code(await shows.create(ANA, ShowDraft("Show", "USD"))) == "too_many_shows"
    await starts(pool, first, 1)
    assert code(await shows.create(ANA, ShowDraft("Show", "USD"))) == "accepted"


@pytest.mark.parametrize("show", ["", "\x00", "\ud800", "show_none", "x" * 100])
async def test_nonsense_finds_no_show(shows: Shows, show: str):
    assert await shows.get(ShowId(show)) is None
    assert await shows.queue(ShowId(show), opened=True) == []
    assert code(await shows.update(ANA, ShowId(show), ShowChanges())) == "show_not_found"
    assert code(await shows.enqueue(ANA, ShowId(show), LotDraft("Lot", 1))) == "show_not_found"


async def test_two_changes_at_once_both_hold(shows: Shows):
    show = await planned(shows, ANA)
    await asyncio.gather(
        *(shows.update(ANA, show.id, ShowChanges(title=f"T{i}")) for i in range(5)),
        shows.update(ANA, show.id, ShowChanges(description="kept")),
    )
    assert (await fresh(shows, show)).description == "kept"


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE shows SET status = 'live'",
        "UPDATE shows SET status = 'paused'",
        "UPDATE shows SET ended_ts = 1",
        "UPDATE shows SET status = 'ended', started_ts = 2, ended_ts = 1",
        "UPDATE shows SET currency = 'usd'",
        "UPDATE shows SET title = ''",
        "UPDATE shows SET host = 'a b'",
        "UPDATE queued_lots SET position = 1",
        "UPDATE queued_lots SET position = NULL WHERE position = 1",
        "UPDATE queued_lots SET reserve = start - 1",
        "UPDATE queued_lots SET start = 0",
        "UPDATE queued_lots SET hard_ms = 1, duration_ms = 2",
        "INSERT INTO moderators VALUES ('show_none', 'x', 1)",
        "INSERT INTO reminders VALUES ('show_none', 'x', 1)",
    ],
)
async def test_the_database_itself_refuses(shows: Shows, pool: Pool, broken: str):
    show = await planned(shows, ANA)
    for _ in range(2):
        await queued(shows, ANA, show)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pool.execute(broken)
