"""Polars, streaming engine: scan, concatenate, sort, sink. The sort is stable: the order of the files decides ties."""

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
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .sort("timestamp", maintain_order=True)
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
