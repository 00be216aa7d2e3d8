"""Cell profiles told by small tables: since when a cell has its profile, and what differs."""

from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.cell_profiles.derive import dependency_rows, member_rows
from data_products.registry import table
from semantic_layer.periods import Window

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(f"{__file__.rsplit('/', 1)[0]}/{name}")


def test_a_cell_has_its_profile_since_the_first_week_in_a_row(story, golden):
    shape = table("cell_profiles")
    cells = story("cell_profiles/cells.csv", shape)
    before = story("cell_profiles/before.csv", shape)
    told = member_rows(cells, before, WEEK)
    golden(told.select("cell_dn", "cell_profile", "profile_since"), "cell_profiles/since.csv")


def test_a_profile_tells_only_what_differs_from_the_whole_network(golden):
    told = dependency_rows(read("links.csv"), 0.2, 0.9, WEEK)
    golden(told.drop("week_start", "week_end"), "cell_profiles/dependencies.csv")
