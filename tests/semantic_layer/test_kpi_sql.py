"""KPIs compiled to SQL: DuckDB and ClickHouse say what Polars says, to nine digits."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from semantic_layer.errors import InputError
from semantic_layer.kpi_sql import SqlRows, aggregate_sql
from semantic_layer.kpi_sql_text import Dialect, identifier, number, text
from semantic_layer.kpi_terms import measured_columns
from semantic_layer.kpis import Kpi, aggregate_kpis
from semantic_layer.loading import catalogue
from semantic_layer.measurements import OBSERVED_TIME
from tests.semantic_layer.sql_engines import DIALECTS, Run, clickhouse_run, duckdb_run, parquet

START = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = catalogue()
KPIS = list(KNOWN.kpis.values())
SCALARS = [item for item in KNOWN.measurements.values() if item.shape == "scalar"]
PLACE = {
    "cell_dn": pl.String,
    "managed_element_dn": pl.String,
    "object_class": pl.String,
    "period_start": pl.Datetime("us", "UTC"),
    "granularity_s": pl.Int32,
    "is_suspect": pl.Boolean,
}
SCHEMA = PLACE | {item.column: pl.Float64 for item in SCALARS}
BY = (["cell_dn"], ["managed_element_dn"], ["object_class", "period_start"], ["is_suspect"])


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> dict[Dialect, Run]:
    folder = tmp_path_factory.mktemp("engines")
    return {"duckdb": duckdb_run(folder), "clickhouse": clickhouse_run(folder)}


def rows_of(seed: int, count: int, *, absent_share: float, classes: Sequence[str]) -> pl.DataFrame:
    """Return rows of several classes with nulls, zeros, unequal periods and keys that are null."""
    chance = random.Random(seed)  # noqa: S311  (no secrets here)
    rows = []
    for _ in range(count):
        element = chance.choice(["ManagedElement=1", "ManagedElement=2", None])
        cell = chance.choice([f"{element},NRCellDU={chance.randint(1, 3)}", None])
        row: dict[str, object] = {
            "cell_dn": cell,
            "managed_element_dn": element,
            "object_class": chance.choice(classes),
            "period_start": START + timedelta(minutes=15 * chance.randint(0, 3)),
            "granularity_s": chance.choice([300, 900, 900, 3600]),
            "is_suspect": chance.choice([True, False, None]),
        }
        for item in SCALARS:
            if chance.random() > absent_share:
                row[item.column] = float(chance.choice([0, 0, chance.randint(0, 5000)]))
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


def compared(found: pl.DataFrame, expected: pl.DataFrame, by: Sequence[str]) -> None:
    """Assert that two answers agree, in any order, to nine digits."""
    columns = [*by, *(name for name in expected.columns if name not in by)]
    kinds = [pl.col(name).cast(expected.schema[name]) for name in columns]
    assert_frame_equal(
        found.select(kinds).sort(by),
        expected.select(columns).sort(by),
        rel_tol=1e-9,
        abs_tol=1e-12,
    )


def agree(
    rows: pl.DataFrame,
    by: Sequence[str],
    kpis: Sequence[Kpi],
    engines: dict[Dialect, Run],
    at: Path,
) -> None:
    path = at / "rows.parquet"
    rows.write_parquet(path)
    entered = pl.len().cast(pl.Int64).alias("rows")
    expected = aggregate_kpis(rows.lazy(), kpis, by, KNOWN, extra=[entered]).collect()
    for dialect, run in engines.items():
        source = SqlRows(parquet(path, dialect), rows.columns, dialect)
        found = run(aggregate_sql(source, kpis, by, KNOWN, rows_column="rows"))
        compared(found, expected, by)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 60),
    absent_share=st.sampled_from([0.0, 0.1, 0.6]),
    by=st.sampled_from(BY),
    classes=st.sampled_from([["NRCellDU"], ["NRCellDU", "ManagedElement", "EUtranCellTDD", None]]),
    kpis=st.lists(st.sampled_from(KPIS), min_size=1, max_size=8, unique_by=lambda kpi: kpi.name),
)
def test_any_kpis_agree_with_polars(  # noqa: PLR0917
    engines, tmp_path, seed, count, absent_share, by, classes, kpis
):
    rows = rows_of(seed, count, absent_share=absent_share, classes=classes)
    agree(rows, by, kpis, engines, tmp_path)


@pytest.mark.parametrize("by", BY[:2], ids=", ".join)
def test_every_kpi_at_once_agrees_with_polars(engines, tmp_path, by):
    classes = ["NRCellDU", "ManagedElement", "EUtranCellTDD", "AMFFunction", None]
    agree(rows_of(11, 150, absent_share=0.1, classes=classes), by, KPIS, engines, tmp_path)


@pytest.mark.parametrize("by", BY[2:], ids=", ".join)
def test_kpis_of_one_row_alone_need_no_roll_up(engines, tmp_path, by):
    rows = rows_of(7, 200, absent_share=0.1, classes=["NRCellDU", "ManagedElement"])
    alone = [kpi for kpi in KPIS if kpi.name != "site_energy_efficiency"]
    sql = aggregate_sql(SqlRows("rows", rows.columns, "duckdb"), alone, by, KNOWN)
    assert sql.count("GROUP BY") == 1
    agree(rows, by, alone, engines, tmp_path)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_columns_that_no_file_brought_give_null(engines, tmp_path, seed, data):
    rows = rows_of(seed, 30, absent_share=0.1, classes=["NRCellDU", "ManagedElement"])
    absent = data.draw(st.sets(st.sampled_from([item.column for item in SCALARS]), max_size=40))
    needy = [kpi for kpi in KPIS if absent & set(measured_columns([kpi], KNOWN))]
    chosen = {kpi.name: kpi for kpi in [*needy[:6], KNOWN.kpi("site_energy_efficiency")]}
    agree(rows.drop(absent), ["managed_element_dn"], list(chosen.values()), engines, tmp_path)


def test_an_empty_table_has_no_groups(engines, tmp_path):
    agree(pl.DataFrame(schema=SCHEMA), ["cell_dn"], KPIS, engines, tmp_path)


def test_rows_may_be_chosen_first(engines, tmp_path):
    rows = rows_of(3, 100, absent_share=0.1, classes=["NRCellDU"])
    path = tmp_path / "rows.parquet"
    rows.write_parquet(path)
    kept = rows.lazy().filter(~pl.col("is_suspect"))
    expected = aggregate_kpis(kept, KPIS[:5], ["cell_dn"], KNOWN).collect()
    for dialect, run in engines.items():
        where = f"NOT {identifier('is_suspect', dialect)}"
        source = SqlRows(parquet(path, dialect), rows.columns, dialect, where)
        compared(run(aggregate_sql(source, KPIS[:5], ["cell_dn"], KNOWN)), expected, ["cell_dn"])


CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
HOSTILE = ["it's", 'say "so"', "back\\slash", "\\'); DROP TABLE x; --", "a\nb", "ü€", "${x}", "%s"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text_stays_text(engines, dialect, value):
    named = identifier(value, dialect)
    found = engines[dialect](f"SELECT {text(value, dialect)} AS {named}")
    assert found.columns == [value]
    assert found.item() == value


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=30, deadline=None)
@given(value=st.text(CHARACTERS, max_size=20))
def test_any_text_stays_text(engines, dialect, value):
    assert engines[dialect](f"SELECT {text(value, dialect)} AS x").item() == value


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=30, deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_any_number_stays_a_double(engines, dialect, value):
    found = engines[dialect](f"SELECT {number(value)} AS x")
    assert found.schema["x"] == pl.Float64
    assert found.item() == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_nul_is_refused(dialect):
    with pytest.raises(InputError, match="NUL"):
        text("a\0b", dialect)


def test_columns_that_place_a_row_are_asked_for_by_name():
    source = SqlRows("rows", ["cell_dn", "granularity_s"], "duckdb")
    with pytest.raises(InputError, match="hour_start"):
        aggregate_sql(source, KPIS[:1], ["hour_start"], KNOWN)
    with pytest.raises(InputError, match="object_class"):
        aggregate_sql(source, [KNOWN.kpi("site_energy_efficiency")], ["cell_dn"], KNOWN)
    with pytest.raises(InputError, match="at least one"):
        aggregate_sql(source, KPIS[:1], [], KNOWN)


def test_every_kpi_has_a_measurement_or_time_below():
    assert all(kpi.denominator for kpi in KPIS)
    assert OBSERVED_TIME in {name for kpi in KPIS for _, name in kpi.terms}
