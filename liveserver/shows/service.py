"""What can be done with shows: plan and change them, name moderators, prepare the queue of lots, ask for a reminder.

It starts and ends nothing: that is a command to the show's room. Who may change is decided in the query that changes.
"""

from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec import UNSET

from liveserver.accounts.model import Identity
from liveserver.accounts.tokens import EXTERNAL
from liveserver.infra.database import Connection, Pool, transaction
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import LotId, ProductId, ShowId, UserId, is_id, new_id
from liveserver.kernel.pages import Page, page_limit, read_cursor, write_cursor
from liveserver.shows import errors, goods, recording, store
from liveserver.shows.model import LotChanges, LotDraft, QueuedLot, Show, ShowChanges, ShowDraft, Status
from liveserver.shows.rules import changed, draft_of, judge_lot, judge_schedule, judge_show

QUEUE_MAX = 500
"""Lots waiting in one show: a long evening has a tenth of that. Opened ones do not count."""
OPENED_SHOWN_MAX = 500
"""Opened lots that `queue` tells with the waiting ones, the latest; results are the auction's record."""
MODERATORS_MAX = 50
CO_HOSTS_MAX = 10
"""People beside the host whose pictures fit on a phone's screen; the table holds no more."""
SHOWS_WAITING_MAX = 200
"""Shows one host may have planned at a time."""
REMINDERS_MAX = 200
"""Shows one person may wait for at a time (a few more if asked for in the same moment)."""


class Shows:
    """Shows on PostgreSQL."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def create(self, by: Identity, draft: ShowDraft) -> Show | Rejected:
        """A new show hosted by `by`, who must be a host or admin. Refusals: `not_a_host`, `too_many_shows`, and
        `bad_…` with `detail.field`.
        """
        if by.role not in ("host", "admin"):
            return errors.NOT_A_HOST
        now = self._clock.now_ms()
        judged = judge_show(draft)
        if isinstance(judged, Rejected):
            return judged
        if refused := judge_schedule(judged.scheduled_ts, now):
            return refused
        show = ShowId(new_id("show"))
        if not await store.insert_show(
            self._pool, show, UserId(by.id), by.name, judged, SHOWS_WAITING_MAX, now
        ):
            return errors.too_many("shows", SHOWS_WAITING_MAX)
        found = await store.find_show(self._pool, show)
        assert found is not None, "shows are never deleted"
        return found

    async def update(self, by: Identity, show: ShowId, changes: ShowChanges) -> Show | Rejected:
        """Changes a show of `by` (an admin: of anybody). Refusals as for `create`, and `show_not_found`, `show_started`
        (schedule and currency are settled then), `currency_in_use`.
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            judged = judge_show(changed(draft_of(present), changes))
            if isinstance(judged, Rejected):
                return judged
            moved = judged.scheduled_ts != present.scheduled_ts
            if present.status != "scheduled" and (moved or judged.currency != present.currency):
                return errors.SHOW_STARTED
            if moved and (refused := judge_schedule(judged.scheduled_ts, self._clock.now_ms())):
                return refused
            if judged.currency != present.currency and await store.count_queue(db, show):
                return errors.CURRENCY_IN_USE
            await store.update_show(db, show, judged)
            return await self._found(db, show)

    async def get(self, show: ShowId) -> Show | None:
        return await store.find_show(self._pool, show) if is_id(show) else None

    async def list(
        self, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page[Show] | Rejected:
        """Shows of a status, or all: live (latest first), upcoming (soonest first), ended (latest first).

        A show that changes its status while somebody pages moves to its new place. Refusal: `bad_cursor`.
        """
        return await self._listed(status, None, cursor, limit)

    async def by_host(
        self, host: UserId, cursor: str | None = None, limit: int = 20
    ) -> Page[Show] | Rejected:
        """A host's shows in the same order. Refusal: `bad_cursor`."""
        return await self._listed(None, host, cursor, limit) if is_id(host) else Page(())

    async def add_moderator(self, by: Identity, show: ShowId, user: UserId) -> Show | Rejected:
        """Names a moderator. Refusals: `show_not_found`, `no_account`, `bad_user` (the host), `too_many_moderators`.

        People of the embedding app (`ext:…`) are named on trust: only their own tokens could tell whether they exist.
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            if user == present.host:
                return errors.HOST_IS_NO_MODERATOR
            if not is_id(user) or not (user.startswith(EXTERNAL) or await store.is_account(db, user)):
                return errors.NO_ACCOUNT
            if user in present.moderators:
                return present
            if not await store.add_moderator(db, show, user, self._clock.now_ms(), MODERATORS_MAX):
                return errors.too_many("moderators", MODERATORS_MAX)
            return await self._found(db, show)

    async def remove_moderator(self, by: Identity, show: ShowId, user: UserId) -> Show | Rejected:
        """Takes the office back; from who has none, nothing. Refusal: `show_not_found`."""
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            if is_id(user):
                await store.remove_moderator(db, show, user)
            return await self._found(db, show)

    async def add_co_host(self, by: Identity, show: ShowId, user: UserId) -> Show | Rejected:
        """Lets somebody on stage beside the host. Refusals: `show_not_found`, `no_account`, `bad_user` (the host),
        `too_many_co_hosts`. People of the embedding app are named on trust, as moderators are.
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            if user == present.host:
                return errors.HOST_IS_NO_CO_HOST
            if not is_id(user) or not (user.startswith(EXTERNAL) or await store.is_account(db, user)):
                return errors.NO_ACCOUNT
            if user in present.co_hosts:
                return present
            if len(present.co_hosts) >= CO_HOSTS_MAX:
                return errors.too_many("co_hosts", CO_HOSTS_MAX)
            await store.set_co_hosts(db, show, (*present.co_hosts, user))
            return await self._found(db, show)

    async def remove_co_host(self, by: Identity, show: ShowId, user: UserId) -> Show | Rejected:
        """Takes that back: they get no further token; who is on stage stays until the one they have is used up. Refusal:
        `show_not_found`.
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            await store.set_co_hosts(db, show, tuple(one for one in present.co_hosts if one != user))
            return await self._found(db, show)

    async def queue(self, show: ShowId, *, opened: bool = False) -> "list[QueuedLot]":
        """The waiting lots in their order; with `opened`, the latest `OPENED_SHOWN_MAX` opened ones before them."""
        if not is_id(show):
            return []
        past = await store.opened_lots(self._pool, show, OPENED_SHOWN_MAX) if opened else []
        return past + await store.queue(self._pool, show)

    async def lot(self, lot: LotId) -> QueuedLot | None:
        """One lot, waiting or opened."""
        return await store.find_lot(self._pool, lot) if is_id(lot) else None

    async def enqueue(self, by: Identity, show: ShowId, draft: LotDraft) -> QueuedLot | Rejected:
        """Adds a lot at the end of the queue; with a product, an empty title or picture is taken from it, and a piece of its stock.

        Refusals: `show_not_found`, `show_ended`, `too_many_lots`, `product_not_found` (or not the host's),
        `currency_differs`, `out_of_stock`, `no_such_variant`, and `bad_…` with `detail.field`.
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            if present.status == "ended":
                return errors.SHOW_ENDED
            judged = await self._judged(db, present, draft)
            if isinstance(judged, Rejected):
                return judged
            waiting = await store.count_queue(db, show)
            if waiting >= QUEUE_MAX:
                return errors.too_many("lots", QUEUE_MAX)
            lot, now = LotId(new_id("lot")), self._clock.now_ms()
            # First, for a refusal must leave nothing behind.
            if judged.product and (
                refused := await goods.take_for_queue(db, show, lot, judged.product, judged.variant, now)
            ):
                return refused
            await store.insert_lot(db, lot, show, waiting + 1, judged, now)
            return await self._found_lot(db, lot)

    async def edit(self, by: Identity, lot: LotId, changes: LotChanges) -> QueuedLot | Rejected:
        """Changes a waiting lot. Refusals as for `enqueue`, and `lot_not_found`, `lot_opened`, `lot_opening`.

        A lot that is called as its product and variant are is renamed with its variant.
        """
        async with transaction(self._pool) as db:
            held = await self._my_lot(db, by, lot)
            if isinstance(held, Rejected):
                return held
            show, present = held
            names = LotDraft.__struct_fields__
            draft = changed(LotDraft(**{name: getattr(present, name) for name in names}), changes)
            if draft.product != present.product and changes.variant is UNSET:
                draft = msgspec.structs.replace(draft, variant=None)
            if draft.product == present.product and draft.variant != present.variant:
                former = await store.lot_title(db, present.product, present.variant)
                if draft.title == former:
                    title = await store.lot_title(db, draft.product, draft.variant)
                    draft = msgspec.structs.replace(draft, title=title)
            # A product that stays may have been archived since; that is no reason to refuse another price.
            judged = judge_lot(draft) if changes.product is UNSET else await self._judged(db, show, draft)
            if isinstance(judged, Rejected):
                return judged
            if (judged.product, judged.variant) != (present.product, present.variant):
                now = self._clock.now_ms()
                if refused := await goods.take_instead(db, show.id, lot, judged.product, judged.variant, now):
                    return refused
            await store.update_lot(db, lot, judged)
            return await self._found_lot(db, lot)

    async def dequeue(self, by: Identity, lot: LotId) -> Rejected | None:
        """Removes a waiting lot. Refusals: `lot_not_found`, `lot_opened`."""
        async with transaction(self._pool) as db:
            held = await self._my_lot(db, by, lot)
            if isinstance(held, Rejected):
                return held
            await store.delete_lot(db, held[0].id, lot)
            await goods.leave(db, held[0].id, lot, self._clock.now_ms())
            return None

    async def take_for_lot(
        self, show: ShowId, lot: LotId, product: ProductId, *, queued: bool
    ) -> LotId | Rejected:
        """Called at the edge before a lot with a product is opened: a piece of it is the show's afterwards. Gives the id to open it
        under. Refusals: `show_not_found`, `show_ended`, `out_of_stock`.
        """
        async with transaction(self._pool) as db:
            return await goods.open_lot(db, show, lot, product, self._clock.now_ms(), queued=queued)

    async def take_for_spotlight(
        self, show: ShowId, product: ProductId, units: int | None, first_units: int
    ) -> dict[str, int] | Rejected:
        """Called at the edge before a product is put into the spotlight; see `goods.take_for_spotlight`."""
        async with transaction(self._pool) as db:
            return await goods.take_for_spotlight(db, show, product, units, first_units, self._clock.now_ms())

    async def reorder(
        self, by: Identity, show: ShowId, lots: Sequence[LotId]
    ) -> "list[QueuedLot] | Rejected":
        """Puts the queue into this order. Refusals: `show_not_found`; `queue_changed` when these are not exactly the
        waiting lots, each once (detail.lots has them).
        """
        async with transaction(self._pool) as db:
            present = await self._mine(db, by, show)
            if isinstance(present, Rejected):
                return present
            waiting = [lot.id for lot in await store.queue(db, show)]
            if len(lots) != len(waiting) or set(lots) != set(waiting):
                return errors.queue_changed(waiting)
            await store.reorder(db, show, list(lots))
            return await store.queue(db, show)

    async def mark_opened(self, lot: LotId) -> None:
        """Takes a lot out of its queue because it was opened; the recorder does the same in its own transaction."""
        if is_id(lot):
            async with transaction(self._pool) as db:
                await recording.mark_opened(db, lot, self._clock.now_ms())

    async def remind(self, by: Identity, show: ShowId, wanted: bool) -> bool | Rejected:
        """Whether `by` now is reminded of a show to come. Refusals: `sign_in_required`, `show_not_found`,
        `show_started`, `too_many_reminders`.
        """
        if by.role == "guest":
            return errors.SIGN_IN
        found = await self.get(show)
        if found is None:
            return errors.SHOW_NOT_FOUND
        if not wanted:
            await store.remove_reminder(self._pool, show, by.id)
            return False
        if found.status != "scheduled":
            return errors.SHOW_STARTED
        if not await store.add_reminder(self._pool, show, by.id, self._clock.now_ms(), REMINDERS_MAX):
            return errors.too_many("reminders", REMINDERS_MAX)
        return True

    async def reminders(self, user: UserId) -> tuple[ShowId, ...]:
        """The shows that somebody waits for, the soonest first."""
        return await store.reminders_of(self._pool, user, REMINDERS_MAX) if is_id(user) else ()

    async def _listed(
        self, status: Status | None, host: UserId | None, cursor: str | None, limit: int
    ) -> Page[Show] | Rejected:
        limit = page_limit(limit)
        after = read_cursor(cursor, store.Position) if cursor else None
        if isinstance(after, Rejected):
            return after
        found = await store.list_shows(self._pool, status, host, after, limit + 1)
        items = tuple(show for _, show in found[:limit])
        return Page(items, write_cursor(*found[limit - 1][0]) if len(found) > limit else None)

    async def _mine(self, db: Connection, by: Identity, show: ShowId) -> Show | Rejected:
        """The show, held for a change, if `by` may change it."""
        if by.role not in ("host", "admin"):
            return errors.NOT_A_HOST
        found = await store.lock_show(db, show, by.role == "admin", by.id) if is_id(show) else None
        return found or errors.SHOW_NOT_FOUND

    async def _my_lot(self, db: Connection, by: Identity, lot: LotId) -> tuple[Show, QueuedLot] | Rejected:
        """A waiting lot and its show, which is held for a change, if `by` may change it."""
        if by.role not in ("host", "admin"):
            return errors.NOT_A_HOST
        show = await store.show_of_lot(db, lot, by.role == "admin", by.id) if is_id(lot) else None
        held = await self._mine(db, by, show) if show else errors.LOT_NOT_FOUND
        if isinstance(held, Rejected):
            return held
        present = await store.find_lot(db, lot)  # read anew: now that the show is held, it stays
        if present is None:
            return errors.LOT_NOT_FOUND
        return errors.LOT_OPENED if present.status == "opened" else (held, present)

    async def _judged(self, db: Connection, show: Show, draft: LotDraft) -> LotDraft | Rejected:
        if draft.product is not None and is_id(draft.product):
            product = await store.product_for_lot(db, draft.product, show.host)
            if product is None:
                return errors.PRODUCT_NOT_FOUND
            if product.currency != show.currency:
                return errors.CURRENCY_DIFFERS
            draft = msgspec.structs.replace(
                draft,
                title=draft.title or await store.lot_title(db, draft.product, draft.variant),
                picture=draft.picture or product.picture,
            )
        return judge_lot(draft)

    async def _found(self, db: Connection, show: ShowId) -> Show:
        # Held in this transaction, and never deleted.
        return cast(Show, await store.find_show(db, show))

    async def _found_lot(self, db: Connection, lot: LotId) -> QueuedLot:
        return cast(QueuedLot, await store.find_lot(db, lot))
