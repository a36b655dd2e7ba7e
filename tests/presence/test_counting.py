"""Counting without Redis: when a viewer count is told, what is remembered, how reactions add up."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.presence.reactions import COUNT_MAX, REACTIONS, Tally, known
from liveserver.presence.viewers import ASKED_MAX, ASKED_MS, COUNT_MS, Viewers

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "leave", "heard"]),
        st.sampled_from(["show_1", "show_2"]),
        st.integers(0, 5),
        st.integers(0, 400),
    ),
    max_size=80,
)


@given(ACTIONS)
def test_counts_are_told_when_changed_at_most_once_a_second_and_end_up_right(actions):
    viewers, now_ms = Viewers(), 0
    own = {"show_1": 0, "show_2": 0}
    told: dict[str, list[tuple[int, int]]] = {"show_1": [], "show_2": []}

    def tick():
        for show, total in viewers.due(now_ms):
            assert own[show] > 0, "nobody is here to be told"
            told[show].append((now_ms, total))

    for action, show, number, wait_ms in actions:
        now_ms += wait_ms
        if action == "enter":
            if own[show] == 0:
                told[show].clear()  # new viewers have heard nothing
            viewers.enter(show)
            own[show] += 1
        elif action == "leave" and own[show]:
            viewers.leave(show)
            own[show] -= 1
        elif action == "heard":
            viewers.heard(show, number)
        tick()
    now_ms += COUNT_MS
    tick()
    for show, history in told.items():
        for (earlier_ms, before), (later_ms, after) in itertools.pairwise(history):
            assert later_ms - earlier_ms >= COUNT_MS
            assert before != after
        if own[show]:
            assert history[-1][1] == viewers.count(show, now_ms) >= own[show]
    assert viewers.own() == {show: count for show, count in own.items() if count}


def test_leaving_without_having_entered_is_a_broken_promise():
    with pytest.raises(AssertionError, match="has entered"):
        Viewers().leave("show_1")


def test_a_count_asked_for_is_remembered_for_a_while():
    viewers = Viewers()
    assert viewers.count("show_1", 0) == 0
    assert viewers.asked(0) == ["show_1"]
    viewers.heard("show_1", 7)
    assert viewers.count("show_1", 1_000) == 7
    assert viewers.asked(ASKED_MS) == ["show_1"]
    assert viewers.asked(1_000 + ASKED_MS) == []


def test_asking_for_very_many_shows_forgets_the_longest_unasked():
    viewers = Viewers()
    for i in range(ASKED_MAX):
        viewers.count(f"show_{i}", 0)
    viewers.count("show_0", 1)
    viewers.count("show_new", 1)
    asked = viewers.asked(1)
    assert len(asked) == ASKED_MAX
    assert {"show_0", "show_new"} <= set(asked)
    assert "show_1" not in asked


def test_what_a_page_asked_for_is_known_to_the_first_viewer():
    viewers = Viewers()
    viewers.count("show_1", 0)
    viewers.heard("show_1", 7)
    viewers.enter("show_1")
    assert viewers.due(0) == [("show_1", 8)]


def test_reactions_add_up_per_show_and_are_taken_once():
    tally = Tally()
    tally.add("show_1", {"🔥": 2})
    tally.add("show_1", {"🔥": 1, "👏": 1})
    tally.add("show_2", {"🎉": 1})
    assert tally.take() == {"show_1": {"🔥": 3, "👏": 1}, "show_2": {"🎉": 1}}
    assert tally.take() == {}


def test_a_flood_of_reactions_stays_a_number_of_bounded_size():
    tally = Tally()
    for _ in range(3):
        tally.add("show_1", {"🔥": COUNT_MAX - 1})
    assert tally.take() == {"show_1": {"🔥": COUNT_MAX}}


def test_what_another_node_sends_wrongly_counts_nothing():
    tally = Tally()
    tally.add("show_1", {"💩": 5, "🔥": -3})
    assert tally.take() == {}


@pytest.mark.parametrize(
    ("emoji", "counted"),
    [*((emoji, emoji) for emoji in REACTIONS), ("❤", "❤️"), ("🔥\ufe0f", "🔥"), ("💩", None), ("", None), ("🔥🔥", None), ("x" * 9_999, None)],
)  # fmt: skip
def test_which_reactions_there_are(emoji: str, counted: str | None):
    assert known(emoji) == counted
