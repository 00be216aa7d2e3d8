"""Cells at which something is wrong must not sleep: findings and alarms that stand tell which."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.guardrails import guardrail_rules
from tasks.guardrails.trouble import troubled_cells

NOW = datetime(2025, 6, 4, 22, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
ELEMENT = "SubNetwork=1,ManagedElement=1"
CELLS = [f"{ELEMENT},GNBDUFunction=1,NRCellDU={number}" for number in (1, 2)]
OTHER = "SubNetwork=1,ManagedElement=2,GNBDUFunction=1,NRCellDU=1"
CALM = (OTHER, NOW, "WARNING", False)


def findings(*rows) -> pl.DataFrame:
    schema = {"cell_dn": pl.String, "window_end": MOMENT, "severity": pl.String,
              "is_ongoing": pl.Boolean}  # fmt: skip
    told = pl.DataFrame(list(rows), schema=schema, orient="row")
    return told.with_columns(pl.lit("A1").alias("anomaly_id"))


def alarms(*rows) -> pl.DataFrame:
    texts = ("managed_object_dn", "cell_dn", "perceived_severity")
    schema = {**dict.fromkeys(texts, pl.String), "raised_at": MOMENT, "cleared_at": MOMENT}
    told = pl.DataFrame(list(rows), schema=schema, orient="row")
    return told.with_columns(pl.lit("link_down").alias("alarm_name"))


@pytest.mark.parametrize(
    ("found", "told", "troubled"),
    [
        pytest.param([(CELLS[0], NOW, "MAJOR", True)], [], {CELLS[0]}, id="goes on"),
        pytest.param([(CELLS[0], NOW, "MAJOR", False)], [], set(), id="is over"),
        pytest.param([(CELLS[0], NOW, "WARNING", True)], [], set(), id="light"),
        pytest.param(
            [(CELLS[0], NOW - timedelta(hours=1), "MAJOR", True), (OTHER, NOW, "MAJOR", True)],
            [], {OTHER}, id="of an older window",
        ),
        pytest.param([CALM], [(ELEMENT, None, "MAJOR", NOW, None)], set(CELLS), id="element"),
        pytest.param([CALM], [(CELLS[1], CELLS[1], "MAJOR", NOW, None)], {CELLS[1]}, id="cell"),
        pytest.param([CALM], [(CELLS[1], CELLS[1], "MAJOR", NOW, NOW)], set(), id="cleared"),
    ],
)  # fmt: skip
def test_findings_that_go_on_and_alarms_that_stand_keep_cells_awake(found, told, troubled):
    rules = guardrail_rules()
    cells = troubled_cells(findings(*found), alarms(*told), [*CELLS, OTHER], NOW, rules)
    assert set(cells) == troubled


def test_without_new_findings_nothing_is_known():
    rules = guardrail_rules()
    old = (OTHER, NOW - timedelta(hours=rules.findings_keep_hours + 1), "WARNING", False)
    assert troubled_cells(findings(old), alarms(), CELLS, NOW, rules) is None
    assert troubled_cells(findings(), alarms(), CELLS, NOW, rules) is None
