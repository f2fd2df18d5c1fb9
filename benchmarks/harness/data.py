"""The data of the pipeline jobs: eight CSV files of readings, each in time order, all over the same time.

```
timestamp,sensor,temperature,humidity,co2,status
2026-01-01T00:00:00.962Z,s013,32.56,54.0,1955,ok
```

200 sensors, 25 in each file. A file has a reading every 100 ms on average; one in two hundred falls into the same
millisecond as the one before it, and with eight files about one in fifteen shares its time with one of another file:
so the rule for ties matters. Temperatures are normal around 20 with two decimals, humidities have one, `co2` is whole;
`status` is ok in 90 % of the rows, warn in 8 % and fail in 2 %.

The jobs about keys have one file instead, in0.csv with timestamp, key and value (`Data.KEYS`, `Data.ONE_KEY`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from .jobs import Data

__all__ = ["FILES", "SENSORS", "data_folder", "make_data"]

FILES = 8
SENSORS = 200
START = np.datetime64("2026-01-01T00:00:00.000", "ms")
LONGEST_GAP_MS = 200
BLOCK = 500_000  # rows made at a time: 20,000,000 fit into any machine
SEED = 20_260_101
_SCATTER = 7_368_787  # a prime: the keys come in no order, each once


def data_folder(home: Path, rows: int, data: Data = Data.READINGS) -> Path:
    """Return the folder that holds `rows` rows, making them if they are not there yet."""
    folder = home / f"{data.value}-{rows}"
    if not (folder / "complete").exists():
        if data is Data.READINGS:
            make_data(folder, rows)
        else:
            _make_keyed(folder, rows, one_key=data is Data.ONE_KEY)
        (folder / "complete").touch()
    return folder


def make_data(folder: Path, rows: int) -> None:
    """Write in0.csv to in7.csv with `rows` rows in all; the same number gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        here = rows // FILES + (number < rows % FILES)
        _make_file(folder / f"in{number}.csv", number, here)


def _make_keyed(folder: Path, rows: int, *, one_key: bool) -> None:
    """Write in0.csv: a row each millisecond of a day, with one key, or each with another; sums of values are exact."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in0.csv").open("wb") as file:
        for first in range(0, rows, BLOCK):
            number = np.arange(first, min(first + BLOCK, rows))
            times = pl.Series("timestamp", START + number.astype("timedelta64[ms]"))
            key = np.zeros(len(number), np.int64) if one_key else number * _SCATTER % rows
            frame = pl.DataFrame({"timestamp": times, "key": key, "value": number % 1000 / 8})
            frame = frame.with_columns(
                pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
                pl.concat_str(pl.lit("k"), pl.col("key").cast(pl.String).str.zfill(7)).alias("key"),
            )
            frame.write_csv(file, include_header=first == 0)


def _make_file(path: Path, number: int, rows: int) -> None:
    random = np.random.default_rng([SEED, number])
    now = START + np.timedelta64(int(random.integers(1000)), "ms")
    with path.open("wb") as file:
        for first in range(0, max(rows, 1), BLOCK):
            frame = _block(random, number, min(BLOCK, rows - first), now)
            now = frame["timestamp"].to_numpy()[-1] if frame.height else now
            _as_text(frame).write_csv(file, include_header=first == 0, float_precision=2)


def _block(random: np.random.Generator, number: int, rows: int, now: np.datetime64) -> pl.DataFrame:
    each = SENSORS // FILES
    gaps = random.integers(0, LONGEST_GAP_MS, rows).astype("timedelta64[ms]")
    return pl.DataFrame(
        {
            "timestamp": (now + np.cumsum(gaps)).astype("datetime64[ms]"),
            "sensor": number * each + random.integers(each, size=rows),
            "temperature": np.round(random.normal(2000, 500, rows)).astype(np.int64),  # hundredths
            "humidity": random.integers(200, 900, rows),  # tenths
            "co2": random.integers(350, 2000, rows),
            "status": random.choice(3, rows, p=[0.9, 0.08, 0.02]),
        }
    )


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    column = pl.col
    return frame.select(
        column("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        pl.concat_str(pl.lit("s"), column("sensor").cast(pl.String).str.zfill(3)).alias("sensor"),
        column("temperature") / 100,
        pl.concat_str(column("humidity") // 10, pl.lit("."), column("humidity") % 10).alias("humidity"),
        column("co2"),
        column("status").replace_strict({0: "ok", 1: "warn", 2: "fail"}, return_dtype=pl.String),
    )
