"""A cell that saves energy is not judged by what it gives meanwhile."""

import numpy as np
import polars as pl
import pytest

from data_products.cell_kpis.saving_periods import SAVING_COLUMNS, without_saving
from semantic_layer.loading import catalogue
from tasks.anomaly.score_rows import SAVES_ENERGY
from tests.tasks.anomaly.test_scoring_stories import (
    CELLS,
    TODAY,
    found_in,
    scored_rows,
)
from tests.tasks.anomaly.world import DROPS, PRB, THROUGHPUT, USERS, VOLUME, kpi_rows, network

NIGHT = slice(TODAY + 4, TODAY + 20)


def asleep() -> np.ndarray:
    values = network()
    values[3, [PRB, VOLUME, USERS], NIGHT] = 0.0
    values[3, [THROUGHPUT, DROPS], NIGHT] = np.nan
    return values


def with_saving(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    starts = rows["period_start"].unique().sort()[NIGHT]
    saves = (pl.col("cell_dn") == CELLS[3]) & pl.col("period_start").is_in(starts.implode())
    others = (name for name in SAVING_COLUMNS if name != column)
    return rows.with_columns(
        pl.when(saves).then(100.0).otherwise(0.0).alias(column),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in others),
    )


def test_a_cell_that_fell_silent_is_found():
    assert found_in(scored_rows(kpi_rows(asleep()))) == [CELLS[3]]


@pytest.mark.parametrize("column", SAVING_COLUMNS)
def test_a_cell_that_saves_energy_is_not_judged_and_says_why(column):
    outcome = scored_rows(with_saving(kpi_rows(asleep()), column))
    assert found_in(outcome) == []
    own = outcome.scores.filter(cell_dn=CELLS[3]).sort("period_start")
    silent = own.filter(pl.col("score").is_null())
    assert silent["abstained_because"].unique().to_list() == [SAVES_ENERGY]
    assert silent["period_start"].to_list() == own["period_start"][4:20].to_list()


def test_a_fault_after_waking_is_found_all_the_same():
    values = asleep()
    values[3, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.5
    outcome = scored_rows(with_saving(kpi_rows(values), SAVING_COLUMNS[0]))
    assert found_in(outcome) == [CELLS[3]]


def test_only_the_named_kpis_of_saving_periods_are_left_out():
    rows = pl.LazyFrame(
        {
            "cell_dn": ["a", "a", "b"],
            "prb_usage_dl_pct": [0.0, 20.0, 0.0],
            "site_power_w": [900.0, 1200.0, 800.0],
            "energy_saving_share_pct": [100.0, 0.0, None],
        }
    )
    found = without_saving(rows, ["prb_usage_dl_pct", "never_heard_of"]).collect()
    assert found["prb_usage_dl_pct"].to_list() == [None, 20.0, 0.0]
    assert found["site_power_w"].to_list() == [900.0, 1200.0, 800.0]


def test_a_table_that_knows_of_no_saving_stays_as_it_is():
    rows = pl.LazyFrame({"cell_dn": ["a"], "prb_usage_dl_pct": [0.0]})
    assert without_saving(rows, ["prb_usage_dl_pct"]).collect().rows() == [("a", 0.0)]


def test_the_columns_of_saving_are_those_of_kpis():
    columns = {kpi.column for kpi in catalogue().kpis.values()}
    assert set(SAVING_COLUMNS) <= columns
