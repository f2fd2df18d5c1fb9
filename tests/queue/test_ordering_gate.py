"""The gate of one source: THE rule of lateness, whatever the form and the size of the blocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plait.errors import OrderError
from plait.queue.gate import Gate
from plait.queue.ordering import Order

START = datetime(2010, 1, 1, tzinfo=UTC)

times = st.lists(st.integers(0, 40), max_size=60)
spans = st.none() | st.integers(0, 12)
cuts = st.lists(st.integers(1, 7), min_size=1, max_size=80)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def frame(seconds: list[int], numbers: list[int] | None = None) -> pl.DataFrame:
    numbers = list(range(len(seconds))) if numbers is None else numbers
    stamps = pl.Series("timestamp", [at(s) for s in seconds], dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame({"timestamp": stamps, "number": pl.Series(numbers, dtype=pl.Int64)})


def pieces(items: list, sizes: list[int]) -> list[list]:
    """Cut a list into pieces of these sizes, the last of which is used again and again."""
    cut, start = [], 0
    sizes = iter(sizes)
    size = 1
    while start < len(items):
        size = next(sizes, size)
        cut.append(items[start : start + size])
        start += size
    return cut


def brute_force(arrivals: list[int], lateness: int | None, max_ahead: int | None) -> tuple[list[int], dict[int, str]]:
    """Decide by the words of the rule: look at all that came before, for each record anew."""
    kept: list[int] = []
    refused: dict[int, str] = {}
    for index, time in enumerate(arrivals):
        before = [arrivals[i] for i in kept]
        if before and time < max(before) - (lateness or 0):
            refused[index] = "late"
        elif before and max_ahead is not None and time > max(before) + max_ahead:
            refused[index] = "ahead"
        else:
            kept.append(index)
    return sorted(kept, key=lambda i: arrivals[i]), refused


def through(gate: Gate, blocks: list) -> tuple[list, dict[int, str]]:
    """Push the blocks, and return the numbers that went on, and the kind of refusal of those that did not."""
    out, refused, start = [], {}, 0
    for block in blocks:
        gated = gate.push(block)
        out += numbers_of(gated.block)
        refused |= {start + d.index: d.kind for d in gated.diverted}
        start += len(block)
    return out + numbers_of(gate.end().block), refused


def numbers_of(block: object) -> list[int]:
    if block is None:
        return []
    return block["number"].to_list() if isinstance(block, pl.DataFrame) else [record["number"] for record in block]


@settings(deadline=None)
@given(times, spans, spans, cuts)
def test_objects_are_judged_as_the_rule_says_whatever_the_blocks(arrivals, lateness, max_ahead, sizes):
    records = [{"timestamp": time, "number": i} for i, time in enumerate(arrivals)]
    gate = Gate(lateness=lateness, max_ahead=max_ahead)
    assert through(gate, pieces(records, sizes)) == brute_force(arrivals, lateness, max_ahead)


@settings(deadline=None)
@given(times, spans, spans, cuts)
def test_frames_are_judged_as_the_rule_says_whatever_the_blocks(arrivals, lateness, max_ahead, sizes):
    spans = [None if span is None else timedelta(seconds=span) for span in (lateness, max_ahead)]
    gate = Gate(lateness=spans[0], max_ahead=spans[1])
    numbered = pieces(list(enumerate(arrivals)), sizes)
    blocks = [frame([time for _, time in piece], [number for number, _ in piece]) for piece in numbered]
    assert through(gate, blocks) == brute_force(arrivals, lateness, max_ahead)


@settings(deadline=None)
@given(times, spans, spans, cuts)
def test_what_goes_on_is_in_order_and_never_before_the_frontier_given_out(arrivals, lateness, max_ahead, sizes):
    gate = Gate(Order(None), lateness=lateness, max_ahead=max_ahead)
    out, frontier = [], None
    for piece in pieces(arrivals, sizes):
        gated = gate.push(piece)
        assert all(frontier is None or time >= frontier for time in gated.block or [])
        frontier = gated.frontier
        out += gated.block or []
    assert out == sorted(out)
    assert len(out) + len(gate) + gate.late + gate.ahead == len(arrivals)


@settings(deadline=None)
@given(times, spans, spans, cuts, st.integers(0, 40), st.integers(0, 2))
def test_both_forms_agree_on_reasons_and_blame(arrivals, lateness, max_ahead, sizes, promised, when):
    def told(as_frame: bool) -> tuple:
        gate = Gate(
            lateness=None if lateness is None else timedelta(seconds=lateness),
            max_ahead=None if max_ahead is None else timedelta(seconds=max_ahead),
        )
        reasons = []
        for n, piece in enumerate(pieces(arrivals, sizes)):
            if n == when:
                gate.advance(at(promised))
            rows = frame(piece)
            reasons += [d.reason for d in gate.push(rows if as_frame else rows.to_dicts()).diverted]
        return reasons, str(gate.blame), gate.late, gate.ahead, gate.frontier

    assert told(as_frame=True) == told(as_frame=False)


@settings(deadline=None)
@given(times, spans, cuts)
def test_blame_does_not_depend_on_the_blocks(arrivals, lateness, sizes):
    whole, cut = (Gate(Order(None), lateness=lateness) for _ in range(2))
    whole.push(arrivals)
    for piece in pieces(arrivals, sizes):
        cut.push(piece)
    assert whole.blame == cut.blame


@settings(deadline=None)
@given(times, spans, cuts)
def test_reverse_order_is_the_mirror_image(arrivals, lateness, sizes):
    down, up = Gate(Order(None, reverse=True), lateness=lateness), Gate(Order(None), lateness=lateness)
    for piece in pieces(arrivals, sizes):
        gated, mirrored = down.push(piece), up.push([-time for time in piece])
        assert gated.block == (mirrored.block and [-time for time in mirrored.block])
        assert [d.index for d in gated.diverted] == [d.index for d in mirrored.diverted]
        assert gated.frontier == -mirrored.frontier
        assert [d.timestamp for d in gated.diverted] == [-d.timestamp for d in mirrored.diverted]


def test_a_record_equal_to_the_frontier_is_not_late():
    gate = Gate(Order(None), lateness=3)
    assert gate.push([10, 7]).diverted == []
    assert [d.index for d in gate.push([6]).diverted] == [0]


def test_one_record_far_ahead_is_diverted_and_the_rest_goes_on():
    gate = Gate(Order(None), max_ahead=10)
    gated = gate.push([1, 2, 9999, 3, 12, 13])
    assert gated.block == [1, 2, 3, 12, 13]
    assert [(d.index, d.kind, d.timestamp) for d in gated.diverted] == [(2, "ahead", 9999)]
    assert gated.diverted[0].reason == "9999 is more than max_ahead 10 ahead of all before it, 2 (record 2)"


def test_without_max_ahead_the_record_that_did_it_is_named():
    gate = Gate()
    rows = frame([1, 2]).vstack(
        pl.DataFrame(
            {"timestamp": [datetime(9999, 1, 1, tzinfo=UTC)], "number": [2]},
            schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
        )
    )
    gate.push(rows, lines=[2, 3, 4])
    late = gate.push(frame([3, 4]), lines=[5, 6]).diverted
    assert (
        late[0].reason == "2010-01-01T00:00:03Z comes after 9999-01-01T00:00:00Z (line 4), and no lateness is allowed"
    )
    assert str(gate.blame) == "2 records are late since line 4 ran ahead to 9999-01-01T00:00:00Z"


def test_drop_counts_and_says_no_more():
    gate = Gate(Order(None), late="drop")
    gated = gate.push([5, 1, 2, 6])
    assert (gated.block, list(gated.diverted), gate.late) == ([5, 6], [], 2)


@pytest.mark.parametrize("as_frame", [True, False])
def test_fail_raises_with_both_times(as_frame):
    gate = Gate(lateness=timedelta(seconds=2), late="fail", source="sf.csv")
    rows = frame([5, 4, 9, 6])
    with pytest.raises(
        OrderError, match=r"sf.csv: line 13 is late.*00:00:06Z comes after .*00:00:09Z \(line 12\)"
    ) as info:
        gate.push(rows if as_frame else rows.to_dicts(), lines=[10, 11, 12, 13])
    assert (info.value.timestamp, info.value.frontier) == (at(6), at(7))


def test_a_source_keeps_its_own_promise():
    gate = Gate(Order(None), lateness=5)
    assert gate.push([10, 12]).block is None
    assert gate.advance(12).block == [10, 12]
    late = gate.push([11, 12]).diverted
    assert [d.reason for d in late] == ["11 comes after the source had said that nothing before 12 would"]
    assert gate.blame is None


@pytest.mark.parametrize("as_frame", [True, False])
def test_what_a_promise_makes_late_is_not_before_what_runs_ahead(as_frame):
    gate = Gate(max_ahead=timedelta(seconds=60))
    rows = frame([50, 100, 99])  # the first is late, so the second has nothing before it but the 10
    gate.push(frame([10]))
    gate.advance(at(90))
    diverted = gate.push(rows if as_frame else rows.to_dicts()).diverted
    assert [(d.index, d.kind) for d in diverted] == [(0, "late"), (1, "ahead"), (2, "ahead")]


@pytest.mark.parametrize("as_frame", [True, False])
def test_a_record_that_a_promise_makes_late_leads_nobody(as_frame):
    gate = Gate()
    gate.advance(at(5))
    rows = frame([1, 9, 7])
    gate.push(rows if as_frame else rows.to_dicts())
    assert str(gate.blame) == "1 record is late since record 2 ran ahead to 2010-01-01T00:00:09Z"
    alone = Gate()
    alone.advance(at(5))
    rows = frame([1, 2])
    assert alone.push(rows if as_frame else rows.to_dicts()).block is None
    assert (alone.frontier, alone.late) == (at(5), 2)


def test_a_silent_source_lets_go_of_what_it_holds_and_the_rule_stays():
    gate = Gate(Order(None), lateness=5)
    gate.push([10, 12])
    assert gate.flush().block == [10, 12]
    assert gate.push([7, 6]).diverted[0].index == 1


def test_what_comes_before_what_silence_has_let_go_is_late():
    gate = Gate(Order(None), lateness=5)
    gate.push([10, 12])
    assert (gate.fall_silent().block, gate.frontier) == ([10, 12], 12)
    gated = gate.push([11, 12, 13])
    assert (gated.block, gate.late, len(gate)) == ([12], 1, 1)
    assert gated.diverted[0].reason == (
        "11 comes after the source had been silent, and what it had held back had gone on to 12"
    )


def test_null_times_are_an_error_that_names_source_and_record():
    rows = frame([1, 2]).with_columns(timestamp=pl.when(pl.col("number") == 0).then("timestamp"))
    with pytest.raises(OrderError, match="record 2 of a block of the source has no 'timestamp' to be ordered by"):
        Gate().push(rows)


@pytest.mark.parametrize("block", [["x"], [3, "x"], [3, 1, "x"]])
def test_times_that_do_not_compare_are_an_error_that_names_the_source(block):
    gate = Gate(Order(None), source="log")
    gate.push([1])
    with pytest.raises(OrderError, match="log: times that cannot be compared"):
        gate.push(block)


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"lateness": timedelta(seconds=1)}, 5),
        ({"lateness": 2}, START),
        ({"max_ahead": 2}, "text"),
        ({"lateness": -1}, 5),
    ],
)
def test_a_distance_of_the_wrong_kind_is_an_error_that_says_so(options, first):
    with pytest.raises(OrderError, match="is no distance between times such as"):
        Gate(Order(None), **options).push([first])


def test_lateness_may_reach_beyond_the_first_year():
    gate = Gate(Order(None), lateness=timedelta(days=400))
    early = datetime(1, 1, 2, tzinfo=UTC)
    assert gate.push([early, early - timedelta(days=1)]).diverted == []
    assert gate.frontier == datetime.min.replace(tzinfo=UTC)
