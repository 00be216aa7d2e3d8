"""What agents found out and propose, as lines of plain text: of a run, and of a finding."""

import textwrap

from tasks.reporting.explanation_section import ExplanationRow
from tasks.reporting.network_report import NetworkReport
from tasks.reporting.wording import count, listed

_FIRST = 2
_NAMED = 4
_WIDTH = 110
_EFFECT = (
    "  Its effect: `anops sample advance --hours 2` (sample network), `anops run --span hour`, "
    "`anops start verify-changes`."
)


def agent_lines(report: NetworkReport) -> list[str]:
    """Return at most six lines: what was explained and by whom, what waits, and what comes next."""
    lines = []
    told = report.explanations
    if told is not None:
        sure = f"{told.decided:,} with a cause that leads clearly"
        lines.append(f"{count(told.many, 'finding')} explained by {told.by_whom_text}, {sure}:")
        lines += [f"  {_first(one)}" for one in told.rows[:_FIRST]]
    return [*lines, *_waiting(report)]


def explanation_lines(row: ExplanationRow) -> list[str]:
    """Return an agent's explanation of a finding as lines, no longer than a terminal is wide."""
    led = "" if row.is_decided else ", not decided"
    head = f"Likely cause: {row.title}, {row.probability_text}{led}; next {row.next_text}"
    said = textwrap.wrap(row.text, _WIDTH)
    is_said = row.would_decide in row.text
    decides = [] if is_said else textwrap.wrap(f"What would decide: {row.would_decide}", _WIDTH)
    return [f"{head} ({row.said_by_text}, a hypothesis)", *said, *decides]


def _first(row: ExplanationRow) -> str:
    led = "" if row.is_decided else ", not decided"
    return f"{row.cell}: {row.title.lower()}, {row.probability_text}{led}"


def _waiting(report: NetworkReport) -> list[str]:
    """Return what waits for a person, and the way on from there; one line where nothing does."""
    proposed = report.proposals
    if not proposed.waiting:
        others = [f"{many:,} {name}" for name, many in proposed.counts if many]
        told = f"; {listed(others, _NAMED)}" if others else ""
        lines = [f"No change waits for approval{told}; `anops decisions list` tells all."]
        return [*lines, _EFFECT] if proposed.counted("under way") else lines
    many = proposed.counted("waiting")
    ids = listed([one.proposal_id for one in proposed.waiting], _NAMED)
    first = proposed.waiting[0]
    waits = f"{count(many, 'change')} {'waits' if many == 1 else 'wait'} for approval: {ids}"
    what = f"{'' if many == 1 else 'the first '}{first.use_case}, {first.cell}"
    return [
        f"{waits} ({what}); `anops approvals list` tells more.",
        f"  Yes: `anops approvals approve {first.proposal_id} --as PERSON`, "
        "then `anops start apply-approved-changes`.",
        _EFFECT,
    ]
