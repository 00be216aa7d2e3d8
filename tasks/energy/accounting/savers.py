"""Which sites saved energy in which hours: by the cells' own counters, and by the ledger.

Counters tell of cells off the air or restrained. Sleep between symbols they do not tell; that it
was switched on stands in the ledger alone. Where both tell, the larger share counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.identity import managed_element_dn
from semantic_layer.periods import Window, floor_to
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life

USE_CASE = "save_energy"
SHARES: dict[str, pl.DataType] = {
    "managed_element_dn": pl.String(),
    "period_start": pl.Datetime(time_unit="us", time_zone="UTC"),
    "saving_share": pl.Float64(),
}
"""Columns of the share of its cells' time in which a site saved, by hour."""

_ENDINGS = ("recalled", "undone", "rolled_back")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which saving was switched on at cells of a site; `end` is None while it is."""

    managed_element_dn: str
    cells: int
    begin: datetime
    end: datetime | None


def stretches(entries: Sequence[LedgerEntry]) -> list[Stretch]:
    """Return when saving stood where, by what was written and taken back.

    Args:
        entries: of the ledger, oldest first.
    """
    told: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        told.setdefault(entry.subject_id, []).append(entry)
    lives = (
        proposal_life(own)
        for own in told.values()
        if own[0].kind == "proposed" and own[0].payload["proposal"].get("use_case") == USE_CASE
    )
    return [one for life in lives for one in _stretches(life)]


def _stretches(life: ProposalLife) -> Iterable[Stretch]:
    if life.applied_at is None:
        return
    ended = [one.at for one in life.entries if one.kind in _ENDINGS]
    cells: dict[str, int] = {}
    for cell in life.proposal.cell_dns:
        element = managed_element_dn(cell)
        if element is not None:
            cells[element] = cells.get(element, 0) + 1
    for element, count in cells.items():
        yield Stretch(element, count, life.applied_at, ended[-1] if ended else None)


def first_saving(found: Iterable[Stretch], counted: pl.DataFrame) -> datetime | None:
    """Return when anybody first saved, None where nobody ever did.

    Args:
        found: stretches of the ledger.
        counted: columns of `SHARES`.
    """
    moments = [one.begin for one in found]
    told = counted.filter(pl.col("saving_share") > 0)["period_start"].min()
    if isinstance(told, datetime):
        moments.append(told)
    return min(moments, default=None)


def saving_shares(
    found: Sequence[Stretch], counted: pl.DataFrame, cells: pl.DataFrame, window: Window
) -> pl.DataFrame:
    """Return the share of sites' cell time in which they saved, by hour; columns of `SHARES`.

    Args:
        found: stretches of the ledger.
        counted: columns of `SHARES`, by the cells' counters.
        cells: managed_element_dn, cells_count.
        window: hours outside it are left out.
    """
    of_site = dict(cells.select("managed_element_dn", "cells_count").iter_rows())
    rows = [
        (one.managed_element_dn, hour, share * one.cells / of_site[one.managed_element_dn])
        for one in found
        if one.managed_element_dn in of_site
        for hour, share in _hours(one, window)
    ]
    written = (
        pl.DataFrame(rows, schema=SHARES, orient="row")
        .group_by("managed_element_dn", "period_start")
        .agg(pl.col("saving_share").sum().clip(upper_bound=1.0))
    )
    return (
        pl.concat([written, counted.select(*SHARES).cast(SHARES)])  # type: ignore[arg-type]
        .filter(pl.col("period_start").is_between(window.start, window.end, closed="left"))
        .group_by("managed_element_dn", "period_start")
        .agg(pl.col("saving_share").max())
        .filter(pl.col("saving_share") > 0)
        .sort("managed_element_dn", "period_start")
    )


def _hours(one: Stretch, window: Window) -> Iterable[tuple[datetime, float]]:
    """Yield the hours of a window that a stretch touches, with the share of each."""
    begin = max(one.begin, window.start)
    end = min(one.end or window.end, window.end)
    hour = floor_to(begin, "hour")
    while hour < end:
        inside = min(end, hour + _HOUR) - max(begin, hour)
        yield hour, inside / _HOUR
        hour += _HOUR
