"""The state of every cell in the window: abnormal by severity, healthy, or not judged and why.

No data is no evidence: a cell that was never judged is not healthy. It says so, with its reason.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tasks.reporting.findings_table import FindingRow
from tasks.reporting.wording import cell_label, clean, clipped

HEALTHY = "HEALTHY"
NOT_JUDGED = "NOT_JUDGED"
NO_ROWS = "nothing was delivered in the window"
UNSTATED = "no reason was given"


@dataclass(frozen=True, slots=True)
class CellState:
    """One cell: a severity, `HEALTHY` or `NOT_JUDGED`, and the finding that says so."""

    cell_dn: str
    cell: str
    state: str
    finding: FindingRow | None = None
    reason: str = ""
    judged: int = 0
    periods: int = 0


@dataclass(frozen=True, slots=True)
class Abstention:
    """One reason for not judging, with the cells it held back for the whole window or in part."""

    reason: str
    cells_wholly: int
    cells_partly: int
    examples: tuple[str, ...]


def cell_states(
    findings: Sequence[FindingRow], judgements: pl.DataFrame, topology: pl.DataFrame
) -> list[CellState]:
    """Return one state a cell that findings, scores or topology know, sorted by DN.

    Args:
        findings: in any order; the worst of a cell decides its state.
        judgements: per cell: periods, judged, abstained_because.
        topology: the cells that should have reported.
    """
    worst: dict[str, FindingRow] = {}
    for finding in sorted(findings, key=lambda one: one.rank):
        worst.setdefault(finding.cell_dn, finding)
    judged = {row["cell_dn"]: row for row in judgements.iter_rows(named=True) if row["cell_dn"]}
    sites = site_names(topology)
    known = sorted(worst.keys() | judged.keys() | sites.keys())
    return [
        _state(cell_dn, sites.get(cell_dn), worst.get(cell_dn), judged.get(cell_dn))
        for cell_dn in known
    ]


def site_names(topology: pl.DataFrame) -> dict[str, str]:
    """Return the site's name (else its id) of each cell in topology."""
    return {
        cell_dn: clean(name) or clean(site_id)
        for cell_dn, name, site_id in topology.select("cell_dn", "site_name", "site_id").iter_rows()
        if cell_dn
    }


def abstentions(states: Sequence[CellState], judgements: pl.DataFrame) -> list[Abstention]:
    """Return why cells were not judged, the most frequent reason first."""
    whole, partly = Counter[str](), Counter[str]()
    examples: dict[str, list[str]] = {}
    reasons = dict(judgements.select("cell_dn", "abstained_because").iter_rows())
    for state in states:
        if state.state == NOT_JUDGED:
            whole[state.reason] += 1
            examples.setdefault(state.reason, []).append(state.cell)
            continue
        if state.judged < state.periods:
            for reason in _reasons(reasons.get(state.cell_dn)):
                partly[reason] += 1
                examples.setdefault(reason, []).append(state.cell)
    found = [
        Abstention(reason, whole[reason], partly[reason], tuple(examples[reason][:8]))
        for reason in whole.keys() | partly.keys()
    ]
    return sorted(found, key=lambda one: (-one.cells_wholly, -one.cells_partly, one.reason))


def _state(
    cell_dn: str, site: str | None, finding: FindingRow | None, judged: dict[str, object] | None
) -> CellState:
    cell = cell_label(cell_dn, site)
    periods = _whole(judged, "periods")
    scored = _whole(judged, "judged")
    if finding is not None:
        return CellState(cell_dn, cell, finding.severity, finding, "", scored, periods)
    if scored:
        return CellState(cell_dn, cell, HEALTHY, None, "", scored, periods)
    reason = _reasons(judged["abstained_because"])[0] if judged else NO_ROWS
    return CellState(cell_dn, cell, NOT_JUDGED, None, reason, 0, periods)


def _whole(judged: dict[str, object] | None, column: str) -> int:
    value = judged[column] if judged else None
    return value if isinstance(value, int) else 0


def _reasons(stated: object) -> list[str]:
    named = stated if isinstance(stated, list) else []
    return sorted({clipped(reason, 160) for reason in named if reason}) or [UNSTATED]
