"""Explanations as plain text for a terminal: aligned lines, no markup, nothing to escape."""

from collections.abc import Iterable, Sequence

from tasks.reporting.agent_text import agent_lines, explanation_lines
from tasks.reporting.energy_section import energy_lines
from tasks.reporting.explanation import (
    CellExplanation,
    FindingExplanation,
    KpiExplanation,
    heading,
)
from tasks.reporting.findings_table import FindingRow, first_of_causes
from tasks.reporting.kpi_sources import CounterSource, KpiSource
from tasks.reporting.kpi_summary import KpiSummary
from tasks.reporting.network_report import NetworkReport
from tasks.reporting.wording import clean, clipped, count, duration, listed, moment

_FIRST = 8


def report_text(report: NetworkReport) -> str:
    """Return what a run found, in a few lines: the worst findings, likely causes, what waits."""
    lines = [f"{report.network}, {report.window_text}", *_came_in(report)]
    lines.append(" ".join(report.sentences))
    if report.findings:
        is_weighed = any(one.reading_rank for one in report.findings)
        head = "To be read first, one of each likely cause:" if is_weighed else "Worst first:"
        lines += ["", head]
        lines += _columns(
            (
                one.severity,
                one.probability_text,
                f"{one.cell}{f' and {others} more' if others else ''}",
                f"since {one.since_text}",
                _blamed(one),
            )
            for one, others in first_of_causes(report.findings)[:_FIRST]
        )
    lines += ["", *agent_lines(report), *energy_lines(report.energy)]
    if report.evaluation:
        lines += ["", "Against the known truth:"]
        shown = report.evaluation[:_FIRST]
        told = [tuple(shown[0]), *(tuple(row.values()) for row in shown)]
        lines += _columns(tuple(str(each) for each in row) for row in told)
    return "\n".join(lines)


def _came_in(report: NetworkReport) -> list[str]:
    """Return in a few lines what came in, and what was kept out; nothing where nothing came."""
    lines = [f"Came in: {report.came_in}."] if report.came_in else []
    refused = [one.table for one in report.arrivals.tables if one.refused]
    if refused:
        lines.append(f"Refused: {listed(refused, 6)}; the last good rows stand.")
    late = [f"{one.table} ({one.lag_text} old)" for one in report.arrivals.late]
    if late:
        lines.append(f"Late: {listed(late, 6)}.")
    return [*lines, ""] if lines else []


def _blamed(finding: FindingRow) -> str:
    return finding.blames[0].sentence if finding.blames else "no single KPI"


def cell_text(told: CellExplanation) -> str:
    """Return why a cell was or was not found abnormal, down to its counters."""
    lines = [heading(told), clean(told.cell_dn)]
    if told.place:
        lines.append(", ".join(f"{what} {value}" for what, value in told.place))
    if told.state.reason:
        lines.append(f"Not judged: {told.state.reason}.")
    for one in told.findings:
        lines += ["", *_finding(one)]
    if told.kpis:
        lines += ["", "KPIs over the window:"]
        lines += _columns([(kpi.kpi.title, kpi.value_text, kpi.kpi.formula) for kpi in told.kpis])
    lines += ["", "Data:", *(f"  {note}" for note in told.data_notes)]
    lines += ["", "Lineage:", *_columns(told.lineage)]
    return "\n".join(lines)


def kpi_text(told: KpiSummary) -> str:
    """Return a KPI's definition, its worst groups and its distribution."""
    kpi = told.kpi
    lines = [f"{kpi.title} ({kpi.name})", kpi.description, "", *_definition(kpi)]
    lines += [
        "",
        f"{moment(told.window.start)} to {moment(told.window.end)} UTC, from {_origin(told)}",
    ]
    if not told.groups:
        return "\n".join([*lines, "No value could be computed: no row has every counter it needs."])
    known = told.groups_count - told.without_data
    missing = f", {told.without_data:,} without data" if told.without_data else ""
    lines += ["", f"By {told.by}, {told.order} ({len(told.groups):,} of {known:,}{missing}):"]
    lines += _columns(
        [(one.name, one.text, f"from {count(one.periods, 'period')}") for one in told.groups]
    )
    lines += ["", f"Distribution over {told.by}s:", *_columns(told.distribution)]
    return "\n".join(lines)


def _finding(one: FindingExplanation) -> list[str]:
    finding = one.finding
    lines = [
        f"{finding.severity}  since {finding.since_text} UTC for {finding.length_text}, "
        f"score {finding.peak_score:.2f}"
    ]
    if finding.onset_text:
        before = duration(finding.since - finding.onset) if finding.onset else ""
        lines.append(f"  Its onset seems {finding.onset_text} UTC, {before} before it was found")
    if one.worth is not None:
        lines.append(f"  {one.worth.sentence}")
    if finding.explanation:
        lines.append(f"  {finding.explanation}")
    if one.told is not None:
        lines += ["", *(f"  {line}" for line in explanation_lines(one.told))]
    for kpi in one.kpis:
        lines += _kpi(kpi)
    lines += _near(one)
    if one.not_checked:
        lines += ["", "  Not checked, for lack of data:"]
        lines += [f"    {said}" for said in one.not_checked]
    lines += ["", *(f"  {what}: {value}" for what, value in one.lineage)]
    return lines


def _near(one: FindingExplanation) -> list[str]:
    """Return what stood near a finding: how much of each kind, then each with its lead time."""
    if one.near is None:
        return []
    lines = ["", "  Near it, whether or not it has to do with it:"]
    lines += [f"    {said}" for said in one.near.summaries]
    lines += [f"    - {fact.sentence}" for fact in one.near.facts]
    return lines


def _kpi(told: KpiExplanation) -> list[str]:
    lines = ["", f"  {told.kpi.title} ({told.kpi.name})"]
    if told.blame is not None:
        lines.append(
            f"    seen {told.blame.seen_text}, expected {told.blame.expected_text}, "
            f"{told.blame.share_text} of the score"
        )
    if not told.totals:
        lines.append("    no counter of these periods is published")
        return [*lines, *_indented(_definition(told.kpi))]
    left_out = f", {told.periods_left_out:,} left out" if told.periods_left_out else ""
    lines.append(
        f"    from counters summed over {count(told.periods_used, 'period')}{left_out}: "
        f"{told.value_text}"
    )
    lines += _indented(
        _columns(
            [
                (_counter_name(total.counter), total.text, total.counter.source)
                for total in told.totals
            ]
        )
    )
    lines.append(f"    {told.kpi.formula}, in {told.kpi.unit}; {told.kpi.source}")
    return lines


def _definition(kpi: KpiSource) -> list[str]:
    if not kpi.numerator:
        return ["The catalogue in force does not define this KPI."]
    lines = [f"{kpi.formula}, in {kpi.unit}", f"Source: {kpi.source}"]
    if kpi.better != "neither":
        lines.append(f"Better: {kpi.better}")
    lines += [
        f"Thresholds {profile}: "
        + ", ".join(
            f"{said} {value:g}"
            for said, value in (("warning", warning), ("critical", critical))
            if value is not None
        )
        for profile, warning, critical in kpi.thresholds
    ]
    rows = [
        (
            _counter_name(one),
            f"{one.unit if one.unit != '1' else 'count'}, {one.aggregation}, {one.object_class}",
            one.source,
        )
        for one in kpi.counters
    ]
    return [*lines, "Counters:", *_columns(rows)]


def _counter_name(counter: CounterSource) -> str:
    return counter.standard_name or counter.name


def _origin(told: KpiSummary) -> str:
    if told.computed_from == "pm_measurements":
        return "counters: sums added, then divided"
    return "KPIs delivered ready-made: medians of their periods"


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as aligned columns; the last one is as long as it is."""
    shown = [[clipped(value, 140) for value in row] for row in rows]
    if not shown:
        return []
    widths = [max(len(row[at]) for row in shown) for at in range(len(shown[0]))]
    return [
        "  "
        + "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
