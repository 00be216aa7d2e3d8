"""What the twin says of a chosen repair, as a piece of evidence; it decides nothing, guards do."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.agents.session import AgentSession
from tasks.agents.tools import ToolFailedError
from tasks.guardrails.floors import changes_radio
from tasks.messages.change_sets import ChangeSet
from tasks.messages.proposals import EvidenceReference

Row = Mapping[str, Any]


def simulated(session: AgentSession, change_set: ChangeSet) -> list[EvidenceReference]:
    """Return what a change would do to users, load and coverage, or why the twin cannot tell.

    Nothing is asked, and nothing returned, of a change that only creates objects.
    """
    if not changes_radio(change_set):
        return []
    try:
        told = session.call("simulate_change", operations=change_set.to_json())
        says = _sentences(told.rows)
    except ToolFailedError as error:
        says = f"The twin could not tell: {error}"
    return [EvidenceReference("twin", f"twin#{change_set.digest[:16]}", says)]


def _sentences(rows: Sequence[Row]) -> str:
    if not rows or any(value is None for row in rows for value in row.values()):
        return "The twin could not tell: a number lacks in what it answered."
    return f"{_users(rows[0])} {_load(rows)} {_coverage(rows)}"


def _users(row: Row) -> str:
    if not row["users_interrupted"]:
        return "No user is interrupted."
    return (
        f"While it acts, {row['users_interrupted']:.1f} users are interrupted, of whom "
        f"{row['users_uncovered']:.1f} find no other cell."
    )


def _load(rows: Sequence[Row]) -> str:
    neighbors = [row for row in rows if not row["is_changed"]]
    if not neighbors:
        return "No neighbor's load moves."
    worst = max(neighbors, key=lambda row: (row["load_after_pct"], row["cell_dn"]))
    return (
        f"The fullest neighbor, {worst['cell_dn']}, comes to {worst['load_after_pct']:.0f} % of "
        f"its resource blocks from {worst['load_before_pct']:.0f} %."
    )


def _coverage(rows: Sequence[Row]) -> str:
    worst = max(rows, key=lambda row: (_lost(row), row["cell_dn"]))
    if _lost(worst) <= 0.0:
        return "No ground loses coverage."
    return f"{100 * _lost(worst):.1f} % of the ground of {worst['cell_dn']} loses coverage."


def _lost(row: Row) -> float:
    return float(row["uncovered_share_after"]) - float(row["uncovered_share_before"])
