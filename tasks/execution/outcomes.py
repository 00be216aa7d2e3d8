"""What became of changes, read off their ledger entries."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.change_outcomes.derive import OUTCOME_SCHEMA
from semantic_layer.periods import Window
from tasks.messages.proposal_life import ProposalLife, Stage

_ENDINGS: Mapping[Stage, str] = {
    "KEPT": "verified",
    "UNDONE": "undone",
    "ROLLED_BACK": "rolled_back",
    "RECALLED": "recalled",
}
_NUMBERS = {
    "kpi_before": "before",
    "kpi_after": "after",
    "kpi_expected": "expected_after",
    "gain_share": "gain",
    "gain_low_share": "low",
    "gain_high_share": "high",
}


def ended_rows(lives: Iterable[ProposalLife]) -> pl.DataFrame:
    """Return a row for each change that was begun and has ended, as `derive` takes them."""
    rows = [_row(life) for life in lives if life.stage in _ENDINGS and life.prepared is not None]
    return pl.DataFrame(rows, schema=OUTCOME_SCHEMA)


def due_window(ended: pl.DataFrame, standing: pl.DataFrame) -> Window | None:
    """Return the days of rows that do not stand yet as they are; None where all do.

    A change that was kept and is taken back later ends on another day: the day on which it stands
    as kept is told anew too.

    Args:
        ended: rows of the product.
        standing: those published.
    """
    key = ["proposal_id", "outcome", "ended_at"]
    new = ended.join(standing.select(key), on=key, how="anti")
    if new.is_empty():
        return None
    before = standing.select(key).join(new.select("proposal_id"), on="proposal_id", how="semi")
    days = pl.concat([new.select("ended_at"), before.select("ended_at")])["ended_at"]
    first, last = days.min(), days.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    return Window(first, last + timedelta(microseconds=1)).widened_to("day")


def _row(life: ProposalLife) -> dict[str, Any]:
    proposal = life.proposal
    ending = next(one for one in reversed(life.entries) if one.kind == _ENDINGS[life.stage])
    told = next((one.payload for one in life.entries if one.kind == "verified"), {})
    effect = told.get("effect") or {}
    until = told.get("measured_until")
    cells = proposal.expected.cell_dns or proposal.cell_dns
    return {
        "proposal_id": proposal.proposal_id,
        "use_case": proposal.use_case,
        "proposed_by": proposal.proposed_by,
        "decided_by": proposal.decided_by,
        "hypothesis": proposal.hypothesis,
        "probability": proposal.probability,
        "cell_dn": cells[0],
        "cell_dns": list(cells),
        "trigger_ids": list(proposal.trigger_ids),
        "change_digest": proposal.change_set.digest,
        "operations_count": len(proposal.change_set.operations),
        "outcome": life.stage,
        "effect": life.effect or None,
        "proposed_at": proposal.proposed_at,
        "prepared_at": life.prepared.at if life.prepared is not None else None,
        "applied_at": life.applied_at,
        "measured_until": datetime.fromisoformat(until) if until else None,
        "ended_at": ending.at,
        "kpi": proposal.expected.kpi,
        "controls_count": len(effect["controls"]) if "controls" in effect else None,
        "reason": str(ending.payload.get("reason") or told.get("reason") or "") or None,
        **{column: effect.get(name) for column, name in _NUMBERS.items()},
    }
