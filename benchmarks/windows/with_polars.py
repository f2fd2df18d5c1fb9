"""Polars, streaming engine: scan, concatenate, filter, group by the minute, sink."""

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


def main(data, output):
    (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .filter(pl.col("temperature") > 20, pl.col("status") != "fail")
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC").dt.truncate("1m"))
        .group_by("timestamp", "sensor")
        .agg(
            readings=pl.len(),
            mean=pl.col("temperature").mean().round(6),
            peak=pl.col("temperature").max(),
        )
        .with_columns(pl.col("timestamp").dt.offset_by("1m"))
        .sort("timestamp", "sensor")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
