"""What stood near a change in time and place, brought together from published rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.periods import Window
from tasks.messages.proposal_life import ProposalLife

Row = tuple[datetime | None, datetime | None, Sequence[str] | None]


def newest_cells(topology: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return each cell's row as it stood at a moment.

    Args:
        topology: columns of `network_topology`, several rows a cell.
        moment: later rows are left out.
    """
    known = topology.filter(pl.col("valid_from") <= moment).sort("valid_from")
    return known.unique("cell_dn", keep="last", maintain_order=True)


def newest_profiles(profiles: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return each cell's newest profile that was known at a moment: cell_dn, cell_profile."""
    known = profiles.filter(pl.col("week_start") <= moment).sort("week_start")
    newest = known.unique("cell_dn", keep="last", maintain_order=True)
    return newest.select("cell_dn", "cell_profile")


def mean_loads(kpis: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return a load a cell, for finding cells alike and for nothing else: cell_dn, load.

    Args:
        kpis: rows of `cell_kpis` by hour.
        columns: of loads; a cell has one of them.
    """
    load = pl.coalesce(*columns).mean().alias("load")
    return kpis.group_by("cell_dn").agg(load).drop_nulls("load")


def fault_start(findings: pl.DataFrame, trigger_ids: Sequence[str]) -> datetime | None:
    """Return since when the findings that a change answers stood; None where none is published.

    Args:
        findings: anomaly_id, anomaly_start.
        trigger_ids: of the change.
    """
    named = findings.filter(pl.col("anomaly_id").is_in(list(trigger_ids)))["anomaly_start"].min()
    return named if isinstance(named, datetime) else None


def overlapping(rows: Iterable[Row], window: Window) -> set[str]:
    """Return the objects of what happened within a window.

    Args:
        rows: begin, end and objects; an open end still goes on, no begin is no evidence of any.
        window: the time looked at.
    """
    return {
        dn
        for begin, end, dns in rows
        if begin is not None and begin < window.end and (end is None or end > window.start)
        for dn in dns or ()
    }


def own_changes(lives: Iterable[ProposalLife], besides: str) -> list[Row]:
    """Return when other proposals were being written and settled, and the objects they touched.

    Args:
        lives: all proposals.
        besides: the id of the proposal that is judged.
    """
    return [
        (
            life.prepared.at,
            max(entry.at for entry in life.entries) + timedelta(hours=1),
            (*life.proposal.change_set.dns, *life.proposal.cell_dns),
        )
        for life in lives
        if life.prepared is not None and life.proposal.proposal_id != besides
    ]
