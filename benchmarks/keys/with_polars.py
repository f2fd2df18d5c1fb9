"""Polars, streaming engine: scan, group by the day and the key, sink."""

import sys

import polars as pl

SCHEMA = {"timestamp": pl.String, "key": pl.String, "value": pl.Float64}
FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def main(data, output):
    (
        pl.scan_csv(f"{data}/in0.csv", schema=SCHEMA)
        .with_columns(pl.col("timestamp").str.to_datetime(FORMAT, time_unit="us", time_zone="UTC").dt.truncate("1d"))
        .group_by("timestamp", "key")
        .agg(readings=pl.len(), mean=pl.col("value").mean(), peak=pl.col("value").max())
        .with_columns(pl.col("timestamp").dt.offset_by("1d"))
        .sort("timestamp", "key")
        .sink_csv(output, datetime_format=FORMAT, engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
