"""Counted measurements as rows of a wide table, as delivered: with gaps, suspect and empty values.

One frame a kind of object: cells by technology, managed elements, functions of the core, interfaces
and optical channels. Columns are the semantic layer's; numbers are rounded as equipment rounds
them, so that a file and a frame agree exactly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.loading import Catalogue
from semantic_layer.measurements import Measurement
from tasks.twin.conditions import Conditions
from tasks.twin.core_measurements import (
    amf_measurements,
    function_dns,
    smf_measurements,
    upf_measurements,
)
from tasks.twin.flaws import EMPTY_SHARE, Flaws
from tasks.twin.lte_measurements import lte_measurements
from tasks.twin.measurements import Columns, Stretch, nr_measurements
from tasks.twin.site_measurements import site_measurements
from tasks.twin.state import State
from tasks.twin.traffic import PERIOD_S, Season
from tasks.twin.transport_measurements import (
    interface_dns,
    interface_measurements,
    optical_channel_dns,
    optical_measurements,
)
from tasks.twin.world import World

_DIGITS = 7
_OWN = ("energy_saving_time", "energy_saving_on_air_time")
"""Measurements that a cell's software tells of itself, and that are never empty."""


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run, or a stretch of one, before anything is counted.

    Attributes:
        first: the network's period that this run's periods count from.
        equipment_w: (periods, sites) power of radios and fixed equipment where cells changed within
            a period how they save energy; None where it follows from the state.
    """

    calendar: Season
    world: World
    state: State
    conditions: Conditions
    flaws: Flaws
    temperature_degc: npt.NDArray[np.float32]
    catalogue: Catalogue
    seed: int
    first: int = 0
    equipment_w: npt.NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True, slots=True)
class DeliveredRows:
    """Rows of one stretch: key columns, `is_suspect`, then a column a measurement."""

    nr_cells: pl.DataFrame
    lte_cells: pl.DataFrame
    elements: pl.DataFrame
    amfs: pl.DataFrame
    smfs: pl.DataFrame
    upfs: pl.DataFrame
    interfaces: pl.DataFrame
    optical_channels: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the frames that have rows, by a word for each."""
        named = {
            "nr": self.nr_cells,
            "lte": self.lte_cells,
            "element": self.elements,
            "amf": self.amfs,
            "smf": self.smfs,
            "upf": self.upfs,
            "interface": self.interfaces,
            "optical": self.optical_channels,
        }
        return {word: frame for word, frame in named.items() if frame.height}


def delivered_rows(run: Run, first: int, last: int, *, has_distributions: bool) -> DeliveredRows:
    """Return what is delivered for periods [first, last); the same call gives the same rows."""
    rng = np.random.default_rng([run.seed, 7, run.first + first])
    network = run.world.radio.network
    of_nr = np.array([c.index for c in network.cells if c.band.technology == "NR"], dtype=np.int64)
    of_lte = np.array([c.index for c in network.cells if c.band.technology == "LTE"], np.int64)
    nr, lte = (
        Stretch(run.world, run.state, run.conditions, first, last, cells)
        for cells in (of_nr, of_lte)
    )
    counted_nr = nr_measurements(nr, rng, has_distributions=has_distributions)
    counted_lte = lte_measurements(lte, rng) if len(of_lte) else {}
    temperature = run.temperature_degc[first:last]
    counted_sites = site_measurements(
        run.world, run.state, run.conditions, (first, last), temperature, rng,
        equipment_w=None if run.equipment_w is None else run.equipment_w[first:last],
    )  # fmt: skip
    return DeliveredRows(
        nr_cells=_cell_rows(run, nr, counted_nr, rng),
        lte_cells=_cell_rows(run, lte, counted_lte, rng),
        elements=_element_rows(run, first, last, counted_sites, rng),
        **_core_and_transport(run, (first, last)),
    )


def _core_and_transport(run: Run, periods: tuple[int, int]) -> dict[str, pl.DataFrame]:
    """Return the rows of core functions, interfaces and optical channels; none is ever missing."""
    rng = np.random.default_rng([run.seed, 26, run.first + periods[0]])
    world, state, conditions = run.world, run.state, run.conditions
    counted = {
        "amfs": (
            function_dns(world, "AMFFunction"),
            amf_measurements(world, state, conditions, periods, rng),
        ),
        "smfs": (
            function_dns(world, "SMFFunction"),
            smf_measurements(world, state, conditions, periods, rng),
        ),
        "upfs": (
            function_dns(world, "UPFFunction"),
            upf_measurements(world, state, conditions, periods, rng),
        ),
        "interfaces": (
            interface_dns(world.routes),
            interface_measurements(world, state, periods, rng),
        ),
        "optical_channels": (
            optical_channel_dns(world.routes),
            optical_measurements(world, state, conditions, periods, rng),
        ),
    }
    found = {}
    for name, (dns, columns) in counted.items():
        shape = (periods[1] - periods[0], len(dns))
        never = np.zeros(shape, dtype=bool)
        flags = (never, never, np.ones(shape, dtype=np.float32))
        found[name] = _rows(run, periods, dns, columns, flags, rng)
    return found


def _cell_rows(
    run: Run, stretch: Stretch, counted: Columns, rng: np.random.Generator
) -> pl.DataFrame:
    cells = stretch.world.radio.network.cells
    sites = [cells[c].site.index - 1 for c in stretch.cells]
    time = slice(stretch.first, stretch.last)
    missing = run.flaws.missing_sites[time][:, sites]
    suspect = run.flaws.suspect[time][:, stretch.cells]
    share = run.flaws.observed_share[time][:, stretch.cells]
    dns = [cells[c].dn for c in stretch.cells]
    return _rows(run, (stretch.first, stretch.last), dns, counted, (missing, suspect, share), rng)


def _element_rows(
    run: Run, first: int, last: int, counted: Columns, rng: np.random.Generator
) -> pl.DataFrame:
    missing = run.flaws.missing_sites[first:last]
    dns = [site.element_dn for site in run.world.radio.network.sites]
    sound = np.zeros(missing.shape, dtype=bool)
    share = np.ones(missing.shape, dtype=np.float32)
    return _rows(run, (first, last), dns, counted, (missing, sound, share), rng)


def _rows(
    run: Run,
    periods: tuple[int, int],
    dns: list[str],
    counted: Columns,
    flags: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.float32]],
    rng: np.random.Generator,
) -> pl.DataFrame:
    missing, suspect, share = flags
    kept = ~missing.ravel()
    starts = pl.Series(run.calendar.starts[periods[0] : periods[1]], dtype=pl.Datetime("us", "UTC"))
    size = len(dns)
    keys = {
        "managed_object_dn": pl.Series(dns * len(starts), dtype=pl.String),
        "period_start": starts.gather(np.repeat(np.arange(len(starts)), size)),
        "granularity_s": pl.Series(np.full(len(starts) * size, PERIOD_S, dtype=np.int32)),
        "is_suspect": pl.Series(suspect.ravel()),
    }
    columns = {}
    for name, values in counted.items():
        measurement = run.catalogue.measurement(name)
        seen = _observed(measurement, values, suspect, share)
        columns[measurement.column] = _series(measurement, seen, None if name in _OWN else rng)
    return pl.DataFrame(keys | columns).filter(pl.Series(kept))


def _observed(
    measurement: Measurement,
    values: npt.NDArray[np.float64],
    suspect: npt.NDArray[np.bool_],
    share: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Return the values, sums cut to the observed share of a suspect period."""
    if measurement.aggregation != "sum" or not suspect.any():
        return values
    cut = values.copy()
    part = share[suspect].reshape(-1, *([1] * (values.ndim - 2)))
    cut[suspect] = np.floor(values[suspect] * part)
    return cut


def _series(
    measurement: Measurement, values: npt.NDArray[np.float64], rng: np.random.Generator | None
) -> pl.Series:
    """Return a measurement's values; here and there one is empty, unless there is no chance."""
    if measurement.shape == "vector":
        rows = values.reshape(-1, values.shape[-1])
        return pl.Series(rows, dtype=pl.Array(pl.Float64, rows.shape[1])).arr.to_list()
    flat = values.reshape(-1).copy()
    if rng is not None:
        empty = rng.integers(0, max(len(flat), 1), rng.poisson(EMPTY_SHARE * len(flat)))
        flat[empty] = np.nan
    series = pl.Series(flat).fill_nan(None)
    return series if is_whole(measurement) else series.round_sig_figs(_DIGITS)


def is_whole(measurement: Measurement) -> bool:
    """Tell whether a measurement is a count of things."""
    counted = str(measurement.unit) in ("1", "index")
    return counted and measurement.aggregation in ("sum", "max")
