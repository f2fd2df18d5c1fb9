"""DuckDB: one query over the file."""

import sys

import duckdb

QUERY = """
COPY (
    SELECT strftime(day + INTERVAL 1 DAY, '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, key, readings, mean, peak
    FROM (
        SELECT date_trunc('day', timestamp)::TIMESTAMP AS day, key, count(*) AS readings, avg(value) AS mean,
            max(value) AS peak
        FROM read_csv($data || '/in0.csv', header = true, columns = {
            timestamp: 'TIMESTAMP', key: 'VARCHAR', value: 'DOUBLE'
        })
        GROUP BY ALL
    )
    ORDER BY day, key
) TO '{output}' (HEADER, DELIMITER ',')
"""


def main(data, output):
    duckdb.execute(QUERY.replace("{output}", output.replace("'", "''")), {"data": data})


if __name__ == "__main__":
    main(*sys.argv[1:])
