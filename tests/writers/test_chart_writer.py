"""Pictures of streams: what they say is read back from the SVG."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait import Pipeline
from plait.errors import SinkError, SpecError
from plait.running import Context
from plait.writers import ChartWriter
from plait.writers.chart import draw

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2010, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")


def frame(*rows: tuple[int, float | None, str | None]) -> pl.DataFrame:
    table = [(START + timedelta(days=day), value, name) for day, value, name in rows]
    return pl.DataFrame(table, schema={"timestamp": TIME, "value": pl.Float64, "city": pl.String}, orient="row")


def drawn(folder: Path, *frames: pl.DataFrame, **options: Any) -> ElementTree.Element:
    sink = ChartWriter("out.svg", of="value", **options).open(Context(base=folder))
    for piece in frames:
        sink.write(piece)
    sink.close()
    return ElementTree.parse(folder / "out.svg").getroot()


def curves(svg: ElementTree.Element) -> list[str]:
    return [path.attrib["d"] for path in svg.iter(f"{SVG}path") if "fill" in path.attrib]


def words(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def test_each_value_has_a_line_and_a_name(tmp_path: Path) -> None:
    one = frame((0, 1.0, "sf"), (0, 5.0, "<oslo>"), (1, 2.0, "sf"))
    svg = drawn(tmp_path, one, frame((9, 3.0, "sf"), (9, 6.0, "<oslo>")), by="city", heading="a & b")
    assert [curve.count("L") for curve in curves(svg)] == [2, 1]
    assert {"a & b", "sf", "<oslo>", "01 Jan", "09 Jan"} <= set(words(svg))


def test_points_are_where_time_and_value_are(tmp_path: Path) -> None:
    svg = drawn(tmp_path, frame((0, 0.0, None), (1, 5.0, None), (4, 10.0, None)))
    [curve] = curves(svg)
    points = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", curve)]
    assert points == [(56, 328), (278, 186), (944, 44)]


def test_what_is_no_number_leaves_a_gap(tmp_path: Path) -> None:
    svg = drawn(tmp_path, frame((0, 1.0, ""), (1, None, ""), (2, 2.0, ""), (3, float("nan"), ""), (4, 3.0, "")))
    [curve] = curves(svg)
    assert (curve.count("M"), curve.count("L")) == (3, 0)


def test_a_stream_without_rows_is_an_empty_picture(tmp_path: Path) -> None:
    assert curves(drawn(tmp_path)) == []


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.floats(allow_nan=True, allow_infinity=True)
        ),
        max_size=8,
    )
)
def test_whatever_comes_is_drawn_within_the_picture(points: list[tuple[datetime, float]]) -> None:
    epoch = datetime(1970, 1, 1)
    times = [(time - epoch) // timedelta(microseconds=1) for time, _ in sorted(points)]
    text = draw("x", {"a": (times, [value for _, value in sorted(points)])})
    svg = ElementTree.fromstring(text)
    numbers = [tuple(map(float, pair)) for d in curves(svg) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)]
    assert all(55 <= x <= 945 and 43 <= y <= 329 for x, y in numbers)
    assert text == draw("x", {"a": (times, [value for _, value in sorted(points)])})
    assert len(words(svg)) < 40


def test_too_many_points_end_the_run_and_leave_no_file(tmp_path: Path) -> None:
    sink = ChartWriter("out.svg", of="value", max_points=2).open(Context(base=tmp_path))
    sink.write(frame((0, 1.0, "a"), (1, 1.0, "a")))
    with pytest.raises(SinkError, match=r"out.svg: more than max_points=2 rows came; a window in front"):
        sink.write(frame((2, 1.0, "a")))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "valu"}, "of: there is no column 'valu'.*did you mean 'value'"),
        ({"of": "value", "by": "town"}, "by: there is no column 'town'"),
        ({"of": "city"}, "of: 'city' is text; a line takes numbers"),
        ({"of": "value", "max_points": 0}, "max_points"),
    ],
)
def test_mistakes_are_told_before_anything_runs(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    p = Pipeline("p", base=tmp_path)
    reader = p.reader("memory", rows=frame((0, 1.0, "a")).to_dicts())

    def run() -> None:
        reader.writer("chart", path="out.svg", **options)
        p.run()

    with pytest.raises(SpecError, match=message):
        run()
    assert not (tmp_path / "out.svg").exists()
