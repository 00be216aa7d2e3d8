"""What else was perceived, as Markdown for a run's page: arrivals, alarms, changes, core, users.

Every delivered word is escaped by the caller's function; empty products are a sentence.
"""

from collections.abc import Callable, Sequence

from tasks.reporting.network_report import NetworkReport

_SHOWN = 8
_Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def network_sections(
    report: NetworkReport, escaped: Callable[[object], str], table: _Table
) -> list[str]:
    """Return the sections, each heading and paragraph apart.

    Args:
        report: what to say.
        escaped: makes delivered text plain.
        table: draws rows of escaped text.
    """
    return [
        "## Alarms of the network",
        *_alarms(report, escaped, table),
        "## Changes, drift and tickets",
        *_changes(report, escaped, table),
        "## Core, transport and users",
        *_services(report, escaped, table),
        "## What came in",
        *_arrivals(report, escaped, table),
    ]


def nearby_text(report: NetworkReport, number: int, escaped: Callable[[object], str]) -> str:
    """Return what stood near a finding, in a cell of a table; empty where nothing did."""
    near = report.nearby.get(number)
    if near is None:
        return ""
    told = "; ".join(escaped(fact.sentence) for fact in near.facts[:3])
    more = sum(near.counts.values()) - min(3, len(near.facts))
    return f"{told}; and {more} more" if more else told


def _alarms(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    parts = [escaped(report.alarms.sentence)]
    if report.alarms.by_layer:
        head = ("Active, by layer", *(one.capitalize() for one in report.alarms.severities), "All")
        rows = [
            (escaped(layer), *(f"{many:,}" for many in counts))
            for layer, counts in report.alarms.by_layer
        ]
        parts.append(table([escaped(one) for one in head], rows))
    for words, alarms in (
        ("Standing longest", report.alarms.longest),
        ("Flapping", report.alarms.flapping),
    ):
        if alarms:
            rows = [
                (
                    escaped(one.severity.capitalize()),
                    f"{escaped(one.name)} “{escaped(one.quoted)}”".strip(),
                    escaped(one.managed_object_dn),
                    one.since_text,
                    one.length_text,
                )
                for one in alarms[:_SHOWN]
            ]
            parts.append(table((words, "Alarm", "On", "Since (UTC)", "For"), rows))
    return parts


def _changes(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    told = report.changes
    sentences = (told.changes_sentence, told.drift_sentence, told.tickets_sentence)
    parts = [" ".join(escaped(sentence) for sentence in sentences)]
    rows: list[tuple[str, ...]]
    if told.changes:
        rows = [
            (
                escaped(one.change_id),
                f"“{escaped(one.quoted)}”",
                escaped(one.state),
                one.executed_text,
                escaped(one.objects_text),
            )
            for one in told.changes[:_SHOWN]
        ]
        parts.append(table(("Change", "Title, as written", "State", "Executed (UTC)", "On"), rows))
    if told.drift:
        rows = [
            (
                escaped(one.kind),
                escaped(one.managed_object_dn),
                escaped(one.attribute),
                escaped(one.planned),
                escaped(one.actual) or "gone",
                one.detected_text,
            )
            for one in told.drift[:_SHOWN]
        ]
        head = ("Drift", "Object", "Attribute", "Planned", "Is", "Seen since (UTC)")
        parts.append(table(head, rows))
    if told.tickets:
        rows = [
            (
                escaped(one.ticket_id),
                f"“{escaped(one.quoted)}”",
                escaped(one.state),
                one.opened_text,
                escaped(one.objects_text),
            )
            for one in told.tickets[:_SHOWN]
        ]
        parts.append(table(("Ticket", "Title, as written", "State", "Opened (UTC)", "On"), rows))
    return parts


def _services(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    told = report.services
    parts = [escaped(told.kpis_sentence)]
    if told.outside:
        rows = [
            (
                escaped(one.managed_object_dn),
                escaped(one.title),
                escaped(one.worst_text),
                escaped(one.limits_text),
                one.periods_text,
            )
            for one in told.outside[:_SHOWN]
        ]
        head = ("Object", "KPI", "Worst", "Thresholds", f"{told.period_word.capitalize()}s outside")
        parts.append(table(head, rows))
    parts.append(escaped(told.experience_sentence))
    if told.services:
        rows = [
            (
                escaped(one.title),
                f"{one.sessions:,}",
                one.satisfied_text,
                one.withheld_text,
                escaped("; ".join(one.worst)),
            )
            for one in told.services
        ]
        head = ("Service", "Sessions", "Satisfied", "Groups withheld", "Worst cells")
        parts.append(table(head, rows))
    return parts


def _arrivals(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    parts = []
    if report.arrivals.tables:
        rows = [
            (
                escaped(one.table),
                f"{one.rows:,}",
                f"{one.newest_text}{' (late)' if one.is_late else ''}",
                f"{one.quarantined:,}",
                "refused" if one.refused else "published",
            )
            for one in report.arrivals.tables
        ]
        parts.append(table(("Table", "Rows", "Newest (UTC)", "Quarantined", "Verdict"), rows))
    else:
        parts.append("Nothing came in for this window.")
    if report.arrivals.silent_text:
        parts.append(escaped(report.arrivals.silent_text))
    return parts
