"""DuckDB: one query over the eight files; a session begins where the row before is too long ago."""

import sys

import duckdb

QUERY = """
COPY (
    WITH failures AS (
        SELECT timestamp, sensor, temperature, timestamp - lag(timestamp) OVER (
            PARTITION BY sensor ORDER BY timestamp) <= INTERVAL 2 MINUTE AS goes_on
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        })
        WHERE status = 'fail'
    ), numbered AS (
        SELECT *, count(*) FILTER (goes_on IS DISTINCT FROM true) OVER (
            PARTITION BY sensor ORDER BY timestamp) AS session
        FROM failures
    ), sessions AS (
        SELECT sensor, max(timestamp) + INTERVAL 2 MINUTE AS until, min(timestamp) AS since, count(*) AS failures,
            max(temperature) AS peak
        FROM numbered GROUP BY sensor, session
    )
    SELECT strftime(until, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, strftime(since, '%Y-%m-%dT%H:%M:%S.%gZ') AS
        window_start, sensor, failures, peak
    FROM sessions ORDER BY until, since, sensor
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
