"""Subscribers and their sessions: what a probe at the core would sample of a run.

Each cell and period is sampled alike, so that quiet cells are seen too; a session says how many it
stands for. What a session got follows from the state: rates from what the cell could give a user,
spread by where the user stood, delay and loss from the cell and its link, failures from the
state's chances. Limits and mixes of services are inputs of the sample network, not measurements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.twin.delivered_rows import Run
from tasks.twin.files import write_mapping
from tasks.twin.layout import Archetype
from tasks.twin.traffic import PERIOD_S

Numbers = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]

_SAMPLED_A_CELL_PERIOD = 5.0
_SUBSCRIBERS_A_SITE = 900
_ROAMING_SHARE = 0.25
_CORE_ROUND_TRIP_MS = 12.0
_RATE_SPREAD = 0.7
_DEEPEST_RATE_MBPS = 0.02


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a service is used: mean length in s, mean rates asked for in Mbit/s, evening's pull."""

    duration_s: float
    asked_dl_mbps: float
    asked_ul_mbps: float
    evening: float


_HABITS: Mapping[str, _Habit] = {
    "mobile_broadband": _Habit(70.0, 2.5, 0.35, 1.0),
    "video_streaming": _Habit(420.0, 4.5, 0.08, 1.8),
    "voice": _Habit(140.0, 0.03, 0.03, 0.9),
    "gaming": _Habit(900.0, 0.4, 0.15, 1.6),
    "fixed_wireless": _Habit(600.0, 6.0, 0.7, 1.4),
}
_NAMES = tuple(_HABITS)
_MIX: Mapping[Archetype, tuple[float, ...]] = {
    "dense_urban": (0.62, 0.14, 0.18, 0.04, 0.02),
    "business": (0.66, 0.08, 0.23, 0.02, 0.01),
    "residential": (0.50, 0.20, 0.15, 0.07, 0.08),
    "transport": (0.66, 0.13, 0.20, 0.01, 0.00),
    "stadium": (0.75, 0.12, 0.12, 0.01, 0.00),
    "rural": (0.48, 0.14, 0.19, 0.04, 0.15),
}


def service_sessions(run: Run, first: int, last: int) -> pl.DataFrame:
    """Return the sampled sessions of periods [first, last), in order of their start.

    A cell without coverage of a period, or out of service, has none.
    """
    rng = np.random.default_rng([run.seed, 21, run.first + first])
    asked = np.asarray(run.state.sessions[first:last], dtype=np.float64)
    expected = np.minimum(asked, _SAMPLED_A_CELL_PERIOD)
    drawn = rng.poisson(expected)
    period, cell = (part.astype(np.int64) for part in np.nonzero(drawn))
    times = drawn[period, cell]
    period, cell = np.repeat(period, times), np.repeat(cell, times)
    weight = asked[period, cell] / expected[period, cell]
    service = _services(run, first + period, cell, rng)
    when = (first + period, cell)
    is_setup = rng.random(len(cell)) >= _chance(
        run, when, ("access_fail", "core_fail", "bearer_fail")
    )
    is_dropped = is_setup & (rng.random(len(cell)) < _chance(run, when, ("drop",)))
    got = _quality(run, when, service, rng)
    starts = pl.Series(run.calendar.starts, dtype=pl.Datetime("us", "UTC"))
    within = (rng.random(len(cell)) * PERIOD_S * 1e6).astype(np.int64)
    cells = run.world.radio.network.cells
    frame = pl.DataFrame(
        {
            "started_at": starts.gather(first + period) + pl.Series(within).cast(pl.Duration("us")),
            "subscriber_id": _subscribers(run, cell, rng),
            "cell_dn": pl.Series([one.dn for one in cells]).gather(cell),
            "service": pl.Series(_NAMES).gather(service),
            "weight": pl.Series(weight).round(2),
            "is_setup": is_setup,
            "is_dropped": is_dropped,
            **{name: pl.Series(values) for name, values in got.items()},
        }
    ).sort("started_at", "cell_dn", maintain_order=True)
    measured = [
        pl.when("is_setup").then(pl.col(name)).round_sig_figs(5).alias(name) for name in got
    ]
    return frame.with_columns(
        *measured,
        pl.format("{}-{}", pl.lit(f"{run.first + first:05d}"), pl.row_index()).alias("session_id"),
    ).select("session_id", *frame.columns)


def write_sessions(run: Run, first: int, last: int, folder: Path, name: str | None = None) -> int:
    """Write a Parquet file of sampled sessions a day, and how to read them; return their number.

    Args:
        run: what is sampled.
        first: period of the run.
        last: the period after the last one.
        folder: of the files.
        name: what a file is called after; the day by default.
    """
    write_mapping(_MAPPING, folder / "sessions.mapping.yaml")
    count = 0
    day = timedelta(days=1) // timedelta(seconds=PERIOD_S)
    for begin in range(first, last, day):
        told = service_sessions(run, begin, min(begin + day, last))
        called = name or f"{run.calendar.starts[begin]:%Y-%m-%d}"
        told.write_parquet(folder / f"sessions-{called}.parquet")
        count += told.height
    return count


_MAPPING = {
    "mapping": 1,
    "into": "service_sessions",
    "title": "Sessions sampled by the probe at the core, one file a day",
    "files": ["*.parquet"],
    "columns": {
        name: name
        for name in (
            "session_id", "started_at", "subscriber_id", "cell_dn", "service", "weight", "is_setup",
            "is_dropped", "duration_s", "volume_dl_mbit", "volume_ul_mbit", "throughput_dl_mbps",
            "throughput_ul_mbps", "round_trip_ms", "packet_loss_share",
        )
    },
}  # fmt: skip


def _services(run: Run, period: Indexes, cell: Indexes, rng: np.random.Generator) -> Indexes:
    """Return which service each session uses: by archetype, some more in the evening."""
    kinds = list(_MIX)
    mix = np.array([_MIX[kind] for kind in kinds])
    pull = np.array([_HABITS[name].evening for name in _NAMES])
    hour = np.asarray(run.calendar.local_hour)[period]
    is_evening = ((hour >= 18.0) & (hour < 24.0)).astype(np.float64)[:, None]
    of_cell = np.array([kinds.index(one.site.archetype) for one in run.world.radio.network.cells])
    shares = mix[of_cell[cell]] * (1.0 + is_evening * (pull - 1.0))
    steps = np.cumsum(shares, axis=1)
    drawn = rng.random(len(cell)) * steps[:, -1]
    return np.asarray((drawn[:, None] >= steps).sum(axis=1), dtype=np.int64)


def _chance(run: Run, when: tuple[Indexes, Indexes], names: tuple[str, ...]) -> Numbers:
    """Return the chance that one of several things goes wrong."""
    well = np.ones(len(when[0]))
    for name in names:
        well *= 1.0 - np.asarray(getattr(run.state, name)[when], dtype=np.float64)
    return 1.0 - well


def _quality(
    run: Run, when: tuple[Indexes, Indexes], service: Indexes, rng: np.random.Generator
) -> dict[str, Numbers]:
    """Return what each session got: its length, volumes, rates, delay and loss."""
    state, size = run.state, len(service)
    habits = [_HABITS[name] for name in _NAMES]
    place = rng.normal(0.0, _RATE_SPREAD, size)  # one user stands near, another behind a wall
    rates = {}
    for way, of_cell in (("dl", state.downlink_user_mbps), ("ul", state.uplink_user_mbps)):
        mean = np.asarray(of_cell[when], dtype=np.float64)
        rates[way] = np.maximum(mean * np.exp(place - _RATE_SPREAD**2 / 2), _DEEPEST_RATE_MBPS)
    lasted = rng.exponential(np.array([habit.duration_s for habit in habits])[service]) + 1.0
    asked = {
        "dl": np.array([habit.asked_dl_mbps for habit in habits])[service],
        "ul": np.array([habit.asked_ul_mbps for habit in habits])[service],
    }
    queued = np.asarray(state.delay_ms[when], dtype=np.float64)
    loss = np.asarray(state.loss_downlink[when] + state.loss_uplink[when], dtype=np.float64)
    return {
        "duration_s": lasted,
        "volume_dl_mbit": lasted * np.minimum(asked["dl"] * rng.gamma(2.0, 0.5, size), rates["dl"]),
        "volume_ul_mbit": lasted * np.minimum(asked["ul"] * rng.gamma(2.0, 0.5, size), rates["ul"]),
        "throughput_dl_mbps": rates["dl"],
        "throughput_ul_mbps": rates["ul"],
        "round_trip_ms": _CORE_ROUND_TRIP_MS + 2.0 * queued * rng.gamma(4.0, 0.25, size),
        "packet_loss_share": np.minimum(loss * rng.gamma(1.5, 1.0 / 1.5, size), 1.0),
    }


def _subscribers(run: Run, cell: Indexes, rng: np.random.Generator) -> pl.Series:
    """Return who asked: mostly people of the site, some on their way from another one."""
    sites = len(run.world.radio.network.sites)
    home = run.world.site_of[cell]
    away = rng.random(len(cell)) < _ROAMING_SHARE
    home = np.where(away, rng.integers(0, sites, len(cell)), home)
    number = home * _SUBSCRIBERS_A_SITE + rng.integers(0, _SUBSCRIBERS_A_SITE, len(cell))
    return _everyone(run.seed, sites * _SUBSCRIBERS_A_SITE).gather(number)


@lru_cache(maxsize=2)
def _everyone(seed: int, count: int) -> pl.Series:
    return pl.Series([_pseudonym(seed, number) for number in range(count)])


def _pseudonym(seed: int, number: int) -> str:
    return blake2b(f"{seed}:{number}".encode(), digest_size=8).hexdigest()
