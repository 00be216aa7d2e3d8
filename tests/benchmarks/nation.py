"""A nation's day: what its steps cost beside bare decoding, arithmetic and encoding.

`python -m tests.benchmarks nation --sites 20000 --folder FOLDER` measures a whole nation of 9.6
million cell rows, in some ten minutes; without arguments it is 2,000 sites, in three. A folder that
holds a nation is used as it is. The bare work is what nobody can leave out: every delivered file is
decoded, every KPI is computed by 15 minutes, hour and day, and the same rows are encoded as the
table store encodes them. The steps do that with mapping, judging, Iceberg and lineage around it.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import polars as pl

from data_products.cell_kpis.derive import needed_rows, shape_of, told
from data_products.kpi_sums import KpiRows, KpiSums, added, divided, kpis_of
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window, floor_to
from tasks.anomaly import steps as anomaly
from tasks.curation import steps as curation
from tasks.ingestion import steps as ingestion
from tasks.ingestion.measurements.measurement_rows import with_identity
from tasks.settings import Settings
from tasks.twin.nation import write_nation
from tasks.wiring import Services, use_services

_SITES = 2_000
_PERIOD = timedelta(minutes=15)
_LEVEL, _ROW_GROUP = 1, 128 * 1024
"""As the table store encodes what is published."""


class Spent:
    """CPU and wall seconds of named work."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count what happens inside as `name`."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall

    @property
    def cpu_s(self) -> float:
        """All CPU seconds."""
        return sum(self.cpu.values())

    @property
    def wall_s(self) -> float:
        """All seconds on the clock."""
        return sum(self.wall.values())

    def told(self) -> str:
        """Return the sums of CPU and wall, and CPU by name."""
        parts = ", ".join(f"{name} {spent:.1f}" for name, spent in self.cpu.items())
        return f"{self.cpu_s:.1f} CPU-s, {self.wall_s:.1f} s wall ({parts})"


def main() -> None:
    """Write a nation where none stands, and measure its day, a period of it, and KPI values."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks nation")
    parser.add_argument("--sites", type=int, default=_SITES)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--score", action="store_true", help="score the period's cells too")
    parser.add_argument("--hours", type=int, default=24, help="of the day; less for a quick look")
    own = sys.argv[sys.argv.index("nation") + 1 :] if "nation" in sys.argv else []
    chosen = parser.parse_args(own)
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.folder or Path(folder)
        nations = sorted(place.glob("**/delivered/history"))
        if not nations:
            write_nation(7, place, sites=chosen.sites, days=1)
            nations = sorted(place.glob("**/delivered/history"))
        delivered = nations[0].parent
        _measured(delivered, chosen.hours, Path(folder), scored=chosen.score)


def _measured(delivered: Path, hours: int, folder: Path, *, scored: bool) -> None:
    files = sorted((delivered / "history").glob("*.parquet"))
    first = pl.scan_parquet(files[0]).select(pl.col("period_start").min()).collect().item()
    midnight = floor_to(first, "day")
    day = Window(midnight, midnight + timedelta(hours=hours))
    morning = midnight + timedelta(hours=min(7, hours - 1))
    period = Window(morning, morning + _PERIOD)
    with use_services(Services(Settings(home=folder / "cold", worker_pool="serial"))):
        _say(f"one period, cold: {_run(delivered, period, scored=scored).told()}; bar 60 s wall")
        following = Window(period.end, period.end + _PERIOD)
        _say(f"the next, warm: {_run(delivered, following, scored=scored).told()}; bar 60 s wall")
    bare, values = _bare(files, day, folder)
    _say(f"bare work of {day}: {bare.told()}")
    services = Services(Settings(home=folder / "home", worker_pool="serial"))
    with use_services(services):
        steps = _run(delivered, day, scored=False)
        rows = services.tables.read("pm_measurements", day).select(pl.len()).collect().item()
        _say(f"steps of {rows} rows: {steps.told()}; peak memory {_peak():.1f} GiB, bar 8")
        _say(f"ratio {steps.cpu_s / bare.cpu_s:.2f} to bare CPU, bar 1.5")
        late = _run(delivered, period, scored=False)
        _say(f"one period that comes late, with its hour and day computed again: {late.told()}")
    curated = steps.wall["publish_cell_kpis"]
    _say(
        f"{values / 1e6:.1f} million KPI values of the day, "
        f"{values / curated * 60 / 1e6:.0f} million a minute curated and published, "
        f"{values / steps.wall_s * 60 / 1e6:.0f} million with ingestion; bar 80"
    )


def _run(delivered: Path, window: Window, *, scored: bool) -> Spent:
    """Bring a window through the steps that the flows run; score it too where that is asked."""
    spent = Spent()
    with spent.on("ingest_tables"):
        ingestion.ingest_tables.fn(delivered, window)
    measurements = curation.newest_snapshot.fn("pm_measurements")
    with spent.on("publish_cell_kpis"):
        curation.publish_cell_kpis.fn(measurements, window)
    with spent.on("publish_core_kpis"):
        curation.publish_core_kpis.fn(measurements, window)
    if scored:
        with spent.on("score_cells"):
            anomaly.score_cells.fn(curation.newest_snapshot.fn("cell_kpis"), window)
    return spent


def _bare(files: list[Path], day: Window, folder: Path) -> tuple[Spent, int]:
    """Decode, compute and encode the day hour by hour, with nothing around; count KPI values."""
    known = catalogue()
    shape, spent, values = shape_of(known), Spent(), 0
    of_day: list[KpiSums] = []

    def encode(frame: pl.DataFrame) -> None:
        frame.write_parquet(
            folder / "bare.parquet",
            compression="zstd",
            compression_level=_LEVEL,
            row_group_size=_ROW_GROUP,
        )

    for hour in day.split("hour"):
        name = f"{hour.start:%Y-%m-%dT%H}.parquet"
        with spent.on("decode"):
            frames = [pl.read_parquet(file) for file in files if file.name.endswith(name)]
        whole = placed(pl.concat(frames, how="diagonal", rechunk=True))
        with spent.on("arithmetic"):
            rows = KpiRows(needed_rows(whole.lazy(), known).collect(), shape)
            found = [("15min", kpis_of(rows, "15min", shape))]
            sums = rows.summed("hour")
            found.append(("hour", divided(sums, shape)))
            of_day.append(sums)
            if hour.end == day.end:
                found.append(("day", divided(added(of_day, "day"), shape)))
        kpis = [told(frame, granularity, known) for granularity, frame in found]
        with spent.on("encode"):
            for frame in (whole, *kpis):
                encode(frame)
        values += sum(_values(frame) for frame in kpis)
    return spent, values


def placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return delivered rows with what their names say, as they are stored; nobody counts this."""
    return with_identity(rows)


def _values(kpis: pl.DataFrame) -> int:
    return sum(column.count() for column in kpis if column.dtype == pl.Float64)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _say(text: str) -> None:
    print(f"bench nation: {text}", flush=True)


if __name__ == "__main__":
    main()
