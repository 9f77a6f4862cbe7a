"""The fleet's questions on DuckDB: `python3 fleet.py LAKE [QUESTION...] --sql FOLDER -o FOLDER` (see ../duckdb.md)."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import duckdb  # noqa: E402
import lake  # noqa: E402

def main():
    args = lake.arguments(argparse.ArgumentParser(description=__doc__)).parse_args()
    tables = lake.files(args.lake)
    database = duckdb.connect()
    for name, question in lake.questions(args.sql, args.questions).items():
        if name == "indicators":
            if not args.ioc:
                continue
            database.execute("CREATE OR REPLACE TABLE indicators (kind VARCHAR, value VARCHAR)")
            database.executemany("INSERT INTO indicators VALUES (?, ?)", lake.indicators(args.ioc))
        for table in sorted(question.tables):
            if table in tables:
                # The columns case_name and host are in the files: what folders say of them is not needed.
                paths = ", ".join("'" + path.replace("'", "''") + "'" for path in tables[table])
                rows = f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false)"
                database.execute(f"CREATE OR REPLACE VIEW {table} AS {rows}")
            else:
                columns = ", ".join(f'"{name}" {kind}' for name, kind in lake.columns(args.sql, table).items())
                database.execute(f"CREATE OR REPLACE TABLE none_of_{table} ({columns})")
                database.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM none_of_{table}")
        made = []
        for step, sql in question.sql(lake.settings(args.set)):
            database.execute(f"CREATE TEMP TABLE {step} AS {sql}")
            made.append(step)
        answer = database.execute("SELECT * FROM answer")
        lake.write(args.output, name, [column[0] for column in answer.description], answer.fetchall())
        for step in made:
            database.execute(f"DROP TABLE {step}")


if __name__ == "__main__":
    try:
        main()
    except lake.LakeError as error:
        sys.exit(f"fleet.py: {error}")
