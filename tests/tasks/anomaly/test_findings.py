"""Episodes, severities and sentences: from scores to what an engineer reads."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from semantic_layer.detection import detection
from semantic_layer.periods import Window
from tasks.anomaly.episodes import EPISODES, HOT, anomaly_id, episodes
from tasks.anomaly.findings import explanation, severity
from tests.tasks.anomaly.world import KPIS

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
RULES = detection().model_copy(
    update={
        "score_begins": 6.0,
        "score_ends": 4.0,
        "fewest_hours": 0.5,
        "longest_pause_hours": 0.5,
    }
)
WINDOW = Window(NOON, NOON + timedelta(hours=6))


def scores(*values: float | None, start: datetime = NOON, cell: str = "A") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cell_dn": [cell] * len(values),
            "period_start": [start + QUARTER * place for place in range(len(values))],
            "score": list(values),
        },
        schema={
            "cell_dn": pl.String,
            "period_start": pl.Datetime("us", "UTC"),
            "score": pl.Float64,
        },
    )


def spans(found: pl.DataFrame) -> list[tuple[float, float]]:
    """Return begin and end of each episode, in periods after noon."""
    return [
        ((row["anomaly_start"] - NOON) / QUARTER, (row["anomaly_end"] - NOON) / QUARTER)
        for row in found.iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1, 7, 8, 1], [(1, 3)], id="a plain episode"),
        pytest.param([1, 5, 7, 5, 5, 1], [(1, 5)], id="it lasts while above the lower limit"),
        pytest.param([5, 5, 5, 5], [], id="it never reaches the upper limit"),
        pytest.param([1, 9, 1, 1, 1, 1], [], id="one period is no episode"),
        pytest.param([7, 7, 1, 1, 7, 7], [(0, 6)], id="a short pause is bridged"),
        pytest.param([7, 7, 1, 1, 1, 7, 7], [(0, 2), (5, 7)], id="a long pause divides"),
        pytest.param([7, 7, None, None, 7, 7], [(0, 6)], id="no data is a pause, not an end"),
        pytest.param([None, None, None], [], id="nothing was judged"),
        pytest.param([], [], id="nothing at all"),
    ],
)
def test_scores_become_episodes(values, expected):
    found = episodes(scores(*values), WINDOW, 900, RULES)
    assert spans(found) == expected
    assert found.columns == [*EPISODES, HOT]


def test_cells_are_kept_apart():
    found = episodes(
        pl.concat([scores(7, 7, cell="B"), scores(7, 7, cell="A")]), WINDOW, 900, RULES
    )
    assert found["cell_dn"].to_list() == ["A", "B"]


def test_an_anomaly_keeps_its_beginning_and_id_from_window_to_window():
    whole = scores(1, 7, 7, 7, 7, 7, 7, 1, 1, 1, 1, 1)
    first = Window(NOON, NOON + QUARTER * 4)
    second = Window(NOON + QUARTER * 4, NOON + QUARTER * 12)
    early = episodes(whole, first, 900, RULES).row(0, named=True)
    late = episodes(whole, second, 900, RULES).row(0, named=True)
    assert early["anomaly_id"] == late["anomaly_id"] == anomaly_id("A", NOON + QUARTER)
    assert (early["is_ongoing"], late["is_ongoing"]) == (True, False)
    assert (early["periods_count"], late["periods_count"]) == (3, 6)


def test_an_anomaly_that_was_over_before_the_window_is_not_found_again():
    later = Window(NOON + timedelta(hours=3), NOON + timedelta(hours=6))
    assert episodes(scores(7, 7, 7), later, 900, RULES).is_empty()


@pytest.mark.parametrize(
    ("peak", "hours", "is_critical", "expected"),
    [
        (6.0, 0.5, False, "WARNING"),
        (10.0, 0.5, False, "MINOR"),
        (20.0, 2.0, False, "MAJOR"),
        (20.0, 0.5, False, "MINOR"),
        (40.0, 2.0, False, "CRITICAL"),
        (6.0, 0.5, True, "MINOR"),
        (40.0, 2.0, True, "CRITICAL"),
    ],
)
def test_severity_follows_peak_duration_and_critical_limits(peak, hours, is_critical, expected):
    assert severity(peak, hours, is_critical=is_critical, rules=RULES) == expected


def test_the_explanation_says_since_when_what_was_seen_and_what_was_expected():
    blamed = [(KPIS[0], 3.1, 11.8, 14.2), (KPIS[4], 4.07, 0.2, 0.9), (KPIS[3], 12.0, 10.0, 15.0)]
    assert explanation(NOON + QUARTER, WINDOW.end, blamed) == (
        "Since 12:15 UTC user_throughput_dl 3.1 Mbit/s where 11.8 to 14.2 was expected; "
        "cell_drop_rate 4.07 % where 0.2 to 0.9 was expected; "
        "mean_active_users 12, by itself as expected (10 to 15) but not beside the other KPIs."
    )


def test_the_explanation_names_the_day_of_an_older_beginning():
    text = explanation(NOON - timedelta(days=2), WINDOW.end, [(KPIS[1], 91.0, 20.0, 40.0)])
    assert text.startswith("Since 2026-03-28 12:00 UTC prb_usage_dl 91 %")


def test_a_critical_limit_counts_only_on_the_worse_side():
    throughput, prb, volume = KPIS[0], KPIS[1], KPIS[2]
    assert throughput.is_critical(0.4)
    assert not throughput.is_critical(50.0)
    assert prb.is_critical(99.0)
    assert not prb.is_critical(3.0)
    assert not volume.is_critical(np.inf)
