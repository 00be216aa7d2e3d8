"""Models compared, each at its own best threshold, beside a random score; by hand-made stories."""

import json

import numpy as np
import polars as pl
import pytest

from semantic_layer.errors import InputError
from tasks.evaluation.comparison_page import comparison_page, comparison_rows
from tasks.evaluation.drift import drift
from tasks.evaluation.model_comparison import (
    RANDOM,
    ModelComparison,
    Promptness,
    alert_delay,
    model_comparison,
)
from tasks.evaluation.operating_points import merged
from tasks.evaluation.truth import on_grid
from tests.tasks.evaluation.test_detection_report import QUARTER, RULE, RULES, START, TIME, story

PROFILES = {"C0": "profile-01", "C1": "profile-01", "C2": "profile-02"}


def scores() -> dict[str, np.ndarray]:
    """Return two models of the story: one sees both faults at once, one is late and often wrong."""
    sharp = np.random.default_rng(0).random((3, 96))
    blunt = sharp.copy()
    sharp[0, 20:30] = sharp[1, 50:70] = 40.0  # on a scale of its own
    blunt[0, 26:30] = blunt[1, 50:70] = 5.0
    blunt[2, 60:70] = 6.0
    return {"blunt": blunt, "sharp": sharp}


def compared(**wanted: float) -> ModelComparison:
    return model_comparison(
        story(), scores(), PROFILES, RULES, Promptness(**wanted) if wanted else None
    )


def test_models_are_ranked_and_a_random_score_stands_last():
    found = compared()
    assert [row.model for row in found.rows] == ["sharp", "blunt", RANDOM]
    assert found.rows[0].vus_pr > found.rows[1].vus_pr > found.rows[2].vus_pr
    assert found.rows[0].average_precision == pytest.approx(1.0)
    assert found.rows[2].average_precision == pytest.approx(found.floor, abs=0.1)


def test_a_models_scale_does_not_matter():
    grid, mine = story(), scores()
    stretched = {name: np.exp(one / 10) for name, one in mine.items()}
    plain = model_comparison(grid, mine, PROFILES, RULES.model_copy(update={"score_ends": 6.0}))
    other = model_comparison(
        grid, stretched, PROFILES, RULES.model_copy(update={"score_ends": 6.0})
    )
    for one, same in zip(plain.rows, other.rows, strict=True):
        assert (one.model, one.kinds, one.recall) == (same.model, same.kinds, same.recall)
        assert one.vus_pr == pytest.approx(same.vus_pr)


def test_only_what_alerts_in_time_is_prompt():
    rows = {row.model: row for row in compared(false_findings=0.4, periods=4).rows}
    assert {(kind.kind, kind.found, kind.prompt) for kind in rows["sharp"].kinds} == {
        ("outage", 1, 1),
        ("tilt_slip", 1, 1),
    }
    assert {(kind.kind, kind.found, kind.prompt) for kind in rows["blunt"].kinds} == {
        ("outage", 1, 0),
        ("tilt_slip", 1, 1),
    }
    assert rows["blunt"].prompt_recall == 0.5


def test_a_finding_alerts_once_it_is_long_enough_to_be_one():
    fault = story().faults[0]  # measurable from 20 on
    mine = np.zeros((3, 96))
    mine[0, 20:30] = 8.0
    assert alert_delay(fault, merged(mine, 6.0, RULE), RULE) == 2
    mine[0, 20:25] = 3.0  # warm only; the threshold is reached at 25
    assert alert_delay(fault, merged(mine, 6.0, RULE), RULE) == 6
    assert alert_delay(fault, merged(mine * 0, 6.0, RULE), RULE) == float("inf")


def test_a_model_that_cannot_keep_to_the_allowed_false_findings_finds_nothing():
    loud = np.zeros((3, 96))
    loud[2] = 9.0
    row = model_comparison(story(), {"loud": loud}, PROFILES, RULES).rows[0]
    assert (row.recall, row.prompt_recall, row.cell_recall) == (0.0, 0.0, 0.0)
    assert all(one.false_findings is None for one in row.at_recalls)


def test_profiles_are_ranked_apart_and_cells_without_one_left_out():
    rows = compared().rows
    assert [(one.profile, one.cells) for one in rows[0].profiles] == [
        ("profile-01", 2),
        ("profile-02", 1),
    ]
    assert rows[0].profiles[0].floor == pytest.approx(30 / 192)
    assert np.isnan(rows[0].profiles[1].vus_pr)  # no fault there: nothing to rank
    partly = model_comparison(story(), scores(), {"C0": "profile-01"}, RULES)
    assert [one.cells for one in partly.rows[0].profiles] == [1]


def test_scores_of_another_shape_are_refused_by_name():
    with pytest.raises(InputError, match="'short' have the shape"):
        model_comparison(story(), {"short": np.zeros((3, 95))}, PROFILES, RULES)


def test_the_page_names_every_model_kind_and_profile_and_holds_plain_values():
    found = compared()
    json.dumps(found.values(), allow_nan=False)
    page = comparison_page(found, "a story")
    for name in ("sharp", "blunt", RANDOM, "outage", "tilt_slip", "profile-02", "Drift"):
        assert name in page
    assert [row["model"] for row in comparison_rows(found)] == ["sharp", "blunt", RANDOM]
    quiet = model_comparison(story(), {}, {}, RULES)
    assert "No cell of the window has a profile" in comparison_page(quiet, "nothing")


def sample(middle: float, count: int = 2000, missing: int = 0) -> pl.DataFrame:
    values = np.random.default_rng(int(middle * 10) + 1).normal(middle, 1.0, count)
    values[:missing] = np.nan
    return pl.DataFrame(
        {"cell_profile": ["profile-01"] * count, "load": values, "flat": [1.0] * count}
    )


def test_drift_is_small_for_the_same_population_and_large_for_a_moved_one():
    moved = drift(sample(0.0), sample(1.0), ["load", "flat"])
    index = dict(moved.select("quantity", "stability_index").iter_rows())
    assert index["load"] > 0.25
    assert index["flat"] == pytest.approx(0.0, abs=1e-9)
    assert moved["quantity"].to_list() == ["load", "flat"]
    same = drift(sample(0.0), sample(0.01), ["load"])
    assert same["stability_index"][0] < 0.05


def test_drift_says_nothing_where_there_is_too_little_and_tells_what_is_missing():
    found = drift(sample(0.0), sample(0.0, count=150), ["load"])
    assert found["stability_index"].to_list() == [None]
    gaps = drift(sample(0.0), sample(0.0, missing=500), ["load"])
    assert gaps["missing_share_now"][0] == pytest.approx(0.25)
    assert "25.0%" in comparison_page(compared(), "a story", gaps)


def test_a_value_that_was_never_seen_before_is_drift():
    stuck = sample(0.0).with_columns(flat=pl.lit(2.0))
    assert drift(sample(0.0), stuck, ["flat"])["stability_index"][0] > 0.25


def test_drift_names_a_missing_column():
    with pytest.raises(InputError, match="recent sample lacks the columns load"):
        drift(sample(0.0), sample(0.0).drop("load"), ["load"])


def test_a_models_rows_are_put_on_the_grid_by_cell_and_period():
    grid = story()
    start = START + 3 * QUARTER
    rows = pl.DataFrame(
        {
            "cell_dn": ["C2", "C0", "C9", "C1", "C1"],
            "period_start": [start, start, start, START - QUARTER, start + QUARTER / 3],
            "score": [1.5, None, 9.0, 9.0, 9.0],
        },
        schema_overrides={"period_start": TIME},
    )
    placed = on_grid(grid, rows)
    assert placed[2, 3] == 1.5
    assert np.isfinite(placed).sum() == 1


def test_tables_by_kind_and_profile_keep_the_plain_ones_and_the_best():
    many = {f"model {number:02}": scores()["sharp"] for number in range(12)}
    many |= {"principal_components": scores()["blunt"], "what decides now": scores()["blunt"]}
    page = comparison_page(model_comparison(story(), many, PROFILES, RULES), "many")
    (header,) = [line for line in page.splitlines() if line.startswith("| kind | faults")]
    names = [name.strip() for name in header.split("|")[3:-1]]
    assert len(names) == 8
    assert {"principal_components", "what decides now"} <= set(names)
    assert "6 models of the ranking are left out here." in page
