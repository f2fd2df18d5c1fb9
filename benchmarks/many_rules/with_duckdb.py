"""DuckDB: the rules are a table; joined by sensor and bound, sorted."""

import sys

import duckdb

QUERY = """
COPY (
    SELECT strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, rule
    FROM (
        SELECT readings.timestamp, rules.rule
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        }) readings
        JOIN read_csv($folder || '/rules.csv', header = true, columns = {
            rule: 'VARCHAR', sensor: 'VARCHAR', above: 'DOUBLE'
        }) rules ON readings.sensor = rules.sensor AND readings.temperature > rules.above
    )
    ORDER BY timestamp, rule
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output, folder):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data, "folder": folder})


if __name__ == "__main__":
    main(*sys.argv[1:])
