"""A sample network: everything that a real one would deliver over weeks, with its truth beside.

`village` is for tests; `town` is for judging detectors. The same name, seed and parameters give
the same bytes. A folder with a manifest is whole; anything else is started anew.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.twin import files
from tasks.twin.alarms import write_alarm_deliveries
from tasks.twin.coverage import radio_map
from tasks.twin.delivered_records import told_configuration, write_records
from tasks.twin.delivered_rows import Run, delivered_rows
from tasks.twin.effects import conditions_of, sound_conditions
from tasks.twin.faults import Fault, Terrain, place_faults
from tasks.twin.flaws import measuring_flaws
from tasks.twin.layout import Network, build_network
from tasks.twin.live_report import write_first_report
from tasks.twin.measurement_xml import write_measurement_files
from tasks.twin.planned_changes import PlannedChange, planned_changes
from tasks.twin.planned_effects import with_changes
from tasks.twin.scenario import (
    NETWORKS,
    SampleNetwork,
    benign_shocks,
    fault_plan,
    outside_temperature,
    planned_busy_use,
)
from tasks.twin.state import network_state
from tasks.twin.subscribers import write_sessions
from tasks.twin.traffic import (
    PERIOD_S,
    PERIODS_A_DAY,
    Season,
    Shock,
    demand_shares,
    public_holidays,
    season,
)
from tasks.twin.transport_network import build_transport
from tasks.twin.true_changes import TrueChanges, true_changes
from tasks.twin.true_effects import true_effects
from tasks.twin.true_kpis import true_kpis
from tasks.twin.true_scene import Scene
from tasks.twin.world import build_world

VERSION = 8
"""Rises whenever the same parameters would give other files."""

_PERIODS_AT_ONCE = 48


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sample network's folder holds; it is written last.

    Attributes:
        folder: of this network; its `delivered` is what a flow is pointed at.
        history: window of the Parquet files; None without history.
        newest: window of the measurement files.
        counts: of sites, cells, routers, links, functions, faults, files and rows.
    """

    folder: Path
    parameters: SampleNetwork
    history: Window | None
    newest: Window
    counts: dict[str, int]

    @property
    def delivered(self) -> Path:
        """The folder that a network would deliver."""
        return self.folder / "delivered"


def write_sample_network(
    name: str,
    seed: int,
    folder: Path,
    *,
    end: datetime | None = None,
    history_days: int | None = None,
    newest_days: int | None = None,
) -> Manifest:
    """Write the sample network `<folder>/<name>-<seed>`; one that stands already is kept.

    Args:
        name: `village` or `town`.
        seed: of everything random.
        folder: where sample networks lie.
        end: midnight UTC after the newest day; a fixed day by default, never today.
        history_days: days of history, at least 1.
        newest_days: days of measurement files, at least 1.

    Raises:
        UnknownNameError: no such network.
        InputError: a parameter is out of bounds.
    """
    if name not in NETWORKS:
        raise UnknownNameError.of("sample network", name, NETWORKS)
    known = NETWORKS[name]
    chosen = replace(
        known,
        seed=seed,
        end=known.end if end is None else end,
        history_days=known.history_days if history_days is None else history_days,
        newest_days=known.newest_days if newest_days is None else newest_days,
    )
    _check(chosen)
    target = folder / f"{name}-{seed}"
    with _alone(folder / f".{name}-{seed}.lock"):
        return _standing(target, chosen) or _made_anew(chosen, folder, target)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the sample network in a folder.

    Raises:
        InputError: none stands there, or one of another version.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise InputError(f"No sample network stands at {folder}; `anops run` writes it.")
    told = json.loads(path.read_text(encoding="utf-8"))
    values = told["parameters"]
    chosen = SampleNetwork(**values | {"end": datetime.fromisoformat(values["end"])})
    found = _standing(folder, chosen)
    if found is None:
        raise InputError(
            f"The sample network at {folder} is of another version; `anops run` writes it anew."
        )
    return found


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process write a network; a second waits and finds it standing."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _made_anew(chosen: SampleNetwork, folder: Path, target: Path) -> Manifest:
    half = folder / ".half" / target.name
    shutil.rmtree(half, ignore_errors=True)
    for part in ("pm", "history", "topology", "alarms", "sessions"):
        (half / "delivered" / part).mkdir(parents=True)
    for part in ("truth", "live"):
        (half / part).mkdir()
    manifest = _write(chosen, half, target)
    (half / "manifest.json").write_text(json.dumps(_described(manifest), indent=2) + "\n", "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)
    with suppress(OSError):  # another network may be in the making there
        half.parent.rmdir()
    return manifest


@dataclass(frozen=True, slots=True)
class Happenings:
    """What happens in a run: faults, changes that people planned, and what is nobody's doing."""

    faults: list[Fault]
    changes: list[PlannedChange]
    shocks: list[Shock]


def simulated_run(chosen: SampleNetwork) -> tuple[Run, Scene, Happenings]:
    """Return a whole run before counting: states with faults and without, and what happens."""
    network = build_network(
        chosen.sites,
        chosen.seed,
        is_village=chosen.name == "village",
        lte_share=chosen.lte_share,
    )
    radio = radio_map(network, chosen.seed)
    calendar = season(chosen.start, chosen.days)
    flaws = measuring_flaws(network, calendar.periods, chosen.newest_first, chosen.seed)
    busy_use = planned_busy_use(network, chosen.seed)
    shocks = benign_shocks(network, chosen, busy_use)
    demand = demand_shares(network, calendar, shocks, chosen.seed, chosen.yearly_growth)
    transport = build_transport(network, chosen.seed)
    spared = () if flaws.new_site is None else (flaws.new_site,)
    changes = _changes(chosen, network, calendar, spared)
    world = build_world(radio, transport, demand, busy_use, chosen.seed)
    world = with_changes(world, changes)
    terrain = Terrain(network, radio.built, world.busy_use, transport, world.battery_kwh)
    faults = place_faults(terrain, fault_plan(chosen, spared), chosen.seed)
    sound = network_state(world, sound_conditions(world))
    conditions = conditions_of(world, faults, sound)
    state = network_state(world, conditions)
    run = Run(
        calendar=calendar,
        world=world,
        state=state,
        conditions=conditions,
        flaws=flaws,
        temperature_degc=outside_temperature(calendar, shocks, chosen.seed),
        catalogue=catalogue(),
        seed=chosen.seed,
    )
    happenings = Happenings(faults, changes, shocks)
    return run, Scene(network, calendar, state, sound, world), happenings


def _changes(
    chosen: SampleNetwork, network: Network, calendar: Season, spared: tuple[int, ...]
) -> list[PlannedChange]:
    if not chosen.has_changes:
        return []
    return planned_changes(
        network, calendar, chosen.seed, newest_first=chosen.newest_first, spared_sites=spared
    )


def _check(chosen: SampleNetwork) -> None:
    if chosen.history_days < 1 or chosen.newest_days < 1:
        raise InputError(
            f"A sample network needs a day of history and a newest day; got {chosen.history_days} "
            f"and {chosen.newest_days}."
        )
    end = chosen.end
    if end.tzinfo is None or end != end.astimezone(UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    ):
        raise InputError(f"A sample network ends at midnight UTC; got {end.isoformat()}.")


def _standing(target: Path, chosen: SampleNetwork) -> Manifest | None:
    path = target / "manifest.json"
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    if any(told.get(key) != value for key, value in _identity(chosen).items()):
        return None
    return Manifest(target, chosen, *_windows(chosen), told["counts"])


def _windows(chosen: SampleNetwork) -> tuple[Window, Window]:
    border = chosen.end - timedelta(days=chosen.newest_days)
    return Window(chosen.start, border), Window(border, chosen.end)


def _identity(chosen: SampleNetwork) -> dict[str, Any]:
    """Return what makes two sample networks the same, the names they are written with included."""
    names = sorted((m.column, m.standard_name) for m in catalogue().measurements.values())
    return {
        "version": VERSION,
        "parameters": asdict(chosen) | {"end": chosen.end.astimezone(UTC).isoformat()},
        "measurements": sha256(repr(names).encode()).hexdigest()[:16],
    }


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        **_identity(manifest.parameters),
        "history": str(manifest.history),
        "newest": str(manifest.newest),
        "counts": manifest.counts,
    }


def _write(chosen: SampleNetwork, half: Path, target: Path) -> Manifest:
    run, scene, happened = simulated_run(chosen)
    faults = happened.faults
    delivered = half / "delivered"
    rows = _write_history(run, chosen, delivered / "history")
    written = 0
    for first in range(chosen.newest_first, run.calendar.periods, _PERIODS_AT_ONCE):
        newest = delivered_rows(run, first, first + _PERIODS_AT_ONCE, has_distributions=True)
        rows += sum(frame.height for frame in newest.frames().values())
        written += write_measurement_files(newest, delivered / "pm", run.catalogue)
    radio = run.world.radio
    files.write_topology(scene.network, radio.built, run.calendar, delivered / "topology")
    alarms = write_alarm_deliveries(
        scene.network, run.world.routes.network, faults, run.calendar, chosen.seed,
        delivered / "alarms", run.conditions.battery_share,
    )  # fmt: skip
    alarms.causes.write_parquet(half / "truth" / "alarm_causes.parquet")
    told = write_records(run, happened.changes, faults, delivered)
    write_first_report(half, told_configuration(run, happened.changes, faults), chosen.end)
    periods = (chosen.newest_first, run.calendar.periods)
    told["service_sessions"] = write_sessions(run, *periods, delivered / "sessions")
    _write_truth(half / "truth", run, scene, happened)
    transport = run.world.routes.network
    counts = {
        "sites": len(scene.network.sites),
        "cells": len(scene.network.cells),
        "routers": sum(node.kind != "optical_terminal" for node in transport.nodes),
        "optical_terminals": sum(node.kind == "optical_terminal" for node in transport.nodes),
        "links": len(transport.links),
        "core_functions": len(transport.functions),
        "faults": len(faults),
        "planned_changes": len(happened.changes),
        **alarms.counts,
        "measurement_files": written,
        "measurement_rows": rows,
        **told,
    }
    return Manifest(target, chosen, *_windows(chosen), counts)


def _write_history(run: Run, chosen: SampleNetwork, folder: Path) -> int:
    files.write_history_mapping(folder)
    rows = 0
    for day in range(chosen.history_days):
        first = day * PERIODS_A_DAY
        counted = delivered_rows(run, first, first + PERIODS_A_DAY, has_distributions=False)
        rows += files.write_history(counted, f"{run.calendar.starts[first]:%Y-%m-%d}", folder)
    return rows


def _write_truth(folder: Path, run: Run, scene: Scene, happened: Happenings) -> None:
    missing = files.missing_cells(scene.network, run.flaws.missing_sites)
    found = true_effects(scene, happened.faults, missing)
    found.faults.write_parquet(folder / "faults.parquet")
    found.cell_periods.write_parquet(folder / "cell_periods.parquet")
    moved = true_kpis(run, scene, found.cell_periods)
    moved.write_parquet(folder / "cell_kpis_affected.parquet")
    changes = true_changes(scene, happened.changes, happened.faults)
    changes.changes.write_parquet(folder / "changes.parquet")
    benign_rows(run, scene, happened.shocks, changes).write_parquet(folder / "benign.parquet")


def benign_rows(
    run: Run, scene: Scene, shocks: Sequence[Shock], changes: TrueChanges
) -> pl.DataFrame:
    """Return what looks unusual and is no fault: kind, cells (none: all), start and end."""
    starts = (*run.calendar.starts, run.calendar.starts[-1] + timedelta(seconds=PERIOD_S))
    told: list[tuple[str, list[str], datetime, datetime]] = []
    for shock in shocks:
        areas = shock.areas or ()
        named = [cell.dn for cell in scene.network.cells if scene.network.area_of(cell) in areas]
        told.append((shock.kind, named, starts[shock.first], starts[shock.last]))
    for gap in run.flaws.gaps:
        named = [cell.dn for cell in scene.network.cells if cell.site.index == gap.site]
        told.append((gap.kind, named, starts[gap.first], starts[gap.last]))
    told += [("planned_change", cells, start, end) for cells, start, end in changes.benign]
    days = sorted({moment.date() for moment in run.calendar.starts})
    for day in days:
        if day in public_holidays(day.year):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            told.append(("holiday", [], midnight, midnight + timedelta(days=1)))
    moment = pl.Datetime("us", "UTC")
    columns = ("kind", "cell_dns", "start", "end")
    kinds = (pl.String, pl.List(pl.String), moment, moment)
    schema = pl.Schema(zip(columns, kinds, strict=True))
    return pl.DataFrame(told, schema=schema, orient="row").sort("start", "kind")
