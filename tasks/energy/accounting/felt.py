"""What users felt while sites saved: minutes under the floor, drops and availability.

Against control sites: what their users felt more or less than in the same hours before is what
the day brought to everyone; only the rest is laid at saving's door.
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

QUARTER_MINUTES = 15.0
CELL_QUARTERS: dict[str, pl.DataType] = {
    "managed_element_dn": pl.String(),
    "period_start": pl.Datetime(time_unit="us", time_zone="UTC"),
    "users_count": pl.Float64(),
    "throughput_mbps": pl.Float64(),
    "drop_rate_pct": pl.Float64(),
    "availability_pct": pl.Float64(),
}
"""Columns of cells' quarters of an hour; nulls were not told and count nowhere."""


@dataclass(frozen=True)
class Felt:
    """What users felt at some sites in some hours.

    Attributes:
        user_minutes: of active users.
        under_floor_minutes: of those, in cells whose mean user got less than the floor.
        drop_rate_pct: by users; None where nothing told.
        availability_pct: mean over cells, time asleep aside; None where nothing told.
    """

    user_minutes: float
    under_floor_minutes: float
    drop_rate_pct: float | None
    availability_pct: float | None

    @property
    def under_floor_share(self) -> float | None:
        """Share of user-minutes under the floor; None without users."""
        return self.under_floor_minutes / self.user_minutes if self.user_minutes else None


def felt(
    quarters: pl.DataFrame, at: pl.DataFrame, sites: Collection[str], floor_mbps: float
) -> Felt:
    """Return what users of some sites felt.

    Args:
        quarters: columns of `CELL_QUARTERS`.
        at: period_start of the hours that count.
        sites: managed elements.
        floor_mbps: rate that a user is to keep, downlink.
    """
    hour = pl.col("period_start").dt.truncate("1h").alias("hour")
    hours = at.select(pl.col("period_start").alias("hour")).unique()
    known = quarters.filter(pl.col("managed_element_dn").is_in(sorted(sites)))
    known = known.with_columns(hour).join(hours, on="hour", how="semi")
    users = pl.col("users_count").fill_null(0.0)
    told = users * pl.col("throughput_mbps").is_not_null()
    under = told * (pl.col("throughput_mbps") < floor_mbps).fill_null(value=False)
    dropping = users * pl.col("drop_rate_pct").is_not_null()
    sums = known.select(
        (told.sum() * QUARTER_MINUTES).alias("minutes"),
        (under.sum() * QUARTER_MINUTES).alias("under"),
        (users * pl.col("drop_rate_pct").fill_null(0.0)).sum().alias("drops"),
        dropping.sum().alias("dropping"),
        pl.col("availability_pct").mean().alias("available"),
    ).row(0, named=True)
    drops = sums["drops"] / sums["dropping"] if sums["dropping"] else None
    return Felt(sums["minutes"], sums["under"], drops, sums["available"])


def beyond_controls(
    now: float | None, before: float | None, control_now: float | None, control_before: float | None
) -> float | None:
    """Return how much more a figure rose than that of control sites; None where one is unknown."""
    if now is None or before is None or control_now is None or control_before is None:
        return None
    return (now - before) - (control_now - control_before)
