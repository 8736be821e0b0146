"""The Parquet export read by Spark: every table, the books of a facility, and the README's query.

Not part of `check_all`, because Spark needs Java and 400 MB more. With `pip install pyspark==4.3.0`:

    python check_spark.py TABLES     (the folder that `oreledger export --parquet` wrote)
"""

import sys
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession, functions

from check_tables import example

TABLES = ["lots", "events", "edges", "assays", "shares", "findings"]


def main(folder):
    folder = Path(folder)
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    query = duckdb.connect()
    rows = 0
    for table in TABLES:
        read = spark.read.parquet(str(folder / table))
        expected = query.sql(f"SELECT count(*) FROM read_parquet('{folder}/{table}/*/*.parquet')").fetchall()[0][0]
        assert read.count() == expected > 0, table
        rows += expected
    edges = spark.read.parquet(str(folder / "edges"))
    books = edges.groupBy("facility", "line").agg(functions.sum("dry_mg"), functions.sum("stock_mg")).collect()
    expected = query.sql(f"""SELECT facility, line, sum(dry_mg)::BIGINT, sum(stock_mg)::BIGINT
        FROM read_parquet('{folder}/edges/*/*.parquet', hive_partitioning = true) GROUP BY ALL""").fetchall()
    assert sorted(map(tuple, books)) == sorted(expected), "Spark and DuckDB keep other books"
    shares = spark.read.parquet(str(folder / "shares"))
    sums = shares.groupBy("lot", "element").agg(functions.sum("share").alias("whole"))
    assert sums.filter("whole <> 1").count() == 0 and sums.count() > 50
    exec(example("python", 1, folder), {"spark": spark})
    spark.stop()
    print(f"spark: {rows} rows in {len(TABLES)} tables; the books of {len(expected)} lines agree with DuckDB's")


if __name__ == "__main__":
    main(*sys.argv[1:])
