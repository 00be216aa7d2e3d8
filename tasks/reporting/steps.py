"""Steps that publish what an engineer sees: the report, on disk and on the run's page."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from data_products.lineage import Snapshot
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.reporting.evaluation_rows import evaluation_rows
from tasks.reporting.files import report_folder, write_files
from tasks.reporting.html_page import html_page
from tasks.reporting.inspection import cell_explanation, summary_of_kpi
from tasks.reporting.kpi_sources import kpi_sources
from tasks.reporting.markdown_page import data_uri, findings_rows, markdown_page
from tasks.reporting.network_report import network_report
from tasks.reporting.pictures import map_picture, timelines_picture
from tasks.reporting.plain_text import cell_text, kpi_text, report_text
from tasks.reporting.reading import PublishedTables, report_material
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
    report = network_report(
        report_material(
            published,
            window,
            sources,
            run_id=run_id(),
            network=network,
            evaluation=evaluation_rows(evaluation),
        ),
        sources,
    )
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
    return cell_text(cell_explanation(services().tables, catalogue(), cell, window))


@step
def summarize_kpi(name: str, by: str = "cell", window: Window | None = None) -> str:
    """Return as text a KPI's definition, its worst groups and its distribution.

    Args:
        name: of the KPI.
        by: cell, site, band, archetype, subnetwork, managed_element, hour or day.
        window: the time to sum over; None takes the newest seven days published.
    """
    return kpi_text(summary_of_kpi(services().tables, catalogue(), name, by=by, window=window))
