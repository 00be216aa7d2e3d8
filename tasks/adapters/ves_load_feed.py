"""A feed of load from VES events (perf3gpp) that a collector puts into a folder by the minute."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import polars as pl

from semantic_layer.kpi_definitions import Kpi
from semantic_layer.kpi_terms import SECONDS
from semantic_layer.kpis import kpi_rows
from semantic_layer.loading import Catalogue, catalogue
from semantic_layer.measurements import OBSERVED_TIME
from semantic_layer.periods import Window
from semantic_layer.units import parse_unit
from tasks.adapters.ves_load_documents import batches, events_of
from tasks.adapters.ves_load_events import load_event
from tasks.adapters.ves_load_refusals import Refusals, shown
from tasks.adapters.ves_load_values import CellValues, ToldCell
from tasks.messages.cell_reports import CellReport, FedReports

_KPIS = {
    "NR": ("prb_usage_dl", "user_throughput_dl"),
    "LTE": ("lte_prb_usage_dl", "lte_user_throughput_dl"),
}
"""Load, and throughput of users, by technology."""


class VesLoadFeed:
    """Implements `LoadFeed` on a folder of batches; it writes nothing and remembers nothing.

    Args:
        folder: where batches lie.
        is_awaited: whether a folder that is not there means that the feed is away. Where it means
            that nothing feeds (yet), nothing is returned.
    """

    def __init__(self, folder: Path, *, is_awaited: bool = True) -> None:
        self._folder = folder
        self._is_awaited = is_awaited

    def reports(self, window: Window) -> FedReports:
        """Return what cells told of periods that end within (start, end] of a window.

        Of a cell and period that was told twice the event with the higher sequence counts, then
        that in the file written later, then that further down in it.

        Raises:
            TransientError: the folder cannot be read.
        """
        if not self._is_awaited and not self._folder.exists():
            return FedReports()
        known, refused = catalogue(), Refusals()
        values = CellValues(_wanted(known), known, refused)
        told: list[ToldCell] = []
        for batch in batches(self._folder, window, refused):
            events = events_of(self._folder, batch, window, refused)
            for number, one in enumerate(events, 1):
                place = f"{shown(batch.name)}, event {number}"
                event = load_event(one, place, window, refused)
                if event is not None:
                    told.extend(values.told(event))
        found = [
            report
            for technology, rows in _by_technology(told, known).items()
            for report in _reports(rows, technology, known, refused)
        ]
        found.sort(key=lambda one: (one.end, one.cell_dn, one.begin))
        return FedReports(tuple(found), refused.sentences())


Cell = tuple[str, datetime, datetime]
"""DN, begin and end."""


def _wanted(known: Catalogue) -> list[str]:
    """Return the measurements that the KPIs rest on."""
    return _parts([known.kpi(name) for names in _KPIS.values() for name in names])


def _parts(kpis: Iterable[Kpi]) -> list[str]:
    return sorted({name for kpi in kpis for _, name in kpi.terms} - {OBSERVED_TIME})


def _by_technology(
    told: list[ToldCell], known: Catalogue
) -> dict[str, dict[Cell, dict[str, float | None]]]:
    """Return values by technology and cell; what was told last takes the place of the rest."""
    found: dict[str, dict[Cell, dict[str, float | None]]] = {}
    for one in sorted(told, key=lambda one: one.sequence):
        technology = known.object_classes[one.cell.object_class].technology
        rows = found.setdefault(technology, {})
        key = one.cell.dn, one.begin, one.end
        standing = rows.get(key)
        rows[key] = one.values if standing is None else standing | one.values
    return found


def _reports(
    rows: dict[Cell, dict[str, float | None]],
    technology: str,
    known: Catalogue,
    refused: Refusals,
) -> Iterable[CellReport]:
    """Yield a report a cell whose load can be computed, by the KPIs' own definitions."""
    load_kpi, rate_kpi = (known.kpi(name) for name in _KPIS[technology])
    names = _parts((load_kpi, rate_kpi))
    measured = pl.DataFrame(
        {
            known.measurement(name).column: [values.get(name) for values in rows.values()]
            for name in names
        },
        schema_overrides={known.measurement(name).column: pl.Float64 for name in names},
    ).with_columns(
        pl.Series(SECONDS, [(end - begin).total_seconds() for _, begin, end in rows], pl.Float64)
    )
    told = (
        kpi_rows(measured.lazy(), (load_kpi, rate_kpi), known)
        .select(load_kpi.column, rate_kpi.column)
        .collect()
    )
    to_share = parse_unit(load_kpi.unit).factor_to(parse_unit("1"))
    to_mbps = parse_unit(rate_kpi.unit).factor_to(parse_unit("Mbit/s"))
    for (cell_dn, begin, end), (load, rate) in zip(rows, told.iter_rows(), strict=True):
        if load is None:
            continue
        if not _is_plausible(load, load_kpi):
            refused.add(
                shown(cell_dn),
                f"{load_kpi.title} would be {load:g} {load_kpi.unit} in the period to "
                f"{end:%Y-%m-%d %H:%M:%S} UTC; the parts contradict each other.",
            )
            continue
        mbps = rate * to_mbps if rate is not None and _is_plausible(rate, rate_kpi) else None
        yield CellReport(cell_dn, begin, end, load * to_share, mbps)


def _is_plausible(value: float, kpi: Kpi) -> bool:
    low = float("-inf") if kpi.low is None else kpi.low
    high = float("inf") if kpi.high is None else kpi.high
    return low <= value <= high and abs(value) != float("inf")
