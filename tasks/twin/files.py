"""Writes a run's folder: what a network would deliver, and apart from it the truth.

`delivered/` holds history, newest measurement files, topology and alarms, and nothing of the
truth; `truth/` holds faults, their effects and what was benign.
"""

from pathlib import Path

import numpy as np
import polars as pl
import yaml

from tasks.twin.coverage import Tally
from tasks.twin.delivered_rows import DeliveredRows
from tasks.twin.faults import radio_neighbors
from tasks.twin.layout import Network
from tasks.twin.traffic import Season

_MOST_NEIGHBORS = 16
_HISTORY_MAPPING = {
    "mapping": 1,
    "into": "pm_measurements",
    "title": "Archive of measurements, one file a day and kind of object",
    "files": ["*.parquet"],
    "object": {"column": "managed_object_dn"},
    "time": {"column": "period_start"},
    "granularity": {"column": "granularity_s"},
    "suspect": {"column": "is_suspect"},
    "columns": {"*": "by_name"},
}
_TOPOLOGY_COLUMNS = (
    "site_id", "site_name", "latitude_deg", "longitude_deg", "azimuth_deg", "antenna_height_m",
    "digital_tilt_deg", "max_tx_power_dbm", "band", "frequency_mhz", "bandwidth_mhz", "archetype",
    "subnetwork",
)  # fmt: skip


def write_history(rows: DeliveredRows, day: str, folder: Path) -> int:
    """Write one day of history, one Parquet file a kind of object; return its rows."""
    for word, frame in rows.frames().items():
        frame.write_parquet(
            folder / f"{word}-{day}.parquet", compression="zstd", compression_level=1
        )
    return sum(frame.height for frame in rows.frames().values())


def write_history_mapping(folder: Path) -> None:
    """Write how the history's columns are to be read."""
    write_mapping(_HISTORY_MAPPING, folder / "history.mapping.yaml")


def write_topology(network: Network, built: Tally, calendar: Season, folder: Path) -> None:
    """Write the inventory of cells as a CSV file with its mapping."""
    pl.DataFrame(inventory_rows(network, built, calendar)).write_csv(folder / "cells.csv")
    write_inventory_mapping("cells.csv", folder)


def inventory_rows(network: Network, built: Tally, calendar: Season) -> list[dict[str, object]]:
    """Return the inventory: one row a cell.

    Neighbors are the cells with which a cell's footprint really overlaps, most overlap first.
    """
    since = calendar.starts[0].strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        {
            "cell_dn": cell.dn,
            "site_id": cell.site.site_id,
            "site_name": f"{cell.site.archetype.replace('_', ' ').title()} {cell.site.index}",
            "latitude_deg": round(cell.site.latitude_deg, 6),
            "longitude_deg": round(cell.site.longitude_deg, 6),
            "azimuth_deg": cell.azimuth_deg,
            "antenna_height_m": round(cell.site.height_m, 1),
            "digital_tilt_deg": cell.tilt_deg,
            "max_tx_power_dbm": cell.tx_power_dbm,
            "band": cell.band.name,
            "frequency_mhz": cell.band.frequency_mhz,
            "bandwidth_mhz": cell.band.bandwidth_mhz,
            "archetype": cell.site.archetype,
            "subnetwork": f"SubNetwork={cell.site.subnetwork}",
            "neighbors": "|".join(
                network.cells[int(other)].dn
                for other in radio_neighbors(built, cell.index)[:_MOST_NEIGHBORS]
            ),
            "valid_from": since,
        }
        for cell in network.cells
    ]


def write_inventory_mapping(files: str, folder: Path) -> None:
    """Write how the inventory's columns are to be read."""
    columns: dict[str, object] = {name: name for name in _TOPOLOGY_COLUMNS}
    columns["neighbors"] = {"is": "neighbor_dns", "separator": "|"}
    mapping = {
        "mapping": 1,
        "into": "network_topology",
        "title": "Inventory of cells",
        "files": [files],
        "object": {"column": "cell_dn"},
        "time": {"column": "valid_from"},
        "columns": columns,
    }
    write_mapping(mapping, folder / "cells.mapping.yaml")


def missing_cells(network: Network, missing_sites: np.ndarray) -> np.ndarray:
    """Return by period and cell whether nothing was delivered."""
    site_of = [cell.site.index - 1 for cell in network.cells]
    return np.asarray(missing_sites[:, site_of])


def write_mapping(mapping: object, path: Path) -> None:
    """Write a mapping file."""
    path.write_text(yaml.safe_dump(mapping, sort_keys=False), encoding="utf-8")
