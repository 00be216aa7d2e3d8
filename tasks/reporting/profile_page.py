"""Profiles of cells and dependencies of KPIs as one HTML file that opens from disk.

The week of each profile is drawn by quantity; KPIs that follow each other stand on a circle, those
that move together side by side. Nothing is fetched, and every name is escaped.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from data_products.cell_profiles.derive import EVERYWHERE
from tasks.reporting.html_page import own_text, page_environment
from tasks.reporting.profile_charts import Circle, WeekChart, dependency_circle, week_chart

_ABSTAINED, _UNLIKE = "ABSTAINED", "UNLIKE_ANY"


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """One profile: its label, its cells and its week, a chart for each quantity."""

    label: str
    cells: int
    share: float
    fit: float | None
    charts: tuple[WeekChart, ...]


@dataclass(frozen=True, slots=True)
class GroupLine:
    """KPIs that move together: the KPI that leads, and the others with their correlation."""

    lead: str
    others: tuple[tuple[str, float], ...]


def profile_page(
    patterns: pl.DataFrame,
    groups: pl.DataFrame,
    dependencies: pl.DataFrame,
    profiles: pl.DataFrame,
    titles: Mapping[str, str] | None = None,
) -> str:
    """Return the page of one week; the same rows always give the same text.

    Args:
        patterns: rows of `cell_profiles.patterns`; of several weeks the newest counts, here and
            in the other tables.
        groups: rows of `cell_profiles.kpi_groups`.
        dependencies: rows of `cell_profiles.kpi_dependencies`.
        profiles: rows of `cell_profiles`.
        titles: of KPIs, by name; a KPI without one is shown by its name.
    """
    week = pl.concat([profiles["week_start"], patterns["week_start"]]).sort().last()
    shapes, moves, links, cells = (
        rows.filter(pl.col("week_start").eq_missing(week))
        for rows in (patterns, groups, dependencies, profiles)
    )
    named = _Names(titles or {})
    lines = _group_lines(moves, named)
    everywhere = links.filter(pl.col("cell_profile") == EVERYWHERE)
    own = links.filter(pl.col("cell_profile") != EVERYWHERE)
    order = [kpi for line in lines for kpi in (line.lead, *(name for name, _ in line.others))]
    return (
        page_environment()
        .get_template("profiles.html")
        .render(
            week=week,
            counts=dict(cells["membership"].value_counts().iter_rows()),
            cells=cells.height,
            cards=_cards(shapes, cells),
            circle=_circle(everywhere, order, named),
            links=_link_rows(everywhere, named),
            own_links=_link_rows(own, named),
            groups=[line for line in lines if line.others],
            alone=[line.lead for line in lines if not line.others],
            style=Markup(own_text("report.css") + own_text("profiles.css")),  # noqa: S704 - ours
            abstained=_ABSTAINED,
            unlike=_UNLIKE,
        )
    )


class _Names:
    """KPIs as people read them."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def of(self, kpi: str) -> str:
        return self._titles.get(kpi, kpi.replace("_", " "))


def _cards(shapes: pl.DataFrame, cells: pl.DataFrame) -> list[ProfileCard]:
    """Return the profiles, the largest first; all charts share one scale."""
    fits = dict(cells.group_by("cell_profile").agg(pl.col("fit").median()).iter_rows())
    cards = []
    for (label,), rows in shapes.group_by("cell_profile", maintain_order=True):
        many = int(rows["cells_count"][0])
        charts = tuple(
            week_chart(str(quantity), rows.filter(pl.col("quantity") == quantity))
            for quantity in rows["quantity"].unique(maintain_order=True)
        )
        share = many / cells.height if cells.height else 0.0
        cards.append(ProfileCard(str(label), many, share, fits.get(label), charts))
    return sorted(cards, key=lambda card: (-card.cells, card.label))


def _group_lines(groups: pl.DataFrame, named: _Names) -> list[GroupLine]:
    lines = []
    for (lead,), rows in groups.group_by("kpi_group", maintain_order=True):
        others = rows.filter(pl.col("kpi") != lead).sort(pl.col("correlation").abs())
        told = [(named.of(kpi), r) for kpi, r in others.select("kpi", "correlation").iter_rows()]
        lines.append(GroupLine(named.of(str(lead)), tuple(reversed(told))))
    return sorted(lines, key=lambda line: (-len(line.others), line.lead))


def _circle(links: pl.DataFrame, order: Sequence[str], named: _Names) -> Circle:
    rows = links.select("kpi", "follows_kpi", "lag_hours", "sign", "strength").iter_rows()
    told = [
        (named.of(kpi), named.of(before), lag, sign, strength)
        for kpi, before, lag, sign, strength in rows
    ]
    linked = {name for link in told for name in link[:2]}
    unordered = sorted(linked - set(order))
    return dependency_circle([name for name in order if name in linked] + unordered, told)


def _link_rows(links: pl.DataFrame, named: _Names) -> list[dict[str, Any]]:
    shown = links.sort(
        "cell_profile", "strength", "kpi", "follows_kpi", descending=[False, True, False, False]
    )
    return [
        row
        | {
            "kpi": named.of(row["kpi"]),
            "follows_kpi": named.of(row["follows_kpi"]),
            "strength": row["strength"] if math.isfinite(row["strength"]) else 0.0,
        }
        for row in shown.iter_rows(named=True)
    ]
