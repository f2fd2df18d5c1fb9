"""What plait is to reach, as ratios within one session where that can be, and whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .record import Record

__all__ = ["TARGETS", "Part", "Target", "targets_table"]

Measure = Callable[[Record], float | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One number to be reached.

    Attributes:
        text: how it reads, with one `{}` or `{:...}`.
        measure: finds it in a record.
        least: the bound that counts.
        aim: the bound that is hoped for.
        more: is more better?
    """

    text: str
    measure: Measure
    least: float | None = None
    aim: float | None = None
    more: bool = False

    def is_good(self, value: float, bound: float | None) -> bool:
        """Tell whether a value is as good as a bound, if there is one."""
        return bound is None or (value >= bound if self.more else value <= bound)


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table of targets: what is asked for in words, and the numbers that show it."""

    job: str
    least: str
    aim: str
    parts: tuple[Part, ...]

    def row(self, record: Record) -> list[str]:
        """Return the cells: the job, what is asked for, what was measured, what was reached."""
        found = [(part, part.measure(record)) for part in self.parts]
        measured = "; ".join(part.text.format(value) if value is not None else "not measured" for part, value in found)
        return [self.job, self.least, self.aim, measured, self._verdict(found)]

    def _verdict(self, found: list[tuple[Part, float | None]]) -> str:
        values = [(part, value) for part, value in found if value is not None]
        if not all(part.is_good(value, part.least) for part, value in values):
            return "no"
        if len(values) < len(found):
            return "?"
        return "aim" if all(part.is_good(value, part.aim) for part, value in values) else "yes"


def divided(dividend: Measure, divisor: Measure) -> Measure:
    """Return the measure that divides one by the other."""

    def measure(record: Record) -> float | None:
        above, below = dividend(record), divisor(record)
        return above / below if above is not None and below else None

    return measure


def rate(job: str, contender: str = "plait") -> Measure:
    return lambda record: record.rate(job, contender)


def millions(job: str) -> Measure:
    return divided(rate(job), lambda _: 1e6)


def seconds(job: str, contender: str = "plait") -> Measure:
    return lambda record: record.seconds(job, contender)


def mebibytes(job: str) -> Measure:
    return lambda record: record.mebibytes(job)


def microseconds(job: str, name: str, contender: str = "plait") -> Measure:
    return lambda record: record.of(job, contender).get(name)


def speed(job: str, other: str, least: float | None, aim: float | None = None) -> Part:
    """Return the part: so many times as fast as another contender."""
    return Part(f"{{:.1f}} times {other}", divided(rate(job), rate(job, other)), least, aim, more=True)


def time(job: str, other: str, least: float | None, aim: float | None = None) -> Part:
    """Return the part: so many times the time of another contender."""
    return Part(f"{{:.2f}} times the time of {other}", divided(seconds(job), seconds(job, other)), least, aim)


TARGETS: tuple[Target, ...] = (
    Target(
        "merge, typed",
        "as fast as Polars, 8 times csp and plain Python",
        "1.5 times Polars",
        (speed("merge", "Polars", 1, 1.5), speed("merge", "csp", 8), speed("merge", "plain Python", 8)),
    ),
    Target(
        "merge, as read",
        "faster than heapq.merge over lines, at most 2.5 times the time of `sort -m`",
        "1.5 times `sort -m`",
        (speed("as_read", "heapq.merge", 1), time("as_read", "sort -m", 2.5, 1.5)),
    ),
    Target(
        "filter and derive", "1.3 times the time of Polars", "faster than Polars", (time("derive", "Polars", 1.3, 1),)
    ),
    Target(
        "rules, 100",
        "as fast as Polars, 20 times plain Python, 7 times csp",
        "as fast as parsing: the time of the typed merge",
        (
            speed("rules", "Polars", 1),
            speed("rules", "plain Python", 20),
            speed("rules", "csp", 7),
            Part("{:.2f} times the time of the merge", divided(seconds("rules"), seconds("merge")), aim=1),
        ),
    ),
    Target(
        "rules, 10,000",
        "under 2 times the time of 10 rules",
        "level with 10 rules",
        (Part("{:.2f} times", divided(seconds("rules10000"), seconds("rules10")), 2, 1.1),),
    ),
    Target("windows", "1.5 times the time of Polars", "level with Polars", (time("windows", "Polars", 1.5, 1),)),
    Target(
        "memory",
        "300 MiB at 2 M rows, the same within 20 % at 20 M",
        "200 MiB",
        (
            Part("{:.0f} MiB", mebibytes("merge"), 300, 200),
            Part("{:.2f} times that with ten times the rows", divided(mebibytes("large"), mebibytes("merge")), 1.2),
        ),
    ),
    Target(
        "growth",
        "20 M rows take at most 10.5 times as long as 2 M",
        "10 times",
        (Part("{:.1f} times", divided(seconds("large"), seconds("merge")), 10.5, 10),),
    ),
    Target(
        "hop, dicts one by one",
        "8 times multiprocessing.Queue, 5 times faster-fifo",
        "4 M/s, an idle queue under 0.2 ms",
        (
            speed("hop", "multiprocessing.Queue", 8),
            speed("hop", "faster-fifo, put_many/get_many", 5),
            Part("{:.2f} M/s", millions("hop"), aim=4, more=True),
            Part("idle {:.0f} µs", microseconds("idle", "p50_us"), aim=200),
        ),
    ),
    Target(
        "hop, frames", "40 M rows/s", "100 M rows/s", (Part("{:.0f} M rows/s", millions("frames"), 40, 100, more=True),)
    ),
    Target(
        "callback per row", "1 M rows/s", "2 M rows/s", (Part("{:.2f} M rows/s", millions("calls"), 1, 2, more=True),)
    ),
    Target(
        "latency at 10,000/s",
        "p99 within 3 times that of the bare loop",
        "1.5 times",
        (
            Part(
                "{:.1f} times",
                divided(
                    microseconds("latency10000", "p99_us"), microseconds("latency10000", "p99_us", "a bare SUB loop")
                ),
                3,
                1.5,
            ),
        ),
    ),
    Target(
        "dict events",
        "100,000/s with 1,000 rules; 10,000 rules at most 2 times slower than 10",
        "300,000/s",
        (
            Part("{:,.0f}/s", rate("events", "plait, 1,000 rules"), 100_000, 300_000, more=True),
            Part("{:.1f} times", divided(rate("events", "plait, 10 rules"), rate("events", "plait, 10,000 rules")), 2),
        ),
    ),
    Target(
        "start",
        "`--help` 0.15 s, `check` 0.4 s, 200 rows 0.7 s",
        "half of that",
        (
            Part("{:.2f} s", seconds("start", "plait --help"), 0.15, 0.075),
            Part("{:.2f} s", seconds("start", "plait check"), 0.4, 0.2),
            Part("{:.2f} s", seconds("start", "plait run, 200 rows"), 0.7, 0.35),
        ),
    ),
)


def targets_table(record: Record) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the table of targets."""
    head = ["job", "at least", "aim", "measured", "reached"]
    return head, [target.row(record) for target in TARGETS]
