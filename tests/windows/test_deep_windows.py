"""Windows that lie very deep give what windows give whose rows are added one by one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from plait.operators.window import SlidingWindow
from plait.windows import AGGREGATES, Aggregate, AggregateError, Span, make_spans
from plait.windows.deep_windows import DeepWindows
from plait.windows.time_windows import TimeWindows

AGGREGATED = {f"{name} of {of}": (name, of) for name in AGGREGATES for of in ("number", "whole", "text")}
AGGREGATED = {
    said: (name, of)
    for said, (name, of) in AGGREGATED.items()
    if of != "text" or name in ("count", "min", "max", "first", "last", "distinct", "collect", "count_by")
}
MORE: dict[str, Any] = {"quantile": {"q": 0.3}, "collect": {"most": 3}}
AGGREGATES_OF_ALL = {
    said: Aggregate(function=name, of=of, **MORE.get(name, {})) for said, (name, of) in AGGREGATED.items()
}
SPANS = [
    (make_spans(Span(10), Span(1)), 1),
    (make_spans(Span(100), Span(9)), 1),
    (make_spans(Span(3), Span(2)), 1),
    (make_spans(Span(500), Span(1)), 1),
    (make_spans(Span(days=5), Span(days=1), zone="Europe/Berlin"), 10**10),
]


def rows(chosen: random.Random, unit: int) -> pl.DataFrame:
    count, latest = chosen.choice([1, 5, 30]), chosen.choice([20, 400])
    times = sorted(chosen.randrange(-50, latest) * unit for _ in range(count))
    return pl.DataFrame(
        {
            "timestamp": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "key": chosen.choices(["a", "b", None], k=count),
            "number": [chosen.choice([None, 1e16, float("nan"), -0.0, chosen.random()]) for _ in times],
            "whole": [chosen.choice([None, 1, chosen.randrange(-(2**62), 2**62)]) for _ in times],
            "text": chosen.choices([None, "x", "é", "yy"], k=count),
        },
        schema_overrides={"number": pl.Float64, "whole": pl.Int64, "text": pl.String, "key": pl.String},
    )


def outcome(store: TimeWindows | DeepWindows, frame: pl.DataFrame, cuts: list[int]) -> tuple[list[int], str]:
    results, groups = [], []
    for start, stop in zip([0, *cuts], [*cuts, frame.height], strict=True):
        if block := [frame.slice(start, stop - start)] if stop > start else []:
            store.push(block[0])
            groups.append(store.groups)
            results += store.advance(block[0]["timestamp"].cast(pl.Int64).to_list()[-1])
            groups.append(store.groups)
    results += store.end()
    return groups, repr(pl.concat(results).rows())


@pytest.mark.parametrize("seed", range(20))
def test_they_are_the_same_to_the_last_bit_however_deep_and_however_cut(seed: int) -> None:
    chosen = random.Random(seed)
    spans, unit = SPANS[seed % len(SPANS)]
    frame, by = rows(chosen, unit), chosen.choice([[], ["key"]])
    cuts = sorted(chosen.choices(range(frame.height + 1), k=chosen.choice([0, 1, 3])))
    args = (spans, by, AGGREGATES_OF_ALL, frame.schema)
    assert outcome(DeepWindows(*args), frame, cuts) == outcome(TimeWindows(*args), frame, cuts)


def test_ten_seconds_every_millisecond_hold_open_windows_only_and_say_when_they_are_too_many() -> None:
    window = SlidingWindow(size="10s", slide="1ms", by="key", max_state=20_500, aggregate={"sum": {"sum": "value"}})
    times = np.arange(400) * 2_000
    frame = pl.DataFrame({"timestamp": times, "key": ["a", "b"] * 200, "value": np.ones(400)})
    frame = frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
    store = window.start(frame.schema, "UTC")
    assert isinstance(store, DeepWindows)
    found = []
    for start in range(0, 400, 100):
        store.push(frame[start : start + 100])
        found += store.advance(int(times[start + 99]))
        assert 2 * 10_000 - 2 <= store.groups <= 2 * 10_000
    with pytest.raises(AggregateError, match=r"holds 20,500 groups, and max_state allows no more; .* of key='c'"):
        store.push(frame[-1:].with_columns(key=pl.lit("c")))
    found += store.end()
    assert sum(result["sum"].sum() for result in found) == 400 * 10_000


def test_keys_that_come_once_are_forgotten() -> None:
    schema = {"timestamp": pl.Datetime("us", "UTC"), "key": pl.Int64()}
    store = DeepWindows(make_spans(Span(300), Span(1)), ["key"], {"sum": Aggregate(function="sum", of="key")}, schema)
    total = 0
    for first in range(0, 2_500, 500):
        keys = np.arange(first, first + 500)
        store.push(pl.DataFrame({"timestamp": pl.Series(keys * 500).cast(schema["timestamp"]), "key": keys}))
        total += sum(result["sum"].sum() for result in store.advance(int(keys[-1]) * 500 + 400))
    assert total == 300 * sum(range(2_500))
    assert store.groups == 0
    assert store._groups.keys.count < 1_500
