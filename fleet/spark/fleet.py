"""The fleet's questions on Spark 4: `spark-submit --py-files ../lake.py fleet.py LAKE [QUESTION...] --sql FOLDER -o FOLDER`.

LAKE may be a folder or any address that the cluster's Hadoop reads (s3a://, abfss://, hdfs://); the log is read through
Spark then. The answers are small and written where the driver runs.
"""

import argparse
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import lake  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402


def read_log(spark):
    """The log of a lake that is no local folder."""

    def read(address):
        texts = spark.sparkContext.wholeTextFiles(f"{address.rstrip('/')}/_coldcase/log/*.json").collect()
        return {path.rsplit("/", 1)[-1]: text for path, text in texts}

    return read


def main():
    args = lake.arguments(argparse.ArgumentParser(description=__doc__)).parse_args()
    spark = (
        SparkSession.builder.appName("coldcase fleet")
        # The SQL quotes names as the standard does.
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.ansi.doubleQuotedIdentifiers", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("WARN")
    is_folder = "://" not in args.lake
    address = os.path.abspath(args.lake) if is_folder else args.lake
    tables = lake.files(address, None if is_folder else read_log(spark))
    for name, question in lake.questions(args.sql, args.questions).items():
        if name == "indicators":
            if not args.ioc:
                continue
            rows = lake.indicators(args.ioc)
            spark.createDataFrame(rows, "kind string, value string").createOrReplaceTempView("indicators")
        for table in sorted(question.tables):
            # Files by their names: the columns case_name and host are in them, what folders say is not needed.
            paths = [f"file://{path}" if is_folder else path for path in tables.get(table, [])]
            columns = ", ".join(f'"{name}" {kind}' for name, kind in lake.columns(args.sql, table).items())
            rows = spark.read.schema(columns).parquet(*paths) if paths else spark.createDataFrame([], columns)
            rows.createOrReplaceTempView(table)
        steps = list(question.sql(lake.settings(args.set)))
        for number, (step, sql) in enumerate(steps):
            rows = spark.sql(sql)
            # What several steps ask for is worked out once, and is no part of their plans.
            users = [later for _, later in steps[number + 1 :] if re.search(rf"\b{step}\b", later)]
            if len(users) > 1:
                rows = rows.localCheckpoint()
            rows.createOrReplaceTempView(step)
        lake.write(args.output, name, rows.columns, rows.collect())
    spark.stop()


if __name__ == "__main__":
    try:
        main()
    except lake.LakeError as error:
        sys.exit(f"fleet.py: {error}")
