"""Proposed changes of the town of `world`, as published rows: tilts to be set back."""

import json
from datetime import timedelta

import polars as pl

from data_products.change_outcomes.derive import OUTCOME_SCHEMA
from data_products.change_proposals.derive import PROPOSAL_COLUMNS
from data_products.registry import table
from tests.tasks.reporting import world

NOW = world.WINDOW.end
CELL = world.cell_dn(1, 1)
BEAM = f"{CELL},CommonBeamformingFunction=1"
TILT_BACK = {
    "kind": "MODIFY", "dn": BEAM, "object_class": "CommonBeamformingFunction",
    "attribute": "digitalTilt", "before": 90, "after": 60,
}  # fmt: skip
_KNOWN = {column.name: column.dtype for column in table("change_proposals").columns}


def change(number: int, stage: str = "WAITING", **more) -> dict:
    """Return a proposal made when the window ended."""
    operations = [json.dumps(one) for one in more.pop("writes", [TILT_BACK])]
    row = {
        "proposal_id": f"p{number}", "stage": stage, "use_case": "heal_tilt_slip",
        "proposed_at": NOW, "changed_at": NOW, "proposed_by": "healing_agent",
        "decided_by": "solver", "agent_run_id": "r", "hypothesis": "tilt_slip",
        "probability": 0.91, "risk": "low", "reason": "The tilt slipped.", "cell_dns": [CELL],
        "object_dns": [BEAM], "trigger_ids": ["a1"], "change_digest": "d", "evidence": [],
        "expected_kpi": "cell_drop_rate", "least_gain_share": 0.02, "worst_loss_share": 0.05,
        "breaches": [], "autonomy_level": 2, "persons_needed": 1, "approvals": [],
        "expires_at": NOW + timedelta(hours=24 + number), "last_number": number,
    }  # fmt: skip
    return row | {"operations": operations} | more


def changes(*rows: dict) -> pl.DataFrame:
    """Return rows of `change_proposals`."""
    return pl.DataFrame(list(rows), schema={name: _KNOWN[name] for name in PROPOSAL_COLUMNS})


def outcome(number: int, **more) -> dict:
    """Return how a change ended: users are dropped less, against seven control cells."""
    row = {
        "proposal_id": f"p{number}", "outcome": "KEPT", "effect": "better",
        "kpi": "cell_drop_rate", "kpi_before": 3.0, "kpi_after": 0.3, "kpi_expected": 2.9,
        "gain_share": 0.896, "gain_low_share": 0.81, "gain_high_share": 0.95, "controls_count": 7,
        "reason": "It gained.", "ended_at": NOW,
    }  # fmt: skip
    return row | more


def outcomes(*rows: dict) -> pl.DataFrame:
    """Return rows of `change_outcomes`."""
    return pl.DataFrame(list(rows), schema=OUTCOME_SCHEMA)
