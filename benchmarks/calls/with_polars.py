"""Polars, streaming engine: a sorted frame, whose rows are taken as dicts."""

import sys
from pathlib import Path

import polars as pl
from tally import count

SCHEMA = {
    "timestamp": pl.String,
    "sensor": pl.String,
    "temperature": pl.Float64,
    "humidity": pl.Float64,
    "co2": pl.Int64,
    "status": pl.String,
}
FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def main(data):
    rows = (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .filter(pl.col("co2") > 0)
        .sort("timestamp", maintain_order=True)
        .collect(engine="streaming")
    )
    for row in rows.iter_rows(named=True):
        count(row)


if __name__ == "__main__":
    main(*sys.argv[1:])
