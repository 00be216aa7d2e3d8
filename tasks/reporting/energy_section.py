"""Energy saving as a page tells it: the newest plan beside others, what days saved, who was woken.

A goal is what a person typed; it stands as quoted text and is never obeyed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.reading import PublishedTables
from tasks.reporting.wording import NO_DATA, clipped, count, moment, number, percent

PLANS, DAYS = "sleep_plans.compared", "energy_savings.days"
_LOOKED_BACK = timedelta(days=7)
_WHOLE_NETWORK = "all"
_PROVED = 1e-4
HOW_TO_LOOK = "`anops energy status` lists what saves now, `anops energy savings` every day."


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan of those compared: what it promises users, and what it saves."""

    promise: str
    is_chosen: bool
    floor_text: str
    saved_text: str
    share_text: str
    most_asleep: int
    gap_text: str


@dataclass(frozen=True, slots=True)
class SavedRow:
    """One day that was accounted for; what was saved is net, with its bounds."""

    day_text: str
    sites: int
    net_text: str
    share_text: str
    co2_text: str
    felt_text: str


@dataclass(frozen=True, slots=True)
class EnergySection:
    """What saves energy.

    Attributes:
        plans: of the newest plan, all promises that were compared.
        made_text: when it was made, UTC; empty without a plan.
        goal: what a person wanted, quoted.
        days: accounted days of the last week, newest first.
    """

    plans: tuple[PlanRow, ...] = ()
    made_text: str = ""
    goal: str = ""
    days: tuple[SavedRow, ...] = ()

    @property
    def sentence(self) -> str:
        """What the newest plan would save, and what was saved on the newest accounted day."""
        told = []
        chosen = next((one for one in self.plans if one.is_chosen), None)
        if chosen is not None:
            told.append(
                f"Planned at {self.made_text} for a day ahead: {chosen.saved_text} "
                f"({chosen.share_text}) by the promise {chosen.promise}, of "
                f"{count(len(self.plans), 'plan')} compared."
            )
        if self.days:
            newest = self.days[0]
            told.append(
                f"Saved on {newest.day_text}: {newest.net_text}, {newest.share_text} of what all "
                f"sites would have taken, at {count(newest.sites, 'site')}."
            )
        return " ".join([*told, HOW_TO_LOOK])


def energy_section(plans: pl.DataFrame, days: pl.DataFrame) -> EnergySection | None:
    """Return the section; None where nothing was planned or saved.

    Args:
        plans: rows of `sleep_plans.compared`; those made last are told.
        days: rows of `energy_savings.days`; those of all sites together are told.
    """
    newest = plans.filter(pl.col("made_at") == pl.col("made_at").max()).sort("floor_mbps")
    accounted = days.filter(pl.col("scope") == _WHOLE_NETWORK).sort("day_start", descending=True)
    if newest.is_empty() and accounted.is_empty():
        return None
    rows = list(newest.iter_rows(named=True))
    return EnergySection(
        plans=tuple(map(_plan, rows)),
        made_text=moment(rows[0]["made_at"]) if rows else "",
        goal=clipped(rows[0]["goal"], 300) if rows else "",
        days=tuple(map(_day, accounted.iter_rows(named=True))),
    )


def energy_of(published: PublishedTables, window: Window) -> EnergySection | None:
    """Return what is to be told of energy with a window; None where nothing was planned or saved.

    Args:
        published: tables.
        window: of the report; plans and days of the week up to its end are told.
    """
    lately = Window(window.end - _LOOKED_BACK, window.end + timedelta(minutes=1))
    plans, days = published.read(PLANS, lately), published.read(DAYS, lately)
    return energy_section(
        pl.DataFrame(schema=_PLANNED) if plans is None else plans.select(*_PLANNED).collect(),
        pl.DataFrame(schema=_SAVED) if days is None else days.select(*_SAVED).collect(),
    )


_TIME = pl.Datetime("us", "UTC")
_PLANNED: dict[str, Any] = {
    "made_at": _TIME,
    "promise": pl.String,
    "is_chosen": pl.Boolean,
    "floor_mbps": pl.Float64,
    "surge_factor": pl.Float64,
    "saved_kwh": pl.Float64,
    "saved_share": pl.Float64,
    "most_asleep": pl.Int64,
    "gap_share": pl.Float64,
    "goal": pl.String,
}
_SAVED: dict[str, Any] = {
    "day_start": _TIME,
    "scope": pl.String,
    "sites_count": pl.Int64,
    "net_saved_kwh": pl.Float64,
    "net_low_kwh": pl.Float64,
    "net_high_kwh": pl.Float64,
    "day_kwh": pl.Float64,
    "avoided_co2_kg": pl.Float64,
    "user_minutes": pl.Float64,
    "under_floor_user_minutes": pl.Float64,
    "under_floor_rise_share": pl.Float64,
}


def _plan(row: Mapping[str, Any]) -> PlanRow:
    return PlanRow(
        promise=clipped(row["promise"], 40).replace("_", " "),
        is_chosen=bool(row["is_chosen"]),
        floor_text=(
            f"{number(row['floor_mbps'], 'Mbit/s')}, a rise of {number(row['surge_factor'])} x"
        ),
        saved_text=number(row["saved_kwh"], "kWh"),
        share_text=percent(row["saved_share"]),
        most_asleep=int(row["most_asleep"]),
        gap_text=_gap(float(row["gap_share"])),
    )


def _gap(share: float) -> str:
    return "none: proved best" if share < _PROVED else f"at most {number(100 * share, '%')}"


def _felt(row: Mapping[str, Any]) -> str:
    """Return the share of user-minutes under the floor, and its rise beyond that at controls."""
    minutes, under = row["user_minutes"], row["under_floor_user_minutes"]
    if not minutes or under is None:
        return NO_DATA
    rise = row["under_floor_rise_share"]
    beyond = "" if rise is None else f", {100 * rise:+.3f} points beyond controls"
    return f"{number(100 * under / minutes, '%')}{beyond}"


def _day(row: Mapping[str, Any]) -> SavedRow:
    net, low, high = row["net_saved_kwh"], row["net_low_kwh"], row["net_high_kwh"]
    bounds = "" if low is None or high is None else f" ({number(low)} to {number(high)})"
    whole = None if net is None or row["day_kwh"] is None else net + row["day_kwh"]
    return SavedRow(
        day_text=f"{row['day_start']:%Y-%m-%d}",
        sites=int(row["sites_count"]),
        net_text=f"{number(net, 'kWh')}{bounds} net",
        share_text=percent(net / whole if whole else None),
        co2_text=number(row["avoided_co2_kg"], "kg"),
        felt_text=_felt(row),
    )


def energy_lines(section: EnergySection | None) -> list[str]:
    """Return what a terminal shows of energy: a line, or none."""
    return [] if section is None else [f"Energy: {section.sentence}"]
