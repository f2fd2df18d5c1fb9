"""Polars, streaming engine: scan, concatenate, filter, sort, derive, sink."""

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
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .sort("timestamp", maintain_order=True)
        .with_columns(
            fahrenheit=pl.col("temperature") * 1.8 + 32,
            dew_point=pl.col("temperature") - (100 - pl.col("humidity")) * 0.2,
        )
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
