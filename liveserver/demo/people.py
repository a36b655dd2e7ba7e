"""Who takes part in the demo: hosts, the visitor's own account, and bots with a character and a private idea of what things
are worth. All drawn from the seed, so that one seed is one evening. It does nothing: `bidder`, `chatter` and `host` act.
"""

import hashlib
from random import Random
from typing import Literal

import msgspec

from liveserver.demo.goods import BY_TITLE

BOTS_MAX = 500
"""More people than this are a load test, and that is another tool."""
DOMAIN = "demo.example"
"""RFC 2606, 3: a domain that nobody can own, so no mail of the demo can reach anybody."""

Style = Literal["stepper", "proxy", "sniper", "jumper", "dabbler"]
"""How somebody bids: step by step; a maximum and leave it; at the last moment; in leaps; once or twice for fun."""
UNINTERESTED = 0.25
"""Share of things that leave somebody cold."""
STYLES: tuple[Style, ...] = ("stepper", "proxy", "sniper", "jumper", "dabbler")
_STYLE_WEIGHTS = (5, 3, 2, 2, 2)

_NAMES = (
    "Ines Okoro", "Tomasz W", "lena_f", "Bao Tran", "GrandpaJoe", "Priya S", "Mateo R", "hanna.k", "Yusuf A", "Clementine",
    "kiwi-dan", "Aoife B", "Rosalind P", "DeShawn T", "Noor H", "vintage_vic", "Signe L", "Marco Polo-Neck", "June Bug",
    "Oskar N", "Farah D", "thrifty.tess", "Ravi M", "Coco Q", "Elif Y", "Henrik J", "Paloma G", "sam_the_lens", "Wanda K",
    "Anouk V",
)  # fmt: skip
_GIVEN = (
    "Ada Amir Bea Bram Carla Cem Dina Dario Edda Emil Fenna Finn Gita Goran Hedda Hugo Ida Ivo Jana Joel Kaja Kofi Lina Luca "
    "Maya Milo Nadia Nils Olga Omar Pia Pavel Ruth Remy Sara Stan Tilda Timo Uma Vera"
).split()
_INITIALS = "ABCDEFGHJKLMNPRSTVWZ"


class Person(msgspec.Struct, frozen=True):
    """Somebody with an account."""

    name: str
    email: str
    password: str


def account(name: str) -> Person:
    """A demo account: address and password follow from the name, so that a restart finds them again.

    The passwords are thereby public: `seed` lets nobody but this machine's own people sign in with them.
    """
    handle = "".join(c for c in name.lower() if c.isalnum())
    return Person(
        name, f"{handle}@{DOMAIN}", hashlib.sha256(f"liveserver demo {handle}".encode()).hexdigest()[:24]
    )


MARA = Person("Mara Lindqvist", f"host@{DOMAIN}", "on-with-the-show")
"""Hosts the show that is live; visitors may sign in as her."""
VISITOR = Person("Robin", f"robin@{DOMAIN}", "going-once-twice")
"""The account for visitors who want to bid without registering."""
OPERATOR = Person("Ada Voss", f"ops@{DOMAIN}", "all-lights-green")
"""The account for visitors who want to see the operator's page."""
THEO = account("Theo Brandt")
JUNO = account("Juno Park")


class Character(msgspec.Struct, frozen=True):
    """One bot. Times are ms; shares and factors are drawn once."""

    person: Person
    style: Style
    bids: bool
    """Some only watch and talk."""
    pace_ms: int
    """How long this person usually takes to make up their mind."""
    talkative: int
    """Percent of occasions on which they say something."""
    generosity: float
    """What they pay for things, against what they are worth."""
    seed: str

    def random(self, about: str = "") -> Random:
        """A source of chance of one's own: what others do does not shift it."""
        return Random(f"{self.seed}|{self.person.email}|{about}")

    def valuation(self, occasion: int, title: str, start: int) -> int:
        """The most this person would pay, in minor units; 0: not interested. The same whenever they are asked about this
        `occasion` (how often the thing was on offer before): appetite changes from one time to the next.

        Of things nobody knows (a visitor who hosts may sell anything) the start price says something.
        """
        if not self.bids:
            return 0
        random = self.random(f"worth|{occasion}|{title}")
        good = BY_TITLE.get(title)
        worth = good.worth if good is not None else start * 4
        if random.random() < UNINTERESTED:
            return 0
        share = min(1.35, max(0.25, random.gauss(0.72, 0.2))) * self.generosity
        # People think in round numbers.
        step = 500 if worth >= 10_000 else 100
        return int(worth * share) // step * step


def cast(seed: int, bots: int) -> tuple[Character, ...]:
    """The evening's bots, at most `BOTS_MAX`. Most bid, a third only talk; everybody is somebody."""
    count = min(bots, BOTS_MAX)
    random = Random(f"cast|{seed}")
    names = list(_NAMES) + [f"{given} {initial}" for initial in _INITIALS for given in _GIVEN]
    known, rest = names[: len(_NAMES)], names[len(_NAMES) :]
    random.shuffle(known)
    return tuple(_character(seed, i, name) for i, name in enumerate((known + rest)[:count]))


def _character(seed: int, index: int, name: str) -> Character:
    random = Random(f"character|{seed}|{name}")
    bids = index % 3 != 2
    return Character(
        person=account(name),
        style=random.choices(STYLES, _STYLE_WEIGHTS)[0],
        bids=bids,
        pace_ms=random.randint(1_200, 3_800),
        talkative=random.randint(8, 30) if bids else random.randint(35, 70),
        generosity=random.uniform(0.85, 1.15),
        seed=str(seed),
    )
