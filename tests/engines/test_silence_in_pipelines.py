"""Live sources that fall silent before windows, rolling aggregates and joins, on both engines.

The last results go out while nobody brings anything, an idle input holds nobody up, and what comes after all is judged
by the time that was reached: docs/semantics.md, "A source that falls silent".
"""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import Any

import pytest
import zmq
from plait.operators import SortedMerge
from plait.operators.join import AsofJoin, IntervalJoin, WindowJoin
from plait.operators.rolling import RollingWindow
from plait.operators.window import SessionWindow, SlidingWindow, TumblingWindow
from plait.pipeline import Stage
from plait.readers import ZeroMQReader

pytestmark = [pytest.mark.processes, pytest.mark.timeout(30)]

COUNT: dict[str, Any] = {"aggregate": {"n": "count"}}
EPOCH = -1262304000  # 1970, by the time of the tests
NOW, FOR_SEVEN_SECONDS = {"after": 0}, {"after": -7}


def tumbling(name: str, source: str, size: str = "10s") -> Stage:
    return Stage(name, TumblingWindow(size=size, **COUNT), (source,))


@pytest.mark.parametrize("merged", [False, True], ids=["alone", "merged"])
@pytest.mark.parametrize(
    ("window", "by_the_clock", "at_the_end"),
    [
        (TumblingWindow(size="10s", **COUNT), [(10, 2)], [(70, 1)]),
        (SlidingWindow(size="10s", slide="5s", **COUNT), [(5, 2), (10, 2)], [(65, 1), (70, 1)]),
        (SessionWindow(gap="5s", **COUNT), [(9, 2)], [(65, 1)]),
    ],
    ids=["tumbling", "sliding", "session"],
)
def test_the_clock_closes_the_last_window_of_silent_sources(
    play: Any, merged: bool, window: Any, by_the_clock: list[Any], at_the_end: list[Any]
) -> None:
    stages = (
        [Stage("m", SortedMerge(), ("a", "b")), Stage("w", window, ("m",))] if merged else [Stage("w", window, "a")]
    )
    with play("ab" if merged else "a", stages) as play:
        play.tell("a", [0, 4])
        if merged:
            play.tell("b", FOR_SEVEN_SECONDS)
        play.tell("a", FOR_SEVEN_SECONDS)  # it is 11 now
        assert play.tap.take(len(by_the_clock), "timestamp", "n") == by_the_clock
        play.tell("a", [5, 60])
        play.close()
    assert play.tap.left("timestamp", "n") == at_the_end
    (letter,) = play.letters()
    assert (letter["stage"], letter["kind"], letter["record"]) == ("w", "late", {"timestamp": "2010-01-01T00:00:05Z"})
    assert "had gone on by the clock to 2010-01-01T00:00:1" in letter["reason"]
    assert play.report["w"].counts.late == 1
    assert play.report.imbalances == ()


@pytest.mark.parametrize("last", [{"rows": 2}, {"duration": "2s"}], ids=["rows", "duration"])
def test_rolling_goes_on_with_what_lateness_held_back_and_never_back_in_time(play: Any, last: dict[str, Any]) -> None:
    with play("a", [Stage("r", RollingWindow(**last, **COUNT), ("a",))], lateness="10s") as play:
        play.tell("a", [3, 1, 2])
        play.tell("a", NOW)
        assert play.tap.take(3, "timestamp", "n") == [(1, 1), (2, 2), (3, 2)]
        play.tell("a", [2, 4])
        play.tell("a", NOW)
        assert play.tap.take(1, "timestamp", "n") == [(4, 2)]
        play.close()
    (letter,) = play.letters()
    assert (letter["stage"], letter["kind"], letter["record"]) == ("a", "late", {"timestamp": "2010-01-01T00:00:02Z"})
    assert "had been silent, and what it had held back had gone on to 2010-01-01T00:00:03Z" in letter["reason"]
    assert play.report.imbalances == ()


JOINS = pytest.mark.parametrize(
    ("join", "pairs"),
    [
        (IntervalJoin(lower="-2s", upper="2s"), [(4, 4, 3)]),
        (IntervalJoin(lower="-2s", upper="2s", how="left"), [(0, 0, None), (4, 4, 3)]),
        (WindowJoin(size="5s"), [(3, 0, 3), (4, 4, 3)]),
        (AsofJoin(), [(4, 4, 3)]),
        (AsofJoin(how="left"), [(0, 0, None), (4, 4, 3)]),
    ],
    ids=["interval", "interval left", "window", "asof", "asof left"],
)
PAIR = ("timestamp", "timestamp_left", "timestamp_right")


@JOINS
def test_an_idle_input_of_a_join_holds_nobody_up(play: Any, join: Any, pairs: list[Any]) -> None:
    with play("ab", [Stage("j", join, ("a", "b"))]) as play:
        play.tell("b", [3])
        play.tell("a", [0, 4])
        play.tell("b", NOW)
        play.tell("a", [10])
        assert play.tap.take(len(pairs), *PAIR) == pairs
        play.tell("b", [5, 10])
        play.tap.until("j", 6)  # else the end of the other might come first
        play.close()
    assert play.tap.left(*PAIR) == [(10, 10, 10)]
    (letter,) = play.letters()
    assert (letter["stage"], letter["kind"], letter["origin"]) == ("j", "late", "b")
    assert letter["record"] == {"timestamp": "2010-01-01T00:00:05Z"}
    assert "b had been silent, and the merge had gone on without it to 2010-01-01T00:00:10Z" in letter["reason"]
    assert play.report.imbalances == ()


@JOINS
def test_the_clock_lets_out_the_last_results_of_a_join_of_silent_inputs(play: Any, join: Any, pairs: list[Any]) -> None:
    with play("ab", [Stage("j", join, ("a", "b"))]) as play:
        play.tell("b", [3])
        play.tell("a", [0, 4])
        play.tell("b", FOR_SEVEN_SECONDS)
        play.tell("a", FOR_SEVEN_SECONDS)
        assert play.tap.take(len(pairs), *PAIR) == pairs
        play.tell("a", [5])
        play.close()
    assert play.tap.left(*PAIR) == []
    (letter,) = play.letters()
    assert (letter["stage"], letter["record"]) == ("j", {"timestamp": "2010-01-01T00:00:05Z"})


def test_silence_closes_the_windows_before_a_join_and_lets_their_pair_out(play: Any) -> None:
    stages = [tumbling("v", "a"), tumbling("w", "b"), Stage("j", IntervalJoin(lower=0, upper=0), ("v", "w"))]
    with play("ab", stages) as play:
        play.tell("a", [0, 4])
        play.tell("b", [5])
        play.tell("a", FOR_SEVEN_SECONDS)
        play.tell("b", FOR_SEVEN_SECONDS)
        assert play.tap.take(1, "timestamp", "n", "n_right") == [(10, 2, 1)]
        play.close()
    assert play.report.exit_code == 0


def test_a_source_that_wakes_before_an_open_window_is_waited_for_again(play: Any) -> None:
    """Nothing of it comes to the merge until the window closes, and the merge must not go on without that."""
    stages = [tumbling("w", "a"), Stage("all", SortedMerge(), "a"), Stage("m", SortedMerge(), ("w", "b"))]
    with play("ab", stages) as play:
        play.tell("a", [1])
        play.tell("a", NOW)
        play.tell("b", [3])
        assert play.tap.take(1) == [(3, None)]
        play.tell("a", [4])
        play.tell("a", [5])
        play.tap.until("w", 3)  # so the frontier behind the first of them has been told, too
        play.tell("b", [15])
        play.tap.until("m", 2)
        play.tell("a", [12])
        assert play.tap.take(1, "timestamp", "n") == [(10, 3)]
        play.close()
    assert play.tap.left("timestamp", "n") == [(15, None), (20, 1)]
    assert play.report["m"].counts.late == 0


@pytest.fixture
def addresses():
    """Where two sources listen. Not under tmp_path: such an address has 107 characters at most."""
    folder = tempfile.mkdtemp(prefix="plait")
    yield f"ipc://{folder}/a", f"ipc://{folder}/b"
    shutil.rmtree(folder)


def message(seconds: float) -> bytes:
    return json.dumps({"timestamp": seconds}).encode()


def test_silence_of_zeromq_closes_a_window_and_lets_its_pair_out_of_a_join(
    running: Any, addresses: tuple[str, str]
) -> None:
    """Both are silent for 20 ms, and the window was 10 ms before its end."""
    options: dict[str, Any] = {"socket": "pull", "unit": "s", "idle": "20ms", "end": "END"}
    readers = [Stage(name, ZeroMQReader(bind=at, **options)) for name, at in zip("ab", addresses, strict=True)]
    stages = [*readers, tumbling("w", "a"), Stage("j", AsofJoin(), ("w", "b"))]
    with running(stages) as run, zmq.Context() as context, context.socket(zmq.PUSH) as a, context.socket(zmq.PUSH) as b:
        context.linger = 0
        a.connect(addresses[0]), b.connect(addresses[1])
        b.send(message(9))
        run.tap.until("j", 1)
        a.send(message(9.99))
        (pair,) = run.tap.take(1, *PAIR, "n")
        assert pair == (EPOCH + 10, EPOCH + 10, EPOCH + 9, 1)
        a.send(message(9.999)), a.send(b"END"), b.send(b"END")
        run.join()
    (letter,) = run.letters()
    assert (letter["stage"], letter["kind"], letter["record"]) == (
        "w",
        "late",
        {"timestamp": "1970-01-01T00:00:09.999000Z"},
    )
    assert run.report.imbalances == ()
