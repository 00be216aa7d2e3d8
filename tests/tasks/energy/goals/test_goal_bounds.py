"""Where and when a goal lets cells save, and what every plan promises."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.protected import protected_places
from semantic_layer.services import service_catalogue
from tasks.energy.goals.goal import Area, EnergyGoal
from tasks.energy.goals.mask import stays_active
from tasks.energy.goals.places import goal_cells, places_of
from tasks.energy.problems import hourly_prices
from tasks.energy.promises import least_floor_mbps, promised
from tests.tasks.energy.goals.town import RULES, places, topology

NIGHT = EnergyGoal(from_hour=22.0, until_hour=6.0)


@pytest.mark.parametrize(
    ("start", "hours", "may"),
    [
        pytest.param(datetime(2025, 6, 4, 19, 45, tzinfo=UTC), 0.25, False, id="before ten"),
        pytest.param(datetime(2025, 6, 4, 20, 0, tzinfo=UTC), 1.0, True, id="ten on the wall"),
        pytest.param(datetime(2025, 6, 5, 3, 0, tzinfo=UTC), 1.0, True, id="up to six"),
        pytest.param(datetime(2025, 6, 5, 3, 30, tzinfo=UTC), 1.0, False, id="past six"),
        pytest.param(datetime(2025, 1, 5, 20, 0, tzinfo=UTC), 1.0, False, id="nine in winter"),
        pytest.param(datetime(2025, 1, 5, 4, 0, tzinfo=UTC), 1.0, True, id="to six in winter"),
        pytest.param(datetime(2025, 3, 30, 0, 30, tzinfo=UTC), 1.0, True, id="clocks go forward"),
        pytest.param(datetime(2025, 10, 26, 4, 30, tzinfo=UTC), 1.0, False, id="past six, back"),
    ],
)
def test_hours_are_those_on_the_wall(start, hours, may):
    kept = stays_active(NIGHT, ["a", "b"], {"a"}, [(start, hours)], RULES.zone)
    assert kept.tolist() == [[not may], [True]]


def test_halves_and_quarters_lie_around_the_middle_of_the_network():
    west, east = (goal_cells(EnergyGoal(where=(Area(it),)), places()) for it in ("west", "east"))
    corner = goal_cells(EnergyGoal(where=(Area("north_west"),)), places())
    assert west
    assert not west & east
    assert len(west | east) == topology().height
    assert corner < west
    assert goal_cells(EnergyGoal(where=(Area("west"), Area("east"))), places()) == west | east


def test_near_a_place_reaches_as_far_as_it_says():
    at, near, far = (
        goal_cells(EnergyGoal(where=(Area("stadium", within),)), places())
        for within in (0.0, 500.0, 4000.0)
    )
    assert at < far
    assert at <= near < far


def test_a_site_without_coordinates_is_not_touched_where_ground_is_spared():
    rows = topology().with_columns(
        pl.when(pl.col("site_id") == "S040").then(None).otherwise("latitude_deg")
        .alias("latitude_deg")
    )  # fmt: skip
    known = places_of(rows, protected_places(), RULES)
    lost = set(known.cells_of["S040"])
    assert not lost & goal_cells(EnergyGoal(spared=(Area("stadium", 1500.0),)), known)
    assert not lost & goal_cells(EnergyGoal(where=(Area("west"),)), known)
    assert lost <= goal_cells(EnergyGoal(), known)
    assert lost <= goal_cells(EnergyGoal(where=(Area("S040"),)), known)


def test_an_area_that_nobody_knows_holds_no_site():
    assert goal_cells(EnergyGoal(where=(Area("atlantis"),)), places()) == frozenset()


def test_every_promise_is_at_least_that_of_the_rules_and_of_the_goal():
    planning, rules = energy_planning_rules(), energy_goals_rules()
    least = least_floor_mbps(rules, service_catalogue())
    for goal in (EnergyGoal(), EnergyGoal(floor_mbps=0.0), EnergyGoal(most_asleep_share=1.0)):
        for one in promised(goal, least, planning, rules):
            assert one.floor_mbps >= least
            assert one.surge_factor >= planning.surge_factor
            assert one.most_asleep_share <= planning.most_community_asleep
    strict = promised(EnergyGoal(floor_mbps=20.0, most_asleep_share=0.1), least, planning, rules)
    assert min(one.floor_mbps for one in strict) == 20.0
    assert max(one.most_asleep_share for one in strict) == pytest.approx(0.1)


def test_prices_of_a_period_are_the_mean_of_its_hours():
    rules = energy_accounting_rules()
    starts = [datetime(2025, 6, 4, 5, 30, tzinfo=UTC), datetime(2025, 6, 4, 6, 30, tzinfo=UTC)]
    found = hourly_prices(starts, np.array([1.0, 0.25]), rules)
    assert found.money == pytest.approx([(rules.price(5) + rules.price(6)) / 2, rules.price(6)])
    assert found.co2_kg[1] == pytest.approx(rules.carbon(6) / 1000)
    assert found.of("energy").tolist() == [1.0, 1.0]
