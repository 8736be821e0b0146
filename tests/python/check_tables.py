"""The Parquet export: DuckDB keeps the books of every facility, and they are the ledger's to the milligram.

The example queries in crates/tables/README.md are run as they stand there.

    python check_tables.py ORELEDGER HOME WORK
"""

import contextlib
import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas

READER = "secretariat"
# Files of pandas are read by pyarrow, DuckDB has a reader of its own: two besides ours.
EDGES = "read_parquet('{}/edges/*/*.parquet', hive_partitioning = true)"
CONTENTS = """(SELECT lot, leaf_index, ppb FROM read_parquet('{}/assays/*/*.parquet')
  WHERE element = 'Ta' AND sets AND NOT withdrawn)"""


def example(language, place, tables):
    """The README's example in a language, by its place among them, asking this folder."""
    text = (Path(__file__).parent.parent.parent / "crates/tables/README.md").read_text()
    blocks = text.split("## Questions")[1].split(f"```{language}\n")[1:]
    return blocks[place].split("```")[0].replace("DIR/", f"{tables}/")


def printed(code):
    """What a piece of Python prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {})
    return out.getvalue()


def main(oreledger, home, work):
    tables = Path(work) / "tables"

    def ask(*arguments):
        command = [oreledger, "--home", home, "--as", READER, "--json", *arguments]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    counts = ask("export", "--parquet", str(tables))["rows"]
    query = duckdb.connect()
    for table, rows in counts.items():
        found = query.sql(f"SELECT count(*) FROM read_parquet('{tables}/{table}/*/*.parquet')").fetchall()[0][0]
        assert found == rows > 0, (table, found, rows)
    facilities = query.sql(f"SELECT DISTINCT facility FROM {EDGES.format(tables)} ORDER BY 1").fetchall()
    milligrams = 0
    for (facility,) in facilities:
        lines = query.execute(
            f"""SELECT line, sum(dry_mg)::VARCHAR, sum(stock_mg)::VARCHAR FROM {EDGES.format(tables)}
            WHERE facility = ? GROUP BY line""",
            [facility],
        ).fetchall()
        ours = {line: int(mg) for line, mg, _ in lines}
        books = ask("balance", facility)
        theirs = {line: mg for line, mg in books["lines_mg"].items() if mg}
        assert ours == theirs, (facility, ours, theirs)
        closing = sum(int(stock) for _, _, stock in lines)
        assert closing == books["closing_mg"], (facility, closing, books["closing_mg"])
        milligrams += sum(ours.values())

        # Tantalum in what went in, by the composition in force when it was taken.
        tantalum = query.execute(
            f"""SELECT coalesce(sum(dry_mg::HUGEINT * ppb), 0) // 1000000000 FROM {EDGES.format(tables)} AS edge
            ASOF JOIN {CONTENTS.format(tables)} AS content
            ON edge.lot = content.lot AND edge.leaf_index >= content.leaf_index
            WHERE facility = ? AND line = 'input'""",
            [facility],
        ).fetchall()[0][0]
        books = ask("balance", facility, "--element", "Ta")
        assert int(tantalum) == books["lines_mg"].get("input", 0), (facility, tantalum, books["lines_mg"])

    # The README's examples, as they stand there.
    books = {line: int(mg) for line, mg, _ in query.sql(example("sql", 0, tables)).fetchall()}
    assert books == {line: mg for line, mg in ask("balance", "refiner-jp/plant")["lines_mg"].items() if mg}, books
    inputs = query.sql(example("sql", 1, tables)).fetchall()
    assert len(inputs) > 2 and all(mg > 0 for _, mg in inputs), inputs
    countries = printed(example("python", 0, tables))
    assert "AU" in countries and "dtype: object" in countries, countries

    counts_of = {table: len(pandas.read_parquet(tables / table)) for table in counts}
    assert counts_of == counts, (counts_of, counts)
    shares = pandas.read_parquet(tables / "shares")
    sums = shares.groupby(["lot", "element"], observed=True).share.sum()
    assert len(sums) > 50 and all(value == Decimal(1) for value in sums), sums[sums != Decimal(1)]
    print(f"tables: {sum(counts.values())} rows; the books of {len(facilities)} facilities agree to the milligram "
          f"in DuckDB, pandas counts the same rows ({milligrams} mg moved); {len(sums)} sets of shares sum to exactly 1")


if __name__ == "__main__":
    main(*sys.argv[1:])
