"""What a report is made of: the published rows of one window, with the columns that pages read.

Tables grow and shrink with time; `shaped` gives a frame the columns a page needs, null where the
table has none, so that every page meets one shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from semantic_layer.periods import Window

ColumnType = pl.DataType | type[pl.DataType]
Schema = Mapping[str, ColumnType]
TIME = pl.Datetime("us", "UTC")
CONTRIBUTION = pl.Struct(
    {"kpi": pl.String, "expected": pl.Float64, "seen": pl.Float64, "share": pl.Float64}
)
FINDINGS: Schema = {
    "anomaly_id": pl.String,
    "window_start": TIME,
    "window_end": TIME,
    "cell_dn": pl.String,
    "anomaly_start": TIME,
    "anomaly_end": TIME,
    "onset_at": TIME,
    "is_ongoing": pl.Boolean,
    "severity": pl.String,
    "peak_score": pl.Float64,
    "periods_count": pl.Int64,
    "contributions": pl.List(CONTRIBUTION),
    "explanation": pl.String,
    "probability": pl.Float64,
    "common_cause_id": pl.String,
    "reading_rank": pl.Int64,
    "is_within_budget": pl.Boolean,
    "run_id": pl.String,
    "input_snapshots": pl.String,
    "contract_version": pl.String,
    "catalogue_version": pl.String,
}
WORTH: Schema = {
    "anomaly_id": pl.String,
    "window_start": TIME,
    "window_end": TIME,
    "probability": pl.Float64,
    "common_cause_id": pl.String,
    "reading_rank": pl.Int64,
    "is_within_budget": pl.Boolean,
}
JUDGEMENTS: Schema = {
    "cell_dn": pl.String,
    "periods": pl.Int64,
    "judged": pl.Int64,
    "anomalous": pl.Int64,
    "baseline_anomalous": pl.Int64,
    "abstained_because": pl.List(pl.String),
}
EXPECTATIONS: Schema = {
    "cell_dn": pl.String,
    "period_start": TIME,
    "kpi": pl.String,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "seen": pl.Float64,
}
QUALITY: Schema = {
    "table_name": pl.String,
    "scope": pl.String,
    "window_start": TIME,
    "window_end": TIME,
    "check_id": pl.String,
    "kind": pl.String,
    "columns": pl.String,
    "evaluated_count": pl.Int64,
    "failed_count": pl.Int64,
    "failed_share": pl.Float64,
    "limit_share": pl.Float64,
    "is_passed": pl.Boolean,
    "is_blocking": pl.Boolean,
    "is_accepted": pl.Boolean,
    "failing_keys": pl.List(pl.String),
    "source": pl.String,
}
REJECTIONS: Schema = {
    "table_name": pl.String,
    "reason": pl.String,
    "rows": pl.Int64,
    "files": pl.Int64,
    "source_file": pl.String,
    "place": pl.String,
    "key": pl.String,
    "content": pl.String,
}
TOPOLOGY: Schema = {
    "cell_dn": pl.String,
    "site_id": pl.String,
    "site_name": pl.String,
    "latitude_deg": pl.Float64,
    "longitude_deg": pl.Float64,
    "azimuth_deg": pl.Float64,
    "band": pl.String,
    "frequency_mhz": pl.Float64,
    "managed_element_dn": pl.String,
    "subnetwork": pl.String,
    "archetype": pl.String,
}
DELIVERIES: Schema = {
    "cell_dn": pl.String,
    "granularity_s": pl.Int64,
    "periods": pl.Int64,
    "suspect": pl.Int64,
}
CELL_PERIOD: Schema = {"cell_dn": pl.String, "period_start": TIME}


def shaped(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the columns of `schema`, cast where a store kept another width, null where absent."""
    return frame.select(_column(frame, name, kind) for name, kind in schema.items())


def nothing(schema: Schema) -> pl.DataFrame:
    """Return an empty frame of `schema`."""
    return pl.DataFrame(schema=dict(schema))


def _column(frame: pl.DataFrame, name: str, kind: ColumnType) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit(None, kind).alias(name)
    if kind == pl.String and isinstance(frame.schema[name], pl.List):
        return pl.col(name).cast(pl.List(pl.String)).list.join(", ")
    return pl.col(name).cast(kind, strict=False)


@dataclass(frozen=True, slots=True)
class ReportMaterial:
    """The rows of one window that a report shows; empty frames where nothing was published.

    Attributes:
        network: what the network is called on the page.
        window: the time that is reported.
        run_id: the run that writes the report.
        catalogue_version: of the definitions in force now.
        findings: `cell_anomalies` of the window, one row an anomaly.
        judgements: per cell: periods seen, judged, anomalous, reasons for abstaining.
        expectations: what the detector expected of cells with findings, per period and KPI.
        kpis: `cell_kpis` rows of the worst cells, at one granularity, some time before too.
        quality: verdicts of every table's checks.
        rejections: quarantined rows, counted by table and reason, each with one example.
        topology: newest known row a cell.
        deliveries: per cell and granularity: periods delivered and how many are suspect.
        periods_seen: distinct period starts delivered, by granularity in seconds.
        evaluation: rows of the detection evaluation, detector beside baseline; often none.
        snapshots: the table snapshots read, as `table@id`.
    """

    network: str
    window: Window
    run_id: str
    catalogue_version: str
    findings: pl.DataFrame = field(default_factory=lambda: nothing(FINDINGS))
    judgements: pl.DataFrame = field(default_factory=lambda: nothing(JUDGEMENTS))
    expectations: pl.DataFrame = field(default_factory=lambda: nothing(EXPECTATIONS))
    kpis: pl.DataFrame = field(default_factory=lambda: nothing(CELL_PERIOD))
    quality: pl.DataFrame = field(default_factory=lambda: nothing(QUALITY))
    rejections: pl.DataFrame = field(default_factory=lambda: nothing(REJECTIONS))
    topology: pl.DataFrame = field(default_factory=lambda: nothing(TOPOLOGY))
    deliveries: pl.DataFrame = field(default_factory=lambda: nothing(DELIVERIES))
    periods_seen: Mapping[int, int] = field(default_factory=dict)
    evaluation: tuple[Mapping[str, object], ...] = ()
    snapshots: tuple[str, ...] = ()
