"""Cells at which something is wrong are not planned to save."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tasks.energy.trouble import troubled_cells

NOW = datetime(2025, 6, 4, 22, tzinfo=UTC)
ELEMENT = "SubNetwork=1,ManagedElement=1"
CELLS = [f"{ELEMENT},GNBDUFunction=1,NRCellDU={number}" for number in (1, 2)]
OTHER = "SubNetwork=1,ManagedElement=2,GNBDUFunction=1,NRCellDU=1"


def findings(*rows) -> pl.DataFrame:
    schema = {"cell_dn": pl.String, "window_end": pl.Datetime("us", "UTC"),
              "severity": pl.String, "is_ongoing": pl.Boolean}  # fmt: skip
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def alarms(*rows) -> pl.DataFrame:
    moment = pl.Datetime("us", "UTC")
    texts = ("managed_object_dn", "cell_dn", "perceived_severity")
    schema = {**dict.fromkeys(texts, pl.String), "raised_at": moment, "cleared_at": moment}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


@pytest.mark.parametrize(
    ("found", "told", "troubled"),
    [
        pytest.param([(CELLS[0], NOW, "MAJOR", True)], [], {CELLS[0]}, id="goes on"),
        pytest.param([(CELLS[0], NOW, "MAJOR", False)], [], set(), id="is over"),
        pytest.param([(CELLS[0], NOW, "WARNING", True)], [], set(), id="light"),
        pytest.param(
            [(CELLS[0], NOW - timedelta(days=1), "MAJOR", True), (OTHER, NOW, "MAJOR", True)],
            [], {OTHER}, id="of an older window",
        ),
        pytest.param([], [(ELEMENT, None, "MAJOR", NOW, None)], set(CELLS), id="whole element"),
        pytest.param([], [(CELLS[1], CELLS[1], "MAJOR", NOW, None)], {CELLS[1]}, id="one cell"),
        pytest.param([], [(CELLS[1], CELLS[1], "MAJOR", NOW, NOW)], set(), id="cleared"),
    ],
)  # fmt: skip
def test_findings_that_go_on_and_alarms_that_stand_keep_cells_awake(found, told, troubled):
    cells = [*CELLS, OTHER]
    assert troubled_cells(
        findings(*found), alarms(*told), cells, NOW, {"MAJOR", "CRITICAL"}
    ) == frozenset(troubled)
