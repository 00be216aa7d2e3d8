"""The step that profiles: what it publishes, through the door, from KPIs and from last week."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.profiling import steps
from tasks.profiling.typical_weeks import coming_week, weeks_of
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.profiling.world import agreement, planted_patterns

pytestmark = pytest.mark.slow  # Great Expectations judges

START = datetime(2026, 3, 2, tzinfo=UTC)  # clocks in Europe change on 2026-03-29
CELLS, WEEKS = 36, 5
PATTERNS = (0, 2, 5)
PROFILES = "cell_profiles"


class StoppedClock:
    def now(self):
        return START


@pytest.fixture
def tables(tmp_path):
    services = Services(Settings(home=tmp_path, worker_pool="serial"))
    services.__dict__["tables"] = InMemoryTables(StoppedClock())
    with use_services(services):
        yield services.tables


def name(cell: int) -> str:
    return f"SubNetwork=1,ManagedElement={cell // 3},GNBDUFunction=1,NRCellDU={cell % 3}"


def site_pattern(cell: int) -> int:
    return PATTERNS[cell // 3 % 3]


def kpi_rows(seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    hours = WEEKS * 168
    frames = []
    for cell in range(CELLS):
        shape = np.tile(planted_patterns()[site_pattern(cell)], WEEKS)
        load = 20 * np.exp(random.normal()) * shape * (1 + 0.1 * random.standard_normal(hours))
        speed = 80 / (1 + load / load.max()) * (1 + 0.03 * random.standard_normal(hours))
        frames.append(
            pl.DataFrame(
                {
                    "cell_dn": name(cell),
                    "period_start": [START + timedelta(hours=hour) for hour in range(hours)],
                    "traffic_volume_dl_mbps": load,
                    "user_throughput_dl_mbps": speed,
                }
            )
        )
    rows = pl.concat(frames).with_columns(
        pl.col("period_start").dt.cast_time_unit("us"),
        object_class=pl.lit("NRCellDU"),
        granularity=pl.lit("hour"),
        managed_element_dn=pl.lit("SubNetwork=1,ManagedElement=1"),
    )
    hour = (pl.col("period_start") - START).dt.total_hours()
    is_new = (pl.col("cell_dn") == name(4)) & (hour < 4 * 168 - 30)
    is_dead = (pl.col("cell_dn") == name(7)) & (hour >= 2)
    return rows.filter(~is_new, ~is_dead)


def deliver(tables, rows):
    window = Window(START, START + timedelta(weeks=WEEKS))
    scope = {"source": "pm_measurements", "granularity": "hour"}
    inventory = pl.DataFrame(
        {
            "cell_dn": [name(cell) for cell in range(CELLS)],
            "site_id": [f"S{cell // 3}" for cell in range(CELLS)],
            "archetype": ["urban"] * CELLS,
            "subnetwork": ["SubNetwork=1"] * CELLS,
            "neighbor_dns": [[name(cell + 1)] if cell % 3 == 0 else [] for cell in range(CELLS)],
            "valid_from": [START] * CELLS,
        },
        schema_overrides={"valid_from": pl.Datetime("us", "UTC")},
    )
    day = Window(START, START + timedelta(days=1))
    lineage = Lineage("test", "1", "x")
    tables.publish("network_topology", day, inventory, lineage, {"source": "inventory"})
    return tables.publish("cell_kpis", window, rows, lineage, scope)


def week(number: int) -> Window:
    return Window(START + timedelta(weeks=number), START + timedelta(weeks=number + 1))


def published(tables, table, number):
    return tables.read(table, week(number)).collect()


def test_profiles_patterns_groups_and_dependencies_are_published(tables):
    snapshot = deliver(tables, kpi_rows())
    found = steps.profile_cells.fn(snapshot, week(4))
    assert (found.table, found.verdict, found.rows) == (PROFILES, "published", CELLS)
    cells = published(tables, PROFILES, 4).sort("cell_dn")
    told = cells.filter(pl.col("membership") == "MEMBER")
    places = {name(cell): site_pattern(cell) for cell in range(CELLS)}
    own = told["cell_dn"].replace_strict(places).to_numpy()
    numbers = told["cell_profile"].cast(pl.Categorical).to_physical().to_numpy()
    assert agreement(own, numbers) == 1.0
    young = cells.row(by_predicate=pl.col("cell_dn") == name(4), named=True)
    sibling = cells.row(by_predicate=pl.col("cell_dn") == name(3), named=True)
    assert (young["membership"], young["known_hours"]) == ("LEANING", 30)
    assert young["cell_profile"] == sibling["cell_profile"]
    dead = cells.row(by_predicate=pl.col("cell_dn") == name(7), named=True)
    assert (dead["membership"], dead["cell_profile"]) == ("ABSTAINED", None)
    assert dead["abstained_because"] == "too few hours of the week are known"
    assert f"cell_kpis@{snapshot.id}" in cells["input_snapshots"][0]
    patterns = published(tables, f"{PROFILES}.patterns", 4)
    assert patterns.height == 3 * 2 * 168
    assert (patterns["low"] <= patterns["high"]).all()
    groups = published(tables, f"{PROFILES}.kpi_groups", 4)
    assert set(groups["kpi"]) == {"traffic_volume_dl", "user_throughput_dl"}
    links = published(tables, f"{PROFILES}.kpi_dependencies", 4)
    everywhere = links.filter(pl.col("cell_profile") == "all")
    assert everywhere.select("kpi", "follows_kpi", "lag_hours", "relation", "sign").rows() == [
        ("traffic_volume_dl", "user_throughput_dl", 0, "MOVES_WITH", -1)
    ]


def test_the_next_week_keeps_labels_and_tells_since_when(tables):
    snapshot = deliver(tables, kpi_rows())
    for number in (2, 3, 4):
        steps.profile_cells.fn(snapshot, week(number))
    before, now = (
        published(tables, PROFILES, number).sort("cell_dn").filter(pl.col("membership") == "MEMBER")
        for number in (3, 4)
    )
    both = before.join(now, on="cell_dn", suffix="_now")
    assert both["cell_profile"].to_list() == both["cell_profile_now"].to_list()
    assert both["profile_since_now"].unique().to_list() == [week(2).start]


def test_a_week_profiled_twice_is_the_same(tables):
    snapshot = deliver(tables, kpi_rows())
    names = [PROFILES, *(f"{PROFILES}.{it}" for it in ("patterns", "kpi_groups"))]
    steps.profile_cells.fn(snapshot, week(4))
    first = [published(tables, table, 4) for table in names]
    steps.profile_cells.fn(snapshot, week(4))
    second = [published(tables, table, 4) for table in names]
    assert all(one.equals(other) for one, other in zip(first, second, strict=True))


def test_nothing_delivered_gives_empty_tables_and_no_error(tables):
    found = steps.profile_cells.fn(tables.snapshot("cell_kpis"), week(4))
    assert (found.rows, found.verdict) == (0, "published")


def test_what_is_no_week_is_refused_with_one_that_is(tables):
    day = Window(START + timedelta(days=2), START + timedelta(days=3))
    with pytest.raises(InputError, match="2026-03-02T00:00Z/2026-03-09T00:00Z"):
        steps.profile_cells.fn(tables.snapshot("cell_kpis"), day)


def test_weeks_are_those_that_a_window_touches_and_the_coming_one_begins_at_its_end():
    night = Window(START + timedelta(days=6, hours=23), START + timedelta(days=7))
    assert weeks_of(night) == [week(0)]
    assert coming_week(night) == week(1)
    assert weeks_of(Window(START, START + timedelta(days=8))) == [week(0), week(1)]
