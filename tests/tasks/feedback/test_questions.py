"""Which findings are asked about: uncertain ones, of different cells and KPIs, once."""

from datetime import timedelta

import polars as pl
import pytest

from tasks.feedback.questions import Cut, questions
from tests.tasks.feedback.world import cell, finding_id, findings

CUT = Cut(probability=0.5, score=6.0)
NOBODY = pl.Series([], dtype=pl.String)


def asked(rows, budget=10, judged=NOBODY):
    return [int(name, 16) for name in questions(rows, judged, budget, CUT)["anomaly_id"]]


def with_probability(rows, *values):
    return rows.with_columns(pl.Series("probability", values, dtype=pl.Float64))


def test_without_a_probability_those_near_the_threshold_come_first():
    assert asked(findings(3).reverse()) == [1, 2, 3]


def test_those_whose_probability_is_near_the_cut_come_first():
    rows = with_probability(findings(4), 0.97, 0.45, 0.02, 0.62)
    assert asked(rows, budget=2) == [2, 4]


def test_a_finding_without_a_probability_is_judged_by_its_score():
    rows = with_probability(findings(3), None, 0.9, float("nan"))
    found = questions(rows, NOBODY, 3, CUT)
    assert found["uncertainty"].to_list() == pytest.approx([6 / 7, 6 / 9, 0.2], abs=1e-6)


def test_what_was_judged_is_not_asked_again_and_the_budget_is_kept():
    assert asked(findings(4), judged=pl.Series([finding_id(1), finding_id(1)])) == [2, 3, 4]
    assert asked(findings(4), budget=2) == [1, 2]
    assert asked(findings(4), budget=0) == []
    assert asked(findings(4).clear()) == []


def test_one_cell_does_not_take_all_the_questions():
    own = pl.col("anomaly_id").is_in([finding_id(1), finding_id(2), finding_id(3)])
    rows = findings(5).with_columns(
        pl.when(own).then(pl.lit(cell(1))).otherwise("cell_dn").alias("cell_dn"),
        pl.col("contributions").list.head(0),
    )
    assert asked(rows, budget=3) == [1, 4, 5]


def test_one_kpi_does_not_take_all_the_questions():
    assert asked(findings(6), budget=3) == [1, 2, 3]
    blamed = findings(6).with_columns(pl.col("contributions").get(0))
    others = pl.concat([blamed.head(3), findings(6).tail(3)])  # 1, 2, 3 blame one KPI
    assert asked(others, budget=2) == [1, 5]


def test_of_several_windows_of_a_finding_the_last_counts_and_the_newer_of_equals_comes_first():
    later = findings(1).with_columns(
        pl.col("window_end") + timedelta(hours=4), pl.lit(50.0).alias("peak_score")
    )
    found = questions(pl.concat([later, findings(1)]), NOBODY, 9, CUT)
    assert found["peak_score"].to_list() == [50.0]
    equal = findings(3).with_columns(pl.lit(7.0).alias("peak_score"))
    assert asked(equal) == [3, 2, 1]
