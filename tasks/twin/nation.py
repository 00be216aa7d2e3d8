"""A nation: 20,000 sites and some 100,000 cells of measurements, straight to Parquet.

It is many towns side by side, each simulated by the same physics as the town with a seed of its
own; towns are far apart, so none interferes with another. Regions of 32 towns deliver one file an
hour and kind of object, as the systems of an operator's regions do. Each region's files depend
only on the seed, so regions are made in parallel and a nation that was cut off is completed.

There are no measurement files in XML here, and no records but the inventory: a nation is for size.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.twin import files
from tasks.twin.delivered_rows import delivered_rows
from tasks.twin.scenario import DEFAULT_END, SampleNetwork

VERSION = 2
"""Rises whenever the same parameters would give other files."""

TOWN_SITES = 78
_TOWNS_A_REGION = 32
_LTE_SHARE = 0.18
_WARM_UP_DAYS = 1
_FAULTS_A_TOWN_DAY = 3
_PERIODS_A_FILE = 4
_SUBNETWORKS_A_TOWN = 2


@dataclass(frozen=True, slots=True)
class Nation:
    """What a nation's folder holds.

    Attributes:
        folder: of this nation; its `delivered` is what a flow is pointed at.
        window: the days delivered.
        counts: of sites, cells, faults and rows.
    """

    folder: Path
    window: Window
    counts: Mapping[str, int]

    @property
    def delivered(self) -> Path:
        """The folder that a network would deliver."""
        return self.folder / "delivered"


@dataclass(frozen=True, slots=True)
class _Region:
    number: int
    towns: tuple[tuple[int, int], ...]  # number of the town, its sites
    days: int
    seed: int


def write_nation(
    seed: int, folder: Path, *, sites: int = 20_000, days: int = 1, processes: int = 2
) -> Nation:
    """Write `<folder>/nation-<seed>`; regions that stand complete are kept.

    Args:
        seed: of everything random.
        folder: where sample networks lie.
        sites: in all; each has one to nine cells, five on average.
        days: days delivered, the last one ending where every sample network ends.
        processes: regions made at once; each takes about 0.8 GiB.

    Raises:
        InputError: a parameter is out of bounds.
    """
    if sites < 1 or days < 1 or processes < 1:
        raise InputError(
            f"A nation needs sites, days and processes of at least 1; got {sites}, {days} and "
            f"{processes}."
        )
    target = folder / f"nation-{seed}"
    made_with = {"version": VERSION, "seed": seed, "sites": sites, "days": days}
    manifest = target / "manifest.json"
    standing = _read(manifest)
    if {name: standing.get(name) for name in made_with} != made_with:
        shutil.rmtree(target, ignore_errors=True)
    for part in ("history", "topology"):
        (target / "delivered" / part).mkdir(parents=True, exist_ok=True)
    (target / "truth").mkdir(exist_ok=True)
    manifest.write_text(json.dumps(made_with) + "\n", "utf-8")
    files.write_history_mapping(target / "delivered" / "history")
    files.write_inventory_mapping("*.csv", target / "delivered" / "topology")
    regions = _regions(seed, sites, days)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(_write_region, regions, [target] * len(regions)))
    counts = {name: sum(one[name] for one in told) for name in told[0]}
    manifest.write_text(json.dumps(made_with | {"counts": counts}, indent=2) + "\n", "utf-8")
    return Nation(target, Window(DEFAULT_END - timedelta(days=days), DEFAULT_END), counts)


def _regions(seed: int, sites: int, days: int) -> list[_Region]:
    sizes = [min(TOWN_SITES, sites - first) for first in range(0, sites, TOWN_SITES)]
    towns = list(enumerate(sizes))
    return [
        _Region(first // _TOWNS_A_REGION, tuple(towns[first : first + _TOWNS_A_REGION]), days, seed)
        for first in range(0, len(towns), _TOWNS_A_REGION)
    ]


def _write_region(region: _Region, target: Path) -> dict[str, int]:
    """Write a region's files unless they stand whole; return its counts."""
    done = target / f".region-{region.number:02d}.json"
    standing = _read(done)
    if standing:
        return standing
    rows: dict[tuple[str, str], list[pl.DataFrame]] = {}
    inventory: list[dict[str, object]] = []
    faults: list[pl.DataFrame] = []
    counts = {"sites": 0, "cells": 0, "faults": 0, "rows": 0}
    for number, sites in region.towns:
        town = _Town.simulated(region, number, sites)
        for key, frame in town.rows.items():
            rows.setdefault(key, []).append(frame)
        inventory.extend(town.inventory)
        faults.append(town.faults)
        counts["sites"] += sites
        counts["cells"] += len(town.inventory)
        counts["faults"] += town.faults.height
    history = target / "delivered" / "history"
    for (kind, hour), frames in rows.items():
        frame = pl.concat(frames).sort("period_start", maintain_order=True)
        name = f"region{region.number:02d}-{kind}-{hour}.parquet"
        frame.write_parquet(history / name, compression="zstd", compression_level=1)
        counts["rows"] += frame.height
    stem = f"region{region.number:02d}"
    pl.DataFrame(inventory).write_csv(target / "delivered" / "topology" / f"{stem}-cells.csv")
    pl.concat(faults).write_parquet(target / "truth" / f"{stem}-faults.parquet")
    done.write_text(json.dumps(counts) + "\n", "utf-8")
    return counts


@dataclass(frozen=True, slots=True)
class _Town:
    """One town of a region, under the nation's names.

    Attributes:
        rows: by kind of object and hour.
        inventory: one entry a cell.
        faults: kind, cells, start and end.
    """

    rows: dict[tuple[str, str], pl.DataFrame]
    inventory: list[dict[str, object]]
    faults: pl.DataFrame

    @classmethod
    def simulated(cls, region: _Region, number: int, sites: int) -> "_Town":
        # Imported here: a worker process pays for the simulation, a reader of manifests does not.
        from tasks.twin.sample_network import simulated_run  # noqa: PLC0415

        chosen = replace(
            _A_TOWN,
            seed=region.seed * 100_000 + number,
            sites=sites,
            newest_days=region.days,
            newest_faults=_FAULTS_A_TOWN_DAY * region.days,
        )
        run, scene, happened = simulated_run(chosen)
        faults = happened.faults
        renamed = _names(number)
        rows: dict[tuple[str, str], pl.DataFrame] = {}
        for first in range(chosen.newest_first, run.calendar.periods, _PERIODS_A_FILE):
            hour = run.calendar.starts[first].strftime("%Y-%m-%dT%H")
            told = delivered_rows(run, first, first + _PERIODS_A_FILE, has_distributions=False)
            for kind, frame in told.frames().items():
                rows[kind, hour] = frame.with_columns(
                    pl.col("managed_object_dn").str.replace_many(renamed)
                )
        entries = files.inventory_rows(scene.network, run.world.radio.built, run.calendar)
        starts = run.calendar.starts
        struck = pl.DataFrame(
            {
                "kind": [fault.kind for fault in faults],
                "cell_dns": [
                    [_renamed(scene.network.cells[cell].dn, renamed) for cell in fault.cells]
                    for fault in faults
                ],
                "start": [starts[fault.first] for fault in faults],
                "end": [starts[fault.last - 1] + timedelta(minutes=15) for fault in faults],
            },
            schema={
                "kind": pl.String,
                "cell_dns": pl.List(pl.String),
                "start": pl.Datetime("us", "UTC"),
                "end": pl.Datetime("us", "UTC"),
            },
        )
        return cls(rows, [_moved(entry, number, renamed) for entry in entries], struck)


_A_TOWN = SampleNetwork(
    "nation",
    0,
    TOWN_SITES,
    _WARM_UP_DAYS,
    1,
    0,
    _FAULTS_A_TOWN_DAY,
    lte_share=_LTE_SHARE,
    has_changes=False,
)


def _names(town: int) -> dict[str, str]:
    """Return each subnetwork of a town and its name in the nation, comma included."""
    return {
        f"SubNetwork={own},": f"SubNetwork={town * _SUBNETWORKS_A_TOWN + own},"
        for own in range(1, _SUBNETWORKS_A_TOWN + 1)
    } | {f"SubNetwork={word},": f"SubNetwork={word}-{town + 1}," for word in ("core", "transport")}


def _renamed(dn: str, names: Mapping[str, str]) -> str:
    head, mark, rest = dn.partition(",")
    return f"{names.get(head + mark, head + mark)}{rest}"


_TOWNS_A_ROW = 20
_TOWN_SPAN_DEG = 0.35


def _moved(entry: Mapping[str, object], town: int, names: Mapping[str, str]) -> dict[str, object]:
    """Return an inventory entry under the nation's names, its town in its place on a grid."""
    neighbors = str(entry["neighbors"]).split("|")
    return {
        **entry,
        "cell_dn": _renamed(str(entry["cell_dn"]), names),
        "site_id": f"T{town + 1:03d}-{entry['site_id']}",
        "site_name": f"Town {town + 1}, {entry['site_name']}",
        "latitude_deg": round(
            float(str(entry["latitude_deg"])) + (town // _TOWNS_A_ROW - 6) * _TOWN_SPAN_DEG, 6
        ),
        "longitude_deg": round(
            float(str(entry["longitude_deg"])) + (town % _TOWNS_A_ROW - 10) * _TOWN_SPAN_DEG, 6
        ),
        "subnetwork": _renamed(f"{entry['subnetwork']},", names).rstrip(","),
        "neighbors": "|".join(_renamed(dn, names) for dn in neighbors if dn),
    }


def delivered_files(nation: Nation, hours: Sequence[str] = ()) -> list[Path]:
    """Return the nation's measurement files, of some hours (`2025-06-04T07`) only where named."""
    found = sorted((nation.delivered / "history").glob("*.parquet"))
    return [path for path in found if not hours or path.stem[-13:] in hours]


def _read(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    told: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return told
