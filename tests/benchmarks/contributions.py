"""Do findings blame the right KPIs, and know since when? Against the truth of towns 7 and 31.

How parts are computed was chosen on the towns of seeds 11 and 12. Beside the published
contributions stand a random order and each KPI's own largest deviation from the same time of day.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from semantic_layer.detection import detection
from semantic_layer.evidence import evidence_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.serial_worker_pool import SerialWorkerPool
from tasks.anomaly.onset import onsets
from tasks.anomaly.outcome import Outcome, scored_window
from tasks.anomaly.score_rows import SCORES
from tasks.anomaly.scored_kpis import scored_kpis
from tasks.evaluation.contribution_report import Blame, ContributionReport, contribution_report
from tasks.twin import files
from tasks.twin.sample_network import NETWORKS, simulated_run
from tasks.twin.true_effects import true_effects
from tasks.twin.true_kpis import true_kpis
from tests.benchmarks.detection import _kpis

SEEDS = (7, 31)
_PERIOD = timedelta(minutes=15)
_SMALLEST = 1e-3  # of the typical value: the spread of a KPI that never moved


def main() -> None:
    """Print how well each town's findings are explained."""
    for seed in SEEDS:
        town_contributions(seed)


def town_contributions(seed: int) -> ContributionReport:
    """Print and return how one town's findings blame, and how far off their onsets are."""
    chosen = replace(NETWORKS["town"], seed=seed)
    run, scene, happened = simulated_run(chosen)
    kpis = pl.concat([_kpis(run, first) for first in range(0, run.calendar.periods, 96)])
    missing = files.missing_cells(scene.network, run.flaws.missing_sites)
    truth = true_effects(scene, happened.faults, missing)
    window = Window(chosen.end - timedelta(days=chosen.newest_days), chosen.end)
    outcome = scored_window(
        kpis.lazy(),
        pl.DataFrame(schema=SCORES),
        scored_kpis(list(catalogue().kpis.values())),
        window,
        detection(),
        SerialWorkerPool(),
    )
    moved = true_kpis(run, scene, truth.cell_periods)
    others = {"largest z of each KPI": largest_deviations(outcome.findings, kpis)}
    report = contribution_report(outcome.findings, truth.cell_periods, moved, others)
    where = f"town {seed}"
    print(
        f"bench contributions: {where} {report.findings} true findings whose fault moved "
        f"{report.moved:.1f} KPIs on average; {report.without_moved} true ones moved none, "
        f"{report.false_findings} findings lie mostly on periods that no fault affects"
    )
    for way in report.ways:
        print(f"bench contributions: {where} {way.name}: {_said(way)}")
    for kind in report.kinds:
        print(
            f"bench contributions: {where} {kind.kind} ({kind.findings} findings of "
            f"{kind.faults} faults): {_said(kind.blame)}"
        )
    _say_onsets(where, outcome, truth.cell_periods)
    return report


def largest_deviations(findings: pl.DataFrame, kpis: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return each KPI's mean distance, in spreads, from the same time of earlier days."""
    named = {kpi.column: kpi.name for kpi in scored_kpis(list(catalogue().kpis.values()))}
    columns = [column for column in named if column in kpis.columns]
    cells = {
        str(key[0]): rows
        for key, rows in kpis.filter(pl.col("cell_dn").is_in(findings["cell_dn"].to_list()))
        .with_columns(slot=pl.col("period_start").dt.time())
        .group_by("cell_dn")
    }
    found = {}
    for row in findings.iter_rows(named=True):
        own = cells[row["cell_dn"]]
        is_now = pl.col("period_start").is_between(
            row["anomaly_start"], row["anomaly_end"], closed="left"
        )
        now = own.filter(is_now)
        before = own.filter(
            pl.col("period_start") < row["window_start"], pl.col("slot").is_in(now["slot"])
        )
        usual = before.group_by("slot").agg(pl.col(columns).mean())
        spread = before.group_by("slot").agg(pl.col(columns).std())
        rest = now.join(usual, on="slot", suffix="_usual").join(spread, on="slot", suffix="_spread")
        found[row["anomaly_id"]] = {
            named[column]: value for column in columns if (value := _deviation(rest, column)) > 0
        }
    return found


def _deviation(rest: pl.DataFrame, column: str) -> float:
    seen, usual, spread = (
        rest[f"{column}{suffix}"].cast(pl.Float64).to_numpy()
        for suffix in ("", "_usual", "_spread")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        width = np.maximum(spread, _SMALLEST * np.abs(usual))
        distance = np.abs(seen - usual) / width
    known = distance[np.isfinite(distance)]
    return float(known.mean()) if known.size else 0.0


def _say_onsets(where: str, outcome: Outcome, cell_periods: pl.DataFrame) -> None:
    """Print how far findings' starts, and their onsets, lie from when the cell was first touched.

    A finding is compared with the fault that affects its cell while it lasts and began last before
    it ended; those that began before the window are left out.
    """
    told = onsets(outcome.findings, outcome.scores, evidence_rules())
    felt = (
        cell_periods.filter("is_affected", "has_data")
        .group_by("fault_id", "cell_dn")
        .agg(
            pl.col("period_start").min().alias("felt_at"), pl.col("period_start").max().alias("to")
        )
    )
    first = outcome.scores["period_start"].min()
    pairs = (
        outcome.findings.select("anomaly_id", "cell_dn", "anomaly_start", "anomaly_end")
        .with_columns(onset_at=told["onset_at"])
        .join(felt, on="cell_dn")
        .filter(
            pl.col("felt_at") < pl.col("anomaly_end"),
            pl.col("to") >= pl.col("anomaly_start"),
            pl.col("felt_at") >= first,
        )
        .sort("felt_at")
        .unique("anomaly_id", keep="last", maintain_order=True)
    )
    for name, column in (("finding's own start", "anomaly_start"), ("onset", "onset_at")):
        off = (pairs[column] - pairs["felt_at"]) / _PERIOD
        distance = np.abs(off.to_numpy())
        print(
            f"bench contributions: {where} {name}: median {np.median(distance):.1f}, mean "
            f"{distance.mean():.2f} periods from the first affected one ({len(pairs)} findings)"
        )


def _said(blame: Blame) -> str:
    return (
        f"hit@1 {blame.hit:.3f}, precision {blame.precision:.3f}, recall {blame.recall:.3f}, "
        f"NDCG@5 {blame.ndcg:.3f}, {blame.named:.1f} KPIs named"
    )


if __name__ == "__main__":
    main()
