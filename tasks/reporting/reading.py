"""What a report needs from published tables, read once and as small as it can be.

Each table is read at one snapshot, which the report names. A table that nobody published, or
that no contract knows yet, reads as empty: the page then says what is missing.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

import polars as pl

from data_products.lineage import Snapshot
from data_products.registry import products
from semantic_layer.periods import GRANULARITIES, Window
from tasks.ports import DataReader, TableStore
from tasks.reporting import material
from tasks.reporting.cell_health import site_names
from tasks.reporting.findings_table import FindingRow, finding_rows
from tasks.reporting.kpi_sources import KpiSources
from tasks.reporting.material import ReportMaterial, shaped
from tasks.reporting.timelines import worst_findings

_CONTEXT = timedelta(days=3)
LONGEST_SPAN = timedelta(days=62)
"""No window is longer: what began earlier has ended."""


class PublishedTables:
    """Tables at fixed snapshots; remembers which were read.

    Args:
        tables: the store.
        pinned: snapshots that a run was handed; every other table is read at its newest.
    """

    def __init__(self, tables: TableStore, pinned: Sequence[Snapshot] = ()) -> None:
        self._tables = tables
        self._snapshots = {snapshot.table: snapshot for snapshot in pinned if snapshot.id}

    @property
    def snapshots(self) -> tuple[str, ...]:
        """The snapshots read so far, as `table@id`, sorted."""
        return tuple(f"{name}@{one.id}" for name, one in sorted(self._snapshots.items()) if one.id)

    def read(
        self, table: str, window: Window | None, columns: Sequence[str] = ()
    ) -> pl.LazyFrame | None:
        """Return rows of a table, None where no contract knows it or nothing was published."""
        if not any(table in product.tables for product in products().values()):
            return None
        if table not in self._snapshots:
            self._snapshots[table] = self._tables.snapshot(table)
        snapshot = self._snapshots[table]
        if not snapshot.id:
            return None
        return self._tables.read(table, window, columns=columns or None, snapshot_id=snapshot.id)

    def rows(self, table: str, window: Window | None, schema: material.Schema) -> pl.DataFrame:
        """Return a table's rows in the shape of `schema`, empty where there is no table."""
        found = self.read(table, window)
        return material.nothing(schema) if found is None else shaped(found.collect(), schema)

    def bounds(self, *names: str) -> Window | None:
        """Return the bounds of the first of these tables that holds anything."""
        for name in names:
            found = self._tables.bounds(name)
            if found is not None:
                return found
        return None


class _ReadAs:
    """Tables of which every read goes through the guarded reader; the rest is the store's own."""

    def __init__(self, tables: TableStore, reader: DataReader, identity: str, purpose: str) -> None:
        self._tables = tables
        self._reader = reader
        self._identity = identity
        self._purpose = purpose

    def __getattr__(self, name: str) -> object:
        return getattr(self._tables, name)

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        """Return what the identity may see; see `DataReader.read`."""
        return self._reader.read(
            table,
            window,
            identity=self._identity,
            columns=columns,
            purpose=self._purpose,
            snapshot_id=snapshot_id,
        )


def read_as(tables: TableStore, reader: DataReader, identity: str, purpose: str) -> TableStore:
    """Return `tables` as `identity` may see them, each read on record under `purpose`."""
    return cast("TableStore", _ReadAs(tables, reader, identity, purpose))


def report_material(
    published: PublishedTables,
    window: Window,
    sources: KpiSources,
    *,
    run_id: str,
    network: str = "",
    evaluation: Sequence[Mapping[str, object]] = (),
) -> ReportMaterial:
    """Return everything that the report of `window` shows.

    Args:
        published: where to read.
        window: findings and verdicts that touch it are shown.
        sources: definitions of KPIs.
        run_id: of the run that writes the report.
        network: its name on the page; empty takes it from topology.
        evaluation: rows of a detection evaluation, if one was made.
    """
    topology = newest_topology(published, window)
    findings = weighed_findings(published, window)
    rows = finding_rows(findings, site_names(topology), sources, window)
    worst = worst_findings(rows)
    expectations = _expectations(published, worst, window)
    deliveries, periods_seen = _deliveries(published, window)
    return ReportMaterial(
        network=network or _network_name(topology),
        window=window,
        run_id=run_id,
        catalogue_version=sources.catalogue_version,
        findings=findings,
        judgements=judgements(published, window),
        expectations=expectations,
        kpis=_kpi_history(published, worst, window, sources, expectations),
        quality=touching(published, "data_quality", window, material.QUALITY),
        rejections=rejections(published, window),
        topology=topology,
        deliveries=deliveries,
        periods_seen=periods_seen,
        evaluation=tuple(evaluation),
        snapshots=published.snapshots,
    )


def newest_topology(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return the newest row of each cell that was valid before the window ended."""
    found = published.read("network_topology", None)
    if found is None:
        return material.nothing(material.TOPOLOGY)
    known = found.filter(pl.col("valid_from") < window.end).sort("cell_dn", "valid_from", "source")
    newest = known.unique("cell_dn", keep="last", maintain_order=True).collect()
    return shaped(newest, material.TOPOLOGY)


def touching(
    published: PublishedTables, table: str, window: Window, schema: material.Schema
) -> pl.DataFrame:
    """Return the rows of a table of spans that share any time with the window."""
    found = published.read(table, Window(window.start - LONGEST_SPAN, window.end))
    if found is None:
        return material.nothing(schema)
    return shaped(found.filter(pl.col("window_end") > window.start).collect(), schema)


def weighed_findings(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return findings that share time with the window, with what each is worth, where told."""
    found = touching(published, "cell_anomalies", window, material.FINDINGS)
    worth = touching(published, "cell_anomalies.worth", window, material.WORTH).drop("window_end")
    key = ["anomaly_id", "window_start"]
    told = found.drop(set(worth.columns) - set(key)).join(
        worth, on=key, how="left", maintain_order="left"
    )
    return shaped(told, material.FINDINGS)


def judgements(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return per cell how many periods were scored, judged, anomalous, and why not judged."""
    found = published.read("cell_anomalies.scores", window)
    if found is None:
        return material.nothing(material.JUDGEMENTS)
    counted = found.group_by("cell_dn").agg(
        pl.len().alias("periods"),
        pl.col("score").is_not_null().sum().alias("judged"),
        pl.col("is_anomalous").sum().alias("anomalous"),
        pl.col("is_baseline_anomalous").sum().alias("baseline_anomalous"),
        pl.col("abstained_because").filter(pl.col("score").is_null()).drop_nulls().unique().sort(),
    )
    return shaped(counted.sort("cell_dn").collect(), material.JUDGEMENTS)


def rejections(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return quarantined rows counted by table and reason, each with its first example."""
    found = published.read("data_quality.quarantine", window)
    if found is None:
        return material.nothing(material.REJECTIONS)
    example = ("source_file", "place", "key", "content")
    counted = (
        found.sort("table_name", "reason", *example, nulls_last=True)
        .group_by("table_name", "reason")
        .agg(
            pl.len().alias("rows"),
            pl.col("source_file").n_unique().alias("files"),
            *(pl.col(name).first() for name in example),
        )
        .sort("table_name", "reason")
    )
    return shaped(counted.collect(), material.REJECTIONS)


def _expectations(
    published: PublishedTables, worst: Sequence[FindingRow], window: Window
) -> pl.DataFrame:
    found = published.read("cell_anomalies.expectations", window)
    if found is None or not worst:
        return material.nothing(material.EXPECTATIONS)
    cells = [finding.cell_dn for finding in worst]
    chosen = found.filter(pl.col("cell_dn").is_in(cells)).sort("cell_dn", "kpi", "period_start")
    return shaped(chosen.collect(), material.EXPECTATIONS)


def _kpi_history(
    published: PublishedTables,
    worst: Sequence[FindingRow],
    window: Window,
    sources: KpiSources,
    expectations: pl.DataFrame,
) -> pl.DataFrame:
    """Return the worst cells' KPIs, some days before the window too, at the scored granularity."""
    wide = Window(min(window.start, window.end - _CONTEXT), window.end)
    found = published.read("cell_kpis", wide)
    if found is None or not worst:
        return material.nothing(material.CELL_PERIOD)
    present = set(found.collect_schema().names())
    blamed = {sources.find(blame.kpi).column for finding in worst for blame in finding.blames}
    rows = (
        found.filter(pl.col("cell_dn").is_in([finding.cell_dn for finding in worst]))
        .select("cell_dn", "period_start", "granularity", *sorted(blamed & present))
        .collect()
    )
    granularity = _granularity(rows, expectations)
    return (
        rows.filter(pl.col("granularity") == granularity)
        .drop("granularity")
        .unique(["cell_dn", "period_start"], keep="first", maintain_order=True)
        .sort("cell_dn", "period_start")
    )


def _granularity(rows: pl.DataFrame, expectations: pl.DataFrame) -> str:
    """Return the granularity that was scored, else the finest that the rows have."""
    present = set(rows["granularity"].unique())
    starts = expectations["period_start"].unique().sort()
    if len(starts) > 1:
        step = starts.diff().drop_nulls().min()
        for name, seconds in GRANULARITIES.items():
            if name in present and step == timedelta(seconds=seconds):
                return name
    return next((name for name in GRANULARITIES if name in present), "15min")


def _deliveries(published: PublishedTables, window: Window) -> tuple[pl.DataFrame, dict[int, int]]:
    """Return what each cell delivered, and how many distinct periods came, by granularity."""
    parts = []
    measured = published.read(
        "pm_measurements",
        window,
        ["cell_dn", "managed_object_dn", "period_start", "granularity_s", "is_suspect"],
    )
    if measured is not None:
        parts.append(
            measured.filter(pl.col("cell_dn").is_not_null()).select(
                "cell_dn", "period_start", pl.col("granularity_s").cast(pl.Int64), "is_suspect"
            )
        )
    delivered = published.read(
        "cell_kpis", window, ["cell_dn", "period_start", "granularity", "source"]
    )
    if delivered is not None:
        parts.append(
            delivered.filter(pl.col("source") != "pm_measurements").select(
                "cell_dn",
                "period_start",
                pl.col("granularity")
                .replace_strict(GRANULARITIES, default=None, return_dtype=pl.Int64)
                .alias("granularity_s"),
                pl.lit(value=False).alias("is_suspect"),
            )
        )
    if not parts:
        return material.nothing(material.DELIVERIES), {}
    rows = pl.concat(parts)
    counted = rows.group_by("cell_dn", "granularity_s").agg(
        pl.col("period_start").n_unique().alias("periods"),
        pl.col("is_suspect").sum().alias("suspect"),
    )
    seen = rows.group_by("granularity_s").agg(pl.col("period_start").n_unique())
    cells, periods = pl.collect_all([counted.sort("cell_dn", "granularity_s"), seen])
    return shaped(cells, material.DELIVERIES), dict(periods.iter_rows())


def _network_name(topology: pl.DataFrame) -> str:
    names = sorted(topology["subnetwork"].drop_nulls().unique())
    return f"Network {names[0]}" if len(names) == 1 else "Network"
