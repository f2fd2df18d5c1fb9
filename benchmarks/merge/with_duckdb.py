"""DuckDB: one query over the eight files. The number of the row, counted through all files, decides ties."""

import sys

import duckdb

QUERY = """
COPY (
    SELECT strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, sensor, temperature, humidity, co2, status
    FROM (
        SELECT *, row_number() OVER () AS number
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        })
    )
    ORDER BY timestamp, number
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
