"""Polars, streaming engine: a column of truth for each rule, unpivoted where one holds, then sorted."""

import runpy
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
    rules = runpy.run_path(f"{folder}/rules_polars.py")["RULES"]

    (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .select("timestamp", *(holds.alias(name) for name, holds in rules))
        .filter(pl.any_horizontal(pl.exclude("timestamp")))
        .unpivot(index="timestamp", variable_name="rule", value_name="holds")
        .filter("holds")
        .select("timestamp", "rule")
        .sort("timestamp", "rule")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
