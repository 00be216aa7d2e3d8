"""Core, transport and users as a page tells them: KPIs outside limits, experience by service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from tasks.reporting.kpi_sources import KpiSources
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.wording import cell_label, clipped, count, moment, number, percent

_SHOWN, _WORST_CELLS = 20, 3
_LEAST_SESSIONS = 100.0
"""A cell with fewer sessions of a service is not named among its worst."""


@dataclass(frozen=True, slots=True)
class OutsideRow:
    """One object's KPI that left its thresholds."""

    managed_object_dn: str
    title: str
    kpi: str
    worst_text: str
    limits_text: str
    periods_text: str
    is_critical: bool
    last_text: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service, over all cells."""

    title: str
    sessions: int
    satisfied_text: str
    dropped_text: str
    withheld_text: str
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceSection:
    """KPIs of core and transport outside their thresholds, and users' experience."""

    has_kpis: bool
    has_experience: bool
    watched_objects: int
    outside: tuple[OutsideRow, ...]
    outside_count: int
    outside_objects: int
    critical_count: int
    period_word: str
    services: tuple[ServiceRow, ...]

    @property
    def kpis_sentence(self) -> str:
        """What is so of core and transport."""
        if not self.has_kpis:
            return "No KPI of core or transport was ever published."
        if not self.watched_objects:
            return "No KPI of core or transport was published for this window."
        objects = count(self.watched_objects, "object")
        if not self.outside_count:
            return f"Every KPI of {objects} of core and transport kept its thresholds."
        return (
            f"{self.outside_objects:,} of {objects} left a threshold in some {self.period_word}: "
            f"{count(self.outside_count, 'KPI')}, {self.critical_count:,} past the critical one."
        )

    @property
    def experience_sentence(self) -> str:
        """What is so of users."""
        if not self.has_experience:
            return "No experience of users was ever published."
        if not self.services:
            return "No session of users was sampled in this window."
        return (
            "Estimated from sampled sessions. Groups of too few subscribers are withheld: nothing "
            "is said of them, and they enter no share."
        )


def service_section(
    facts: NetworkFacts, sources: KpiSources, sites: Mapping[str, str]
) -> ServiceSection:
    """Return what core, transport and users had in the window.

    Args:
        facts: what was perceived.
        sources: definitions of KPIs.
        sites: site name of a cell, where topology knows it.
    """
    outside = facts.outside
    critical = outside.filter(pl.col("periods_critical") > 0).height
    return ServiceSection(
        has_kpis="core_kpis" in facts.known_tables or facts.watched_objects > 0,
        has_experience="customer_experience" in facts.known_tables
        or not facts.experience.is_empty(),
        watched_objects=facts.watched_objects,
        outside=tuple(
            _outside(row, sources) for row in outside.head(_SHOWN).iter_rows(named=True)
        ),
        outside_count=outside.height,
        outside_objects=outside["managed_object_dn"].n_unique(),
        critical_count=critical,
        period_word={"hour": "hour", "15min": "15 minutes"}.get(facts.kpi_granularity, "period"),
        services=tuple(_services(facts.experience, sites)),
    )  # fmt: skip


def _outside(row: Mapping[str, Any], sources: KpiSources) -> OutsideRow:
    kpi = sources.find(row["kpi"])
    limits = next((each[1:] for each in kpi.thresholds if each[0] == "default"), (None, None))
    word = "above" if kpi.better == "lower" else "below"
    told = [
        f"{name} {word} {number(limit, kpi.unit)}"
        for name, limit in zip(("warning", "critical"), limits, strict=True)
        if limit is not None
    ]
    return OutsideRow(
        managed_object_dn=clipped(row["managed_object_dn"], 160),
        title=clipped(kpi.title, 80),
        kpi=kpi.name,
        worst_text=number(row["worst"], kpi.unit),
        limits_text=", ".join(told),
        periods_text=f"{row['periods_outside']:,} of {row['periods']:,}",
        is_critical=row["periods_critical"] > 0,
        last_text=moment(row["last_outside"]),
    )


def _services(experience: pl.DataFrame, sites: Mapping[str, str]) -> list[ServiceRow]:
    weight = pl.col("told_sessions_count")

    def mean(column: str) -> pl.Expr:
        told = pl.col(column).is_not_null() & pl.col(column).is_not_nan()
        return (pl.col(column) * weight).filter(told).sum() / weight.filter(told).sum()

    summed = (
        experience.group_by("service")
        .agg(
            pl.col("sessions_count").sum(),
            mean("satisfied_share").alias("satisfied"),
            mean("drop_share").alias("dropped"),
            pl.col("groups").sum(),
            pl.col("withheld_groups").sum(),
        )
        .sort("sessions_count", "service", descending=[True, False])
    )
    return [
        ServiceRow(
            title=clipped(row["service"], 60).replace("_", " ").capitalize(),
            sessions=round(row["sessions_count"]),
            satisfied_text=percent(row["satisfied"]),
            dropped_text=percent(row["dropped"]),
            withheld_text=f"{row['withheld_groups']:,} of {row['groups']:,}",
            worst=tuple(_worst(experience, row["service"], sites)),
        )
        for row in summed.iter_rows(named=True)
    ]


def _worst(experience: pl.DataFrame, service: str, sites: Mapping[str, str]) -> list[str]:
    told = experience.filter(
        pl.col("service") == service,
        pl.col("satisfied_share").is_not_null() & pl.col("satisfied_share").is_not_nan(),
        pl.col("told_sessions_count") >= _LEAST_SESSIONS,
    )
    worst = told.sort("satisfied_share", "cell_dn").head(_WORST_CELLS)
    return [
        f"{cell_label(cell, sites.get(cell))} {percent(share)}"
        for cell, share in worst.select("cell_dn", "satisfied_share").iter_rows()
    ]
