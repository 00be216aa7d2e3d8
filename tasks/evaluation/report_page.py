"""The evaluation as a Markdown page, and as rows for the network report."""

from tasks.evaluation.detection_report import Comparison, DetectionReport
from tasks.evaluation.operating_points import OperatingPoint

_SHOWN_RECALLS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


def report_page(report: DetectionReport, title: str) -> str:
    """Return the page; every number in it comes from the report."""
    return "\n".join(
        [
            f"# Detection quality, {title}",
            "",
            f"{report.cells} cells, {report.cell_days:.0f} cell-days scored "
            f"({report.abstained_share:.1%} of periods abstained), {report.faults} faults that "
            f"affect {report.affected_share:.2%} of the scored periods.",
            _unseen(report),
            "",
            "## At the shipped thresholds",
            "",
            "| measure | detector | baseline |",
            "|---|---:|---:|",
            *(f"| {name} | {mine} | {theirs} |" for name, mine, theirs in _measures(report)),
            "",
            "A finding is false where its cell has no fault for most of its periods; shocks that "
            "are nobody's fault make false findings.",
            "",
            "## By kind of fault",
            "",
            "| kind | faults | found | found by baseline | median delay, h | baseline's, h |",
            "|---|---:|---:|---:|---:|---:|",
            *(
                f"| {row.kind} | {row.faults} | {row.found} | {row.baseline_found} | "
                f"{_delay(row.delay_hours)} | {_delay(row.baseline_delay_hours)} |"
                for row in report.kinds
            ),
            "",
            "## At the recall that the baseline reaches by its own best threshold",
            "",
            "| recall | baseline: threshold | false findings per cell-day | detector: threshold "
            "| false findings per cell-day | ratio |",
            "|---:|---:|---:|---:|---:|---:|",
            *(_compared(one) for one in shown(report)),
            "",
            f"VUS-PR softens borders over up to {report.vus_window_periods} periods; another "
            "window gives another figure. A random score's average precision is the share of "
            "affected periods.",
            "",
        ]
    )


def report_rows(report: DetectionReport) -> list[dict[str, str]]:
    """Return rows of measure, detector and baseline."""
    return [
        {"measure": name, "detector": mine, "baseline": theirs}
        for name, mine, theirs in _measures(report)
    ]


def shown(report: DetectionReport) -> list[Comparison]:
    """Return the comparison next above each of some recalls, each once."""
    chosen: list[Comparison] = []
    for level in _SHOWN_RECALLS:
        reached = [one for one in report.comparisons if one.recall >= level - 1e-9]
        if reached and reached[0] not in chosen:
            chosen.append(reached[0])
    return chosen


def _measures(report: DetectionReport) -> list[tuple[str, str, str]]:
    mine, theirs = report.detector, report.baseline
    by_name = {one.name: one for one in report.rankings}
    rows = [
        (
            f"VUS-PR (random score {by_name['random score'].vus_pr:.3f})",
            f"{by_name['detector'].vus_pr:.3f}",
            f"{by_name['baseline'].vus_pr:.3f}",
        ),
        (
            f"average precision (random score {by_name['random score'].average_precision:.3f})",
            f"{by_name['detector'].average_precision:.3f}",
            f"{by_name['baseline'].average_precision:.3f}",
        ),
    ]
    figures = [
        ("faults found", "recall", ".1%"),
        ("touched cells found", "cell_recall", ".1%"),
        ("false findings per cell-day", "false_findings", ".4f"),
        ("of them on planned changes", "on_planned_changes", ".4f"),
        ("false periods per cell-day", "false_periods", ".3f"),
    ]
    return rows + [
        (name, format(getattr(mine, field), form), format(getattr(theirs, field), form))
        for name, field, form in figures
    ]


def _unseen(report: DetectionReport) -> str:
    if not report.unseen:
        return "Every fault that stood is visible in measurements."
    told = ", ".join(f"{number} {kind}" for kind, number in report.unseen.items())
    return f"Not visible in measurements, and no misses: {told}."


def _compared(one: Comparison) -> str:
    ratio = "never reached" if one.ratio is None else f"{one.ratio:.2f}"
    return f"| {one.recall:.1%} | {_point(one.baseline)} | {_point(one.detector)} | {ratio} |"


def _point(point: OperatingPoint | None) -> str:
    return "- | -" if point is None else f"{point.threshold:.2f} | {point.false_findings:.4f}"


def _delay(hours: float | None) -> str:
    return "-" if hours is None else f"{hours:.2f}"
