"""What the detector owes an engineer, told as stories over a small made-up network."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly import score_rows, scoring
from tasks.anomaly.outcome import Outcome, scored_window
from tests.tasks.anomaly.world import (
    CQI,
    DROPS,
    KPIS,
    START,
    THROUGHPUT,
    USERS,
    VOLUME,
    cell_names,
    kpi_rows,
    last_day,
    network,
)

NOTHING_EARLIER = pl.DataFrame(schema=score_rows.SCORES)
DAY = 96
TODAY = 28 * DAY
CELLS = cell_names(24)


def scored(values: np.ndarray, window: Window | None = None, **changed: object) -> Outcome:
    return scored_rows(kpi_rows(values), window, **changed)


def scored_rows(rows: pl.DataFrame, window: Window | None = None, **changed: object) -> Outcome:
    rules = detection().model_copy(update=changed)
    earlier = NOTHING_EARLIER
    return scored_window(
        rows.lazy(), earlier, KPIS, window or last_day(), rules, SerialWorkerPool()
    )


def found_in(outcome: Outcome) -> list[str]:
    return outcome.findings["cell_dn"].to_list()


def test_an_ordinary_day_has_no_finding():
    assert found_in(scored(network())) == []


def test_a_shift_of_one_cell_is_found_when_it_happens_and_blamed_on_its_kpi():
    values = network()
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.7
    outcome = scored(values)
    assert found_in(outcome) == [CELLS[7]]
    finding = outcome.findings.row(0, named=True)
    hours = (finding["anomaly_start"] - last_day().start) / timedelta(hours=1)
    assert 10 <= hours <= 10.75
    blamed = finding["contributions"][0]
    assert blamed["kpi"] == "user_throughput_dl"
    assert blamed["seen"] < 0.8 * blamed["expected"]
    assert "user_throughput_dl" in finding["explanation"]


def shock_of_today(factor: float = 1.4) -> np.ndarray:
    load = np.ones(29 * DAY)
    load[TODAY + 40 : TODAY + 60] = factor
    return load


@pytest.mark.parametrize("factor", [1.4, 0.7])
def test_a_shock_that_all_cells_share_is_no_finding(factor):
    assert found_in(scored(network(load_factor=shock_of_today(factor)))) == []


def test_a_lone_cell_in_the_midst_of_a_shared_shock_is_still_found():
    values = network(load_factor=shock_of_today())
    values[3, DROPS, TODAY + 44 : TODAY + 56] += 6
    assert found_in(scored(values)) == [CELLS[3]]


def test_a_broken_correlation_with_usual_values_is_found_where_single_thresholds_see_nothing():
    values = network()
    during, elsewhere = (
        slice(TODAY + 36, TODAY + 72),
        slice(TODAY - 7 * DAY + 36, TODAY - 7 * DAY + 72),
    )
    values[5, USERS, during] = values[5, USERS, elsewhere] * 1.18
    values[5, VOLUME, during] = values[5, VOLUME, elsewhere] / 1.18
    outcome = scored(values)
    assert found_in(outcome) == [CELLS[5]]
    mine = outcome.scores.filter(pl.col("cell_dn") == CELLS[5])
    assert not mine["is_baseline_anomalous"][36:72].any()


def test_faults_in_the_history_neither_blind_the_cell_nor_make_a_finding_today():
    values = network()
    for day in (3, 9, 17):
        values[7, THROUGHPUT, day * DAY + 30 : day * DAY + 70] *= 0.3
        values[7, DROPS, day * DAY + 30 : day * DAY + 70] += 10
    assert found_in(scored(values)) == []
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.6
    assert found_in(scored(values)) == [CELLS[7]]


def test_scoring_twice_gives_the_same_rows():
    rows = kpi_rows(network(cells=9))
    first, second = scored_rows(rows), scored_rows(rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert_frame_equal(first.scores, second.scores)
    assert_frame_equal(first.findings, second.findings)
    assert_frame_equal(first.expectations, second.expectations)


@pytest.mark.parametrize("cells_at_once", [1, 5, 24])
def test_chunks_and_batches_do_not_change_results(monkeypatch, cells_at_once):
    values = network()
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.7
    whole = scored(values, panel_cells=10)
    a_cell = values[0].size
    monkeypatch.setattr(scoring, "_BATCH_VALUES", cells_at_once * a_cell)
    monkeypatch.setattr(scoring, "_CHUNK_VALUES", max(cells_at_once // 2, 1) * a_cell)
    parts = scored(values, panel_cells=10)
    assert_frame_equal(whole.scores, parts.scores, abs_tol=1e-3)
    assert_frame_equal(whole.findings, parts.findings, abs_tol=1e-3)


def test_a_day_scored_period_by_period_equals_the_day_scored_at_once():
    rows = kpi_rows(network(cells=6))
    day = scored_rows(rows).scores
    start = last_day().start + timedelta(hours=9)
    for place in range(3):
        begin = start + timedelta(minutes=15 * place)
        one = scored_rows(
            rows.filter(pl.col("period_start") <= begin),
            Window(begin, begin + timedelta(minutes=15)),
        ).scores
        assert_frame_equal(one, day.filter(pl.col("period_start") == begin), abs_tol=1e-4)


def test_no_data_is_an_abstention_with_its_reason_and_never_a_finding():
    values = network()
    values[2, :, TODAY + 50 : TODAY + 60] = np.nan  # a gap
    values[4, :, TODAY - 10 :] = np.nan  # silent for the whole day
    values[6, :, : TODAY - 3 * DAY] = np.nan  # a new cell
    outcome = scored(values)
    reasons = {
        cell: part["abstained_because"].value_counts().drop_nulls().rows()
        for (cell,), part in outcome.scores.group_by("cell_dn")
    }
    assert reasons[CELLS[2]] == [(score_rows.NO_DATA, 10)]
    assert reasons[CELLS[4]] == [(score_rows.STOPPED_REPORTING, 96)]
    assert reasons[CELLS[6]] == [(score_rows.HISTORY_TOO_SHORT, 96)]
    assert reasons[CELLS[0]] == []
    assert found_in(outcome) == []
    abstained = outcome.scores.filter(pl.col("abstained_because").is_not_null())
    assert abstained["score"].null_count() == abstained.height
    assert not abstained["is_anomalous"].any()


def test_a_kpi_that_lacks_is_conditioned_away_and_the_rest_still_judged():
    values = network()
    values[:, CQI, TODAY + 20 : TODAY + 80] = np.nan
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.6
    outcome = scored(values)
    assert found_in(outcome) == [CELLS[7]]
    assert outcome.scores["score"].null_count() == 0


def test_a_cell_of_which_some_kpis_are_never_measured_is_judged_by_the_others():
    values = network()
    values[7, [CQI, DROPS]] = np.nan
    values[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.6
    assert found_in(scored(values)) == [CELLS[7]]


def test_a_table_of_days_is_scored_by_weekday():
    values = network(cells=40, days=29, granularity_s=86_400)
    values[7, THROUGHPUT, 28] *= 0.3
    rows = kpi_rows(values, 86_400, "day")
    outcome = scored_rows(rows)
    assert outcome.scores.height == 40
    assert found_in(outcome) == [CELLS[7]]


def test_a_single_hourly_series_with_gaps_is_scored_without_peers():
    values = network(cells=1, granularity_s=3600)
    values[0, :, 100:160] = np.nan
    values[0, DROPS, 28 * 24 + 8 : 28 * 24 + 14] += 8
    outcome = scored_rows(kpi_rows(values, 3600, "hour"))
    assert found_in(outcome) == CELLS[:1]


def test_each_cell_is_scored_at_the_finest_granularity_that_it_has():
    fine = kpi_rows(network(cells=3))
    daily = kpi_rows(network(cells=6, granularity_s=86_400), 86_400, "day")
    outcome = scored_rows(pl.concat([fine, daily]))
    counts = dict(outcome.scores.group_by("cell_dn").len().rows())
    assert counts == dict.fromkeys(CELLS[:3], 96) | dict.fromkeys(CELLS[3:6], 1)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda rows: rows.clear(), id="nothing at all"),
        pytest.param(lambda rows: rows.filter(pl.col("period_start") < START), id="no history"),
        pytest.param(
            lambda rows: rows.filter(pl.col("period_start") < last_day().start), id="no window"
        ),
    ],
)
def test_an_empty_table_gives_no_finding_and_no_error(rows):
    outcome = scored_rows(rows(kpi_rows(network(cells=2))))
    assert found_in(outcome) == []
    assert outcome.scores["score"].null_count() == outcome.scores.height


def test_infinite_values_and_repeated_rows_are_survived():
    values = network()
    values[1, VOLUME, TODAY + 10] = np.inf
    rows = kpi_rows(values)
    outcome = scored_rows(pl.concat([rows, rows.head(500)]))
    assert found_in(outcome) == []


def test_constant_kpis_do_not_explode():
    values = network()
    values[:, CQI] = 10.0
    values[:, DROPS] = 0.0
    assert found_in(scored(values)) == []
