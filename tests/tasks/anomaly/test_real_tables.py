"""Operators' own tables, scored: daily KPIs of 327 eNodeBs over one month, with nulls."""

from datetime import UTC, datetime

import polars as pl
import pytest

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.outcome import scored_window
from tasks.anomaly.score_rows import SCORES
from tasks.anomaly.scored_kpis import ScoredKpi

pytestmark = pytest.mark.real_data

KPIS = [
    ScoredKpi("rrc_setup_success_rate", "RRC_Success_Rate", "%", "higher", "share", 95.0),
    ScoredKpi("erab_setup_success_rate", "ERAB_Success_Rate", "%", "higher", "share", 95.0),
    ScoredKpi("throughput_ul", "UL_TP", "kbit/s", "higher", "positive"),
    ScoredKpi("throughput_dl", "DL_TP", "kbit/s", "higher", "positive"),
]


@pytest.fixture(scope="module")
def enodebs(real_data) -> pl.LazyFrame:
    path = real_data / "lte_enodeb" / "encoded_enodeb_rrc_success.csv"
    return (
        pl.read_csv(path)
        .with_columns(
            cell_dn=pl.format("ManagedElement={},ENBFunction=1", "eNodeB ID"),
            period_start=pl.col("Date").str.to_date().cast(pl.Datetime("us", "UTC")),
            granularity=pl.lit("day"),
            object_class=pl.lit("ENBFunction"),
        )
        .group_by("cell_dn", "period_start", "granularity", "object_class")
        .agg(pl.col(kpi.column).mean() for kpi in KPIS)
        .lazy()
    )


def test_the_last_ten_days_of_a_real_month_are_scored(enodebs):
    window = Window(datetime(2019, 8, 22, tzinfo=UTC), datetime(2019, 9, 1, tzinfo=UTC))
    rules = detection().model_copy(update={"training_days": 21})
    earlier = pl.DataFrame(schema=SCORES)
    found = scored_window(enodebs, earlier, KPIS, window, rules, SerialWorkerPool())
    assert found.scores.height == 327 * 10
    assert found.scores["score"].null_count() < 0.01 * found.scores.height
    assert 1 <= found.findings["cell_dn"].n_unique() <= 0.2 * 327
    drop = pl.col("cell_dn") == "ManagedElement=111203,ENBFunction=1"
    worst = found.findings.filter(drop).sort("peak_score").row(-1, named=True)
    assert worst["contributions"][0]["kpi"] == "rrc_setup_success_rate"
    assert worst["contributions"][0]["seen"] < 96 < worst["contributions"][0]["expected"]


def test_with_too_little_history_everyone_abstains_and_nothing_is_found(enodebs):
    window = Window(datetime(2019, 8, 5, tzinfo=UTC), datetime(2019, 8, 6, tzinfo=UTC))
    earlier = pl.DataFrame(schema=SCORES)
    found = scored_window(enodebs, earlier, KPIS, window, detection(), SerialWorkerPool())
    assert found.scores["score"].null_count() == found.scores.height
    assert "history too short" in found.scores["abstained_because"]
    assert found.findings.is_empty()
