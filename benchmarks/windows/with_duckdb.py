"""DuckDB: one query over the eight files."""

import sys

import duckdb

QUERY = """
COPY (
    SELECT strftime(minute + INTERVAL 1 MINUTE, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, sensor, readings, mean, peak
    FROM (
        SELECT time_bucket(INTERVAL 1 MINUTE, timestamp) AS minute, sensor, count(*) AS readings,
            round(avg(temperature), 6) AS mean, max(temperature) AS peak
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        })
        WHERE temperature > 20 AND status <> 'fail'
        GROUP BY ALL
    )
    ORDER BY minute, sensor
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
