"""The picture of the page: bars of rows a second, a panel for each of the main jobs, as SVG text.

Each panel has its own scale, from zero. Colours follow what the reader's system prefers, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .jobs import JOBS, PLAIT
from .record import Record

__all__ = ["picture"]

SHOWN = ("merge", "as_read", "derive", "rules", "calls", "hop")
MOST_BARS = 8
WIDTH, COLUMNS, GAP = 960, 2, 32
TITLE, BAR, NAMES, NUMBERS = 30, 20, 150, 60
PANEL = (WIDTH - GAP * (COLUMNS + 1)) // COLUMNS

STYLE = """
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.name { text-anchor: end }
.bar { fill: #9aa7b4 }
.plait { fill: #d9480f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #5b6875 } .plait { fill: #ff8c42 } }
"""


def picture(record: Record) -> str:
    """Return the picture of what was measured; a panel for each of the main jobs that was run."""
    panels = [
        (job.title, job.unit, _bars(record, job.name)) for job in JOBS if job.name in SHOWN and record.results(job.name)
    ]
    parts, top = [], GAP // 2
    for first in range(0, len(panels), COLUMNS):
        row = panels[first : first + COLUMNS]
        for column, (title, unit, bars) in enumerate(row):
            parts.extend(_panel(GAP + column * (PANEL + GAP), top, f"{title}, M {unit}/s", bars))
        top += TITLE + max(len(bars) for _, _, bars in row) * BAR + GAP
    lines = "\n".join(parts)
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return f"{head}\n<title>Rows a second, plait and others</title>\n<style>{STYLE}</style>\n{lines}\n</svg>\n"


def _bars(record: Record, job: str) -> Sequence[tuple[str, float]]:
    """Return names and rates of a job, the fastest first; plait is always among them."""
    rates = [(row["contender"], _millions(row)) for row in record.results(job) if not row["trouble"]]
    rates.sort(key=lambda pair: -pair[1])
    return [pair for number, pair in enumerate(rates) if number < MOST_BARS or pair[0] == PLAIT]


def _millions(row: Mapping[str, Any]) -> float:
    return float(row["rows"] / (row.get("seconds") or row["wall_s"]) / 1e6)


def _panel(left: int, top: int, title: str, bars: Sequence[tuple[str, float]]) -> Iterable[str]:
    longest = max((value for _, value in bars), default=1.0)
    room = PANEL - NAMES - NUMBERS
    yield f'<text class="title" x="{left}" y="{top + 14}">{escape(title)}</text>'
    for number, (name, value) in enumerate(bars):
        y, width = top + TITLE + number * BAR, max(1.0, room * value / longest)
        kind = "bar plait" if name == PLAIT else "bar"
        yield f'<text class="name" x="{left + NAMES - 8}" y="{y + 11}">{escape(_short(name))}</text>'
        yield f'<rect class="{kind}" x="{left + NAMES}" y="{y}" width="{width:.1f}" height="{BAR - 6}" rx="2"/>'
        yield f'<text x="{left + NAMES + width + 6:.1f}" y="{y + 11}">{value:.2f}</text>'


def _short(name: str) -> str:
    return name.replace("multiprocessing.Queue", "mp.Queue").replace("put_many/get_many", "many").replace("=10,000", "")
