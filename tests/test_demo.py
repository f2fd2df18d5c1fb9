"""The demo, against a computation that shares nothing with plait: the csv module and sorted()."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo in a copy of its folder, as `python main.py` does, and return the folder and what it printed."""
    home = tmp_path_factory.mktemp("demo")
    (home / "examples").mkdir()
    for name in ("data", "examples/weather.scl"):
        (home / name).symlink_to(ROOT / name)
    command = "import sys; from pathlib import Path; from plait.cli import main; sys.exit(main([], home=Path('.')))"
    done = subprocess.run([sys.executable, "-c", command], cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def expected() -> list[dict[str, object]]:
    rows = []
    for city, form in (("seattle", "%Y/%m/%d %H:%M"), ("sf", "%Y/%m/%d %H:%M:%S")):
        with (ROOT / "data" / f"{city}-temps.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                time = datetime.strptime(row["date"], form)
                fahrenheit = Decimal(row["temp"])
                celsius = ((fahrenheit - 32) * 5 / 9).quantize(Decimal("0.1"), ROUND_HALF_UP)
                rows.append({"timestamp": f"{time:%Y-%m-%dT%H:%M:%SZ}", "city": city, "f": fahrenheit, "c": celsius})
    return sorted(rows, key=lambda row: row["timestamp"])


def written(path: Path) -> list[tuple[str, str, Decimal, Decimal]]:
    with path.open(newline="") as file:
        return [
            (row["timestamp"], row["source"], Decimal(row["temp"]), Decimal(row["celsius"]))
            for row in csv.DictReader(file)
        ]


def events(path: Path) -> list[tuple[str, str]]:
    return [(row["timestamp"], row["source"]) for row in map(json.loads, path.read_text().splitlines())]


def test_the_merged_stream_is_every_reading_in_time_order(demo):
    home, _ = demo
    assert written(home / "out/coast.csv") == [(r["timestamp"], r["city"], r["f"], r["c"]) for r in expected()]


def test_the_events_are_those_that_match_and_no_others(demo):
    home, _ = demo
    rules = {
        "heat": lambda row: row["c"] > 24,
        "frost": lambda row: row["c"] < Decimal("3.2"),
        "unusual": lambda row: (row["c"] < 8 or row["c"] >= 22) and row["city"] != "seattle",
    }
    for name, rule in rules.items():
        found = [(row["timestamp"], row["city"]) for row in expected() if rule(row)]
        assert found, f"{name} never fires: not a demonstration"
        assert events(home / f"out/{name}.jsonl") == found


def means(days: int) -> dict[tuple[str, str], float]:
    """Return the mean of each city over so many days before each midnight."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in expected():
        following = datetime.strptime(row["timestamp"][:10], "%Y-%m-%d") + timedelta(days=1)
        for midnight in (following + timedelta(days=back) for back in range(days)):
            found.setdefault((f"{midnight:%Y-%m-%dT%H:%M:%SZ}", row["city"]), []).append(float(row["c"]))
    return {key: math.fsum(values) / len(values) for key, values in sorted(found.items())}


def read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def test_the_days_of_both_cities_stand_side_by_side(demo):
    home, _ = demo
    rows = list(read(home / "out/days.csv"))
    wanted = means(1)
    assert [row["timestamp"] for row in rows] == sorted({midnight for midnight, _ in wanted})
    for row in rows:
        here, there = (wanted[row["timestamp"], city] for city in ("seattle", "sf"))
        assert float(row["seattle"]) == pytest.approx(here)
        assert float(row["sf"]) == pytest.approx(there)
        assert float(row["sf_is_warmer_by"]) == pytest.approx(there - here, abs=0.0501)


def test_the_moving_average_is_that_of_seven_days(demo):
    home, _ = demo
    rows = list(read(home / "out/weeks.csv"))
    wanted = means(7)
    assert [(row["timestamp"], row["source"]) for row in rows] == list(wanted)
    assert [float(row["celsius"]) for row in rows] == pytest.approx(list(wanted.values()))


def test_the_picture_has_a_line_for_each_city_with_a_point_for_each_midnight(demo):
    home, _ = demo
    svg = ElementTree.parse(home / "out/weather.svg").getroot()
    lines = [path.attrib["d"] for path in svg.iter("{http://www.w3.org/2000/svg}path") if "fill" in path.attrib]
    assert [line.count("M") + line.count("L") for line in lines] == [371, 371]
    assert (home / "out/weather.svg").read_bytes() == (ROOT / "docs/temperatures.svg").read_bytes()


def test_the_summary_says_what_came_of_it_and_what_to_try_next(demo):
    _, printed = demo
    total = len(expected())
    assert f"{total:,} rows in" in printed
    for word in ("seattle", "sf", "heat", "frost", "unusual", "2010-01-01 00:00:00", "2010-12-31 23:00:00"):
        assert word in printed
    following = printed[printed.index("Try next:") :].splitlines()[1:]
    assert [line.split()[1] for line in following] == ["main.py", "main.py", "examples/observatory/fly.py"]
