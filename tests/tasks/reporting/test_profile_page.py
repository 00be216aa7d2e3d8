"""The page of profiles: every profile and link is drawn, and no name can do harm."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_products.registry import table
from tasks.reporting.profile_charts import dependency_circle, week_chart
from tasks.reporting.profile_page import profile_page

WEEK = datetime(2026, 3, 2, tzinfo=UTC)


def rows(name: str, *values: dict) -> pl.DataFrame:
    shape = {
        column: dtype
        for column, dtype in table(name).schema.items()
        if column not in {"run_id", "input_snapshots", "contract_version", "catalogue_version"}
    }
    week = {"week_start": WEEK, "week_end": WEEK + timedelta(days=7)}
    return pl.DataFrame([week | value for value in values], schema=shape)


def pattern(label: str, cells: int, **more) -> list[dict]:
    shape = np.sin(2 * np.pi * np.arange(168) / 24)
    return [
        {
            "cell_profile": label, "quantity": quantity, "hour_of_week": hour,
            "shape": float(value), "low": float(value) - 0.2, "high": float(value) + 0.2,
            "cells_count": cells,
        }
        | more
        for quantity in ("load", "quality")
        for hour, value in enumerate(shape)
    ]  # fmt: skip


def link(kpi: str, before: str, lag: int = 0, **more) -> dict:
    return {
        "cell_profile": "all", "kpi": kpi, "follows_kpi": before, "lag_hours": lag,
        "relation": "FOLLOWS" if lag else "MOVES_WITH", "sign": -1, "strength": 0.4,
        "correlation": -0.5, "stability": 0.95, "cells_count": 100,
    } | more  # fmt: skip


def group(kpi: str, lead: str, correlation: float = 0.8) -> dict:
    return {
        "kpi": kpi, "kpi_group": lead, "correlation": correlation, "kpis_count": 2,
        "cells_count": 9,
    }  # fmt: skip


def member(cell: str, label: str | None, membership: str = "MEMBER") -> dict:
    return {
        "cell_dn": cell, "cell_profile": label, "membership": membership, "fit": 0.9,
        "known_hours": 168,
    }  # fmt: skip


@pytest.fixture
def page() -> str:
    old = {"week_start": WEEK - timedelta(days=7), "week_end": WEEK}
    return profile_page(
        rows(
            "cell_profiles.patterns",
            *pattern("profile-07", 2),
            *pattern("profile-01", 3),
            *pattern("profile-99", 3, **old),
        ),
        rows("cell_profiles.kpi_groups", group("load", "load", 1.0), group("users", "load")),
        rows(
            "cell_profiles.kpi_dependencies",
            link("load", "throughput"),
            link("drops", "load", 2),
            link("users", "load", 1, cell_profile="profile-07", relation="NONE"),
        ),
        rows(
            "cell_profiles",
            *(member(f"A{n}", "profile-01") for n in range(3)),
            *(member(f"B{n}", "profile-07") for n in range(2)),
            member("C", None, "UNLIKE_ANY"),
        ),
        {"load": "DL <traffic>"},
    )


def test_the_newest_week_is_shown_with_every_profile_and_link(page):
    assert "for the week of 2026-03-02" in page
    assert page.index("profile-01") < page.index("profile-07")
    assert "profile-99" not in page
    assert page.count('class="week"') == 4
    assert page.count('marker-end="url(#head-opposed)"') == 1
    assert "does not follow" in page
    assert "<b>6</b>" in page
    assert "3 cells (50 %)" in page


def test_names_are_escaped_and_nothing_is_fetched(page):
    assert "DL <traffic>" not in page
    assert "DL &lt;traffic&gt;" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_network_without_profiles_says_so():
    names = ("cell_profiles.patterns", "cell_profiles.kpi_groups", "cell_profiles.kpi_dependencies")
    page = profile_page(*(rows(name) for name in names), rows("cell_profiles"))
    assert "No profile" in page
    assert "No link shows" in page


def test_a_missing_hour_breaks_the_line():
    told = rows("cell_profiles.patterns", *pattern("profile-01", 1)[:168])
    assert week_chart("load", told).line.count("M") == 1
    assert week_chart("load", told.filter(pl.col("hour_of_week") != 30)).line.count("M") == 2


def test_only_a_link_with_a_lag_has_an_arrow_and_ends_before_its_spot():
    circle = dependency_circle(["a", "b"], [("a", "b", 0, 1, 0.5), ("b", "a", 1, -1, 0.9)])
    together, later = circle.arcs
    assert (together.lag, together.is_opposed) == (0, False)
    assert (later.lag, later.is_opposed) == (1, True)
    assert later.width > together.width
    first, second = circle.spots
    assert together.path.endswith(f"{first.x} {first.y}")
    assert not later.path.endswith(f"{second.x} {second.y}")
