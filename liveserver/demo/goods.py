"""What the demo's hosts sell: invented makers and players, believable prices, and what a host would say about each thing.

Plain data; amounts are US cents. Pictures are drawn by the server from kind and seed (`/media/generated/<kind>/<seed>.svg`).
"""

import msgspec


class Good(msgspec.Struct, frozen=True):
    """One thing for sale. `worth` is what people who like such things would pay on an average evening."""

    key: str
    kind: str
    """What the picture shows."""
    category: str
    title: str
    worth: int
    start: int
    story: str
    talk: tuple[str, ...]
    """What the host says while it is sold."""
    reserve: int | None = None
    preset: str = "live"

    @property
    def picture(self) -> str:
        return f"/media/generated/{self.kind}/{self.key}.svg"


def _camera(
    key: str, title: str, worth: int, start: int, story: str, *talk: str, reserve: int | None = None
) -> Good:
    return Good(key, "camera", "cameras", title, worth, start, story, talk, reserve)


def _sneaker(
    key: str, title: str, worth: int, start: int, story: str, *talk: str, preset: str = "live"
) -> Good:
    return Good(key, "sneaker", "sneakers", title, worth, start, story, talk, preset=preset)


def _card(key: str, title: str, worth: int, start: int, story: str, *talk: str, preset: str = "live") -> Good:
    return Good(key, "card", "cards", title, worth, start, story, talk, preset=preset)


def _pot(key: str, title: str, worth: int, start: int, story: str, *talk: str) -> Good:
    return Good(key, "ceramic", "ceramics", title, worth, start, story, talk)


CAMERAS = (
    _camera(
        "halden-35", "Halden 35 rangefinder, 1958", 18_500, 3_000,
        "All-metal rangefinder with the collapsible 50 mm f/2. Shutter serviced last spring, bright finder, honest brassing "
        "on the corners. Comes with its leather case.",
        "listen to that shutter… serviced last spring, every speed on time",
        "the brassing is all honest wear, no dents, glass is clean",
        "this is the one people keep for life",
    ),
    _camera(
        "norda-twin", "Norda Twin-lens reflex 6×6", 14_000, 2_500,
        "Medium-format twin-lens reflex from 1961. Waist-level finder with a new mirror, 75 mm f/3.5 taking lens without haze.",
        "new mirror in the finder, so it is bright all the way to the corners",
        "twelve frames a roll and every one of them slows you down in a good way",
    ),
    _camera(
        "pascal-slr", "Pascal FX-2 SLR with 55 mm f/1.4", 9_500, 1_500,
        "The student's SLR of the seventies with the fast lens everybody wanted. Meter works and agrees with my phone.",
        "meter is alive and agrees with my phone within half a stop",
        "that f/1.4 is the reason this one never stays long",
    ),
    _camera(
        "odell-instant", "Odell SX folding instant camera", 12_000, 2_000,
        "Folding instant camera in chrome and tan leather, re-skinned by hand. Tested with a fresh pack, pictures included.",
        "tested it this morning, the picture of my kitchen is in the box",
        "re-skinned by hand, real leather, smell is free",
    ),
    _camera(
        "vireo-half", "Vireo Half, half-frame pocket camera", 7_200, 900,
        "72 pictures from one roll. The selenium meter still wakes up in sunlight. Fits a shirt pocket.",
        "72 pictures a roll, film prices can't hurt you",
        "fits a shirt pocket, I checked with this very shirt",
    ),
    _camera(
        "meridian-stereo", "Meridian Stereo 3D camera with viewer", 16_000, 2_800,
        "Two lenses, one push: stereo slides as in 1954. With the matching viewer and a box of somebody's holiday in the Alps.",
        "comes with the viewer AND a whole box of alpine holidays from 1956",
        "two lenses, one shutter, and yes the 3D really works",
        reserve=6_000,
    ),
)  # fmt: skip

SNEAKERS = (
    _sneaker(
        "comet-low", "Comet Low ’89 “Ember”, US 10", 21_000, 4_000,
        "Deadstock pair of the first Ember run, original box with both lace sets. Soles not yellowed.",
        "deadstock, both lace sets, box has one soft corner and that's it",
        "first Ember run, check the stitching on the heel",
    ),
    _sneaker(
        "arroyo-trail", "Arroyo Trail Runner “Moss”, US 9", 11_500, 1_800,
        "Worn twice, on carpet. The moss green that sold out in four minutes.",
        "worn twice, both times on my carpet, I am not proud",
        "moss sold out in four minutes back then",
    ),
    _sneaker(
        "kite-high", "Kite High OG canvas, US 11", 8_800, 1_000,
        "Canvas high-top from the 1992 reissue, still stiff, still white. Sudden death: the clock does not wait.",
        "sudden death on this one friends, zero means zero",
        "1992 reissue, canvas is still stiff",
        preset="sudden-death",
    ),
    _sneaker(
        "palisade-court", "Palisade Court “Chalk”, US 8.5", 9_900, 1_500,
        "Tumbled leather court shoe, chalk on gum. New with tags.",
        "chalk on gum sole, goes with every pair of trousers you own",
    ),
    _sneaker(
        "tidal-racer", "Tidal Racer sample pair, US 9", 26_000, 5_000,
        "A sample in a colour that never went to the shops. Sticker of the factory on the tongue.",
        "factory sticker is still on the tongue, never retailed",
    ),
    _sneaker(
        "orbit-max", "Orbit Air “Nightbus”, US 10.5", 13_500, 2_000,
        "Reflective panels, night-bus orange lining. Worn once to a wedding.",
        "reflective panels, flash photography welcome",
    ),
)  # fmt: skip

CARDS = (
    _card(
        "wyrm-foil", "Emberwyrm foil, first edition, graded 9", 24_000, 4_500,
        "The foil that every binder of the first edition lacks. Graded 9, slab without scratches.",
        "graded nine, look at the centring on this",
        "first edition foil, population under three hundred",
    ),
    _card(
        "rookie-vance", "Tully Vance rookie card, 1987", 13_000, 2_000,
        "Rookie of the Harbor City Pilots. Sharp corners, no gloss lost.",
        "four sharp corners, that almost never happens with the 87s",
        "Tully's rookie year, before the knee",
    ),
    _card(
        "sealed-pack", "Tidecallers booster pack, sealed, 1999", 6_000, 800,
        "Sealed pack of the first print. Weighed? No. That's the fun.",
        "nobody weighed it, I promise, that's the fun",
        "sudden death, keep your thumb ready",
        preset="sudden-death",
    ),
    _card(
        "moth-queen", "Moth Queen alternate art, mint", 9_000, 1_200,
        "Alternate art by the original illustrator, pulled and sleeved the same minute.",
        "pulled and sleeved the same minute, by me, with gloves",
    ),
    _card(
        "pilot-team", "Harbor City Pilots team set, 1991", 4_800, 500,
        "All 24 cards including the misprinted coach.",
        "all 24, and yes the coach is the misprint",
    ),
)  # fmt: skip

CERAMICS = (
    _pot(
        "tenmoku-bowl", "Tenmoku tea bowl, wood-fired", 8_500, 1_200,
        "Thrown in one go, fired four days with pine. Runs of rust over black; sits in two hands as if it had always been there.",
        "four days of pine fire in this one bowl",
        "look how the rust runs over the black, you can't plan that",
    ),
    _pot(
        "celadon-vase", "Celadon bottle vase, 24 cm", 12_500, 2_000,
        "Pale green celadon with a fine crackle. One stem is enough.",
        "the crackle sings for a week after firing, this one has finished its song",
        "one stem is enough, trust me",
    ),
    _pot(
        "speckle-mugs", "Speckled mugs, set of four", 6_400, 900,
        "Big enough for a morning. Dishwasher-proof, tested by a family of five.",
        "dishwasher-proof, tested by a family of five",
    ),
    _pot(
        "moon-jar", "White moon jar, small", 19_000, 3_500,
        "Two bowls joined at the waist, a little crooked like every moon jar should be.",
        "a little crooked, as every moon jar should be",
        "two bowls joined at the waist, you can feel the seam inside",
    ),
    _pot(
        "raku-plate", "Raku serving plate, copper lustre", 7_000, 1_000,
        "Copper lustre from a raku kiln and a bucket of leaves. No two alike.",
        "that copper flash only happens when the leaves are damp",
    ),
    _pot(
        "slip-jug", "Slipware jug with a hare", 9_800, 1_400,
        "Honey-glazed slipware; the hare looks back at you.",
        "the hare looks back at you, I did try to talk her out of it",
    ),
)  # fmt: skip

LIVE = (
    CAMERAS[0], CERAMICS[0], CARDS[0], SNEAKERS[0], CAMERAS[4], CERAMICS[3], CARDS[2], CAMERAS[3], SNEAKERS[2], CERAMICS[1],
    CAMERAS[1], CARDS[1], SNEAKERS[1], CAMERAS[2], CAMERAS[5],
)  # fmt: skip
"""The live show's catalogue, in the order it is sold and sold again."""

EVERYTHING = (*CAMERAS, *SNEAKERS, *CARDS, *CERAMICS)
BY_TITLE = {good.title: good for good in EVERYTHING}
