"""Polars: scan, concatenate, one frame of failures and one of warnings, join on the sensor and two inequalities."""

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
    rows = (
        pl.concat(pl.scan_csv(path, schema=SCHEMA) for path in sorted(Path(data).glob("in*.csv")))
        .filter(pl.col("status").is_in(["fail", "warn"]))
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC"))
        .sort("timestamp", maintain_order=True)
        .with_row_index("number")
        .select("number", "timestamp", "sensor", "temperature", "status")
    )
    warnings = rows.filter(pl.col("status") == "warn").with_columns(until=pl.col("timestamp") + pl.duration(minutes=1))
    (
        rows.filter(pl.col("status") == "fail")
        .join_where(
            warnings,
            pl.col("sensor") == pl.col("sensor_right"),
            pl.col("timestamp_right") <= pl.col("timestamp"),
            pl.col("timestamp") <= pl.col("until"),
        )
        .sort("timestamp", "number", "number_right")
        .select("timestamp", "sensor", "temperature", "temperature_right", "timestamp_right")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
