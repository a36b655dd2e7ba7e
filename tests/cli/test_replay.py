"""Recorded bids through the real room: files as people have them, and 412 real auctions where the file is at hand."""

import csv
import json
from pathlib import Path

import pytest

from liveserver.auction.increments import Increments, named
from liveserver.cli.bidfile import TOLD_MAX, read_bids
from liveserver.cli.replay import as_table, replay
from liveserver.kernel.errors import Mendable

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "auctions" / "ebay_bids.csv"
HEADER = "auctionid,bid,bidtime,bidder,openbid\n"


@pytest.fixture
def file(tmp_path: Path):
    def write(rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
        path = tmp_path / "bids.csv"
        path.write_text(header + rows, encoding=encoding)
        return path

    return write


def table(name: str = "ebay-us", currency: str = "USD") -> Increments:
    found = named(name, currency)
    assert isinstance(found, Increments)
    return found


def test_bids_are_read_by_auction_in_time_order_and_of_two_at_one_instant_the_higher_first(file):
    path = file("b,11,0.5,cy,10\na,5,0.2,bo,1\nb,12,0.5,ana,10\nb,10.5,0.1,di,10\nb,11,0.5,ed,10\n\n")
    found = read_bids(path, "USD")
    assert list(found) == ["b", "a"]
    assert [(bid.bidder, bid.amount) for bid in found["b"]] == [
        ("di", 1050),
        ("ana", 1200),
        ("cy", 1100),
        ("ed", 1100),
    ]
    assert found["b"][1].at_ms == 43_200_000
    assert found["a"][0].line == 3


def test_other_columns_other_orders_and_a_byte_order_mark_do_not_matter(file):
    path = file('7,"1,2",ana,x,0.25,3\n', header="\ufeffBid,auctionid,bidder,note,bidtime,openbid\n")
    (bid,) = read_bids(path, "USD")["1,2"]
    assert (bid.amount, bid.opening, bid.bidder) == (700, 300, "ana")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,x,0.1,ana,1", "line 3: bid 'x' is not a decimal number"),
        ("a,,0.1,ana,1", "line 3: bid is empty"),
        ("a,-5,0.1,ana,1", "not an amount of zero or more"),
        ("a,1.005,0.1,ana,1", "more decimals than USD knows"),
        ("a,1e99,0.1,ana,1", "larger than any amount"),
        ("a,NaN,0.1,ana,1", "not an amount"),
        ("a,5,soon,ana,1", "line 3: bidtime 'soon' is no number of days"),
        ("a,5,-0.1,ana,1", "is no number of days"),
        ("a,5,1e9,ana,1", "is no number of days"),
        ("a,5,0.1,,1", "bidder is empty"),
        ("a,5", "bidtime is empty"),
        (f"a,5,0.1,{'x' * 300},1", "bidder is longer"),
    ],
)
def test_a_damaged_row_is_named_with_its_line(file, row, says):
    with pytest.raises(Mendable) as caught:
        read_bids(file(f"a,5,0.1,ana,1\n{row}\n"), "USD")
    assert says in caught.value.what


def test_many_damaged_rows_fit_on_a_screen(file):
    with pytest.raises(Mendable) as caught:
        read_bids(file("a,x,0.1,ana,1\n" * 50), "USD")
    assert "50 of 50 rows are damaged" in caught.value.what
    assert caught.value.what.count("line ") == TOLD_MAX
    assert "and 40 more" in caught.value.what


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "names no column"),
        (b"auctionid,bid,bidtime\n", "names no column bidder, openbid"),
        (HEADER.encode() + b"a,5,0.1,\xff,1\n", "not UTF-8"),
        (HEADER.encode() + b'a,5,0.1,"x"y,1\n', "no CSV"),
        (HEADER.encode() + b"a," + b"5" * 20_000 + b",0.1,x,1\n", "no CSV"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, content, says):
    path = tmp_path / "bids.csv"
    path.write_bytes(content)
    with pytest.raises(Mendable) as caught:
        read_bids(path, "USD")
    assert says in caught.value.what


def test_a_replay_tells_price_winner_and_what_was_refused_why(file):
    rows = "a,10,0.1,ana,5\na,5.2,0.2,bo,5\na,4,0.3,cy,5\na,9,0.4,ana,5\na,12,0.5,bo,5\n"
    ((auction, bids),) = read_bids(file(rows), "USD").items()
    result = replay(auction, bids, table(), "USD")
    assert (result.price, result.winner, result.bids) == (1050, "bo", 2)
    assert result.rejected == {"already_leading": 1, "bid_too_low": 2}


def test_the_lot_opens_with_the_openbid_of_the_earliest_bid(file):
    ((auction, bids),) = read_bids(file("a,10,0.2,ana,5\na,9,0.1,bo,3\n"), "USD").items()
    assert replay(auction, bids[:1], table(), "USD").price == 300


def test_a_bidder_who_bids_far_above_is_taken_at_their_word(file):
    ((auction, bids),) = read_bids(file("a,5000,0.1,ana,0.01\n"), "USD").items()
    assert replay(auction, bids, table(), "USD").bids == 1


def test_the_table_is_aligned_and_sums_up(file):
    found = read_bids(file("a,10,0.1,ana,5\nlonger,1,0.2,bo,2\n"), "USD")
    results = [replay(auction, bids, table(), "USD") for auction, bids in found.items()]
    lines = list(as_table(results, "USD"))
    assert lines[2].split() == ["a", "5.00", "USD", "ana", "1", "-"]
    assert lines[3].split() == ["longer", "-", "-", "0", "bid_too_low", "1"]
    assert lines[-1] == "2 auctions, 1 sold; 1 bids accepted, 1 refused (1 bid_too_low)"


async def test_the_command_prints_json_lines_and_says_what_is_wrong_without_a_traceback(ask, file):
    path = str(file("a,10,0.1,ana,5\n"))
    code, out, _ = await ask("replay", path)
    assert code == 0
    assert json.loads(out) == {"auctionid": "a", "price": 500, "winner": "ana", "bids": 1, "rejected": {}}
    code, _, err = await ask("replay", str(file("a,?,0.1,ana,5\n")))
    assert code == 1
    assert "line 2" in err
    assert "Traceback" not in err
    assert (await ask("replay", path, "--increments", "none"))[0] == 1
    assert (await ask("replay", path + ".nowhere"))[0] == 2


needs_real_bids = pytest.mark.skipif(
    not REAL.is_file(), reason="the real bids are not at hand; the vectors in tests/auction always run"
)


@needs_real_bids
def test_real_auctions_come_to_their_real_closing_prices():
    """eBay's proxy rule with eBay's increments gives 387 of 412: the others had hidden reserves or damaged rows.

    One of the 387 (1650483277) hangs on two bids at one instant: with the file's order instead of the higher first, the
    higher one is under the next minimum, is refused, and 386 remain.
    """
    with REAL.open(newline="") as stream:
        closing = {row["auctionid"]: round(float(row["price"]) * 100) for row in csv.DictReader(stream)}
    auctions = read_bids(REAL, "USD")
    results = [replay(auction, bids, table(), "USD") for auction, bids in auctions.items()]
    assert sum(len(bids) for bids in auctions.values()) == 7_041
    assert sum(result.bids + sum(result.rejected.values()) for result in results) == 7_041
    assert sum(result.price == closing[result.auctionid] for result in results) == 387
    assert len(results) == 412
