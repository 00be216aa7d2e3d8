"""Every managed object of the sample network, with its attributes, as built.

Objects and attributes are those of 3GPP TS 28.541 (NR), TS 28.658 (LTE) and TS 28.622.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tasks.twin.faults import Fault
from tasks.twin.layout import Cell, Network, Site
from tasks.twin.sleep_modes import (
    CONTROL,
    DO_NOT_SAVE,
    MODE,
    MODES,
    SAVES_NOT,
    SAVING_FUNCTION,
    STATE,
    SWITCH,
)

Attributes = dict[str, Any]
Objects = dict[str, tuple[str, Attributes]]
"""Class and attributes by DN, containing objects before what they contain."""

SOFTWARE = {"Nordlicht": "NL-RAN 24.3.1", "Ostwind": "OW5G 7.2.0"}
"""The release that each vendor's elements are planned to run."""

_PLMN = {"mcc": "262", "mnc": "99"}
_OLD_NUMBER, _OLD_ELEMENT = 100, 900
_NEAR_SITES, _MOST_RELATIONS = 4, 9


@dataclass(frozen=True)
class BuiltNetwork:
    """What the objects follow from.

    Attributes:
        targets: by cell, the neighbors that it has relations to.
        renamed_cell: DN before, DN after, moment; of the half in the distributed unit.
        rebuilt_site: element's DN before, after, moment; None where no site is fit for it.
    """

    network: Network
    seed: int
    targets: Mapping[int, tuple[int, ...]]
    renamed_cell: tuple[str, str, datetime]
    rebuilt_site: tuple[str, str, datetime] | None


def built_objects(told: BuiltNetwork, moment: datetime) -> Objects:
    """Return every object as built, under the names of a moment."""
    found: Objects = {}
    cells: dict[int, list[Cell]] = {site.index: [] for site in told.network.sites}
    for cell in told.network.cells:
        cells[cell.site.index].append(cell)
    rebuilt = told.rebuilt_site
    for site in told.network.sites:
        if rebuilt and site.element_dn == rebuilt[1] and moment < rebuilt[2]:
            _add_old_site(found, site, rebuilt[0], len(cells[site.index]))
        else:
            _add_site(found, site, cells[site.index], told)
    before, after, at = told.renamed_cell
    if moment < at:
        halves = (("GNBDUFunction", "NRCellDU"), ("GNBCUCPFunction", "NRCellCU"))
        for function, object_class in halves:
            pair = [
                dn.replace("GNBDUFunction", function).replace("NRCellDU", object_class)
                for dn in (after, before)
            ]
            found = _renamed(found, *pair)
    return found


def relation_dn(cell: Cell, other: Cell) -> str:
    """Return the DN of a cell's relation to a neighbor."""
    return f"{_relating_dn(cell)},{_relation_class(cell)}={other.site.index}-{other.local_id}"


def tilt_place(cell: Cell) -> tuple[str, str]:
    """Return the object and attribute that tell a cell's tilt, in tenths of a degree."""
    if cell.band.technology == "LTE":
        return cell.dn, "retTilt"
    carrier = f"{cell.site.element_dn},GNBDUFunction=1,NRSectorCarrier={cell.local_id}"
    return f"{carrier},CommonBeamformingFunction=1", "digitalTilt"


def power_place(cell: Cell) -> tuple[str, str]:
    """Return the object and attribute that tell a cell's power: mW for NR, dBm for LTE."""
    if cell.band.technology == "LTE":
        return cell.dn, "maximumTransmissionPower"
    carrier = f"{cell.site.element_dn},GNBDUFunction=1,NRSectorCarrier={cell.local_id}"
    return carrier, "configuredMaxTxPower"


def saving_dn(cell: Cell) -> str:
    """Return the DN of the function that lets an NR cell save energy."""
    return f"{_relating_dn(cell)},{SAVING_FUNCTION}=1"


def old_cell_dn(cell: Cell) -> str:
    """Return what a cell was called before it was renamed."""
    above, _, number = cell.dn.rpartition("=")
    return f"{above}={int(number) + _OLD_NUMBER}"


def old_element_dn(site: Site) -> str:
    """Return the element that stood where a site was rebuilt."""
    return f"SubNetwork={site.subnetwork},ManagedElement={site.index + _OLD_ELEMENT}"


def neighbor_targets(network: Network, faults: Sequence[Fault]) -> dict[int, tuple[int, ...]]:
    """Return each cell's neighbors: its own site's and the nearest sites' of the same band."""
    sites = network.sites
    x = np.array([site.x_m for site in sites])
    y = np.array([site.y_m for site in sites])
    at: dict[tuple[int, str], list[Cell]] = {}
    for cell in network.cells:
        at.setdefault((cell.site.index, cell.band.name), []).append(cell)
    near = {
        site.index: [
            sites[int(other)].index
            for other in np.argsort(np.hypot(x - site.x_m, y - site.y_m), kind="stable")
        ][: _NEAR_SITES + 1]
        for site in sites
    }
    wrong = {
        fault.cells[0]: fault.target
        for fault in faults
        if fault.kind == "wrong_neighbor" and fault.target is not None
    }
    found = {}
    for cell in network.cells:
        others = [
            other.index
            for index in near[cell.site.index]
            for other in at.get((index, cell.band.name), [])
            if other.index != cell.index
        ][:_MOST_RELATIONS]
        target = wrong.get(cell.index)
        if target is not None and target not in others:
            others.append(target)
        found[cell.index] = tuple(others)
    return found


def _relation_class(cell: Cell) -> str:
    return "EUtranRelation" if cell.band.technology == "LTE" else "NRCellRelation"


def _relating_dn(cell: Cell) -> str:
    if cell.band.technology == "LTE":
        return cell.dn
    return f"{cell.site.element_dn},GNBCUCPFunction=1,NRCellCU={cell.local_id}"


def _renamed(objects: Objects, old: str, new: str) -> Objects:
    return {
        (new + dn[len(old) :] if dn == old or dn.startswith(f"{old},") else dn): told
        for dn, told in objects.items()
    }


def _vendor(site: Site) -> str:
    return "Nordlicht" if site.subnetwork == 1 else "Ostwind"


def _element(site: Site, vendor: str) -> Attributes:
    return {
        "userLabel": f"{site.archetype.replace('_', ' ').title()} {site.index}",
        "locationName": site.site_id,
        "vendorName": vendor,
        "swVersion": SOFTWARE[vendor],
        "peeParametersList": [
            {
                "siteIdentification": site.site_id,
                "siteLatitude": round(site.latitude_deg, 6),
                "siteLongitude": round(site.longitude_deg, 6),
            }
        ],
    }


def _add_old_site(found: Objects, site: Site, dn: str, count: int) -> None:
    """Add what stood where a site was rebuilt: another element with cells of its own."""
    found[dn] = ("ManagedElement", _element(site, "Ostwind"))
    node = _OLD_ELEMENT + site.index
    found[f"{dn},GNBDUFunction=1"] = ("GNBDUFunction", {"gNBId": node, "gNBIdLength": 22})
    for number in range(1, count + 1):
        found[f"{dn},GNBDUFunction=1,NRCellDU={number}"] = (
            "NRCellDU",
            {
                "cellLocalId": number,
                "nCI": node * 16384 + number,
                "administrativeState": "UNLOCKED",
            },
        )


def _add_site(found: Objects, site: Site, cells: Sequence[Cell], told: BuiltNetwork) -> None:
    dn, node = site.element_dn, site.index
    found[dn] = ("ManagedElement", _element(site, _vendor(site)))
    du, cu, enb = (f"{dn},{name}=1" for name in ("GNBDUFunction", "GNBCUCPFunction", "ENBFunction"))
    of_nr = [cell for cell in cells if cell.band.technology == "NR"]
    if of_nr:
        name = f"gnb-{site.site_id}"
        ids = {"gNBId": node, "gNBIdLength": 22}
        found[du] = ("GNBDUFunction", {**ids, "gNBDUId": 1, "gNBDUName": name})
        for cell in of_nr:
            _add_du_cell(found, du, cell, told)
        found[cu] = ("GNBCUCPFunction", {**ids, "gNBCUName": name, "pLMNId": dict(_PLMN)})
    for cell in of_nr:
        attributes = {"cellLocalId": cell.local_id, "pLMNInfoList": [_slice()]}
        found[f"{cu},NRCellCU={cell.local_id}"] = ("NRCellCU", attributes)
        _add_relations(found, cell, told)
        # LTE cells have none: voice and emergency calls rest on them.
        found[saving_dn(cell)] = (SAVING_FUNCTION, _saving_function())
    of_lte = [cell for cell in cells if cell.band.technology == "LTE"]
    if of_lte:
        found[enb] = ("ENBFunction", {"eNBId": node})
    for cell in of_lte:
        found[cell.dn] = ("EUtranCellFDD", _lte_cell(cell, told))
        _add_relations(found, cell, told)


def _slice() -> Attributes:
    return {"pLMNId": dict(_PLMN), "sNSSAI": {"sST": 1, "sD": "000001"}}


def _saving_function() -> Attributes:
    return {SWITCH: True, CONTROL: DO_NOT_SAVE, STATE: SAVES_NOT, MODE: MODES[0]}


def _add_du_cell(found: Objects, du: str, cell: Cell, told: BuiltNetwork) -> None:
    band = cell.band
    channel = {"arfcnDL": _nr_arfcn(band.frequency_mhz), "bSChannelBwDL": int(band.bandwidth_mhz)}
    found[f"{du},NRCellDU={cell.local_id}"] = (
        "NRCellDU",
        {
            "administrativeState": "UNLOCKED",
            "cellLocalId": cell.local_id,
            "nCI": cell.site.index * 16384 + cell.local_id,
            "nRPCI": _physical_id(cell, told),
            "nRTAC": 100 + cell.site.subnetwork,
            **channel,
            "pLMNInfoList": [_slice()],
            "nRSectorCarrierRef": [f"{du},NRSectorCarrier={cell.local_id}"],
        },
    )
    carrier = f"{du},NRSectorCarrier={cell.local_id}"
    milliwatt = round(10.0 ** (cell.tx_power_dbm / 10.0))
    found[carrier] = ("NRSectorCarrier", {"configuredMaxTxPower": milliwatt, **channel})
    found[f"{carrier},CommonBeamformingFunction=1"] = (
        "CommonBeamformingFunction",
        # In tenths of a degree.
        {"digitalTilt": round(10 * cell.tilt_deg), "digitalAzimuth": 0, "coverageShape": 1},
    )


def _lte_cell(cell: Cell, told: BuiltNetwork) -> Attributes:
    return {
        "administrativeState": "UNLOCKED",
        "cellLocalId": cell.local_id,
        "pci": _physical_id(cell, told) % 504,
        "tac": 100 + cell.site.subnetwork,
        "earfcnDl": 1200 + round(10 * (cell.band.frequency_mhz - 1805.0)),
        "dlChannelBandwidth": int(cell.band.bandwidth_mhz),
        "maximumTransmissionPower": cell.tx_power_dbm,
        "retTilt": round(10 * cell.tilt_deg),
        "plmnIdList": [dict(_PLMN)],
    }


def _add_relations(found: Objects, cell: Cell, told: BuiltNetwork) -> None:
    is_lte = cell.band.technology == "LTE"
    name = "adjacentCell" if is_lte else "adjacentNRCellRef"
    for index in told.targets[cell.index]:
        other = told.network.cells[index]
        attributes = {name: _relating_dn(other), "isHOAllowed": True}
        found[relation_dn(cell, other)] = (_relation_class(cell), attributes)


def _physical_id(cell: Cell, told: BuiltNetwork) -> int:
    rng = np.random.default_rng([told.seed, 32, cell.index])
    return int(rng.integers(0, 336)) * 3 + cell.sector


def _nr_arfcn(frequency_mhz: float) -> int:
    """Return the NR-ARFCN of a frequency (3GPP TS 38.104 table 5.4.2.1-1)."""
    if frequency_mhz < 3_000.0:
        return round(frequency_mhz / 0.005)
    return 600_000 + round((frequency_mhz - 3_000.0) / 0.015)
