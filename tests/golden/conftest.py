"""Golden stories: small tables in, expected tables out; `--regenerate-golden` writes the latter."""

from pathlib import Path

import polars as pl
import pytest

from data_products.product import ProductTable

FOLDER = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption(
        "--regenerate-golden", action="store_true", help="write what the code says now"
    )


@pytest.fixture
def golden(request):
    """Return a function that compares a frame with a story's expected CSV, or writes it."""

    def compare(found: pl.DataFrame, name: str) -> None:
        path = FOLDER / name
        shown = found.with_columns(pl.selectors.float().round(6))
        if request.config.getoption("--regenerate-golden", default=False):
            shown.write_csv(path, datetime_format="%Y-%m-%dT%H:%MZ")
        text = shown.write_csv(datetime_format="%Y-%m-%dT%H:%MZ")
        assert text == path.read_text(encoding="utf-8"), f"{name} tells another story"

    return compare


@pytest.fixture
def story():
    """Return a function that reads a story's CSV with the types of a product's table."""

    def read(name: str, table: ProductTable) -> pl.DataFrame:
        texts = pl.read_csv(FOLDER / name, infer_schema=False)
        return texts.select(_typed(table, column) for column in texts.columns)

    return read


def _typed(table: ProductTable, column: str) -> pl.Expr:
    dtype = table.schema[column]
    if isinstance(dtype, pl.Datetime):
        return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%MZ", time_unit="us", time_zone="UTC")
    if isinstance(dtype, pl.List):
        return pl.col(column).str.split(" ").cast(dtype)
    if dtype == pl.Boolean:
        return pl.col(column) == "true"
    return pl.col(column).cast(dtype)
