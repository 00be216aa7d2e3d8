"""What cells tell of each minute, long before a quarter of an hour is counted.

A minute is a quarter of an hour's expected state with the scatter of one minute: few sessions begin
in it, and each is as long as it happens to be, so that a quiet cell jumps and a busy one hardly
does; one that more is asked of than it has stays full. Cells off the air tell nothing, nor do
elements that deliver no measurements. Files stay for an hour: who listens, listens at once.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from semantic_layer.loading import Catalogue
from tasks.twin.counting import Array
from tasks.twin.delivered_rows import Run
from tasks.twin.layout import Cell
from tasks.twin.measurements import Stretch
from tasks.twin.state import filled, wanted_of
from tasks.twin.traffic import PERIOD_S
from tasks.twin.ves_stream import StreamedCells, StreamedElement, stream_batch

MINUTE = timedelta(minutes=1)
KEPT = timedelta(hours=1)
"""How long a minute's file stays."""

STREAMED = {
    "NR": ("prb_used_dl", "prb_avail_dl", "scheduled_volume_dl", "scheduled_time_dl"),
    "LTE": ("lte_prb_used_dl", "lte_prb_avail_dl", "lte_ip_volume_dl", "lte_ip_time_dl"),
}
"""Measurements that are streamed, by technology: those of PRB usage and user throughput."""

_MINUTE_S = 60.0
_STREAM = 62
_FEWEST_SESSIONS = 4.0  # what runs in the background keeps a cell from falling silent by chance
_LEAST_LEFT = 0.015  # of a full cell's blocks, for one user more
_LONG_SHARE = 0.86  # of the volume, what is sent while data waits; as measurements.py counts it
_KBIT, _MS = 1000.0, 1000.0


def stream_folder(folder: Path) -> Path:
    """Return where a sample network's minutes are streamed to, beside what it delivers."""
    return folder / "stream"


def write_minute(run: Run, end: datetime, folder: Path) -> None:
    """Write what is told of one minute, whole or not at all; the same call writes the same bytes.

    Args:
        run: the quarter of an hour that holds the minute, under the modes that stand in it.
        end: of the minute.
        folder: of streamed files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    batch = stream_batch(minute_elements(run, end), end - MINUTE, end)
    path = folder / f"{end:%Y-%m-%dT%H%M}Z.json"
    half = folder / f".{path.name}.half"
    half.write_text(json.dumps(batch, separators=(",", ":")), encoding="utf-8")
    half.replace(path)


def forget_minutes(folder: Path, now: datetime) -> None:
    """Remove the files of minutes that ended an hour before `now`, or earlier."""
    oldest = f"{now - KEPT:%Y-%m-%dT%H%M}Z.json"
    for path in folder.glob("????-??-??T????Z.json"):
        if path.name <= oldest:
            path.unlink(missing_ok=True)


def minute_elements(run: Run, end: datetime) -> list[StreamedElement]:
    """Return what each managed element tells of one minute, see `write_minute`."""
    cells = run.world.radio.network.cells
    values = _values(run, end)
    is_told = (run.state.available[0] > 0.0) & ~run.flaws.missing_sites[0, run.world.site_of]
    suspect = run.flaws.suspect[0]
    of_element: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        of_element.setdefault(cell.site.element_dn, {}).setdefault(cell.band.technology, [])
        if is_told[cell.index]:
            of_element[cell.site.element_dn][cell.band.technology].append(cell)
    return [
        StreamedElement(
            dn,
            tuple(
                _streamed(run.catalogue, technology, told, suspect, values)
                for technology, told in sorted(of_technology.items(), reverse=True)
            ),
        )
        for dn, of_technology in of_element.items()
    ]


def _streamed(
    catalogue: Catalogue,
    technology: str,
    cells: Sequence[Cell],
    suspect: npt.NDArray[np.bool_],
    values: Array,
) -> StreamedCells:
    measurements = [catalogue.measurement(name) for name in STREAMED[technology]]
    return StreamedCells(
        measurements[0].object_class,
        tuple(measurement.standard_name for measurement in measurements),
        tuple(
            (cell.dn, bool(suspect[cell.index]), tuple(values[cell.index].tolist()))
            for cell in cells
        ),
    )


def _values(run: Run, end: datetime) -> Array:
    """Return (cells, 4) of a minute, in the units and the order of `STREAMED`."""
    cells = run.world.radio.network.cells
    every = Stretch(run.world, run.state, run.conditions, 0, 1, np.arange(len(cells)))
    load, full = every.of("load")[0], every.band("prbs") * every.of("available")[0]
    used = minute_load(load, every.of("sessions")[0], run.seed, end)
    part = np.divide(used, load, out=np.ones_like(load), where=load > 0.0)
    volume = _LONG_SHARE * every.of("downlink_mbps")[0] * _MINUTE_S * part
    # A fuller minute leaves each of its users less.
    left = np.maximum(1.0 - used, _LEAST_LEFT) / np.maximum(1.0 - load, _LEAST_LEFT)
    time_s = volume / np.maximum(every.of("downlink_user_mbps")[0] * left, 1e-3)
    is_lte = np.array([cell.band.technology == "LTE" for cell in cells])
    return np.stack(
        [
            full * used,
            full,
            np.where(is_lte, _KBIT * volume, volume),
            np.where(is_lte, _MS * time_s, time_s),
        ],
        axis=1,
    )


def minute_load(load: Array, sessions: Array, seed: int, end: datetime) -> Array:
    """Return the share of blocks in use in one minute, (cells,).

    Sessions begin by chance and their sizes are exponential: the sum of N of them scatters with a
    variance of 2 / N of its mean's square. What they want fills a cell as a quarter's mean does.

    Args:
        load: (cells,) expected share of blocks.
        sessions: (cells,) that begin in a quarter of an hour.
        seed: of the network.
        end: of the minute; it makes its chance.
    """
    rng = np.random.default_rng([seed, _STREAM, round(end.timestamp()) // 60])
    shape = 0.5 * np.maximum(sessions * (_MINUTE_S / PERIOD_S), _FEWEST_SESSIONS)
    return np.clip(filled(wanted_of(load) * rng.gamma(shape) / shape), 0.0, 1.0)
