"""DuckDB: one query, whose rows are fetched ten thousand at a time and made dicts."""

import sys

import duckdb
from tally import count

QUERY = """
SELECT * EXCLUDE (number)
FROM (
    SELECT *, row_number() OVER () AS number
    FROM read_csv($data || '/in*.csv', header = true, columns = {
        timestamp: 'TIMESTAMP', sensor: 'VARCHAR', temperature: 'DOUBLE', humidity: 'DOUBLE', co2: 'BIGINT',
        status: 'VARCHAR'
    })
)
WHERE co2 > 0
ORDER BY timestamp, number
"""


def main(data):
    found = duckdb.execute(QUERY, {"data": data})
    names = [column[0] for column in found.description]
    while rows := found.fetchmany(10_000):
        for row in rows:
            count(dict(zip(names, row, strict=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
