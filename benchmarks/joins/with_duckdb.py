"""DuckDB: one query over the eight files. The number of the row, counted through all files, decides ties."""

import sys

import duckdb

QUERY = """
COPY (
    WITH rows AS (
        SELECT *, row_number() OVER () AS number
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        })
    )
    SELECT strftime(f.timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, f.sensor, f.temperature,
        w.temperature AS temperature_right, strftime(w.timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp_right
    FROM rows AS f JOIN rows AS w ON f.sensor = w.sensor
        AND w.timestamp BETWEEN f.timestamp - INTERVAL 1 MINUTE AND f.timestamp
    WHERE f.status = 'fail' AND w.status = 'warn'
    ORDER BY f.timestamp, f.number, w.timestamp, w.number
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
