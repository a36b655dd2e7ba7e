"""Who takes part in a simulated show, and what they come up with next: a seeded stream of plausible and implausible commands."""

import random
from dataclasses import dataclass, field

from liveserver.auction import model as m
from liveserver.auction.clock import Timing, timing
from liveserver.auction.formats.english import Rules
from liveserver.auction.increments import Increments, named
from liveserver.chat import model as chat
from liveserver.chat.text import digest
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import End, Start, Tick
from liveserver.rooms.model import SYSTEM, Actor, Command
from liveserver.rooms.room import Room
from liveserver.spotlight import model as spot

HOST = Actor("u_host", "Hana", "host")
MODERATOR = Actor("u_mod", "Mo", "moderator")
GUEST = Actor("guest:1", "Guest", "guest", verified=False)
UNVERIFIED = Actor("u_new", "Nia", "viewer", verified=False)
BIDDERS = tuple(Actor(f"u_{name.lower()}", name, "viewer") for name in ("Ana", "Bo", "Cem", "Dua", "Eli"))
EVERYBODY = (*BIDDERS, GUEST, UNVERIFIED, HOST, MODERATOR)
WORDS = ("wow", "love it", "how old is it?", "going high", "nice one", "is there a box?")


@dataclass
class People:
    """Draws commands from one random stream; keeps what it has sent, so that it can send it again."""

    rng: random.Random
    lots: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    sent: list[Command] = field(default_factory=list)
    given: dict[str, int] = field(default_factory=dict)
    """Pieces of each product that the show was given."""

    def next(self, room: Room) -> Command:
        """What somebody does next, given what the room looks like (or looked like, for the slow ones)."""
        rng = self.rng
        if self.sent and rng.random() < 0.08:
            return rng.choice(self.sent[-40:])  # a retry, maybe a very late one
        state = room.states["auction"]
        lot = state.lots.get(state.running) or state.lots.get(state.current)
        draw = rng.random()
        if room.states["show"].status == "scheduled" and draw < 0.3:
            made = command("show:start", HOST, Start())
        elif not state.running and draw < 0.5:
            made = command("lot:open", HOST, self._terms())
        elif draw < 0.58 and lot is not None:
            made = self._bid(lot)
        elif draw < 0.72:
            made = self._host(lot)
        elif draw < 0.76:
            made = command("show:tick", SYSTEM, Tick())
        elif draw < 0.80:
            made = command(
                "lot:confirm", rng.choice((SYSTEM, SYSTEM, HOST)), m.ConfirmLot(state.current or "none")
            )
        elif draw < 0.805:
            made = command("show:end", HOST, End())
        elif draw < 0.88:
            made = self._spotlight(room)
        else:
            made = self._chat(room)
        self.sent.append(made)
        return made

    def _numbered(self, actor: Actor) -> tuple[str, int]:
        """Half of the clients name themselves and number their commands."""
        if self.rng.random() < 0.5:
            return "", 0
        client = f"{actor.id}-{self.rng.randrange(2)}"
        self.numbers[client] = self.numbers.get(client, 0) + 1
        return client, self.numbers[client]

    def _bid(self, lot: m.Lot) -> Command:
        rng = self.rng
        actor = rng.choice(BIDDERS) if rng.random() < 0.94 else rng.choice(EVERYBODY)
        next_up = lot.book.min_next
        amount = rng.choice(
            (
                next_up,
                next_up,
                next_up + rng.randrange(1, 400),
                next_up - rng.randrange(1, 300),
                next_up * 20,
                2 * next_up,
            )
        )
        if lot.book.leader == actor.id and rng.random() < 0.5:
            amount = lot.book.top + rng.randrange(-50, 300)  # raising one's own maximum
        bid = m.PlaceBid(lot.terms.lot, max(1, amount), exact=rng.random() < 0.1)
        client, number = self._numbered(actor)
        return command(
            "bid:place", actor, bid, client=client, number=number, rtt_ms=rng.choice((0, 30, 200, 900))
        )

    def _host(self, lot: m.Lot | None) -> Command:
        rng = self.rng
        actor = HOST if rng.random() < 0.95 else rng.choice(EVERYBODY)
        draw = rng.random()
        if lot is None or lot.status in ("sold", "passed", "hammered") or draw < 0.2:
            return command("lot:open", actor, self._terms())
        if draw < 0.3:
            return command(
                "lot:extend", actor, m.ExtendLot(lot.terms.lot, rng.choice((1_000, 10_000, 3_600_000)))
            )
        if draw < 0.6:
            return command("lot:call", actor, m.CallLot(lot.terms.lot))
        if draw < 0.75:
            return command("lot:close", rng.choice((actor, actor, SYSTEM)), m.CloseLot(lot.terms.lot))
        if draw < 0.8:
            return command("lot:pass", actor, m.PassLot(lot.terms.lot))
        return command("lot:void", actor, m.VoidBidder(lot.terms.lot, rng.choice(BIDDERS).id, "not serious"))

    def _terms(self) -> m.Terms:
        rng = self.rng
        self.lots += rng.random() < 0.95  # now and then an id comes twice
        start = rng.choice((1, 100, 999, 5_000))
        steps = named(rng.choice(("live", "ebay-us", "ebay-uk", f"flat:{rng.choice((1, 10, 250))}")), "USD")
        assert isinstance(steps, Increments)
        pinned = timing(
            rng.choice(("live", "live", "sudden-death")),
            duration_ms=rng.choice((500, 2_000, 8_000, 30_000)),
            window_ms=rng.choice((None, 400, 1_500)),
            extend_ms=rng.choice((None, 600, 1_500)),
            hard_ms=rng.choice((None, 40_000)),
            call_gap_ms=rng.choice((0, 300)),
        )
        assert isinstance(pinned, Timing)
        reserve = rng.choice((None, None, start, start * 3))
        rules = Rules(start, reserve, rng.random() < 0.2, steps)
        limit = rng.choice((None, None, None, 40_000))
        return m.Terms(f"lot_{self.lots}", "show_1", f"Lot {self.lots}", "USD", rules, pinned, limit=limit)

    def _spotlight(self, room: Room) -> Command:
        rng, card = self.rng, room.states["spotlight"].card
        draw = rng.random()
        if card is None or draw < 0.2:
            # As the edge settles it: what the show was given in all, now and then told late.
            product = f"prod_{rng.randrange(2)}"
            self.given[product] = self.given.get(product, 0) + rng.randrange(4)
            goods = (
                spot.Good("v_s", "S", 500, max(0, self.given[product] - rng.randrange(3))),
                spot.Good("v_m", "M", 600, 2),
            )
            shown = spot.Card(product, "Scarf", 500, "USD", "", 9)
            return command("spotlight:offer", HOST, spot.OfferSpotlight(shown, goods, rng.choice((1, 3, 10))))
        if draw < 0.25:
            return command("spotlight:clear", HOST, spot.ClearSpotlight())
        actor = rng.choice(BIDDERS) if rng.random() < 0.94 else rng.choice(EVERYBODY)
        client, number = self._numbered(actor)
        wish = spot.BuySpotlight(card.id, rng.choice(("v_s", "v_s", "v_m", "")), rng.choice((1, 1, 2)))
        return command("spotlight:buy", actor, wish, client=client, number=number)

    def _chat(self, room: Room) -> Command:
        rng = self.rng
        messages = room.states["chat"].messages
        draw = rng.random()
        if draw < 0.75 or not messages:
            text = rng.choice(WORDS)
            actor = rng.choice(EVERYBODY)
            client, number = self._numbered(actor)
            return command("chat:send", actor, chat.Send(text, digest(text)), client=client, number=number)
        staff, message = rng.choice((HOST, MODERATOR)), rng.choice(messages)
        match rng.randrange(5):
            case 0:
                return command("chat:delete", rng.choice((staff, *BIDDERS)), chat.Delete(message.seq))
            case 1:
                return command("chat:pin", staff, chat.Pin(rng.choice((message.seq, None))))
            case 2:
                return command(
                    "user:mute", staff, chat.MuteUser(message.user, message.role, rng.randrange(1, 9_000))
                )
            case 3:
                return command("chat:slow", staff, chat.SetSlow(rng.choice((0, 500, 5_000))))
            case _:
                return command("user:ban", staff, chat.BanUser(message.user, message.role, "spam"))
