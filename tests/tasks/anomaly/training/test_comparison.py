"""Champion and challenger side by side: who alone finds what, and who was right."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.anomaly.training.comparison import compared, comparison_page, verdict_sentence

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=1))
CELLS = ("NRCellDU=1", "NRCellDU=2", "NRCellDU=3")


def scores(**runs):
    """Return a day of calm scores of three cells, high in (first, last) periods of those named."""
    random = np.random.default_rng(3)
    values = random.normal(0, 0.5, (3, 96))
    for name, spans in runs.items():
        for first, last in spans:
            values[int(name[1:]) - 1, first:last] = 9.0
    starts = [START + timedelta(minutes=15 * period) for period in range(96)]
    return pl.DataFrame(
        {
            "cell_dn": np.repeat(CELLS, 96),
            "period_start": starts * 3,
            "score": values.ravel(),
        },
        schema_overrides={"period_start": pl.Datetime("us", "UTC")},
    )


def verdicts(*rows):
    return pl.DataFrame(
        [
            {
                "cell_dn": CELLS[cell - 1],
                "anomaly_start": START + timedelta(minutes=15 * period),
                "is_real_probability": probability,
            }
            for cell, period, probability in rows
        ],
        schema={
            "cell_dn": pl.String,
            "anomaly_start": pl.Datetime("us", "UTC"),
            "is_real_probability": pl.Float64,
        },
    )


def side_by_side(champion, challenger, *judged):
    return compared(champion, challenger, WINDOW, 900, detection(), verdicts(*judged))


def test_findings_are_told_apart_by_who_makes_them():
    found = side_by_side(
        scores(c1=[(10, 20)], c2=[(30, 40)]), scores(c1=[(15, 25)], c3=[(50, 60), (80, 90)])
    )
    counts = [found.count(who) for who in ("both", "champion", "challenger")]
    assert counts == [1, 1, 2]
    alone = found.findings.filter(pl.col("found_by") == "challenger")
    assert alone["cell_dn"].unique().to_list() == [CELLS[2]]
    assert found.cell_days == pytest.approx(3)
    assert found.periods == 288


def test_the_same_scores_agree_in_everything():
    found = side_by_side(scores(c1=[(10, 20)]), scores(c1=[(10, 20)]))
    assert found.rank_agreement == pytest.approx(1)
    assert found.score_shift == 0
    assert found.findings["found_by"].to_list() == ["both"]


def test_verdicts_say_who_was_right_where_they_differ():
    found = side_by_side(
        scores(c1=[(10, 20)], c2=[(30, 40)]),
        scores(c1=[(10, 20)], c3=[(50, 60)]),
        (1, 10, 0.9),
        (2, 31, 0.1),
        (3, 50, 0.8),
    )
    assert found.count("both", "CONFIRMED") == 1
    assert found.count("champion", "REJECTED") == 1
    assert found.count("challenger", "CONFIRMED") == 1
    assert verdict_sentence(found).endswith("challenger was right in 2, the champion in 0.")


def test_a_verdict_of_another_time_or_an_undecided_one_says_nothing():
    found = side_by_side(scores(c1=[(10, 20)]), scores(), (1, 60, 0.9), (1, 12, 0.5))
    assert found.findings["verdict"].to_list() == [None]
    assert verdict_sentence(found).startswith("Nobody judged")


def test_only_periods_that_both_scored_count():
    champion = scores(c1=[(10, 20)]).with_columns(
        score=pl.when(pl.col("cell_dn") != CELLS[1]).then("score")
    )
    found = side_by_side(champion, scores(c2=[(10, 20)]))
    assert found.cell_days == pytest.approx(2)
    assert found.findings["found_by"].to_list() == ["champion"]


def test_nothing_in_common_is_no_error():
    none = scores().clear()
    found = side_by_side(none, scores())
    assert (found.periods, found.findings.height) == (0, 0)
    assert np.isnan(found.rank_agreement)
    assert "| both | 0 |" in comparison_page(found, "cell_anomalies.all", "1", "2")


def test_the_page_shows_figures_and_what_only_one_found():
    found = side_by_side(scores(c1=[(10, 20)]), scores(c3=[(50, 60)]), (3, 50, 0.8))
    page = comparison_page(found, "cell_anomalies.all", "version 1 (a)", "version 2 (b)")
    assert "Champion: version 1 (a). Challenger: version 2 (b)." in page
    assert "| challenger | 1 | 0.3333 | 1 | 0 |" in page
    assert f"| challenger | `{CELLS[2]}` | 2026-03-01 12:30 |" in page
