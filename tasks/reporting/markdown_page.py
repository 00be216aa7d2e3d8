"""The report as Markdown: for a run's page in the UI, and as a file with its pictures beside it.

Delivered text is escaped, so that it can be neither markup nor a link. Pictures are named by the
caller: a file beside the page on disk, the picture itself (a data URI) in the UI, where nothing
else can be reached.
"""

import base64
import re
from collections.abc import Mapping, Sequence

from tasks.reporting.cell_health import HEALTHY, NOT_JUDGED
from tasks.reporting.findings_table import FindingRow
from tasks.reporting.markdown_agents import agent_sections
from tasks.reporting.markdown_network import nearby_text, network_sections
from tasks.reporting.network_report import NetworkReport
from tasks.reporting.wording import clean, clipped, digits

_SPECIAL = re.compile(r"([\\`*_\[\]!|~$@])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", ":": "&#58;", ".": "&#46;"})
_HTML_ONLY = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FINDINGS, _CHECKS, _REASONS = 20, 10, 10


def escaped(text: object) -> str:
    r"""Return delivered text that Markdown shows as it is, within a line.

    >>> print(escaped("<b>[x](http://y)|`z`"))
    &lt;b&gt;\[x\](http&#58;//y)\|\`z\`
    """
    plain = clean(text)
    table = _HTML if re.search(r"://|www\.|@", plain) else _HTML_ONLY
    return _SPECIAL.sub(r"\\\1", plain.translate(table))


def data_uri(picture: bytes) -> str:
    """Return a PNG picture as a data URI."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def markdown_page(report: NetworkReport, pictures: Mapping[str, str], page: str = "") -> str:
    """Return the report.

    Args:
        report: what to say.
        pictures: where `map` and `timelines` are, a path or a data URI; absent ones are left out.
        page: where the full HTML report is, named at the top; empty leaves it out.
    """
    parts = [
        f"# {escaped(report.network)}",
        f"{report.window_text} ({report.window_length}), run `{_code(report.run_id)}`, "
        f"catalogue `{_code(report.catalogue_version)}`",
        " ".join(escaped(sentence) for sentence in report.sentences),
    ]
    if report.came_in:
        parts.append(f"Came in: {escaped(report.came_in)}.")
    if page:
        parts.append(f"Full report with map, timelines and sources: `{_code(page)}`")
    if "map" in pictures:
        parts += ["## Cells by health", _picture("Map of cells by health", pictures["map"])]
    parts += ["## Findings", _findings(report)]
    parts += agent_sections(report, escaped, _table)
    if "timelines" in pictures:
        parts += [
            "## The worst cells",
            _picture("KPIs of the worst cells with their expected band", pictures["timelines"]),
        ]
    parts += network_sections(report, escaped, _table)
    parts += [
        "## Where the numbers come from",
        _sources(report),
        "## Data quality",
        *_quality(report),
    ]
    parts += ["## Cells not judged", _not_judged(report)]
    if report.evaluation:
        parts += ["## How good the detection is", _evaluation(report)]
    return "\n\n".join(parts) + "\n"


def findings_rows(report: NetworkReport, limit: int = 100) -> list[dict[str, object]]:
    """Return the worst findings as rows of plain values, for a table in the UI."""
    return [
        {
            "severity": finding.severity,
            "probability": finding.probability_text,
            "cell": clipped(finding.cell_dn, 200),
            "since (UTC)": finding.since_text,
            "duration": finding.length_text,
            "score": round(finding.peak_score, 2),
            "KPIs to blame": "; ".join(blame.sentence for blame in finding.blames[:3]),
            "explanation": finding.explanation,
        }
        for finding in report.findings[:limit]
    ]


def _findings(report: NetworkReport) -> str:
    if not report.findings:
        return report.no_findings
    head = (
        "Severity",
        "Cell",
        "Since (UTC)",
        "Duration",
        "KPIs to blame, seen instead of expected",
        *(("Nearby, not a cause",) if report.nearby else ()),
    )
    table = _table(head, [_finding(finding, report) for finding in report.findings[:_FINDINGS]])
    more = len(report.findings) - _FINDINGS
    return f"{table}\n\n{more} more are in the full report." if more > 0 else table


def _finding(finding: FindingRow, report: NetworkReport) -> tuple[str, ...]:
    blames = "; ".join(blame.sentence for blame in finding.blames[:3])
    return (
        escaped(finding.severity.capitalize()),
        escaped(finding.cell),
        finding.since_text,
        finding.length_text,
        escaped(blames or finding.explanation),
        *((nearby_text(report, finding.number, escaped),) if report.nearby else ()),
    )


def _sources(report: NetworkReport) -> str:
    if not report.blamed_kpis:
        return "No finding names a KPI."
    rows = [
        (
            escaped(kpi.title),
            escaped(kpi.unit),
            escaped(kpi.formula) or "not defined",
            escaped(kpi.source),
        )
        for kpi in report.blamed_kpis
    ]
    return _table(("KPI", "Unit", "Counters", "Defined in"), rows)


def _quality(report: NetworkReport) -> list[str]:
    quality = report.quality
    if not quality.tables:
        return ["No data-quality verdict was published for this window."]
    parts = [
        _table(
            ("Table", "Checks passed", "Checks failed", "Rows quarantined"),
            [
                (escaped(one.table), f"{one.passed:,}", f"{one.failed:,}", f"{one.rejected:,}")
                for one in quality.tables
            ],
        )
    ]
    if quality.failed:
        rows = [
            (
                escaped(f"{one.table} {one.check_id}"),
                f"{one.failed_count:,} of {one.evaluated_count:,}",
                one.failed_share,
                one.limit_share,
            )
            for one in quality.failed[:_CHECKS]
        ]
        parts.append(_table(("Failed check", "Rows", "Share", "Limit"), rows))
    if quality.rejections:
        reasons = [
            (escaped(one.table), escaped(one.reason), f"{one.rows:,}")
            for one in quality.rejections[:_REASONS]
        ]
        parts.append(_table(("Quarantined from", "Reason", "Rows"), reasons))
    return parts


def _not_judged(report: NetworkReport) -> str:
    if not report.abstentions:
        return "Every cell was judged." if report.state_counts[HEALTHY] else "Nothing was scored."
    rows = [
        (escaped(one.reason), f"{one.cells_wholly:,}", f"{one.cells_partly:,}")
        for one in report.abstentions[:_REASONS]
    ]
    counted = report.state_counts[NOT_JUDGED]
    table = _table(("Reason", "Cells, whole window", "Cells, some periods"), rows)
    return f"{counted:,} cells were not judged at all.\n\n{table}" if counted else table


def _evaluation(report: NetworkReport) -> str:
    head = list(report.evaluation[0])
    rows = [tuple(_value(row.get(name)) for name in head) for row in report.evaluation]
    return _table([escaped(name).replace(r"\_", " ") for name in head], rows)


def _value(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return digits(value)
    return escaped("no data" if value is None else value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(words: str, where: str) -> str:
    return f"![{words}]({where})"


def _code(text: str) -> str:
    return clean(text).replace("`", "'")
