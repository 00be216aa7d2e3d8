"""What agents found out and propose, as Markdown for a run's page.

Every delivered word is escaped by the caller's function; a table is short, the page has the rest.
"""

from collections.abc import Callable, Sequence

from tasks.reporting.network_report import NetworkReport
from tasks.reporting.proposal_section import ProposalRow

_SHOWN = 10
_Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def agent_sections(
    report: NetworkReport, escaped: Callable[[object], str], table: _Table
) -> list[str]:
    """Return the sections, each heading and paragraph apart.

    Args:
        report: what to say.
        escaped: makes delivered text plain.
        table: draws rows of escaped text.
    """
    why = ["## Why", *_explanations(report, escaped, table)] if report.explanations else []
    saved = ["## Energy", *_energy(report, escaped, table)] if report.energy else []
    return [*why, "## Changes proposed", *_proposals(report, escaped, table), *saved]


def _explanations(
    report: NetworkReport, escaped: Callable[[object], str], table: _Table
) -> list[str]:
    told = report.explanations
    if told is None:
        return []
    rows = [
        (
            escaped(one.cell),
            escaped(one.title) if one.is_decided else f"{escaped(one.title)} (not decided)",
            one.probability_text,
            escaped(one.next_text),
            escaped(one.would_decide),
        )
        for one in told.rows[:_SHOWN]
    ]
    head = ("Cell", "Most likely", "Probability", "Next", "What would decide")
    return [escaped(told.sentence), table(head, rows)]


def _proposals(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    told = report.proposals
    parts = [escaped(f"{told.sentence} {told.autonomy_sentence}")]
    ends = (
        ("Waits for a person", "Must approve", told.waiting, _asked),
        ("Approved", "How far", told.done, _done),
        ("Refused by guardrails", "Because", told.refused, _refused),
    )
    for first, last, rows, ending in ends:
        if rows:
            cells = [
                (
                    f"`{escaped(one.proposal_id)}`",
                    escaped(one.cell),
                    "; ".join(escaped(write.text) for write in one.writes),
                    escaped(one.reason),
                    escaped(ending(one)),
                )
                for one in rows[:_SHOWN]
            ]
            parts.append(table((first, "Cell", "What is written", "Why", last), cells))
    return parts


def _energy(report: NetworkReport, escaped: Callable[[object], str], table: _Table) -> list[str]:
    told = report.energy
    if told is None:
        return []
    parts = [escaped(told.sentence)]
    if told.plans:
        head = ("Promise", "Floor", "Saves", "Of all", "From the best possible")
        rows = [
            (
                escaped(f"{one.promise} (chosen)" if one.is_chosen else one.promise),
                one.floor_text,
                one.saved_text,
                one.share_text,
                one.gap_text,
            )
            for one in told.plans
        ]
        parts.append(table(head, rows))
    if told.days:
        days = [(one.day_text, one.net_text, one.share_text, one.felt_text) for one in told.days]
        parts.append(table(("Day", "Saved", "Of all", "Under the floor"), days))
    return parts


def _asked(row: ProposalRow) -> str:
    return f"{row.needs_text}, until {row.expires_text}" if row.expires_text else row.needs_text


def _done(row: ProposalRow) -> str:
    return f"{row.stage_text}; {row.effect_text}" if row.effect_text else row.stage_text


def _refused(row: ProposalRow) -> str:
    return "; ".join(row.breaches)
