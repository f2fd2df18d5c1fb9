"""Polars, streaming engine: the rules are a table; joined by sensor, filtered by their bounds, sorted."""

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


def main(data, output, folder):
    rules = pl.scan_csv(Path(folder, "rules.csv"), schema_overrides={"above": pl.Float64})
    lowest = rules.group_by("sensor").agg(lowest=pl.col("above").min())
    (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .join(lowest, on="sensor")
        .filter(pl.col("temperature") > pl.col("lowest"))
        .join(rules, on="sensor")
        .filter(pl.col("temperature") > pl.col("above"))
        .select(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"), "rule")
        .sort("timestamp", "rule")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
