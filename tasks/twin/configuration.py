"""How the sample network is configured over time, and how it was planned.

The plan is what the network was built from (configuration_objects.py). What departs from it
follows from faults (a relation that is missing, a tilt that slipped, a software release that
should not be there) and from one tilt whose unit reports what it does not have. Early in history
one cell had another number, and one site stood as another element.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tasks.twin.configuration_objects import (
    BuiltNetwork,
    Objects,
    built_objects,
    neighbor_targets,
    old_cell_dn,
    old_element_dn,
    relation_dn,
    tilt_place,
)
from tasks.twin.faults import Fault
from tasks.twin.layout import Cell, Network, Site
from tasks.twin.traffic import PERIOD_S, PERIODS_A_DAY, Season

DUMP_HOUR = 2
_REGRESSED = {"Nordlicht": "NL-RAN 24.4.0", "Ostwind": "OW5G 7.3.0"}
_SLIPPED_DEG = 4.0


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """A value that a change request gives an attribute, in plan and network alike."""

    change_id: str
    at: datetime
    dn: str
    attribute: str
    value: Any


@dataclass(frozen=True, slots=True)
class PlantedDrift:
    """A departure from plan: what a comparison ought to find, where a dump sees it.

    Attributes:
        tenths_deg: of a tilt, how far it is from plan when the drift is whole.
        ramp: periods until it is whole.
    """

    kind: str
    dn: str
    attribute: str
    begins: datetime
    ends: datetime | None
    tenths_deg: float = 0.0
    ramp: int = 0

    def tenths_at(self, moment: datetime) -> int:
        """Return how far a tilt is from plan, by the last period that has begun before then."""
        steps = max(1, -(-(moment - self.begins) // timedelta(seconds=PERIOD_S)))
        return slipped_tenths(self.tenths_deg / 10.0, min(steps / (self.ramp + 1.0), 1.0))


def slipped_tenths(size_deg: float, severity: float) -> int:
    """Return what a tilt unit adds to its planned tilt when a slip has gone so far."""
    return round(10.0 * size_deg * severity)


@dataclass(frozen=True)
class NetworkConfiguration:
    """The configuration of a whole run.

    Attributes:
        dumps: when the network is dumped, oldest first.
        plans: when a plan is delivered, and what it plans.
        drifts: what departs from the plan.
        changes: what change requests gave other values, oldest first.
    """

    built: BuiltNetwork
    dumps: tuple[datetime, ...]
    plans: Mapping[datetime, Objects]
    drifts: tuple[PlantedDrift, ...]
    changes: tuple[ConfigurationChange, ...] = ()

    def planned_at(self, moment: datetime) -> Objects:
        """Return every object as it is planned to be at a moment."""
        objects = built_objects(self.built, moment)
        for change in self.changes:
            if change.at <= moment and change.dn in objects:
                objects[change.dn][1][change.attribute] = change.value
        return objects

    def objects_at(self, moment: datetime) -> Objects:
        """Return every object as it is at a moment."""
        objects = self.planned_at(moment)
        for drift in self.drifts:
            if drift.begins <= moment and (drift.ends is None or moment < drift.ends):
                depart(objects, drift, moment)
        return objects


def network_configuration(
    network: Network,
    faults: Sequence[Fault],
    calendar: Season,
    seed: int,
    changes: Sequence[ConfigurationChange] = (),
) -> NetworkConfiguration:
    """Return the configuration of a run; the same arguments give the same.

    Args:
        network: as built.
        faults: of the run; wrong neighbors and regressions of software show in configuration.
        calendar: the periods of the run.
        seed: of the run.
        changes: what change requests gave other values.
    """
    rng = np.random.default_rng([seed, 31])
    days = len(calendar.starts) // PERIODS_A_DAY
    start = calendar.starts[0]
    numbers = sorted({*range(0, days, 7), days - 2, days - 1} & set(range(days)))
    dumps = tuple(start + timedelta(days=number, hours=DUMP_HOUR) for number in numbers)
    plain = [cell for cell in network.cells if cell.band.technology == "NR"]
    struck = _struck_sites(network, faults)
    calm = [cell for cell in plain if cell.site.index not in struck] or plain
    renamed = calm[int(rng.integers(0, len(calm)))]
    fit = [site for site in network.sites if _is_fit(network, site, struck | {renamed.site.index})]
    rebuilt = fit[int(rng.integers(0, len(fit)))] if fit else None
    moment = start + timedelta(days=max(1.0, 0.35 * days))
    built = BuiltNetwork(
        network=network,
        seed=seed,
        targets=neighbor_targets(network, faults),
        renamed_cell=(old_cell_dn(renamed), renamed.dn, moment),
        rebuilt_site=None
        if rebuilt is None
        else (old_element_dn(rebuilt), rebuilt.element_dn, moment),
    )
    ordered = tuple(sorted(changes, key=lambda change: (change.at, change.dn)))
    planned = NetworkConfiguration(built, dumps, {}, (), ordered)
    # A plan counts from the night whose dump first shows it carried out.
    nights = {dumps[0]} | {
        next((night for night in dumps if night >= at), dumps[-1])
        for at in (moment, *(change.at for change in ordered))
    }
    plans = {night: planned.planned_at(night) for night in sorted(nights)}
    slipped = plain[int(rng.integers(0, len(plain)))]
    drifts = [_slip(slipped, start + timedelta(days=0.6 * days))]
    drifts += fault_drifts(network, faults, calendar)
    drifts.sort(key=lambda drift: (drift.begins, drift.dn))
    return NetworkConfiguration(built, dumps, plans, tuple(drifts), ordered)


def _struck_sites(network: Network, faults: Sequence[Fault]) -> set[int]:
    """Return the sites whose configuration a fault departs from."""
    kinds = ("wrong_neighbor", "software_regression")
    return {
        network.cells[cell].site.index
        for fault in faults
        if fault.kind in kinds
        for cell in fault.cells
    }


def _is_fit(network: Network, site: Site, spared: set[int]) -> bool:
    """Tell whether a site may have been rebuilt: it has NR only, and is not spared."""
    bands = {cell.band.technology for cell in network.cells if cell.site.index == site.index}
    return site.index not in spared and bands == {"NR"}


def _slip(cell: Cell, at: datetime) -> PlantedDrift:
    dn, attribute = tilt_place(cell)
    return PlantedDrift("differs_from_plan", dn, attribute, at, None, 10.0 * _SLIPPED_DEG)


def fault_drifts(network: Network, faults: Sequence[Fault], calendar: Season) -> list[PlantedDrift]:
    """Return how faults make a network depart from its plan."""
    ends = (*calendar.starts[1:], calendar.starts[-1] + timedelta(minutes=15))
    found = []
    for fault in faults:
        begins, over = calendar.starts[fault.first], ends[fault.last - 1]
        first = network.cells[fault.cells[0]] if fault.cells else None
        if first is None:
            continue
        if fault.kind == "tilt_slip":
            found += [
                PlantedDrift(
                    "differs_from_plan", *tilt_place(network.cells[cell]), begins, over,
                    10.0 * fault.size, fault.ramp,
                )
                for cell in fault.cells
            ]  # fmt: skip
        elif fault.kind == "wrong_neighbor" and fault.target is not None:
            dn = relation_dn(first, network.cells[fault.target])
            found.append(PlantedDrift("missing_object", dn, "objectClass", begins, over))
        elif fault.kind == "software_regression":
            elements = sorted({network.cells[cell].site.element_dn for cell in fault.cells})
            found += [
                PlantedDrift("differs_from_plan", dn, "swVersion", begins, over) for dn in elements
            ]
    return found


def depart(objects: Objects, drift: PlantedDrift, moment: datetime) -> None:
    """Let objects depart from plan as a drift has it at a moment."""
    if drift.kind == "missing_object":
        objects.pop(drift.dn, None)
        return
    if drift.dn not in objects:
        return
    attributes = objects[drift.dn][1]
    if drift.attribute == "swVersion":
        attributes["swVersion"] = _REGRESSED[attributes["vendorName"]]
    else:
        attributes[drift.attribute] += drift.tenths_at(moment)
