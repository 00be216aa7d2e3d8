"""Steps that publish what an engineer sees: the report, on disk and on the run's page."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.access_audit.derive import derive as audited
from data_products.lineage import Snapshot
from data_products.lineage_graph import lineage_graph
from data_products.registry import products
from data_products.row_lineage import RowLineage, file_lineage, lineage_of_row
from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi
from semantic_layer.loading import catalogue
from semantic_layer.periods import GRANULARITIES, Window, floor_to
from tasks.ports import TableStore
from tasks.reporting.catalogue_material import catalogue_entries
from tasks.reporting.catalogue_page import catalogue_page
from tasks.reporting.cell_health import site_names
from tasks.reporting.energy_section import energy_of
from tasks.reporting.evaluation_rows import evaluation_rows
from tasks.reporting.explanation_section import explanations_of
from tasks.reporting.files import report_folder, write_files
from tasks.reporting.html_page import html_page
from tasks.reporting.inspection import cell_explanation, summary_of_kpi
from tasks.reporting.kpi_sources import kpi_sources
from tasks.reporting.lineage_text import file_lineage_text, row_lineage_text
from tasks.reporting.markdown_page import data_uri, findings_rows, markdown_page
from tasks.reporting.network_reading import network_facts
from tasks.reporting.network_report import network_report
from tasks.reporting.notifications import notification
from tasks.reporting.pictures import map_picture, timelines_picture
from tasks.reporting.plain_text import cell_text, kpi_text, report_text
from tasks.reporting.profile_page import profile_page
from tasks.reporting.proposal_section import proposals_of
from tasks.reporting.reading import PublishedTables, read_as, report_material
from tasks.reporting.verdict_reading import verdicts_of
from tasks.step import run_id, show_markdown, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)


@step
def write_report(
    window: Window,
    findings: Snapshot | None = None,
    evaluation: str | Sequence[Mapping[str, Any]] | None = None,
    network: str = "",
) -> str:
    """Write the report of the window and show it on the run's page.

    Args:
        window: what is reported.
        findings: the snapshot of `cell_anomalies` to show; the newest when None.
        evaluation: rows of a detection evaluation (measure, detector, baseline), or the path of
            a JSON file with such rows; None where no truth is known.
        network: the network's name; empty takes it from topology.

    Returns:
        The path of the HTML page, beside `report.md` and `summary.txt`; `latest.html` in the
        reports folder is the same page.
    """
    sources = kpi_sources(catalogue())
    published = PublishedTables(services().tables, [findings] if findings else [])
    facts = network_facts(published, window, sources)
    material = report_material(
        published,
        window,
        sources,
        run_id=run_id(),
        network=network,
        evaluation=evaluation_rows(evaluation),
    )
    verdicts = verdicts_of(published, services().models, window)
    sites = site_names(material.topology)
    explained = explanations_of(published, window, sites)
    proposed = proposals_of(published, window, sites, sources)
    saved = energy_of(published, window)
    material = replace(material, snapshots=published.snapshots)
    report = network_report(material, sources, facts, verdicts, explained, proposed, saved)
    drawn = {"map": map_picture(report), "timelines": timelines_picture(report)}
    pictures = {name: picture for name, picture in drawn.items() if picture is not None}
    folder = report_folder(services().settings.root, window)
    page = html_page(report)
    path = write_files(
        folder,
        {f"{name}.png": picture for name, picture in pictures.items()}
        | {
            "report.md": markdown_page(report, {name: f"{name}.png" for name in pictures}).encode(),
            "summary.txt": report_text(report).encode(),
            "report.html": page.encode(),
        },
    )
    write_files(folder.parent, {"latest.html": page.encode()})
    show_table("cell-findings", findings_rows(report), f"Findings of {report.window_text}")
    show_markdown(
        "network-report",
        markdown_page(
            report, {name: data_uri(picture) for name, picture in pictures.items()}, str(path)
        ),
        f"Report of {report.window_text}",
    )
    _LOG.info(
        "Report of %s: %d findings in %d cells, %s",
        window, len(report.findings), report.cells_count, path,
    )  # fmt: skip
    return str(path)


@step
def explain_cell(cell: str, window: Window | None = None) -> str:
    """Return as text why a cell was or was not found abnormal, down to its counters.

    Args:
        cell: its DN, or enough of it to name one cell.
        window: the time to look at; None takes the newest seven days published.
    """
    tables = _read_by_me(f"explain {cell}")
    return cell_text(cell_explanation(tables, catalogue(), cell, window))


@step
def summarize_kpi(name: str, by: str = "cell", window: Window | None = None) -> str:
    """Return as text a KPI's definition, its worst groups and its distribution.

    Args:
        name: of the KPI.
        by: cell, site, band, archetype, subnetwork, managed_element, hour or day.
        window: the time to sum over; None takes the newest seven days published.
    """
    tables = _read_by_me(f"summarize {name}")
    return kpi_text(summary_of_kpi(tables, catalogue(), name, by=by, window=window))


@step
def write_catalogue() -> str:
    """Write the page of all data products and their lineage; return its path."""
    tables, root = services().tables, services().settings.root
    moment = services().clock.now()

    def size_of(table: str) -> int:
        product, _, second = table.partition(".")
        folder = root / "tables" / "warehouse" / product / (second or product)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    entries = catalogue_entries(products(), catalogue(), lineage_graph(), tables, moment, size_of)
    page = catalogue_page(entries, lineage_graph(), moment, catalogue().version)
    return str(write_files(root / "reports" / "catalogue", {"index.html": page.encode()}))


@step
def write_profile_page(week: Window) -> str:
    """Write the page of the week's profiles and of what KPIs follow; return its path."""
    tables = services().tables
    profiles, patterns, groups, dependencies = (
        tables.read(f"cell_profiles{part}", week).collect()
        for part in ("", ".patterns", ".kpi_groups", ".kpi_dependencies")
    )
    titles = {kpi.name: kpi.title for kpi in catalogue().kpis.values()}
    page = profile_page(patterns, groups, dependencies, profiles, titles)
    folder = services().settings.root / "reports" / "profiles"
    return str(write_files(folder, {"index.html": page.encode()}))


@step
def trace_value(kpi: str, cell: str, moment: datetime, granularity: str = "15min") -> str:
    """Return as text which runs, measurements and delivered files a cell's KPI came from.

    Args:
        kpi: its name.
        cell: the cell's whole DN.
        moment: in the period.
        granularity: `15min`, `hour` or `day`.

    Raises:
        InputError: nothing is published of that cell and period.
    """
    asked = catalogue().kpi(kpi)
    start = floor_to(moment, granularity)
    window = Window(start, start + timedelta(seconds=GRANULARITIES[granularity]))
    tables = _read_by_me(f"trace {kpi}")
    row = (
        tables.read("cell_kpis", window)
        .filter(pl.col("cell_dn") == cell, pl.col("granularity") == granularity)
        .head(1)
        .collect()
    )
    if row.is_empty():
        raise InputError(f"Nothing is published of {cell!r} for {window} by {granularity}.")
    return row_lineage_text(_traced(asked, row, tables, window), asked.unit)


@step
def trace_file(file: str) -> str:
    """Return as text what came out of a delivered file: rows, objects, periods, measurements.

    Args:
        file: its name, or a part that only it has.

    Raises:
        InputError: no published row came from such a file, or from several.
    """
    rows = _read_by_me(f"trace {file}").read("pm_measurements")
    named = pl.col("source_file").str.contains(file, literal=True)
    files = rows.filter(named).select("source_file").unique().head(6).collect()["source_file"]
    if len(files) != 1:
        near = ", ".join(sorted(files)) or "none"
        raise InputError(
            f"{file!r} must name one file that measurements came from; it fits {near}."
        )
    return file_lineage_text(file_lineage(rows, files[0], catalogue()))


@step
def publish_access_audit(window: Window) -> list[Snapshot]:
    """Publish the records of guarded reads of a window; nothing where none was kept."""
    folder = services().settings.root / "audit"
    days = (f"reads-{day.start:%Y%m%d}.ndjson" for day in window.split("day"))
    paths = [folder / name for name in days if (folder / name).is_file()]
    if not paths:
        return []
    lines = (
        (path.name, number, line)
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    )
    reads, findings = audited(lines, window)
    door = services().door
    return [door.publish("access_audit", window, reads, [], run_id(), findings)]


@step
def write_notification(title: str, text: str, key: str = "notification") -> str:
    """Keep a notification for people: a line in notifications.md, and on the run's page.

    Args:
        title: what happened, in a few words.
        text: what is so and what would help; Markdown is shown as text.
        key: of the artifact.

    Returns:
        The path of notifications.md under home.
    """
    path = services().settings.root / "notifications.md"
    entry = notification(services().clock.now(), title, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(entry)
    show_markdown(key, entry, title)
    return str(path)


def _read_by_me(purpose: str) -> TableStore:
    chosen = services()
    return read_as(chosen.tables, chosen.reader, chosen.settings.identity, purpose)


def _traced(kpi: Kpi, row: pl.DataFrame, tables: TableStore, window: Window) -> RowLineage:
    """Follow a row to the snapshot of measurements that it names, or to the newest one."""
    named = str(row["input_snapshots"][0] or "").split(",")
    read = {
        table: int(number) for table, _, number in (one.partition("@") for one in named) if number
    }
    measurements = tables.read("pm_measurements", window, snapshot_id=read.get("pm_measurements"))
    return lineage_of_row(kpi, row, measurements, catalogue())
