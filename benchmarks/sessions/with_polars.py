"""Polars, streaming engine: scan, concatenate, filter, sort, number the sessions of each sensor, group by them."""

import sys
from pathlib import Path

import polars as pl

SCHEMA = {
    "timestamp": pl.String,
    "sensor": pl.String,
    "temperature": pl.Float64,
    "humidity": pl.Float64,
    "co2": pl.Int64,
    "status": pl.String,
}
FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"
GAP = pl.duration(minutes=2)


def main(data, output):
    time = pl.col("timestamp")
    (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .filter(pl.col("status") == "fail")
        .with_columns(time.str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .sort("timestamp", maintain_order=True)
        .with_columns(session=(time.diff() > GAP).fill_null(value=True).cum_sum().over("sensor"))
        .group_by("sensor", "session")
        .agg(last=time.last(), window_start=time.first(), failures=pl.len(), peak=pl.col("temperature").max())
        .select((pl.col("last") + GAP).alias("timestamp"), "window_start", "sensor", "failures", "peak")
        .sort("timestamp", "window_start", "sensor")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
