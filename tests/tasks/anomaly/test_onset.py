"""Since when a finding strays: before its start where scores say so, never after."""

from datetime import timedelta

import polars as pl
import pytest

from semantic_layer.evidence import evidence_rules
from tasks.anomaly.onset import ONSETS, onsets
from tests.tasks.anomaly.nearby import near_world as world

RULES = evidence_rules()
CALM, ODD = 0.5, 3.5
REACH = int(RULES.onset_hours * 4)


def onset_of(*before: float | None) -> float:
    """Return how many periods before the finding's start the onset lies."""
    count = len(before)
    starts = [world.START - world.STEP * (count - at) for at in range(count)]
    scores = pl.DataFrame(
        {
            "cell_dn": [world.cell(1)] * (count + 1),
            "period_start": pl.Series([*starts, world.START], dtype=pl.Datetime("us", "UTC")),
            "score": [*before, 9.0],
        },
        schema_overrides={"score": pl.Float64},
    )
    (found,) = onsets(world.findings(), scores, RULES)["onset_at"]
    return (world.START - found) / world.STEP


@pytest.mark.parametrize(
    ("before", "periods"),
    [
        pytest.param([CALM] * 8, 0, id="it came at once"),
        pytest.param([CALM] * 5 + [ODD] * 3, 3, id="it grew for three periods"),
        pytest.param([CALM, CALM, ODD, CALM, CALM, CALM], 0, id="an odd period long before"),
        pytest.param([CALM, ODD, 2.0, ODD, ODD], 4, id="one period nearly calm between"),
        pytest.param([CALM, ODD, None, ODD], 3, id="a period without a score"),
        pytest.param([None] * 8, 0, id="no score is no evidence"),
        pytest.param([ODD] * (REACH + 6), REACH, id="no farther back than the rules say"),
    ],
)
def test_an_onset_is_where_the_scores_began_to_stray(before, periods):
    assert onset_of(*before) == periods


def test_each_finding_keeps_its_row_and_place():
    rows = [world.finding(world.cell(1, 2)), world.finding(), world.finding(world.cell(9))]
    found = onsets(world.findings(*rows), world.scores(), RULES)
    assert dict(found.schema) == ONSETS
    assert found["anomaly_id"].to_list() == [row["anomaly_id"] for row in rows]
    assert found["onset_at"].to_list() == [world.START] * 3
    two_windows = [world.finding(), world.finding(window_start=world.DAY - timedelta(days=1))]
    assert onsets(world.findings(*two_windows), world.scores(), RULES).height == 2
