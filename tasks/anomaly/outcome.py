"""One window scored from a KPI table: scores, findings and expectations, for every cell in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data_products.cell_kpis.saving_periods import without_saving
from semantic_layer.detection import Detection
from semantic_layer.evidence import evidence_rules
from semantic_layer.periods import GRANULARITIES, Window
from tasks.anomaly.arrays import Schema
from tasks.anomaly.episodes import episodes
from tasks.anomaly.explaining import BAND, expected_band
from tasks.anomaly.findings import FINDINGS, blamed_kpis, findings
from tasks.anomaly.onset import onsets
from tasks.anomaly.plan import Plan, scoring_plan
from tasks.anomaly.score_rows import RIVAL_SCORES, SCORES, reasoned_by_saving
from tasks.anomaly.scored_kpis import ScoredKpi
from tasks.anomaly.scoring import explained, scores_of
from tasks.anomaly.serving import DETECTOR_ALONE, ModelsAtWork
from tasks.anomaly.young_cells import abstained, young_cells
from tasks.ports import WorkerPool

TOLD: Schema = {**FINDINGS, "onset_at": pl.Datetime("us", "UTC"), "model": pl.String}
"""The columns of `cell_anomalies`, before lineage."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of `cell_anomalies` and its tables `scores`, `expectations` and `rival_scores`."""

    scores: pl.DataFrame
    findings: pl.DataFrame
    expectations: pl.DataFrame
    rivals: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Group:
    """Cells of one class at the finest granularity that they have."""

    granularity: str
    object_class: str
    cells: tuple[str, ...]


def scored_window(
    rows: pl.LazyFrame,
    earlier: pl.DataFrame,
    kpis: Sequence[ScoredKpi],
    window: Window,
    rules: Detection,
    workers: WorkerPool,
    *,
    models: Mapping[tuple[str, str], ModelsAtWork] | None = None,
) -> Outcome:
    """Return everything that is published of a window.

    A period in which a cell saved energy is not judged, and no model learns from it.

    Each cell is scored at the finest granularity that it has, in the periods that the window
    covers wholly: every 15 minutes where measurement files are delivered, every day where a
    table of daily KPIs is all there is.

    Args:
        rows: `cell_kpis` of the window and `rules.training_days` before its first day; read
            lazily, some cells at a time.
        earlier: cell_dn, period_start, score published before the window, to find beginnings.
        kpis: what may be scored; those without data in the window are left out.
        window: what is scored.
        rules: thresholds.
        workers: where chunks of cells run.
        models: stored models at work by object class and granularity; the detector alone scores
            every other cell.
    """
    work = models or {}
    rows = without_saving(rows, [kpi.column for kpi in kpis])
    parts = [
        _scored_group(
            rows,
            earlier,
            group,
            plan,
            window,
            workers,
            work.get((group.object_class, group.granularity), DETECTOR_ALONE),
        )
        for group, plan in planned_groups(rows, kpis, window, rules)
    ]
    return Outcome(
        _together([part.scores for part in parts], SCORES, "cell_dn", "period_start"),
        _together([part.findings for part in parts], TOLD, "cell_dn", "anomaly_start"),
        _together([part.expectations for part in parts], BAND, "cell_dn", "kpi", "period_start"),
        _together(
            [part.rivals for part in parts], RIVAL_SCORES, "cell_dn", "period_start", "model"
        ),
    )


def cell_groups(rows: pl.LazyFrame) -> list[Group]:
    """Return the cells of each class at the finest granularity they have.

    Cells of one class share KPIs, so that a group's cube has few empty rows.
    """
    seconds = pl.col("granularity").replace_strict(GRANULARITIES, return_dtype=pl.Int64)
    finest = (
        rows.select("cell_dn", "granularity", "object_class")
        .unique()
        .collect()
        .drop_nulls(["cell_dn", "granularity"])
        .sort("cell_dn", seconds, "object_class")
        .unique("cell_dn", keep="first", maintain_order=True)
        .group_by("granularity", "object_class", maintain_order=True)
        .agg("cell_dn")
    )
    return [
        Group(granularity, str(object_class), tuple(cells))
        for granularity, object_class, cells in sorted(
            finest.iter_rows(), key=lambda row: (row[0], str(row[1]))
        )
    ]


def planned_groups(
    rows: pl.LazyFrame, kpis: Sequence[ScoredKpi], window: Window, rules: Detection
) -> Iterator[tuple[Group, Plan]]:
    """Yield each group with what is scored of it: the KPIs that anybody delivered in the window."""
    columns = set(rows.collect_schema().names())
    present = [kpi for kpi in kpis if kpi.column in columns]
    for group in cell_groups(rows):
        counted = (
            rows.filter(
                pl.col("granularity") == group.granularity,
                pl.col("period_start").is_between(window.start, window.end, closed="left"),
                pl.col("cell_dn").is_in(group.cells),
            )
            .select(pl.col(kpi.column).count() for kpi in present)
            .collect()
        )
        seen = [kpi for kpi in present if counted[kpi.column].sum() > 0]
        plan = scoring_plan(seen or present, window, group.granularity, rules)
        if plan.scored_periods > 0 and plan.kpis:
            yield group, plan


def _scored_group(
    rows: pl.LazyFrame,
    earlier: pl.DataFrame,
    group: Group,
    plan: Plan,
    window: Window,
    workers: WorkerPool,
    models: ModelsAtWork,
) -> Outcome:
    def read(wanted: Sequence[str]) -> pl.DataFrame:
        return (
            rows.filter(
                pl.col("granularity") == plan.granularity, pl.col("cell_dn").is_in(list(wanted))
            )
            .select("cell_dn", "period_start", *(kpi.column for kpi in plan.kpis))
            .collect()
        )

    young = young_cells(rows, group.cells, plan)
    scored = scores_of(plan, sorted(set(group.cells) - set(young)), read, workers, models)
    scores = pl.concat([scored.rows, abstained(rows, young, plan)])
    scores = reasoned_by_saving(scores, rows, plan)
    shape = ["cell_dn", "period_start", "score"]
    known = earlier.filter(
        pl.col("cell_dn").is_in(group.cells), pl.col("period_start") < window.start
    )
    found = episodes(
        pl.concat([known.select(shape), scores.select(shape)]),
        window,
        plan.grid.granularity_s,
        plan.rules,
    )
    why = explained(plan, found["cell_dn"].to_list(), read, scored.network, workers, models)
    told = findings(found, why, plan)
    since = onsets(told, pl.concat([known.select(shape), scores.select(shape)]), evidence_rules())
    told = told.with_columns(
        since["onset_at"],
        model=pl.Series(models.deciding.references(told["cell_dn"].to_list()), dtype=pl.String),
    )
    return Outcome(scores, told, expected_band(why, blamed_kpis(told), plan), scored.rivals)


def _together(frames: list[pl.DataFrame], schema: Schema, *order: str) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=schema), *frames]).sort(order)
