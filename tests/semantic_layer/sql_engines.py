"""SQL run by DuckDB and by ClickHouse in process, rows exchanged as Parquet files."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

from semantic_layer.kpi_sql_text import Dialect, text

Run = Callable[[str], pl.DataFrame]
DIALECTS: tuple[Dialect, ...] = ("duckdb", "clickhouse")


def parquet(path: Path | str, dialect: Dialect) -> str:
    """Return the relation of a Parquet file, or of files that match."""
    if dialect == "duckdb":
        return f"read_parquet({text(str(path), dialect)}) AS measurements"
    return f"file({text(str(path), dialect)}, Parquet) AS measurements"


def duckdb_run(folder: Path) -> Run:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")

    def run(query: str) -> pl.DataFrame:
        path = folder / "duckdb.parquet"
        connection.execute(f"COPY ({query}) TO {text(str(path), 'duckdb')} (FORMAT parquet)")
        return pl.read_parquet(path)

    return run


def clickhouse_run(folder: Path) -> Run:
    from chdb.session import Session

    session = Session()

    def run(query: str) -> pl.DataFrame:
        path = folder / "clickhouse.parquet"
        path.unlink(missing_ok=True)
        into = f"INTO OUTFILE {text(str(path), 'clickhouse')} FORMAT Parquet"
        session.query(f"{query} {into} SETTINGS output_format_parquet_string_as_string = 1")
        return pl.read_parquet(path)

    return run
