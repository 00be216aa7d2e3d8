"""Proposals as they stand become rows: what the agent said, guards found and people answered."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from data_products.product import TIME

STANDING_SCHEMA: dict[str, pl.DataType] = {
    "proposal": pl.String(),
    "verdict": pl.String(),
    "change_digest": pl.String(),
    "stage": pl.String(),
    "approvals": pl.List(pl.String()),
    "expires_at": TIME,
    "applied_at": TIME,
    "effect": pl.String(),
    "last_number": pl.Int64(),
    "changed_at": TIME,
}
"""Columns of proposals as they stand: proposal and verdict as JSON texts, the rest folded."""

PROPOSAL_COLUMNS = (
    "proposal_id", "stage", "use_case", "proposed_at", "proposed_by", "decided_by", "agent_run_id",
    "hypothesis", "probability", "risk", "reason", "cell_dns", "object_dns", "trigger_ids",
    "change_digest", "operations", "evidence", "expected_kpi", "least_gain_share",
    "worst_loss_share", "breaches", "autonomy_level", "persons_needed", "approvals", "expires_at",
    "applied_at", "effect", "last_number", "changed_at",
)  # fmt: skip
"""Columns of the product, in order, before its lineage."""

_TEXTS = pl.List(pl.String())
_FROM_JSON: dict[str, pl.DataType] = {
    "proposal_id": pl.String(),
    "use_case": pl.String(),
    "proposed_at": pl.String(),
    "proposed_by": pl.String(),
    "decided_by": pl.String(),
    "agent_run_id": pl.String(),
    "hypothesis": pl.String(),
    "probability": pl.Float64(),
    "risk": pl.String(),
    "reason": pl.String(),
    "cell_dns": _TEXTS,
    "object_dns": _TEXTS,
    "trigger_ids": _TEXTS,
    "operations": _TEXTS,
    "evidence": _TEXTS,
    "expected_kpi": pl.String(),
    "least_gain_share": pl.Float64(),
    "worst_loss_share": pl.Float64(),
    "breaches": _TEXTS,
    "autonomy_level": pl.Int64(),
    "persons_needed": pl.Int64(),
}


def derive(standing: pl.DataFrame) -> pl.DataFrame:
    """Return one row a proposal, by time and id.

    Args:
        standing: columns of `STANDING_SCHEMA`; verdict is null before guards have judged.
    """
    texts = standing.select("proposal", "verdict").iter_rows()
    rows = [_row(json.loads(proposal), json.loads(verdict or "{}")) for proposal, verdict in texts]
    told = pl.DataFrame(rows, schema=_FROM_JSON, orient="row").with_columns(
        pl.col("proposed_at").str.to_datetime(time_unit="us", time_zone="UTC")
    )
    rest = standing.drop("proposal", "verdict").with_columns(pl.col("effect").replace("", None))
    return (
        pl.concat([told, rest], how="horizontal")
        .select(PROPOSAL_COLUMNS)
        .sort("proposed_at", "proposal_id")
    )


def _row(proposal: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, Any]:
    operations, expected = proposal["change_set"], proposal["expected"]
    same = (
        "proposal_id", "use_case", "proposed_at", "proposed_by", "decided_by", "hypothesis",
        "probability", "risk", "reason", "cell_dns", "trigger_ids",
    )  # fmt: skip
    return {name: proposal[name] for name in same} | {
        "agent_run_id": proposal["run_id"],
        "object_dns": list(dict.fromkeys(one["dn"] for one in operations)),
        "operations": [_compact(one) for one in operations],
        "evidence": [
            f"{one['kind']} {one['reference']}: {one['says']}" for one in proposal["evidence"]
        ],
        "expected_kpi": expected["kpi"],
        "least_gain_share": expected["least_gain"],
        "worst_loss_share": expected["worst_loss"],
        "breaches": [f"{one['rule']}: {one['says']}" for one in verdict.get("breaches", [])],
        "autonomy_level": verdict.get("autonomy_level"),
        "persons_needed": verdict.get("persons_needed"),
    }


def _compact(told: Mapping[str, Any]) -> str:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
