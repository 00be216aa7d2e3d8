"""What-ifs from published facts, beside the physics of the sample network that nobody told them."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from semantic_layer.errors import InputError
from tasks.twin import radio
from tasks.twin.coverage import AntennaChange, RadioMap, radio_map
from tasks.twin.files import inventory_rows
from tasks.twin.layout import build_network
from tasks.twin.scenario import planned_busy_use
from tasks.twin.traffic import season
from tasks.twin.what_if import CellChange, CellLoad, published_map, what_if
from tasks.twin.what_if_layout import published_cells

THRESHOLD_DBM = -116.0


class Town:
    """A simulated network, what its operator publishes of it, and what really moves."""

    def __init__(self, sites: int, seed: int, *, is_village: bool) -> None:
        self.network = build_network(sites, seed, is_village=is_village)
        self.true: RadioMap = radio_map(self.network, seed)
        calendar = season(datetime(2025, 6, 1, tzinfo=UTC), 1)
        self.inventory = pl.DataFrame(inventory_rows(self.network, self.true.built, calendar))
        self.told = published_map(published_cells(self.inventory, {}), THRESHOLD_DBM)
        self.dns = [cell.dn for cell in self.network.cells]
        self.demand = 40.0 * planned_busy_use(self.network, seed)
        self.traffic = self.true.built.share @ self.demand
        self.loads = {
            dn: CellLoad(float(mbps), 40.0, float(mbps))
            for dn, mbps in zip(self.dns, self.traffic, strict=True)
        }

    def lock(self, index):
        return what_if(self.told, self.loads, [CellChange(self.dns[index], is_locked=True)])

    def tilt(self, index, degrees):
        tilt = self.network.cells[index].tilt_deg + degrees
        return what_if(self.told, self.loads, [CellChange(self.dns[index], tilt_deg=tilt)])

    def moved(self, told):
        """Return what a what-if says of each cell's traffic, in Mbit/s more."""
        return np.array([
            told.cells[dn].traffic_after_mbps - told.cells[dn].traffic_before_mbps
            if dn in told.cells else 0.0
            for dn in self.dns
        ])  # fmt: skip

    def truly_moved(self, change):
        return self.true.changed([change]).share @ self.demand - self.traffic

    def compared(self, index, told, change):
        """Return predicted and true moves of the cells, but the changed one, that matter."""
        predicted, true = self.moved(told), self.truly_moved(change)
        least = 0.01 * max(self.traffic[index], 0.1)
        matters = (np.abs(predicted) > least) | (np.abs(true) > least)
        matters[index] = False
        return predicted[matters], true[matters]


@pytest.fixture(scope="module")
def village():
    return Town(3, 5, is_village=True)


@pytest.fixture(scope="module")
def town():
    return Town(14, 7, is_village=False)


def test_without_a_change_nothing_moves(village):
    told = village.tilt(0, 0.0)
    assert list(told.cells) == [village.dns[0]]
    assert village.moved(told) == pytest.approx(0.0, abs=1e-6)
    assert told.traffic_lost_mbps == pytest.approx(0.0, abs=1e-4)


def test_a_locked_cell_carries_nothing_and_its_neighbors_more(town):
    told = town.lock(10)
    own = told.cells[town.dns[10]]
    assert (own.traffic_after_mbps, own.load_after_pct) == (0.0, 0.0)
    assert own.traffic_before_mbps == pytest.approx(town.traffic[10])
    others = [cell for dn, cell in told.cells.items() if dn != town.dns[10]]
    assert all(cell.traffic_after_mbps >= cell.traffic_before_mbps for cell in others)
    assert any(cell.load_after_pct > cell.load_before_pct + 0.1 for cell in others)
    taken = sum(cell.traffic_after_mbps - cell.traffic_before_mbps for cell in others)
    assert taken + told.traffic_lost_mbps == pytest.approx(own.traffic_before_mbps, rel=0.05)
    assert told.users_interrupted == pytest.approx(town.loads[town.dns[10]].users)
    assert 0.0 <= told.users_uncovered <= told.users_interrupted


def test_the_lost_ground_of_a_far_cell_is_seen_and_that_of_a_dense_one_is_small(town):
    """Around the edge locking a cell leaves holes; in the middle its neighbors are near."""
    lost = {
        index: town.lock(index).cells[town.dns[index]].uncovered_share_after
        - town.lock(index).cells[town.dns[index]].uncovered_share_before
        for index in range(0, len(town.dns), 3)
    }
    reach = {index: np.hypot(town.network.cells[index].site.x_m, town.network.cells[index].site.y_m)
             for index in lost}  # fmt: skip
    far = [lost[index] for index in lost if reach[index] > np.quantile([*reach.values()], 0.8)]
    near = [lost[index] for index in lost if reach[index] < np.quantile([*reach.values()], 0.4)]
    assert np.median(far) > 2 * np.median(near)


def test_the_answer_on_few_points_is_that_of_a_whole_new_map(town):
    """Working only on the points that hear the cell misses next to nothing."""
    index, degrees = 12, 5.0
    quick = town.moved(town.tilt(index, degrees))
    tilted = {town.dns[index]: town.network.cells[index].tilt_deg + degrees}
    whole = published_map(published_cells(town.inventory, tilted), THRESHOLD_DBM)
    order = [town.told.cells.place[dn] for dn in town.dns]
    before, after = (told.chance[:, order] for told in (town.told, whole))
    spread = town.traffic / before.sum(axis=0)
    kept = (1.0 - whole.open.prod(axis=1)) / (1.0 - town.told.open.prod(axis=1))
    weight = after * spread
    share = weight / weight.sum(axis=1, keepdims=True)
    slow = ((before * spread).sum(axis=1) * np.minimum(kept, 1.0)) @ share - town.traffic
    assert quick == pytest.approx(slow, abs=0.02 * town.traffic[index])


@pytest.mark.parametrize(("kind", "least_rank"), [("lock", 0.5), ("tilt", 0.4)])
def test_who_takes_the_traffic_is_ranked_as_the_physics_do(town, kind, least_rank):
    """Pooled rank correlation of predicted and true moves; the figures stand in the README."""
    predicted, true = [], []
    for index in range(0, len(town.dns), 3):
        if kind == "lock":
            told, change = town.lock(index), AntennaChange(index, is_off=True)
        else:
            told, change = town.tilt(index, 6.0), AntennaChange(index, tilt_change_deg=6.0)
        pair = town.compared(index, told, change)
        predicted.extend(pair[0])
        true.extend(pair[1])
    assert len(true) > 60
    assert spearmanr(predicted, true)[0] > least_rank


def test_most_cells_that_leave_holes_are_found():
    """Cells of villages without which 2 % of their traffic or more finds no cell, in truth."""
    lost = {"truly": [], "predicted": []}
    for seed in range(1, 7):
        place = Town(3, seed, is_village=True)
        for index in range(len(place.dns)):
            truly = -place.truly_moved(AntennaChange(index, is_off=True)).sum()
            lost["truly"].append(truly > 0.02 * place.traffic[index])
            predicted = place.lock(index).traffic_lost_mbps
            lost["predicted"].append(predicted > 0.02 * place.traffic[index])
    truly, predicted = (np.array(lost[name]) for name in ("truly", "predicted"))
    assert truly.sum() > 20
    assert (truly & predicted).sum() >= 0.75 * truly.sum()
    assert (truly & predicted).sum() >= 0.6 * predicted.sum()


def test_a_slipped_antenna_set_back_wins_its_ground_back(town):
    index = 15
    slipped = {town.dns[index]: town.network.cells[index].tilt_deg + 9.0}
    told = published_map(published_cells(town.inventory, slipped), THRESHOLD_DBM)
    planned = town.network.cells[index].tilt_deg
    after = what_if(told, town.loads, [CellChange(town.dns[index], tilt_deg=planned)])
    own = after.cells[town.dns[index]]
    assert own.uncovered_share_after <= own.uncovered_share_before
    assert own.traffic_after_mbps > own.traffic_before_mbps


def test_what_is_not_known_is_refused_with_its_reason(town):
    with pytest.raises(InputError, match="lacks the cell"):
        what_if(town.told, town.loads, [CellChange("NRCellDU=1", is_locked=True)])
    with pytest.raises(InputError, match="Nothing was measured lately"):
        what_if(town.told, {}, [CellChange(town.dns[0], is_locked=True)])
    with pytest.raises(InputError, match="two changes of one cell"):
        what_if(town.told, town.loads, [CellChange(town.dns[0], is_locked=True)] * 2)
    holes = town.inventory.with_columns(
        pl.when(pl.col("cell_dn") == town.dns[0]).then(None).otherwise("azimuth_deg")
        .alias("azimuth_deg")
    )  # fmt: skip
    told = published_map(published_cells(holes, {}), THRESHOLD_DBM)
    with pytest.raises(InputError, match="position, antenna or band"):
        what_if(told, town.loads, [CellChange(town.dns[0], is_locked=True)])
    with pytest.raises(InputError, match="places no cell"):
        published_cells(town.inventory.clear(), {})


def test_a_silent_neighbor_that_would_take_much_is_told(village):
    """Of two carriers of a place, one reported nothing."""
    told = village.lock(0)
    takers = {dn: cell.traffic_after_mbps - cell.traffic_before_mbps
              for dn, cell in told.cells.items()}  # fmt: skip
    most = max(takers, key=takers.get)
    loads = {dn: load for dn, load in village.loads.items() if dn != most}
    with pytest.raises(InputError, match="would take much traffic"):
        what_if(village.told, loads, [CellChange(village.dns[0], is_locked=True)])


def test_the_published_map_knows_neither_seed_nor_truth(town):
    """Another draw of fading, walls and people under the same inventory gives the same answer."""
    other = radio_map(town.network, 99)
    assert not np.allclose(other.built.weight, town.true.built.weight)
    again = published_map(published_cells(town.inventory, {}), THRESHOLD_DBM)
    assert np.array_equal(again.received_dbm, town.told.received_dbm)


def test_a_what_if_imports_formulas_and_nothing_of_the_simulation():
    folder = Path(radio.__file__).parent
    told = set()
    for path in folder.glob("what_if*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tasks.twin"):
                told |= {f"{node.module}.{name.name}" for name in node.names}
    words = ("tasks.twin.what_if", "tasks.twin.sleep_modes")
    own = {name for name in told if name.startswith(words)}
    assert told - own == {"tasks.twin.radio", "tasks.twin.radio.Scenario"}
