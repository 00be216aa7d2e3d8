"""Stored models at work: who scores which cell, on one scale, wherever chunks are cut."""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from semantic_layer.detection import detection
from semantic_layer.finding_worth import finding_worth
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly import score_rows, scoring
from tasks.anomaly.cell_model import cell_model
from tasks.anomaly.cube import kpi_cube
from tasks.anomaly.detector import judged
from tasks.anomaly.deviation_panels import deviation_panel
from tasks.anomaly.families.roster import FAMILIES
from tasks.anomaly.outcome import Outcome, planned_groups, scored_window
from tasks.anomaly.scoring import learnt_network
from tasks.anomaly.serving import (
    DETECTOR,
    DETECTOR_SHARE,
    ModelsAtWork,
    Served,
    Serving,
    calibrated,
    together,
)
from tasks.stored_models import StoredModel, from_bytes, to_bytes
from tests.tasks.anomaly.world import CQI, KPIS, THROUGHPUT, cell_names, kpi_rows, last_day, network

DAY = 96
TODAY = 28 * DAY
CELLS = cell_names(24)
NOTHING_EARLIER = pl.DataFrame(schema=score_rows.SCORES)
OURS = ("NRCellDU", "15min")


@cache
def values() -> np.ndarray:
    found = network()
    found[7, THROUGHPUT, TODAY + 40 : TODAY + 60] *= 0.6
    return found


@cache
def trained(family: str) -> StoredModel:
    """Return a model fitted on the first three weeks and calibrated on the fourth."""
    rows = kpi_rows(values()).lazy()
    ((_, plan),) = planned_groups(rows, KPIS, last_day(), detection())
    cube = kpi_cube(rows.collect(), plan.kpis, plan.grid)
    shared = learnt_network(plan, cube, SerialWorkerPool())
    cells = cell_model(cube.values, plan, shared)
    fitted = FAMILIES[family].fit(
        deviation_panel(cube.values, cells, plan, shared, 0, 21 * DAY), seed=3
    )
    fourth = deviation_panel(cube.values, cells, plan, shared, 21 * DAY, TODAY)
    raw = FAMILIES[family].scores(fitted, fourth)
    detector = judged(cube.values, cells, plan, shared).score
    found = calibrated(fitted, raw, detector, finding_worth().calm_tail, 900)
    return from_bytes(to_bytes(found), found.digest)


def beside_detector(family: str) -> StoredModel:
    """Return the trained model as one that asks the detector to count half."""
    model = trained(family)
    return replace(model, arrays={**model.arrays, DETECTOR_SHARE: np.array([0.5])})


def at_work(*families: str, profiles: dict[str, str] | None = None) -> ModelsAtWork:
    """Return the first family as deciding one for `profile-01`, the rest beside for all cells."""
    chosen = dict.fromkeys(CELLS[:12], "profile-01") if profiles is None else profiles
    first, *rest = (Served(f"cell_anomalies.{one}/1", trained(one)) for one in families)
    return ModelsAtWork(
        Serving((first,), {"profile-01": 0}, chosen),
        tuple(Serving((one,), {"all": 0}, {}) for one in rest),
    )


def scored(models: ModelsAtWork | None = None, seen: np.ndarray | None = None) -> Outcome:
    rows = kpi_rows(values() if seen is None else seen).lazy()
    work = {} if models is None else {OURS: models}
    return scored_window(
        rows, NOTHING_EARLIER, KPIS, last_day(), detection(), SerialWorkerPool(), models=work
    )


def test_a_profiles_cells_are_scored_by_its_model_and_the_rest_by_the_detector():
    alone, served = scored(), scored(at_work("principal_components"))
    by_cell = served.scores.group_by("cell_dn").agg(pl.col("model").unique().first())
    names = dict(by_cell.iter_rows())
    assert {names[cell] for cell in CELLS[:12]} == {"cell_anomalies.principal_components/1"}
    assert {names[cell] for cell in CELLS[12:]} == {DETECTOR}
    rest = pl.col("cell_dn").is_in(CELLS[12:])
    assert_frame_equal(alone.scores.filter(rest), served.scores.filter(rest))
    mine = ~rest
    assert not alone.scores.filter(mine)["score"].equals(served.scores.filter(mine)["score"])
    assert alone.scores.filter(mine)["score"].is_null().sum() == 0


def test_a_served_model_finds_the_fault_and_blames_by_its_own_parts():
    served = scored(at_work("principal_components"))
    assert CELLS[7] in served.findings["cell_dn"].to_list()
    finding = served.findings.filter(cell_dn=CELLS[7]).row(0, named=True)
    assert finding["contributions"][0]["kpi"] == "user_throughput_dl"
    assert 0 < finding["contributions"][0]["share"] <= 1


def test_a_served_score_means_the_detectors_frequency():
    calm = scored(at_work("principal_components", profiles=dict.fromkeys(CELLS, "profile-01")))
    sound = calm.scores.filter(~pl.col("cell_dn").is_in([CELLS[7]]))["score"]
    own = scored().scores.filter(~pl.col("cell_dn").is_in([CELLS[7]]))["score"]
    for share in (0.5, 0.9, 0.99):
        assert sound.quantile(share) == pytest.approx(own.quantile(share), abs=0.5)


def test_those_beside_decide_nothing_and_are_published_by_name():
    alone, served = (
        scored(),
        scored(
            ModelsAtWork(Serving(), at_work("principal_components", "dynamic_threshold").beside)
        ),
    )
    assert_frame_equal(alone.scores, served.scores)
    assert_frame_equal(alone.findings, served.findings)
    assert served.rivals["model"].unique().to_list() == ["cell_anomalies.dynamic_threshold/1"]
    assert served.rivals.height == alone.scores.height
    assert served.rivals["score"].null_count() == 0


@pytest.mark.parametrize("cells_at_once", [5, 9])
def test_scores_do_not_depend_on_how_cells_are_put_into_chunks(monkeypatch, cells_at_once):
    models = at_work("principal_components", "nearest_subsequence")
    whole = scored(models)
    monkeypatch.setattr(scoring, "_CHUNK_VALUES", cells_at_once * values()[0].size)
    parts = scored(models)
    assert_frame_equal(whole.scores, parts.scores, abs_tol=1e-3)
    assert_frame_equal(whole.rivals, parts.rivals, abs_tol=1e-3)


def test_a_kpi_that_nobody_delivers_any_more_is_no_data_to_the_model():
    less = values().copy()
    less[:, CQI, TODAY:] = np.nan
    served = scored(at_work("principal_components"), less)
    assert CELLS[7] in served.findings["cell_dn"].to_list()
    assert served.scores["score"].null_count() == 0


def test_a_silent_period_of_a_served_cell_abstains():
    less = values().copy()
    less[3, :, TODAY + 10 : TODAY + 14] = np.nan
    served = scored(at_work("principal_components"), less)
    silent = served.scores.filter(pl.col("score").is_null(), cell_dn=CELLS[3])
    assert silent["abstained_because"].unique().to_list() == [score_rows.NO_DATA]
    assert silent.height == 4


def test_a_model_beside_the_detector_gives_the_mean_of_both_scores():
    everybody = dict.fromkeys(CELLS, "profile-01")
    own, alone = scored(), scored(at_work("principal_components", profiles=everybody))
    served = Served("cell_anomalies.both/1", beside_detector("principal_components"))
    both = scored(ModelsAtWork(Serving((served,), {"profile-01": 0}, everybody)))
    mean = (own.scores["score"] + alone.scores["score"]) / 2
    assert both.scores["score"].to_numpy() == pytest.approx(mean.to_numpy(), abs=1e-4)
    assert both.scores["model"].unique().to_list() == ["cell_anomalies.both/1"]
    finding = both.findings.filter(cell_dn=CELLS[7]).row(0, named=True)
    assert finding["contributions"][0]["kpi"] == "user_throughput_dl"
    rivals = scored(ModelsAtWork(beside=(Serving((served,), {"all": 0}, {}),)))
    assert rivals.rivals["score"].to_numpy() == pytest.approx(mean.to_numpy(), abs=1e-4)


def test_where_a_model_beside_the_detector_is_mute_the_detector_speaks():
    own = np.array([[1.0, np.nan, 3.0]])
    theirs = np.array([[3.0, np.nan, np.nan]])
    assert together(own, theirs, 0.5) == pytest.approx(np.array([[2.0, np.nan, 3.0]]), nan_ok=True)
