"""Why one cell was found abnormal, down to the counters: the content of `anops explain CELL`.

Each KPI to blame is computed again from the counters of the anomaly's own periods, so that the
reader can redo the division. Values only; a command renders them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.kpis import aggregate_kpis
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import OBSERVED_TIME
from semantic_layer.periods import Window
from tasks.reporting.cell_health import CellState
from tasks.reporting.explanation_section import ExplanationRow
from tasks.reporting.finding_context import Worth
from tasks.reporting.findings_table import Blame, FindingRow
from tasks.reporting.kpi_sources import CounterSource, KpiSource, KpiSources
from tasks.reporting.nearby import Nearby
from tasks.reporting.wording import clean, clipped, count, moment, number

_HOW = {"sum": "sum", "mean": "time-weighted mean", "max": "highest"}


@dataclass(frozen=True, slots=True)
class CounterTotal:
    """What one counter came to over the periods that entered the KPI."""

    counter: CounterSource
    total: float | None
    how: str

    @property
    def text(self) -> str:
        """The total with its unit, and how it was made."""
        return f"{number(self.total, self.counter.unit)} ({self.how})"


@dataclass(frozen=True, slots=True)
class KpiExplanation:
    """One KPI over one span of time: value, definition, and the counters behind it.

    Attributes:
        kpi: the definition.
        blame: what the finding said of it; None where there is no finding.
        value: recomputed from counters; None where none were delivered.
        totals: numerator's counters, then the denominator's.
        periods_used: periods whose rows entered the sums.
        periods_left_out: suspect periods, or with a counter missing.
    """

    kpi: KpiSource
    blame: Blame | None
    value: float | None
    totals: tuple[CounterTotal, ...]
    periods_used: int
    periods_left_out: int

    @property
    def value_text(self) -> str:
        """The recomputed value with its unit."""
        return number(self.value, self.kpi.unit)


@dataclass(frozen=True, slots=True)
class FindingExplanation:
    """One finding with its KPIs explained, what stood near it, and where its row came from.

    Attributes:
        finding: what was found, and since when.
        kpis: those to blame, from their counters.
        lineage: where the row came from, as (what, value).
        near: alarms, changes and cells beside it; None where none were published.
        worth: how probable a real problem is; None where nobody told.
        not_checked: what lacked data, one sentence each.
        told: what an agent found out; None where none looked.
    """

    finding: FindingRow
    kpis: tuple[KpiExplanation, ...]
    lineage: tuple[tuple[str, str], ...]
    near: Nearby | None = None
    worth: Worth | None = None
    not_checked: tuple[str, ...] = ()
    told: ExplanationRow | None = None


@dataclass(frozen=True, slots=True)
class CellExplanation:
    """Everything known of one cell in a window.

    Attributes:
        cell_dn, cell: its name, and what people call it.
        window: the time looked at.
        place: site, band, azimuth and the like, as (what, value).
        state: abnormal, healthy, or not judged and why.
        findings: worst first.
        kpis: without findings, the cell's KPIs over the window; else empty.
        data_notes: what to know about the data, one sentence each.
        lineage: snapshots and catalogue behind all of it, as (what, value).
    """

    cell_dn: str
    cell: str
    window: Window
    place: tuple[tuple[str, str], ...]
    state: CellState
    findings: tuple[FindingExplanation, ...]
    kpis: tuple[KpiExplanation, ...]
    data_notes: tuple[str, ...]
    lineage: tuple[tuple[str, str], ...]


def chosen_cell(asked: str, known: Sequence[str]) -> str:
    """Return the cell that a person means by a whole DN or by a part of one.

    >>> chosen_cell("NRCellDU=3", ["ManagedElement=7,NRCellDU=3", "ManagedElement=7,NRCellDU=31"])
    'ManagedElement=7,NRCellDU=3'

    Raises:
        UnknownNameError: no cell has it.
        InputError: several cells do.
    """
    if asked in known:
        return asked
    wanted = asked.strip().strip(",")
    parts = wanted.split(",")
    whole = [dn for dn in known if wanted and _has_parts(dn.split(","), parts)]
    found = whole or [dn for dn in known if wanted and wanted.casefold() in dn.casefold()]
    if not found:
        raise UnknownNameError.of("cell", asked, known)
    if len(found) > 1:
        named = "; ".join(sorted(found)[:5])
        raise InputError(f"{asked!r} fits {len(found):,} cells; name one in full, such as {named}.")
    return found[0]


def kpi_explanation(
    kpi: KpiSource,
    measurements: pl.DataFrame,
    catalogue: Catalogue,
    blame: Blame | None = None,
) -> KpiExplanation:
    """Return a KPI computed from the rows given, with what each counter came to.

    Args:
        kpi: which one; one that the catalogue does not define has no value.
        measurements: rows of `pm_measurements` of one cell (of the whole managed element for a
            KPI of that class) in the span of time explained.
        catalogue: the definitions.
        blame: what a finding said.
    """
    periods = measurements["period_start"].n_unique() if measurements.height else 0
    definition = catalogue.kpis.get(kpi.name)
    if definition is None or not periods:
        return KpiExplanation(kpi, blame, None, (), 0, periods)
    sound = measurements.filter(~pl.col("is_suspect").fill_null(value=False))
    value = None
    if sound.height:
        one = sound.lazy().with_columns(pl.lit(0).alias("explained"))
        value = aggregate_kpis(one, [definition], ["explained"], catalogue).collect()[kpi.column][0]
    used = _complete(sound, kpi)
    return KpiExplanation(
        kpi=kpi,
        blame=blame,
        value=value,
        totals=tuple(_total(used, counter) for counter in kpi.counters),
        periods_used=used["period_start"].n_unique() if used.height else 0,
        periods_left_out=periods - (used["period_start"].n_unique() if used.height else 0),
    )


def data_notes(
    state: CellState,
    delivery: Mapping[str, int],
    window: Window,
    quality: pl.DataFrame,
    quarantined: pl.DataFrame,
) -> tuple[str, ...]:
    """Return sentences on what was delivered of the cell, what was rejected, what failed.

    Args:
        state: how far the cell was judged.
        delivery: granularity_s, periods, suspect of the cell; empty where nothing came.
        window: the time looked at.
        quality: failed checks whose failing keys name the cell.
        quarantined: rejected rows whose key or content name it: reason and rows.
    """
    notes = []
    if delivery:
        due = int(window.seconds // delivery["granularity_s"])
        notes.append(f"{delivery['periods']:,} of {count(due, 'period')} were delivered.")
        if delivery["suspect"]:
            notes.append(
                f"{count(delivery['suspect'], 'row')} marked suspect by the network: in no sum."
            )
    else:
        notes.append("No measurement of this cell was delivered in the window.")
    if state.periods > state.judged:
        unjudged = count(state.periods - state.judged, "period")
        notes.append(f"{unjudged} of {state.periods:,} could not be judged.")
    notes += [
        f"Check {clipped(check, 80)} of {clean(table)} failed and names this cell."
        for table, check in quality.select("table_name", "check_id")
        .unique()
        .sort(pl.all())
        .iter_rows()
    ]
    notes += [
        f"{count(rows, 'row')} quarantined: {clipped(reason, 160)}"
        for reason, rows in quarantined.sort("rows", "reason", descending=[True, False]).iter_rows()
    ]
    return tuple(notes)


def place_of(topology: pl.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return what topology says of one cell, as (what, value), without what it doesn't know."""
    if topology.is_empty():
        return ()
    row = topology.row(0, named=True)
    said = (
        ("site", clean(row["site_name"]) or clean(row["site_id"])),
        ("band", clean(row["band"])),
        ("frequency", number(row["frequency_mhz"], "MHz")),
        ("azimuth", number(row["azimuth_deg"], "°")),
        ("latitude", number(row["latitude_deg"], "°")),
        ("longitude", number(row["longitude_deg"], "°")),
    )
    return tuple((what, value) for what, value in said if value not in {"", "no data"})


def lineage_of(row: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return where a published row came from, as (what, value)."""
    names = {
        "run_id": "run",
        "input_snapshots": "computed from",
        "contract_version": "contract",
        "catalogue_version": "catalogue",
    }
    return tuple((said, clean(row[name])) for name, said in names.items() if row.get(name))


def heading(explanation: CellExplanation) -> str:
    """Return the first line: the cell, its state and the window."""
    window = f"{moment(explanation.window.start)} to {moment(explanation.window.end)} UTC"
    said = {"HEALTHY": "behaves as expected", "NOT_JUDGED": "could not be judged"}
    state = said.get(explanation.state.state, explanation.state.state.lower())
    return f"{explanation.cell}: {state}, {window}"


def explained_kpis(
    finding: FindingRow, rows: pl.DataFrame, element_rows: pl.DataFrame,
    sources: KpiSources, catalogue: Catalogue,
) -> tuple[KpiExplanation, ...]:  # fmt: skip
    """Return each KPI to blame, computed over the finding's own periods."""
    return tuple(
        kpi_explanation(
            sources.find(blame.kpi),
            within(
                element_rows if sources.find(blame.kpi).object_class == "ManagedElement" else rows,
                finding.since,
                finding.until,
            ),
            catalogue,
            blame,
        )
        for blame in finding.blames
    )


def within(rows: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Return the rows of the periods that begin in [since, until)."""
    return rows.filter(pl.col("period_start") >= since, pl.col("period_start") < until)


def _has_parts(dn: Sequence[str], parts: Sequence[str]) -> bool:
    return any(list(dn[at : at + len(parts)]) == list(parts) for at in range(len(dn)))


def _complete(rows: pl.DataFrame, kpi: KpiSource) -> pl.DataFrame:
    """Return the rows that have every counter that their class should have."""
    classes = {counter.object_class for counter in kpi.counters if counter.object_class}
    columns = [counter.column for counter in kpi.counters if counter.name != OBSERVED_TIME]
    if any(column not in rows.columns for column in columns):
        return rows.clear()
    if kpi.object_class == "ManagedElement" and len(classes) > 1:
        return rows.filter(pl.any_horizontal(pl.col(column).is_not_null() for column in columns))
    return rows.drop_nulls(columns) if columns else rows


def _total(rows: pl.DataFrame, counter: CounterSource) -> CounterTotal:
    how = _HOW[counter.aggregation]
    if rows.is_empty():
        return CounterTotal(counter, None, how)
    if counter.aggregation == "sum":
        return CounterTotal(counter, float(rows[counter.column].sum()), how)
    value, seconds = pl.col(counter.column), pl.col("granularity_s")
    known = rows.filter(value.is_not_null())
    if counter.aggregation == "max":
        total = known.select(value.max()).item()
    else:
        total = known.select((value * seconds).sum() / seconds.sum()).item()
    return CounterTotal(counter, total, how)
