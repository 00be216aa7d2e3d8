"""Who serves whom: from gains between cells and ground points to each cell's footprint.

A footprint holds what the load model needs: which share of each area's demand a cell carries, the
channel quality of its users under any load of its neighbors, who interferes with it, and to whom
its users are handed over. Everything is a sum over ground points, so that a change on one antenna
is the sum over the few points that hear it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.twin import link, radio
from tasks.twin.layout import Cell, Network

Array = npt.NDArray[np.floating[Any]]
Indexes = npt.NDArray[np.int64]

LOAD_GRID = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 1.0])
"""Loads of interfering cells at which channel quality is tabulated."""

RISE_GRID_DB = np.array([0.0, 2.0, 4.0, 7.0, 10.0, 15.0, 20.0])
"""Rises of uplink interference over noise at which the uplink is tabulated."""

RSRP_EDGES_DBM = np.arange(-128.0, -63.0, 4.0)
"""Lower edges of the SS-RSRP ranges but the first."""

RSRP_BINS = len(RSRP_EDGES_DBM) + 1
WEAK_RSRP_DBM = -116.0

_POINTS_A_SITE = 96
_INDOOR_SHARE = 0.7
_SELECTION_DB = 1.6
_SITE_CORRELATION = 0.5  # of shadow fading, 3GPP TR 36.814 table A.2.1.1-1
_UE_NOISE_FIGURE_DB = 7.0
_UE_REJECTION_DB = 2.5  # a receiver of two or four antennas turns its null toward interference
_GNB_NOISE_FIGURE_DB = 4.0
_UE_POWER_DBM = 23.0
_UE_PRBS = 8.0
_UPLINK_P0_DBM = -80.0
_UPLINK_ALPHA = 0.8
_SERVERS = 4
_OFF_DBM = -250.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Points where users are, each with its area, weight (area sums are 1) and losses to sites."""

    x_m: Array
    y_m: Array
    area: Indexes
    weight: Array
    wall_db: Array
    los_draw: Array
    shadow: Array


@dataclass(frozen=True, slots=True)
class AntennaChange:
    """What differs from the network as built, at one cell.

    Attributes:
        cell: index of the cell.
        tilt_change_deg: added to the downtilt.
        loss_db: lost between radio and antenna, in both directions.
        is_off: the cell radiates and serves nobody.
    """

    cell: int
    tilt_change_deg: float = 0.0
    loss_db: float = 0.0
    is_off: bool = False


@dataclass(slots=True)
class Tally:
    """Sums over ground points, by cell (first index); `share` is by cell and area."""

    share: Array
    weight: Array
    cqi: Array
    inverse_rate: Array
    interference: Array
    handover: Array
    rsrp: Array
    weak: Array
    uplink_inverse: Array
    uplink_outage: Array

    def moved_by(self, before: "Tally", after: "Tally") -> "Tally":
        """Return this tally with some points' sums `before` replaced by those `after`."""
        return Tally(
            *(
                getattr(self, item.name) + getattr(after, item.name) - getattr(before, item.name)
                for item in fields(self)
            )
        )


@dataclass(frozen=True, slots=True)
class RadioMap:
    """The network's gains to its ground, and its tally as built."""

    network: Network
    ground: Ground
    received_dbm: Array
    off_boresight_deg: Array
    below_horizon_deg: Array
    built: Tally = field(repr=False)

    def changed(self, changes: Sequence[AntennaChange]) -> Tally:
        """Return the tally after `changes`, working only on the points that hear those cells."""
        columns = [change.cell for change in changes]
        after = self.received_dbm[:, columns].copy()
        for place, change in enumerate(changes):
            after[:, place] += self._difference_db(change)
        bands = {self.network.cells[cell].band.name for cell in columns}
        layer = [c.index for c in self.network.cells if c.band.name in bands]
        best = self.received_dbm[:, layer].max(axis=1) - 18.0
        loudest = np.maximum(self.received_dbm[:, columns], after).max(axis=1)
        heard = np.flatnonzero(loudest > best)
        received = self.received_dbm[heard]
        before_sums = tally(self.network, self.ground, heard, received)
        changed = received.copy()
        changed[:, columns] = after[heard]
        return self.built.moved_by(before_sums, tally(self.network, self.ground, heard, changed))

    def jointly_changed(self, changes: Sequence[AntennaChange]) -> Tally:
        """Return the tally after `changes`, however many, working on all points once."""
        received = self.received_dbm.copy()
        for change in changes:
            received[:, change.cell] += self._difference_db(change)
        return tally(self.network, self.ground, np.arange(len(received)), received)

    def _difference_db(self, change: AntennaChange) -> Array | float:
        if change.is_off:
            return _OFF_DBM
        if change.tilt_change_deg == 0.0:
            return -change.loss_db
        cell = self.network.cells[change.cell]
        horizontal = self.off_boresight_deg[:, change.cell]
        vertical = self.below_horizon_deg[:, change.cell]
        tilts = np.array([cell.tilt_deg, cell.tilt_deg + change.tilt_change_deg])
        old, new = (
            radio.antenna_gain_db(radio.SECTOR, horizontal, vertical, tilt) for tilt in tilts
        )
        return np.asarray(new - old - change.loss_db)


def radio_map(network: Network, seed: int) -> RadioMap:
    """Return the gains of every cell to every ground point, with fading fixed by `seed`."""
    ground = _ground(network, np.random.default_rng([seed, 2]))
    columns = [_received(cell, ground) for cell in network.cells]
    received = np.stack([column[0] for column in columns], axis=1)
    everywhere = np.arange(len(ground.area))
    return RadioMap(
        network=network,
        ground=ground,
        received_dbm=received,
        off_boresight_deg=np.stack([column[1] for column in columns], axis=1),
        below_horizon_deg=np.stack([column[2] for column in columns], axis=1),
        built=tally(network, ground, everywhere, received),
    )


def _ground(network: Network, rng: np.random.Generator) -> Ground:
    sites = network.sites
    spread = np.sqrt(rng.uniform(0.0025, 1.0, (len(sites), _POINTS_A_SITE)))
    angle = rng.uniform(0.0, 2.0 * np.pi, spread.shape)
    reach = np.array([0.62 * site.spacing_m for site in sites])[:, None] * spread
    x_m = (np.array([site.x_m for site in sites])[:, None] + reach * np.cos(angle)).ravel()
    y_m = (np.array([site.y_m for site in sites])[:, None] + reach * np.sin(angle)).ravel()
    first = {cell.site.index: cell.azimuth_deg for cell in reversed(network.cells)}
    aim = np.repeat([first[site.index] for site in sites], _POINTS_A_SITE)
    bearing = np.degrees(np.arctan2(np.cos(angle), np.sin(angle))).ravel()
    sector = (((bearing - aim + 60.0) % 360.0) // 120.0).astype(np.int64)
    area = np.repeat(np.arange(len(sites)), _POINTS_A_SITE) * network.sectors + sector
    weight = rng.lognormal(0.0, 0.8, len(area))
    weight /= np.bincount(area, weight, network.areas)[area]
    depth = np.where(rng.random(len(area)) < _INDOOR_SHARE, 1.0 + rng.uniform(0, 0.6, len(area)), 0)
    return Ground(
        x_m=x_m,
        y_m=y_m,
        area=area,
        weight=weight,
        wall_db=depth,
        los_draw=rng.random((len(area), len(sites))),
        shadow=np.sqrt(_SITE_CORRELATION) * rng.standard_normal((len(area), 1))
        + np.sqrt(1.0 - _SITE_CORRELATION) * rng.standard_normal((len(area), len(sites))),
    )


def _received(cell: Cell, ground: Ground) -> tuple[Array, Array, Array]:
    site, band = cell.site, cell.band
    east, north = ground.x_m - site.x_m, ground.y_m - site.y_m
    distance = np.maximum(np.hypot(east, north), 10.0)
    frequency = band.frequency_mhz / 1000.0
    height = site.height_m
    column = site.index - 1
    is_los = ground.los_draw[:, column] < radio.los_probability(site.scenario, distance)
    args = (site.scenario, distance, height, frequency)
    loss = np.where(is_los, radio.los_path_loss_db(*args), radio.nlos_path_loss_db(*args))
    loss += ground.shadow[:, column] * radio.shadow_sigma_db(site.scenario, is_los)
    loss += ground.wall_db * radio.wall_loss_db(frequency)
    horizontal = np.degrees(np.arctan2(east, north)) - cell.azimuth_deg
    vertical = np.degrees(np.arctan2(site.height_m - radio.RECEIVER_HEIGHT_M, distance))
    gain = radio.antenna_gain_db(radio.SECTOR, horizontal, vertical, cell.tilt_deg)
    a_resource_element = cell.tx_power_dbm - 10.0 * np.log10(12.0 * band.prbs)
    return a_resource_element + gain - loss, horizontal, vertical


def tally(network: Network, ground: Ground, points: Indexes, received_dbm: Array) -> Tally:
    """Return the sums over `points`, whose received powers are the rows of `received_dbm`."""
    cells = len(network.cells)
    sums = Tally(
        share=np.zeros((cells, network.areas)),
        weight=np.zeros(cells),
        cqi=np.zeros((cells, len(LOAD_GRID), link.CQI_BINS)),
        inverse_rate=np.zeros((cells, len(LOAD_GRID))),
        interference=np.zeros((cells, cells)),
        handover=np.zeros((cells, cells)),
        rsrp=np.zeros((cells, RSRP_BINS)),
        weak=np.zeros(cells),
        uplink_inverse=np.zeros((cells, len(RISE_GRID_DB))),
        uplink_outage=np.zeros((cells, len(RISE_GRID_DB))),
    )
    layers: dict[str, list[int]] = {}
    for cell in network.cells:
        layers.setdefault(cell.band.name, []).append(cell.index)
    picks = {name: _layer_pick(received_dbm[:, columns]) for name, columns in layers.items()}
    appeal = {
        name: _capacity_appeal(network.cells[layers[name][0]]) * _sigmoid((best + 106.0) / 4.0)
        for name, (_, best) in picks.items()
    }
    total_appeal = np.maximum(np.sum(list(appeal.values()), axis=0), 1e-12)
    uncovered = np.prod(
        [1.0 - _sigmoid((best + 121.0) / 2.0) for _, best in picks.values()], axis=0
    )
    for name, columns in layers.items():
        chosen, _ = picks[name]
        part = ground.weight[points] * (1.0 - uncovered) * appeal[name] / total_appeal
        _add_layer(
            sums, network, columns, received_dbm[:, columns], chosen, part, ground.area[points]
        )
    return sums


def _sigmoid(value: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-value)))


def _capacity_appeal(cell: Cell) -> float:
    """Operators steer users to layers roughly by capacity; see 3GPP TS 38.304 priorities."""
    return float((cell.band.bandwidth_mhz * cell.band.downlink_share * cell.band.layers) ** 0.85)


def _layer_pick(received: Array) -> tuple[Array, Array]:
    """Return the chance that each cell of a layer serves a point, and the best power there."""
    best = received.max(axis=1)
    weight = np.exp((received - best[:, None]) / _SELECTION_DB)
    return weight / weight.sum(axis=1, keepdims=True), best


def _add_layer(
    sums: Tally,
    network: Network,
    columns: list[int],
    received: Array,
    chosen: Array,
    part: Array,
    area: Indexes,
) -> None:
    index = np.array(columns)
    served = part[:, None] * chosen
    by_area = np.zeros((network.areas, len(columns)))
    np.add.at(by_area, area, served)
    sums.share[index] += by_area.T
    sums.weight[index] += served.sum(axis=0)
    power = 10.0 ** (received / 10.0)
    total = power.sum(axis=1)
    block = np.ix_(index, index)
    sums.interference[block] += served.T @ (power / total[:, None])
    sums.handover[block] += served.T @ chosen
    count = min(_SERVERS, len(columns))
    order = np.argpartition(-chosen, count - 1, axis=1)[:, :count]
    rows = np.arange(len(order))[:, None]
    _add_links(
        sums,
        network.cells[columns[0]],
        index[order].ravel(),
        served[rows, order].ravel(),
        received[rows, order].ravel(),
        (total[:, None] - power[rows, order]).ravel(),
        np.array([network.cells[c].tx_power_dbm for c in columns])[order].ravel(),
    )


def _add_links(
    sums: Tally,
    sample: Cell,
    cell: Indexes,
    weight: Array,
    signal_dbm: Array,
    interference_mw: Array,
    tx_power_dbm: Array,
) -> None:
    band, cells = sample.band, len(sums.weight)
    noise = radio.noise_dbm(1000.0 * band.spacing_khz, _UE_NOISE_FIGURE_DB)
    for level, load in enumerate(LOAD_GRID):
        disturbance = 10.0 * np.log10(np.maximum(interference_mw * load, 1e-30))
        disturbance -= _UE_REJECTION_DB
        sinr = radio.sinr_db(signal_dbm, disturbance, noise)
        rate = link.efficiency(sinr) * link.mean_rank(sinr, band.layers)
        key = cell * link.CQI_BINS + link.cqi(sinr)
        histogram = np.bincount(key, weight, cells * link.CQI_BINS)
        sums.cqi[:, level] += histogram.reshape(cells, link.CQI_BINS)
        sums.inverse_rate[:, level] += np.bincount(cell, weight / np.maximum(rate, 0.1), cells)
    ranges = np.digitize(signal_dbm, RSRP_EDGES_DBM)
    histogram = np.bincount(cell * RSRP_BINS + ranges, weight, cells * RSRP_BINS)
    sums.rsrp += histogram.reshape(cells, RSRP_BINS)
    weakness = _sigmoid((WEAK_RSRP_DBM - signal_dbm) / 1.5)
    sums.weak += np.bincount(cell, weight * weakness, cells)
    coupling = tx_power_dbm - 10.0 * np.log10(12.0 * band.prbs) - signal_dbm
    full = _UE_POWER_DBM - 10.0 * np.log10(_UE_PRBS)
    density = np.minimum(full, _UPLINK_P0_DBM + _UPLINK_ALPHA * coupling)
    floor = radio.noise_dbm(band.prb_hz, _GNB_NOISE_FIGURE_DB)
    for level, rise in enumerate(RISE_GRID_DB):
        upward = link.uplink_efficiency(density - coupling - floor - rise)
        sums.uplink_inverse[:, level] += np.bincount(cell, weight / np.maximum(upward, 0.06), cells)
        alone = _UE_POWER_DBM - coupling - floor - rise
        lost = _sigmoid((-5.0 - alone) / 1.2)
        sums.uplink_outage[:, level] += np.bincount(cell, weight * lost, cells)
