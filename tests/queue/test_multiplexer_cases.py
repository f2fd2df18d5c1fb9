"""Situations that other merges are tested with, put to the sorted multiplexer: keys, ties, reverse order, late rules.

`heapq.merge` and `sorted` are the oracles of order. The late rule is the bounded-out-of-orderness watermark of stream
engines: at lateness L a record is late if its time is less than the largest before it in its own input, minus L.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from typing import Any

import pytest
from plait.queue import END, Frontier, Queue, QueueMultiplexer, SortedQueueMultiplexer

SOON = 20
DAY = datetime(2022, 1, 1, tzinfo=UTC)


def run(multiplexer: QueueMultiplexer, inputs: list[list[Any]]) -> list[Any]:
    """Put each list on an input of its own; return what comes out, END included."""
    for items in inputs:
        queue = multiplexer.input_queue()
        for item in items:
            queue.put(item)
        queue.put(END)
    output = multiplexer.output_queue()
    multiplexer.run()
    items = []
    while not items or items[-1] is not END:
        items.append(output.get(timeout=SOON))
    assert multiplexer.join(SOON)
    assert output.empty()
    return items


def merged(inputs: list[list[Any]], **options: Any) -> list[Any]:
    *items, _ = run(SortedQueueMultiplexer(**options), inputs)
    return items


KEYS = [None, itemgetter(0), itemgetter(1), itemgetter(1, 0)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("key", KEYS, ids=["itself", "first", "second", "both"])
@pytest.mark.parametrize("seed", [1, 2])
def test_tuples_by_any_key_and_either_way(seed, key, reverse):
    chance = random.Random(seed)
    rows = [[(chance.choice("ABC"), chance.randrange(-50, 50)) for _ in range(chance.randrange(100))] for _ in range(9)]
    inputs = [sorted(row, key=key, reverse=reverse) for row in rows]
    out = merged(inputs, sort_key=key, sort_reverse=reverse)
    assert out == list(heapq.merge(*inputs, key=key, reverse=reverse))
    assert out == sorted(itertools.chain(*inputs), key=key, reverse=reverse)


@dataclass(frozen=True)
class Reading:
    at: int
    source: int
    number: int


@pytest.mark.parametrize("reverse", [False, True])
def test_ties_go_by_input_then_by_arrival(reverse):
    chance = random.Random(3)
    inputs: list[list[Reading]] = [[], [], [], []]
    for number in range(3000):
        source = chance.randrange(4)
        inputs[source].append(Reading(chance.randrange(60), source, number))
    for each in inputs:
        each.sort(key=lambda reading: reading.at, reverse=reverse)
    out = merged(inputs, sort_key="at", sort_reverse=reverse)
    assert [(r.at, r.source, r.number) for r in out] == [
        (r.at, r.source, r.number) for r in heapq.merge(*inputs, key=lambda reading: reading.at, reverse=reverse)
    ]


@pytest.mark.parametrize("inputs", [[[]], [[], []], [[], [(1,)], []], [[(1,)]], [[(1,), (1,)], [(1,)]]])
def test_empty_and_single_inputs(inputs):
    assert merged(inputs, sort_key=None) == list(heapq.merge(*inputs))
    assert merged(inputs, sort_key=lambda _: 6) == list(heapq.merge(*inputs, key=lambda _: 6))


def test_keys_of_several_numeric_kinds_are_one_order():
    inputs = [[1, 2.5, 4], [Fraction(1, 2), Decimal("2.5"), 3], [True, 10**30]]
    assert merged(inputs, sort_key=None) == list(heapq.merge(*inputs))


def test_times_of_several_zones_are_one_order():
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-8))
    inputs = [[{"t": DAY.astimezone(east)}, {"t": DAY + timedelta(hours=2)}], [{"t": DAY.astimezone(west)}]]
    out = merged(inputs, sort_key="t")
    assert [each["t"] - DAY for each in out] == [timedelta(0), timedelta(0), timedelta(hours=2)]


@pytest.mark.parametrize(
    ("key", "bad", "says"),
    [
        (lambda row: row[1], [2], "IndexError: list index out of range"),
        (lambda row: int(row[1]), [2, "x"], "ValueError: invalid literal"),
        (lambda row: row[1] // row[0], [0, 5], "ZeroDivisionError"),
    ],
)
def test_a_key_function_that_raises_costs_only_that_record(key, bad, says):
    letters: list[Any] = []
    out = merged([[[1, 10], bad, [1, 30]], [[1, 20]]], sort_key=key, dead_letters=letters.append)
    assert out == [[1, 10], [1, 20], [1, 30]]
    assert [letter.text for letter in letters] == [repr(bad)]
    assert says in letters[0].reason


def test_records_take_turns_and_one_end_goes_to_each_output():
    multiplexer = QueueMultiplexer()
    second = multiplexer.output_queue()
    assert run(multiplexer, [["a1", "a2"], ["b1", "b2", "b3"]]) == ["a1", "b1", "a2", "b2", "b3", END]
    assert list(second) == ["a1", "b1", "a2", "b2", "b3"]
    assert second.empty()


@pytest.mark.parametrize(
    ("lateness", "times", "late"),
    [
        (0, [1, 2, 3], []),
        (0, [3, 3, 3], []),
        (0, [5, 4, 5, 4], [4, 4]),
        (2, [5, 3, 2, 7, 5, 4], [2, 4]),
        (2, [1, 10, 8, 7, 9, 10], [7]),
        (100, [50, 1, 49, 2], []),
        (0.5, [1.0, 0.5, 0.49], [0.49]),
        (10, [-5, -15, -16, -4], [-16]),
        (1, [2**60, 2**60 - 1, 2**60 - 2], [2**60 - 2]),
    ],
)
def test_what_is_late_is_what_a_bounded_watermark_calls_late(lateness, times, late):
    letters: list[Any] = []
    records = [{"timestamp": time, "n": n} for n, time in enumerate(times)]
    out = merged([records], lateness=lateness, dead_letters=letters.append)
    assert [letter.record["timestamp"] for letter in letters] == late
    assert {letter.kind for letter in letters} <= {"late"}
    in_time = [record for record in records if record not in [letter.record for letter in letters]]
    assert out == sorted(in_time, key=itemgetter("timestamp"))


def test_a_late_record_does_not_move_the_watermark_back():
    out = merged([[{"timestamp": time} for time in (10, 1, 2, 9, 10, 11)]])
    assert [record["timestamp"] for record in out] == [10, 10, 11]


def test_each_input_has_a_watermark_of_its_own():
    letters: list[Any] = []
    slow, fast = [{"timestamp": time} for time in (1, 2, 3)], [{"timestamp": time} for time in (100, 101, 50)]
    out = merged([slow, fast], dead_letters=letters.append)
    assert [record["timestamp"] for record in out] == [1, 2, 3, 100, 101]
    assert [(letter.record["timestamp"], letter.origin) for letter in letters] == [(50, "input 2")]


def test_lateness_in_seconds_of_event_time():
    minutes = [0, 10, 4, 5, 15, 5]
    records = [{"timestamp": DAY + timedelta(minutes=minute)} for minute in minutes]
    out = merged([records], lateness=timedelta(minutes=5), dead_letters=lambda letter: None)
    assert [(record["timestamp"] - DAY) // timedelta(minutes=1) for record in out] == [0, 5, 10, 15]


def test_what_a_producer_promises_counts_as_seen():
    letters: list[Any] = []
    multiplexer = SortedQueueMultiplexer(dead_letters=letters.append)
    items = [{"timestamp": 1}, Frontier(10), {"timestamp": 9}, {"timestamp": 10}]
    out = [item for item in run(multiplexer, [items]) if isinstance(item, dict)]
    assert [item["timestamp"] for item in out] == [1, 10]
    assert [letter.record["timestamp"] for letter in letters] == [9]


def test_an_output_of_one_multiplexer_is_an_input_of_the_next():
    first, second = SortedQueueMultiplexer("t"), SortedQueueMultiplexer("t")
    between = second.input_queue(first.output_queue(Queue()))
    assert between is not None
    other, out = second.input_queue(), second.output_queue()
    for base, queue in enumerate((first.input_queue(), first.input_queue(), other)):
        for t in range(base, 30, 3):
            queue.put({"t": t})
        queue.put(END)
    first.run()
    second.run()
    assert [out.get(timeout=SOON)["t"] for _ in range(30)] == list(range(30))
    assert out.get(timeout=SOON) is END
