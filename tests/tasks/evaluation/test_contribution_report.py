"""Blame is measured against what faults truly moved, for true findings alone."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.errors import InputError
from tasks.evaluation.contribution_report import PRODUCT, RANDOM, contribution_report

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
STEP = timedelta(minutes=15)
EFFECTS = {"drops": 9.0, "noise": -30.0, "load": 0.4, "cqi": -3.0, "delay": 1.1}
"""What fault F1 does to cell A: noise, drops and CQI move."""
TIME = pl.Datetime("us", "UTC")


def finding(name: str = "a1", cell: str = "A", periods: int = 8, **shares: float) -> dict:
    parts = [{"kpi": kpi, "share": share} for kpi, share in shares.items()]
    return {
        "anomaly_id": name, "cell_dn": cell, "anomaly_start": START,
        "anomaly_end": START + STEP * periods, "contributions": parts,
    }  # fmt: skip


def report(*rows: dict, others=None, moved=EFFECTS):
    truth = pl.DataFrame(
        [("F1", "interference", "A", kpi, size, abs(size) >= 2) for kpi, size in moved.items()],
        schema=["fault_id", "kind", "cell_dn", "kpi", "effect", "is_moved"], orient="row",
    )  # fmt: skip
    periods = pl.DataFrame(
        [("A", START + STEP * at, "F1", True) for at in range(8)],
        schema={
            "cell_dn": pl.String, "period_start": TIME, "fault_id": pl.String,
            "is_affected": pl.Boolean,
        },
        orient="row",
    )  # fmt: skip
    return contribution_report(
        pl.DataFrame(list(rows)).cast({"anomaly_start": TIME, "anomaly_end": TIME}),
        periods, truth, others,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        pytest.param({"noise": 0.6, "drops": 0.3, "cqi": 0.1}, (1, 1, 1, 1), id="all, in order"),
        pytest.param({"noise": 0.9}, (1, 1, 1 / 3, 0.615), id="the first alone"),
        pytest.param({"load": 0.6, "noise": 0.4}, (0, 0.5, 1 / 3, 0.38), id="a wrong one first"),
        pytest.param({"load": 1.0}, (0, 0, 0, 0), id="the wrong one"),
        pytest.param({}, (0, 0, 0, 0), id="nobody"),
    ],
)
def test_blame_is_right_complete_and_in_order(shares, wanted):
    (product, *_) = report(finding(**shares)).ways
    assert product.name == PRODUCT
    measured = (product.hit, product.precision, product.recall, product.ndcg)
    assert measured == pytest.approx(wanted, abs=0.01)


def test_random_order_names_moved_kpis_by_their_share():
    wider = EFFECTS | {f"calm{number}": 0.1 for number in range(25)}
    ways = {one.name: one for one in report(finding(noise=1.0), moved=wider).ways}
    assert 0 < ways[RANDOM].precision < 0.3
    assert ways[RANDOM].named == 5


def test_another_way_is_measured_beside():
    others = {"largest z": {"a1": {"noise": 30.0, "drops": 9.0, "cqi": 3.0, "delay": 0.0}}}
    found = report(finding(load=1.0), others=others)
    assert [one.name for one in found.ways] == [PRODUCT, RANDOM, "largest z"]
    assert (found.ways[2].hit, found.ways[2].recall, found.ways[2].named) == (1, 1, 3)


def test_only_findings_on_a_fault_that_moved_something_are_asked():
    found = report(
        finding("true", noise=1.0),
        finding("longer", periods=16, noise=1.0),
        finding("mostly beside", periods=17, noise=1.0),
        finding("elsewhere", "B", noise=1.0),
    )
    assert (found.findings, found.false_findings, found.without_moved) == (2, 2, 0)
    unmoved = report(finding(noise=1.0), moved={"noise": 0.5})
    assert (unmoved.findings, unmoved.without_moved) == (0, 1)
    assert unmoved.values()["ways"][0]["hit"] is None


def test_kinds_are_told_apart():
    (kind,) = report(finding(noise=1.0), finding("a2", drops=1.0)).kinds
    assert (kind.kind, kind.findings, kind.faults) == ("interference", 2, 1)
    assert kind.blame.hit == 1.0


def test_a_truth_without_kpis_is_refused():
    rows = pl.DataFrame([finding(noise=1.0)])
    with pytest.raises(InputError, match="cell periods of the truth lack the columns cell_dn"):
        contribution_report(rows, pl.DataFrame(), pl.DataFrame())
