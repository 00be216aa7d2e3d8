"""An evaluation says what was found, how soon and at what price; figures checked by hand."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.detection import detection
from semantic_layer.errors import InputError
from tasks.evaluation.detection_report import comparisons, detection_report
from tasks.evaluation.operating_points import (
    MergeRule,
    OperatingPoint,
    at_recall,
    delay_periods,
    merged,
    operating_point,
)
from tasks.evaluation.report_page import report_page, report_rows
from tasks.evaluation.truth import ScoredGrid, scored_grid

START = datetime(2026, 3, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
RULES = detection().model_copy(
    update={
        "score_begins": 6.0,
        "score_ends": 3.0,
        "fewest_hours": 0.5,
        "longest_pause_hours": 0.25,
        "baseline_spreads": 6.0,
    }
)
RULE = MergeRule(0.5, 1, 2)
TIME = pl.Datetime("us", "UTC")


def frames(
    score: np.ndarray, faults: dict[str, tuple[str, list[int], int, int, int]]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return scores and truth; a fault is kind, cells, onset, first and past-last affected."""
    cells, periods = score.shape
    starts = [START + QUARTER * place for place in range(periods)]
    scores = pl.DataFrame(
        {
            "cell_dn": np.repeat([f"C{cell}" for cell in range(cells)], periods),
            "period_start": pl.Series(starts * cells, dtype=TIME),
            "score": score.ravel(),
            "baseline_score": score.ravel() / 2,
        }
    ).with_columns(pl.col("score", "baseline_score").fill_nan(None))
    truth = pl.DataFrame(
        {
            "fault_id": list(faults),
            "kind": [one[0] for one in faults.values()],
            "onset_at": [START + QUARTER * one[2] for one in faults.values()],
        },
        schema={"fault_id": pl.String, "kind": pl.String, "onset_at": TIME},
    )
    rows = [
        (f"C{cell}", START + QUARTER * place, name, kind, place >= first)
        for name, (kind, touched, onset, first, past) in faults.items()
        for cell in touched
        for place in range(onset, past)
    ]
    touched = pl.DataFrame(
        rows,
        schema={
            "cell_dn": pl.String,
            "period_start": TIME,
            "fault_id": pl.String,
            "kind": pl.String,
            "is_affected": pl.Boolean,
        },
        orient="row",
    )
    return scores, truth, touched


def story() -> ScoredGrid:
    """Return three cells over a day: one fault found, one missed, one false finding."""
    score = np.zeros((3, 96))
    score[0, 22:30] = 8.0  # fault F1, affected 20 to 30, found in its third period
    score[2, 60:64] = 9.0  # nobody's fault
    faults = {"F1": ("outage", [0], 19, 20, 30), "F2": ("tilt_slip", [1], 50, 50, 70)}
    return scored_grid(*frames(score, faults))


def test_one_fault_found_of_two_and_one_false_finding():
    point = operating_point(story(), story().score, 6.0, RULE)
    assert point.recall == 0.5
    assert point.cell_recall == 0.5
    assert point.findings == 2
    assert point.false_findings == pytest.approx(1 / 3)
    assert point.false_periods == pytest.approx(4 / 3)


def test_the_delay_runs_from_onset_to_the_end_of_the_period_that_raised_it():
    grid = story()
    assert delay_periods(grid.faults[0], merged(grid.score, 6.0, RULE)) == 22 - 19 + 1
    assert delay_periods(grid.faults[1], merged(grid.score, 6.0, RULE)) == float("inf")


def test_a_finding_in_a_faults_unmeasurable_periods_is_neither_true_nor_false():
    score = np.zeros((1, 96))
    score[0, 10:14] = 8.0
    grid = scored_grid(*frames(score, {"F": ("outage", [0], 8, 20, 30)}))
    point = operating_point(grid, grid.score, 6.0, RULE)
    assert (point.recall, point.false_findings) == (0.0, 0.0)


def test_abstained_periods_are_no_cell_days():
    score = np.zeros((2, 96))
    score[1] = np.nan
    assert scored_grid(*frames(score, {})).cell_days == pytest.approx(1.0)


def test_findings_equal_a_loop_over_periods():
    random = np.random.default_rng(2)
    scores = random.normal(3, 2.5, size=(20, 200))
    scores[random.random(scores.shape) < 0.1] = np.nan
    expected = []
    for row in range(20):
        run: list[int] = []
        for period in [*range(200), None]:
            is_warm = period is not None and scores[row, period] >= 3.0
            if run and (period is None or (is_warm and period - run[-1] > 2)):
                hot = [place for place in run if scores[row, place] >= 6.0]
                if hot and len(run) >= 2:
                    expected.append((row, run[0], run[-1], hot[0]))
                run = []
            if is_warm:
                run.append(period)
    found = merged(scores, 6.0, RULE)
    got = list(zip(found.row, found.first, found.last, found.hot, strict=True))
    assert [tuple(map(int, one)) for one in got] == expected


def test_at_a_recall_the_point_with_the_fewest_false_findings_counts():
    points = [
        OperatingPoint(9, 0.4, 0.4, 0.01, 0, 1),
        OperatingPoint(6, 0.8, 0.8, 0.05, 0, 1),
        OperatingPoint(5, 0.8, 0.8, 0.09, 0, 1),
    ]
    assert at_recall(points, 0.5).threshold == 6
    assert at_recall(points, 0.9) is None
    ratios = [one.ratio for one in comparisons(points, [OperatingPoint(4, 0.8, 0.8, 0.5, 0, 9)])]
    assert ratios == [pytest.approx(0.1)]


def test_the_report_is_plain_values_and_a_page_that_names_every_kind():
    report = detection_report(story(), RULES)
    plain = json.loads(json.dumps(report.values(), allow_nan=False))
    assert plain["faults"] == 2
    assert {row["kind"]: row["found"] for row in plain["kinds"]} == {"outage": 1, "tilt_slip": 0}
    page = report_page(report, "a story")
    assert "| outage | 1 | 1 | 0 | 1.00 | - |" in page
    assert "random score" in page
    assert {"measure", "detector", "baseline"} == set(report_rows(report)[0])


def test_a_window_without_faults_is_reported_without_recall():
    report = detection_report(scored_grid(*frames(np.zeros((2, 96)), {})), RULES)
    assert report.values()["detector"]["recall"] is None
    assert "0 faults" in report_page(report, "a quiet day")


def test_a_false_finding_on_a_planned_change_is_false_and_told_apart():
    score = np.zeros((3, 96))
    score[0, 22:30] = score[2, 60:64] = 9.0
    change = pl.DataFrame(
        {
            "kind": ["planned_change", "event"],
            "cell_dns": [["C2", "C9"], []],
            "start": [START + QUARTER * 62, START],
            "end": [START + QUARTER * 400, START + QUARTER * 96],
        },
        schema_overrides={"start": TIME, "end": TIME},
    )
    grid = scored_grid(*frames(score, {}), change)
    assert grid.is_changed.sum() == 96 - 62
    point = operating_point(grid, score, 6.0, RULE)
    assert point.false_findings == pytest.approx(2 / 3)
    assert point.on_planned_changes == pytest.approx(1 / 3)
    page = report_page(detection_report(grid, RULES), "a change")
    assert "| of them on planned changes | 0.3333 |" in page


def test_a_fault_that_moves_nothing_is_told_apart_and_no_miss():
    score = np.zeros((2, 96))
    score[0, 22:30] = 8.0
    faults = {"F1": ("outage", [0], 19, 20, 30), "F2": ("link_cut", [1], 40, 50, 50)}
    grid = scored_grid(*frames(score, faults))
    report = detection_report(grid, RULES)
    assert (report.faults, report.unseen, report.detector.recall) == (1, {"link_cut": 1}, 1.0)
    assert "no misses: 1 link_cut" in report_page(report, "a cut")


def test_a_cell_that_no_fault_names_is_asked_for_where_it_was_moved():
    score = np.zeros((3, 96))
    score[2, 21:28] = 8.0  # only the cell beside the fault was found
    scores, faults, touched = frames(score, {"F1": ("outage", [0, 2], 19, 20, 30)})
    point = operating_point(scored_grid(scores, faults, touched), score, 6.0, RULE)
    assert (point.recall, point.cell_recall, point.false_findings) == (1.0, 0.5, 0.0)


def test_truth_without_its_columns_is_refused_by_name():
    scores, faults, touched = frames(np.zeros((1, 96)), {})
    with pytest.raises(InputError, match="is_affected"):
        scored_grid(scores, faults, touched.drop("is_affected"))


def test_nothing_scored_is_refused():
    scores, faults, touched = frames(np.zeros((1, 96)), {})
    with pytest.raises(InputError, match="no scores"):
        scored_grid(scores.clear(), faults, touched)
