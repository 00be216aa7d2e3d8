"""What is known of cells and changes: places, communities, loads, open change requests."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.circumstances import CellFacts, OpenChange
from tasks.guardrails.communities import communities
from tasks.twin.what_if import CellLoad
from tasks.twin.what_if_facts import cell_loads, load_columns

__all__ = [
    "CHANGES",
    "TOPOLOGY",
    "cell_facts",
    "cell_loads",
    "load_columns",
    "open_changes",
    "silent_since",
]

CHANGES = (
    "change_id", "state", "planned_start", "planned_end", "actual_start", "actual_end",
    "managed_object_dns",
)  # fmt: skip
"""What is read of `change_history`."""

TOPOLOGY = ("cell_dn", "site_id", "azimuth_deg", "neighbor_dns", "valid_from")
"""What is read of `network_topology` for places; the twin reads more."""


def cell_facts(topology: pl.DataFrame, rules: GuardrailRules) -> dict[str, CellFacts]:
    """Return what the inventory says of each cell; one without a site stands alone."""
    newest = topology.sort("valid_from").unique("cell_dn", keep="last", maintain_order=True)
    rows = newest.sort("cell_dn").select(TOPOLOGY[:-1]).rows()
    site_of = {dn: site or dn for dn, site, _, _ in rows}
    neighbors = {dn: list(others or ()) for dn, _, _, others in rows}
    groups = communities(site_of, neighbors, rules.community_sites)
    return {
        dn: CellFacts(
            cell_dn=dn,
            site_id=site_of[dn],
            sector=f"{site_of[dn]}/{dn if azimuth is None else format(azimuth, '.0f')}",
            community=groups[dn],
            neighbor_dns=frozenset(neighbors[dn]),
        )
        for dn, _, azimuth, _ in rows
    }


def open_changes(changes: pl.DataFrame, rules: GuardrailRules) -> tuple[OpenChange, ...]:
    """Return the change requests that are not over; a state that nobody knows is open."""
    is_over = (
        pl.col("state").str.to_lowercase().is_in(rules.ended_change_states).fill_null(value=False)
        | pl.col("actual_end").is_not_null()
    )
    rows = changes.filter(~is_over).sort("change_id").select(CHANGES).rows(named=True)
    return tuple(
        OpenChange(
            change_id=row["change_id"],
            dns=tuple(row["managed_object_dns"] or ()),
            begins=row["actual_start"] or row["planned_start"],
            ends=row["planned_end"],
        )
        for row in rows
    )


def silent_since(loads: Mapping[str, CellLoad], at: datetime, rules: GuardrailRules) -> str:
    """Return why loads cannot be told, a sentence; empty where some can."""
    if loads:
        return ""
    return f"No cell told its load in the {rules.stale_load_hours:g} h before {at:%Y-%m-%d %H:%M}Z."
