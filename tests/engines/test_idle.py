"""A source that falls silent holds the merge back until it says so; then the merge goes on, and says without whom.

The sources here do what they are told through a pipe, and whoever waits for a row waits in the kernel.
"""

import re
import signal

import pytest
from plait.engines import flow
from plait.operators import LateRows, PythonMap, SortedMerge
from plait.pipeline import Stage
from plait.writers import JSONLWriter

pytestmark = [pytest.mark.processes, pytest.mark.timeout(30)]


def merge(name: str, inputs, **options) -> Stage:
    return Stage(name, SortedMerge(**options), tuple(inputs))


def test_the_merge_goes_on_without_a_silent_source_and_says_which_since_when_and_how_many_waited(play):
    with play("ab", [merge("m", "ab", tag="from")]) as play:
        play.tell("a", [0, 1, 2, 3, 4])
        play.tell("b", [1])
        assert play.tap.take(3) == [(0, "a"), (1, "a"), (1, "b")]
        play.tell("b", {"after": 7})
        assert play.tap.take(3) == [(2, "a"), (3, "a"), (4, "a")]
        play.close()
    (note,) = play.report.notes
    found = re.fullmatch(
        r"m went on without 'b', .* silent since (\d+\.\d) s into the run; 3 rows had been waiting", note
    )
    assert 7 <= float(found[1]) < 30
    assert play.report.exit_code == 0
    assert play.report.imbalances == ()


def test_what_comes_too_late_from_a_source_that_wakes_is_a_dead_letter_and_the_rest_is_in_order(play, tmp_path):
    late = [Stage("late b", LateRows(), ("b",)), Stage("log", JSONLWriter(path="late.jsonl"), ("late b",))]
    with play("ab", [*late, merge("m", "ab", tag="from")]) as play:
        play.tell("a", [0, 4])
        play.tell("b", [1])
        assert play.tap.take(2) == [(0, "a"), (1, "b")]
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(4, "a")]
        play.tell("b", [2, 4, 6])
        play.tell("b", [5])  # late in its own source, which the clock does not change
        play.tap.until("m", 6)
        play.tell("a", [5, 9])
        assert play.tap.take(3) == [(4, "b"), (5, "a"), (6, "b")]
        play.close()
    assert play.tap.take(1) == [(9, "a")]
    assert (tmp_path / "late.jsonl").read_text() == '{"timestamp":"2010-01-01T00:00:05Z"}\n'
    (letter,) = play.letters()
    assert (letter["stage"], letter["kind"], letter["origin"]) == ("m", "late", "b")
    assert letter["record"] == {"timestamp": "2010-01-01T00:00:02Z"}
    assert "b had been silent, and the merge had gone on without it" in letter["reason"]
    counts = play.report["m"].counts
    assert (counts.received, counts.delivered, counts.late, counts.inside) == (8, 7, 1, 0)
    assert play.report.exit_code == 3
    assert play.report.imbalances == ()


def test_a_source_is_waited_for_again_when_it_has_woken(play):
    with play("ab", [merge("m", "ab")]) as play:
        play.tell("a", [0])
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(0, None)]
        play.tell("b", [1])
        play.tap.until("m", 2)
        play.tell("a", [5])
        assert play.tap.take(1) == [(1, None)]
        play.tell("b", [2])
        assert play.tap.take(1) == [(2, None)]
        play.tell("b", {"after": 0})
        assert play.tap.take(1) == [(5, None)]
        play.close()
    assert play.report["m"].extra == {"times that 'b' was not waited for": 2}
    assert len(play.report.notes) == 1


def test_an_idle_source_lets_go_of_what_its_lateness_held_back(play, tmp_path):
    late = [Stage("late a", LateRows(), ("a",)), Stage("log", JSONLWriter(path="late.jsonl"), ("late a",))]
    with play("ab", [*late, merge("m", "ab", lateness="10s")]) as play:
        play.tell("a", [3, 1, 2])
        play.tell("b", [20])
        play.tell("a", {"after": 0})
        play.tell("b", {"after": 0})
        assert play.tap.take(4) == [(1, None), (2, None), (3, None), (20, None)]
        play.tell("a", [2, 30])  # 2 is before what its own source has let go of: late there
        play.close()
    assert play.tap.left("timestamp") == [(30,)]
    assert (tmp_path / "late.jsonl").read_text() == '{"timestamp":"2010-01-01T00:00:02Z"}\n'
    assert play.report["a"].counts.late == play.report["a"].counts.aside == 1
    assert play.report.imbalances == ()
    assert play.report.exit_code == 0


def test_a_merge_whose_sources_are_all_idle_is_idle_for_the_next(play):
    with play("abc", [merge("inner", "ab"), merge("outer", ["inner", "c"], tag="from")]) as play:
        play.tell("c", [5, 6])
        play.tell("a", {"after": 0})
        play.tell("b", {"after": 0})
        assert play.tap.take(2) == [(5, "c"), (6, "c")]
        play.tell("a", [7])
        play.tap.until("inner", 1)
        play.tell("c", [8])
        assert play.tap.take(1) == [(7, "inner")]
        play.close("a")
        assert play.tap.take(1) == [(8, "c")]
        play.close()
    assert sorted(note.split(",")[0] for note in play.report.notes) == [
        "inner went on without 'a'", "inner went on without 'b'", "outer went on without 'inner'",
    ]  # fmt: skip
    assert play.report.exit_code == 0


def test_a_source_alone_is_nobody_s_delay(play):
    with play("a", [merge("m", "a")]) as play:
        play.tell("a", [0])
        play.tell("a", {"after": 0})
        play.tell("a", [1])
        assert play.tap.take(2) == [(0, None), (1, None)]
        play.close()
    assert play.report.notes == ()


@pytest.mark.parametrize("play", ["serial"], indirect=True)
@pytest.mark.parametrize(("seconds", "taken"), [(60.0, 5), (0.0, 1)])
def test_what_a_live_source_has_brought_is_worked_off_for_a_while_when_the_run_is_stopped(
    play, monkeypatch, seconds, taken
):
    monkeypatch.setattr(flow, "_GRACE_SECONDS", seconds)
    stages = [Stage("mapped", PythonMap(function=lambda row: running.control.stop() or row), ("a",))]
    with play("a", stages) as running:
        running.tell("a", [1, 2, 3, 4, 5])
        running.join()
    assert running.tap.left("timestamp") == [(second,) for second in range(1, taken + 1)]
    assert running.report["mapped"].counts.inside == 5 - taken
    assert running.report.exit_code == (0 if taken == 5 else 128 + signal.SIGINT)
    assert running.report.imbalances == ()
