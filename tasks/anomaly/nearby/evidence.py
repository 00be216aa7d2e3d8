"""What stood near each finding: alarms, changes, and how cells around it did. Facts, not causes.

Whether any of it has to do with the finding is not said, for nothing here knows. Every sentence is
made by code; a summary a kind says how much there was, or why it is not known.
"""

import polars as pl

from semantic_layer.detection import Detection
from semantic_layer.evidence import EvidenceRules
from tasks.anomaly.arrays import Schema
from tasks.anomaly.nearby.near_events import moment, near_events
from tasks.anomaly.nearby.nearness import RELATIONS, near, placed_findings
from tasks.anomaly.nearby.neighbor_states import neighbor_states
from tasks.anomaly.nearby.surroundings import Surroundings

_TIME = pl.Datetime("us", "UTC")
EVIDENCE: Schema = {
    "anomaly_id": pl.String,
    "window_start": _TIME,
    "window_end": _TIME,
    "evidence_kind": pl.String,
    "reference_id": pl.String,
    "object_dn": pl.String,
    "relation": pl.String,
    "happened_at": _TIME,
    "lead_hours": pl.Float64,
    "detail": pl.String,
}
"""The columns of `cell_anomalies.evidence`, before lineage."""

_KEY = ("anomaly_id", "window_start", "window_end")
_TABLES = {"alarm": ("alarms",), "change": ("change_history", "network_configuration.drift")}
_NOUNS = {"alarm": ("alarm", "alarms"), "change": ("change", "changes")}
_OLD_COUNTS = 3
"""What is not recent ranks as if it stood so many relations farther away."""


def evidence(
    findings: pl.DataFrame,
    scores: pl.DataFrame,
    around: Surroundings,
    rules: EvidenceRules,
    detection: Detection,
) -> pl.DataFrame:
    """Return the rows of `cell_anomalies.evidence`, findings in order, summaries first.

    Args:
        findings: anomaly_id, window_start, window_end, cell_dn, anomaly_start, anomaly_end.
        scores: cell_dn, period_start, score, is_anomalous of all cells in the window.
        around: what the network told, as `surroundings` reads it.
        rules: how far to look and how much to tell.
        detection: what makes a cell abnormal.
    """
    placed = placed_findings(findings, around.cells)
    events = near_events(around, rules.dump_hours)
    told = _told(near(placed, events, around, rules), events, rules)
    states = neighbor_states(placed, around.cells, scores, detection)
    listed = [
        _listed(told, rules),
        _neighbors(placed, states, rules),
        *(_event_summary(placed, told, kind, around, rules) for kind in _TABLES),
        _neighbor_summary(placed, states),
    ]
    order = {"summary": 0, "alarm": 1, "change": 2, "neighbor": 3}
    every = pl.concat(part.select(_SHAPE) for part in listed)
    return (
        placed.select("finding", *_KEY)
        .join(every, on="finding")
        .sort(
            "finding",
            pl.col("evidence_kind").replace_strict(order, return_dtype=pl.Int8),
            "_order",
            "reference_id",
            "object_dn",
        )
        .select(pl.col(name).cast(dtype) for name, dtype in EVIDENCE.items())
    )


_SHAPE = [
    pl.col("finding"),
    pl.col("evidence_kind"),
    pl.col("reference_id"),
    pl.col("object_dn"),
    pl.col("relation"),
    pl.col("happened_at").cast(_TIME),
    pl.col("lead_hours").cast(pl.Float64),
    pl.col("detail"),
    pl.col("_order").cast(pl.Int64),
]


def _told(pairs: pl.DataFrame, events: pl.DataFrame, rules: EvidenceRules) -> pl.DataFrame:
    """Return each finding's events, the most relevant first, numbered within a kind."""
    facts = events.select(
        "event", "evidence_kind", "reference_id", "happened_at", "rank", "detail"
    ).unique("event", keep="first", maintain_order=True)
    distance = pl.col("relation").replace_strict(
        RELATIONS, range(len(RELATIONS)), return_dtype=pl.Int8
    )
    is_old = pl.col("lead_hours").abs() > rules.recent_hours
    return (
        pairs.join(facts, on="event")
        .with_columns(_distance=distance + pl.when(is_old).then(_OLD_COUNTS).otherwise(0))
        .sort(
            "finding", "_distance", "rank", pl.col("lead_hours").abs(), "reference_id", "object_dn"
        )
        .unique(
            ["finding", "evidence_kind", "reference_id", "object_dn"],
            keep="first",
            maintain_order=True,
        )
        .with_columns(_order=pl.int_range(pl.len()).over("finding", "evidence_kind"))
    )


def _listed(told: pl.DataFrame, rules: EvidenceRules) -> pl.DataFrame:
    return told.filter(pl.col("_order") < rules.rows_a_kind)


def _neighbors(placed: pl.DataFrame, states: pl.DataFrame, rules: EvidenceRules) -> pl.DataFrame:
    """Return the cells near that were abnormal most, each with its own finding where it has one."""
    own = placed.select(
        pl.col("cell_dn").alias("neighbor_dn"),
        pl.col("anomaly_id").alias("_id"),
        pl.col("anomaly_start").alias("_start"),
        pl.col("anomaly_end").alias("_end"),
    )
    span = placed.select("finding", "anomaly_start", "anomaly_end")
    abnormal = states.filter(pl.col("state") == "abnormal").join(span, on="finding")
    with_own = (
        abnormal.join(own, on="neighbor_dn")
        .filter(pl.col("_start") < pl.col("anomaly_end"), pl.col("_end") > pl.col("anomaly_start"))
        .sort("_start", "_id")
        .unique(["finding", "neighbor_dn"], keep="first", maintain_order=True)
        .select("finding", "neighbor_dn", "_id", "_start")
    )
    told = abnormal.join(with_own, on=["finding", "neighbor_dn"], how="left")
    ranked = told.with_columns(happened_at=pl.coalesce("_start", "happened_at")).sort(
        "finding", "peak_score", "neighbor_dn", descending=[False, True, False]
    )
    lead = (pl.col("anomaly_start") - pl.col("happened_at")).dt.total_seconds() / 3600
    return (
        ranked.with_columns(_order=pl.int_range(pl.len()).over("finding"), lead_hours=lead)
        .filter(pl.col("_order") < rules.rows_a_kind)
        .with_columns(
            evidence_kind=pl.lit("neighbor"),
            reference_id=pl.coalesce("_id", "neighbor_dn"),
            object_dn=pl.col("neighbor_dn"),
            detail=pl.format(
                "Abnormal in {} of {} periods, peak score {}, since {}",
                "abnormal_count", "periods_count", pl.col("peak_score").round(1),
                moment("happened_at"),
            ),
        )
    )  # fmt: skip


def _event_summary(
    placed: pl.DataFrame, told: pl.DataFrame, kind: str, around: Surroundings, rules: EvidenceRules
) -> pl.DataFrame:
    """Return one row a finding that counts what is near, or says that nothing is known."""
    one, many = _NOUNS[kind]
    counted = told.filter(pl.col("evidence_kind") == kind).group_by("finding").agg(
        pl.len().alias("_count")
    )  # fmt: skip
    number = pl.col("_count").fill_null(0)
    noun = pl.when(number == 1).then(pl.lit(one)).otherwise(pl.lit(many))
    left_out = pl.when(number > rules.rows_a_kind).then(
        pl.format(", {} of them not listed", number - rules.rows_a_kind)
    )
    if not around.known_tables.intersection(_TABLES[kind]):
        detail = pl.lit(f"Not checked: no {one} was ever published")
    else:
        detail = (
            pl.when(number == 0)
            .then(pl.lit(f"No {one} near"))
            .otherwise(pl.format("{} {} near{}", number, noun, left_out.fill_null("")))
        )
    return _summaries(placed.join(counted, on="finding", how="left"), kind, detail)


def _neighbor_summary(placed: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    def count(relation: str, state: str | None = None) -> pl.Expr:
        is_it = pl.col("relation") == relation
        if state is not None:
            is_it &= pl.col("state") == state
        return is_it.sum()

    def sentence(relation: str, what: str) -> pl.Expr:
        states_of = (count(relation, each) for each in ("sound", "abnormal", "silent"))
        said = pl.format("{}: {} sound, {} abnormal, {} silent", pl.lit(what), *states_of)
        return pl.when(count(relation) > 0).then(said)

    counted = states.group_by("finding").agg(
        sentence("same_site", "Other cells of the site").alias("_beside"),
        sentence("neighbor_site", "Neighbor cells elsewhere").alias("_elsewhere"),
    )
    detail = pl.concat_str("_beside", "_elsewhere", separator="; ", ignore_nulls=True)
    unknown = pl.lit("Not checked: topology names no cell near")
    joined = placed.join(counted, on="finding", how="left")
    return _summaries(
        joined, "neighbor", pl.when(detail.str.len_chars() > 0).then(detail).otherwise(unknown)
    )


def _summaries(rows: pl.DataFrame, kind: str, detail: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(
        evidence_kind=pl.lit("summary"),
        reference_id=pl.lit(kind),
        object_dn=pl.col("cell_dn"),
        relation=pl.lit(None, pl.String),
        happened_at=pl.lit(None, _TIME),
        lead_hours=pl.lit(None, pl.Float64),
        detail=detail,
        _order=pl.lit(list(_TABLES).index(kind) if kind in _TABLES else len(_TABLES)),
    )
