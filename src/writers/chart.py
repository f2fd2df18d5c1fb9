"""Lines over time, drawn as SVG: the picture that the chart writer writes.

      title                          -- seattle  -- sf
   20 |        ____
   10 |   ____/    \\____      each line has the points of one name, in the order of time;
    0 |__/                     a value that is none (null, NaN, beyond 1e300) leaves a gap
      +-------------------
       Jan   Feb   Mar

The same points give the same text. Nothing is read from elsewhere: no fonts, no scripts, no styles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from ..frozen import frozen
from ..windows.spans import Span, make_spans

__all__ = ["Line", "draw"]

_WIDTH, _HEIGHT = 960, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INK, _GRID = "#3c4650", "#dfe3e8"
# Eight colours that people who see red and green alike can tell apart (Okabe and Ito, "Color Universal Design", 2008).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")
_MOST_TICKS = 13
_GREATEST = 1e300  # beyond it, differences and sums would be infinite
_STEPS = (
    *((step, "%H:%M:%S.%f") for step in ("1us", "10us", "100us", "1ms", "10ms", "100ms")),
    *((step, "%H:%M:%S") for step in ("1s", "5s", "15s")),
    *((step, "%H:%M") for step in ("1m", "5m", "15m", "1h")),
    ("6h", "%d %b %H:%M"),
    *((step, "%d %b") for step in ("1d", "1w")),
    *((step, "%b %Y") for step in ("1mo", "3mo")),
    *((step, "%Y") for step in ("1y", "5y", "20y", "100y", "1000y")),
)
_HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
    f'font-family="ui-sans-serif, system-ui, sans-serif" font-size="12" fill="{_INK}">'
)

Line = tuple[list[int], list[float]]
"""Times in microseconds since 1970, in order, and the value at each; NaN for none."""


@frozen
class _Scale:
    """From values to places on the paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{self.start + share * (self.end - self.start):.1f}".removesuffix(".0")


def draw(title: str, lines: Mapping[str, Line]) -> str:
    """Return the picture of the lines; their order is that of the legend, and decides their colours."""
    times = [time for line in lines.values() for time in line[0]]
    values = [value for line in lines.values() for value in line[1] if _is_drawn(value)]
    across = _Scale(*_apart(min(times, default=0), max(times, default=0)), _LEFT, _WIDTH - _RIGHT)
    low, high, step = _rounded(min(values, default=0.0), max(values, default=0.0))
    up = _Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        _HEAD,
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{escape(title)}</text>',
        *_rungs(up, step),
        *_moments(across),
        *_curves(lines, across, up),
        *_legend(list(lines)),
    ]
    return "\n".join([*parts, "</svg>\n"])


def _is_drawn(value: float) -> bool:
    return abs(value) <= _GREATEST


def _apart(low: int, high: int) -> tuple[int, int]:
    return (low, high) if low < high else (low - 1, high + 1)


def _rounded(low: float, high: float) -> tuple[float, float, float]:
    """Return a range of round numbers around the values, and the step of its grid: 1, 2 or 5 times a power of ten."""
    size = max(abs(low), abs(high))
    if high - low <= size * 1e-9 or size < 1 / _GREATEST:  # as good as one value: it goes in the middle
        apart = size / 2 if size >= 1 / _GREATEST else 1.0
        low, high = low - apart, high + apart
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _rungs(up: _Scale, step: float) -> Iterator[str]:
    for number in range(round((up.high - up.low) / step) + 1):
        value = up.low + number * step
        y = up(value)
        yield f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
        label = f"{0.0 if abs(value) < step / 2 else value:.6g}"
        yield f'<text x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">{label}</text>'


def _moments(across: _Scale) -> Iterator[str]:
    ticks, form = _ticks(int(across.low), int(across.high))
    for tick in ticks:
        x = across(tick)
        yield f'<path d="M{x} {_TOP}V{_HEIGHT - _BOTTOM + 4}" stroke="{_GRID}"/>'
        label = (_EPOCH + tick * _MICROSECOND).strftime(form)
        yield f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{label}</text>'


def _ticks(first: int, last: int) -> tuple[list[int], str]:
    """Return the moments of the finest step of the calendar that has room for its labels."""
    import numpy as np

    ends = np.array([first, last])
    for step, form in _STEPS:
        spans = make_spans(Span.parse(step))
        low, high = spans.numbers(ends).tolist()
        if high - low < _MOST_TICKS:
            starts = spans.starts(np.arange(low, high + 1)).tolist()
            return [start for start in starts if first <= start <= last], form
    raise AssertionError("time has fewer than 13,000 years")


def _curves(lines: Mapping[str, Line], across: _Scale, up: _Scale) -> Iterator[str]:
    for number, (times, values) in enumerate(lines.values()):
        path, pen_is_down = [], False
        for time, value in zip(times, values, strict=True):
            if _is_drawn(value):
                path.append(f"{'L' if pen_is_down else 'M'}{across(time)} {up(value)}")
            pen_is_down = _is_drawn(value)
        if path:
            look = f'fill="none" stroke="{_colour(number)}" stroke-width="1.5" stroke-linejoin="round"'
            yield f'<path d="{"".join(path)}" {look} stroke-linecap="round"/>'


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = _WIDTH - _RIGHT
    for number, name in reversed(list(enumerate(names))):
        yield f'<text x="{x}" y="24" text-anchor="end">{escape(name)}</text>'
        x -= 8 * len(name) + 8
        yield f'<path d="M{x - 18} 20H{x}" stroke="{_colour(number)}" stroke-width="3"/>'
        x -= 34


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
