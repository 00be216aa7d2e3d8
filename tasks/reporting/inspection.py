"""Reads what `anops explain` and `anops kpi` tell, from published tables, through one port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.identity import object_class_of
from semantic_layer.kpis import Kpi, aggregate_kpis
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES, Window
from tasks.ports import TableStore
from tasks.reporting import material
from tasks.reporting.cell_health import cell_states, site_names
from tasks.reporting.explanation import (
    CellExplanation,
    FindingExplanation,
    KpiExplanation,
    chosen_cell,
    data_notes,
    explained_kpis,
    kpi_explanation,
    lineage_of,
    place_of,
    within,
)
from tasks.reporting.explanation_section import ExplanationRow, newest_explanations
from tasks.reporting.finding_context import WORTH, not_checked, worth_of
from tasks.reporting.findings_table import FindingRow, finding_rows
from tasks.reporting.kpi_sources import kpi_sources
from tasks.reporting.kpi_summary import KpiSummary, chosen_grouping, grouped_rows, kpi_summary
from tasks.reporting.nearby import evidence_by_finding, nearby
from tasks.reporting.network_reading import newest_evidence
from tasks.reporting.reading import PublishedTables, judgements, newest_topology, touching
from tasks.reporting.wording import clean

_LOOK_BACK = timedelta(days=7)


def cell_explanation(
    tables: TableStore, catalogue: Catalogue, cell: str, window: Window | None = None
) -> CellExplanation:
    """Return why a cell was or was not found abnormal, down to the counters.

    Args:
        tables: where to read.
        catalogue: the definitions in force.
        cell: its DN, or enough of it to name one cell.
        window: the time to look at; None takes the newest seven days that were published.

    Raises:
        UnknownNameError: no published table knows the cell.
        InputError: the name fits several cells, or nothing was ever published.
    """
    published = PublishedTables(tables)
    span = window or _newest_days(published, "cell_anomalies.scores")
    sources = kpi_sources(catalogue)
    topology = newest_topology(published, span)
    judged = judgements(published, span)
    found = touching(published, "cell_anomalies", span, material.FINDINGS)
    known = {*topology["cell_dn"], *judged["cell_dn"], *found["cell_dn"]} - {None}
    cell_dn = chosen_cell(cell, sorted(known))
    topology = topology.filter(cell_dn=cell_dn)
    own = found.filter(cell_dn=cell_dn)
    findings = finding_rows(own, site_names(topology), sources, span)
    state = cell_states(findings, judged.filter(cell_dn=cell_dn), topology)[0]
    seen = Window(min([span.start, *(one.since for one in findings)]), span.end)
    rows, element_rows = _measurements(published, seen, cell_dn)
    beside = _Beside.of(published, seen, cell_dn, catalogue)
    explained = tuple(
        beside.explained(
            FindingExplanation(
                one,
                explained_kpis(one, rows, element_rows, sources, catalogue),
                _finding_lineage(own, one),
            )
        )
        for one in findings
    )
    in_span = rows.filter(pl.col("period_start") >= span.start)
    overall: tuple[KpiExplanation, ...] = ()
    if not findings:
        asked = [kpi for kpi in sources.every() if kpi.object_class != "ManagedElement"]
        computed = (kpi_explanation(kpi, in_span, catalogue) for kpi in asked)
        overall = tuple(one for one in computed if one.value is not None)
    return CellExplanation(
        cell_dn=cell_dn,
        cell=state.cell,
        window=span,
        place=place_of(topology),
        state=state,
        findings=explained,
        kpis=overall,
        data_notes=data_notes(
            state,
            _delivery(in_span),
            span,
            _failed_checks(published, span, cell_dn),
            _quarantined(published, span, cell_dn),
        ),
        lineage=(
            ("catalogue in force", catalogue.version),
            *(("read", snapshot) for snapshot in published.snapshots),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Beside:
    """What else is published about a cell's findings.

    Attributes:
        evidence: rows of `cell_anomalies.evidence` by finding.
        worth: rows of `cell_anomalies.worth`.
        values: `cell_kpis` of the cell, at the granularity that has most rows.
        scored: KPIs by which cells of its class are scored.
        told: what agents found out, by finding.
    """

    evidence: Mapping[str, Sequence[Mapping[str, Any]]]
    worth: pl.DataFrame
    values: pl.DataFrame
    scored: tuple[Kpi, ...]
    told: Mapping[str, ExplanationRow]

    @classmethod
    def of(
        cls, published: PublishedTables, window: Window, cell_dn: str, catalogue: Catalogue
    ) -> "_Beside":
        """Return what the tables hold of one cell."""
        found = published.read("cell_kpis", window)
        values = (
            pl.DataFrame(schema={"period_start": material.TIME})
            if found is None
            else found.filter(pl.col("cell_dn") == cell_dn).collect()
        )
        own_class = object_class_of(cell_dn)
        scored = (
            kpi
            for kpi in catalogue.kpis.values()
            if kpi.is_scored and kpi.object_class == own_class
        )
        return cls(
            evidence_by_finding(newest_evidence(published, window)),
            touching(published, "cell_anomalies.worth", window, WORTH),
            values,
            tuple(scored),
            newest_explanations(published, window, cell_dn),
        )

    def explained(self, told: FindingExplanation) -> FindingExplanation:
        """Return an explanation with what stood near the finding and what was not checked."""
        finding = told.finding
        rows = self.evidence.get(finding.anomaly_id)
        near = None if rows is None else nearby(rows)
        worth = worth_of(self.worth, finding.anomaly_id)
        values = within(self.values, finding.since, finding.until)
        unknown = not_checked(near, worth, values, self.scored)
        said = self.told.get(finding.anomaly_id)
        return replace(told, near=near, worth=worth, not_checked=unknown, told=said)


def summary_of_kpi(
    tables: TableStore,
    catalogue: Catalogue,
    name: str,
    *,
    by: str = "cell",
    window: Window | None = None,
) -> KpiSummary:
    """Return what a KPI came to in each group, worst first, with its definition.

    Args:
        tables: where to read.
        catalogue: the definitions in force.
        name: of the KPI.
        by: one of `GROUPINGS`.
        window: the time to sum over; None takes the newest seven days that were published.

    Raises:
        UnknownNameError: the catalogue defines no such KPI.
        InputError: no such grouping, or nothing was ever published.
    """
    kpi = catalogue.kpi(name)
    grouping = chosen_grouping(by)
    published = PublishedTables(tables)
    span = window or _newest_days(published, "cell_kpis", "pm_measurements")
    topology = newest_topology(published, span)
    values = _from_measurements(published, kpi, catalogue, topology, grouping, span)
    origin = "pm_measurements"
    if values is None or values["value"].drop_nulls().is_empty():
        delivered = _from_kpis(published, kpi, topology, grouping, span)
        if delivered is not None and not delivered["value"].drop_nulls().is_empty():
            values, origin = delivered, "cell_kpis"
    if values is None:
        values = pl.DataFrame(
            schema={"group": pl.String, "value": pl.Float64, "periods": pl.UInt32}
        )
    return kpi_summary(kpi_sources(catalogue).find(name), values, span, grouping, origin)


def _newest_days(published: PublishedTables, *tables: str) -> Window:
    bounds = published.bounds(*tables, "cell_kpis", "pm_measurements")
    if bounds is None:
        raise InputError("Nothing was published yet; `anops run` ingests and scores a network.")
    return Window(max(bounds.start, bounds.end - _LOOK_BACK), bounds.end)


def _measurements(
    published: PublishedTables, window: Window, cell_dn: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the cell's rows, and those of its managed element."""
    found = published.read("pm_measurements", window)
    if found is None:
        nothing = pl.DataFrame(
            schema={**material.CELL_PERIOD, "is_suspect": pl.Boolean, "granularity_s": pl.Int32}
        )
        return nothing, nothing
    rows = found.filter(pl.col("cell_dn") == cell_dn).sort("period_start").collect()
    elements = rows["managed_element_dn"].drop_nulls().unique().to_list()
    of_elements = found.filter(pl.col("managed_element_dn").is_in(elements))
    return rows, of_elements.sort("managed_object_dn", "period_start").collect()


def _delivery(rows: pl.DataFrame) -> dict[str, int]:
    if rows.is_empty():
        return {}
    seconds = rows["granularity_s"].mode().sort()[0]
    usual = rows.filter(granularity_s=seconds)
    return {
        "granularity_s": int(seconds),
        "periods": usual["period_start"].n_unique(),
        "suspect": int(rows["is_suspect"].sum()),
    }


def _failed_checks(published: PublishedTables, window: Window, cell_dn: str) -> pl.DataFrame:
    verdicts = touching(published, "data_quality", window, material.QUALITY)
    names_cell = pl.col("failing_keys").list.eval(pl.element().str.contains(cell_dn, literal=True))
    return verdicts.filter(~pl.col("is_passed").fill_null(value=False), names_cell.list.any())


def _quarantined(published: PublishedTables, window: Window, cell_dn: str) -> pl.DataFrame:
    found = published.read("data_quality.quarantine", window)
    if found is None:
        return pl.DataFrame(schema={"reason": pl.String, "rows": pl.UInt32})
    named = pl.any_horizontal(
        pl.col(column).str.contains(cell_dn, literal=True).fill_null(value=False)
        for column in ("key", "content", "place")
    )
    return found.filter(named).group_by("reason").agg(pl.len().alias("rows")).collect()


def _finding_lineage(own: pl.DataFrame, finding: FindingRow) -> tuple[tuple[str, str], ...]:
    rows = own.sort("window_end").iter_rows(named=True)
    matching = [row for row in rows if clean(row["anomaly_id"]) == finding.anomaly_id]
    return lineage_of(matching[-1]) if matching else ()


def _from_measurements(
    published: PublishedTables, kpi: Kpi, catalogue: Catalogue,
    topology: pl.DataFrame, by: str, window: Window,
) -> pl.DataFrame | None:  # fmt: skip
    found = published.read("pm_measurements", window)
    if found is None:
        return None
    sound = found.filter(~pl.col("is_suspect"))
    of_elements = kpi.object_class == "ManagedElement"
    rows = sound if of_elements else sound.filter(pl.col("cell_dn").is_not_null())
    periods = pl.col("period_start").n_unique().alias("periods")
    grouped = grouped_rows(rows, topology, by, of_elements=of_elements)
    values = aggregate_kpis(grouped, [kpi], ["group"], catalogue, extra=[periods])
    return values.select("group", pl.col(kpi.column).alias("value"), "periods").collect()


def _from_kpis(
    published: PublishedTables, kpi: Kpi, topology: pl.DataFrame, by: str, window: Window
) -> pl.DataFrame | None:
    found = published.read("cell_kpis", window)
    if found is None or kpi.column not in found.collect_schema().names():
        return None
    has_value = pl.col(kpi.column).is_not_null()
    present = set(found.filter(has_value).select("granularity").unique().collect()["granularity"])
    finest = next((name for name in GRANULARITIES if name in present), None)
    if finest is None:
        return None
    rows = found.filter(pl.col("granularity") == finest)
    return (
        grouped_rows(rows, topology, by, of_elements=False)
        .group_by("group")
        .agg(
            pl.col(kpi.column).median().alias("value"),
            pl.col("period_start").n_unique().alias("periods"),
        )
        .collect()
    )
