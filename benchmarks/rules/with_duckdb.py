"""DuckDB: the names of the rules that hold as a list for each row, laid out in rows, sorted."""

import sys
from pathlib import Path

import duckdb

QUERY = """
COPY (
    SELECT strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, rule
    FROM (
        SELECT timestamp, unnest(list_filter([{rules}], lambda name: name IS NOT NULL)) AS rule
        FROM read_csv($data || '/in*.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
            status: 'VARCHAR'
        })
    )
    ORDER BY timestamp, rule
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output, folder):
    lines = [line.split("\t") for line in Path(folder, "rules.sql").read_text().splitlines()]
    rules = ", ".join(f"CASE WHEN {holds} THEN '{name}' END" for name, holds in lines)
    query = QUERY.replace("{rules}", rules).replace("{output}", output.replace("'", "''"))
    duckdb.execute(query, {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
