"""KPIs compiled from definitions, beside decoding the file and the bare arithmetic.

The bar: one 15-minute period of 100,000 cells x 120 counters from Parquet, KPIs at no more than
1.5 times the CPU of decoding the file plus the bare arithmetic. Bare arithmetic is the same
quotients written by hand in NumPy on decoded columns, zero denominators made null.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from semantic_layer.kpis import Kpi, aggregate_kpis, kpi_rows, signed
from semantic_layer.loading import Catalogue, catalogue

CELLS = 100_000
COUNTERS = 120
DAY_PERIODS = 96
ROUNDS = 7
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def main() -> None:
    """Print CPU seconds and ratios of a day, then of one period."""
    known = catalogue()
    kpis = [
        kpi
        for kpi in known.kpis.values()
        if kpi.technology == "NR" and kpi.object_class == "NRCellDU"
    ]
    with tempfile.TemporaryDirectory() as folder:
        period = Path(folder) / "period.parquet"
        period_frame(known, kpis, CELLS).write_parquet(period, compression="snappy")
        _one_day(Path(folder), period, kpis, known)
        _one_period(period, kpis, known)


def period_frame(known: Catalogue, kpis: list[Kpi], cells: int) -> pl.DataFrame:
    """Return one period: the KPIs' measurements and as many further counters as make 120."""
    random = np.random.default_rng(11)
    names = sorted({name for kpi in kpis for _, name in kpi.terms if name != "observed_time"})
    columns = [known.measurement(name).column for name in names]
    columns += [f"further_counter_{number}_count" for number in range(COUNTERS - len(columns))]
    values = {}
    for column in columns:
        counted = random.poisson(random.uniform(5, 5000), cells).astype(np.float64)
        values[column] = pl.Series(counted).set(pl.Series(random.random(cells) < 0.01), None)
    dns = [
        f"ManagedElement={cell // 3},GNBDUFunction=1,NRCellDU={cell % 3}" for cell in range(cells)
    ]
    return pl.DataFrame(values).with_columns(
        cell_dn=pl.Series(dns), granularity_s=pl.lit(900, pl.Int32)
    )


def _one_period(period: Path, kpis: list[Kpi], known: Catalogue) -> None:
    decode = _cpu(lambda: pl.read_parquet(period))
    frame = pl.read_parquet(period)
    arrays = _arrays(frame, kpis, known)
    bare = _cpu(lambda: _bare_arithmetic(arrays, kpis, known))
    keys = ["cell_dn", *(kpi.column for kpi in kpis)]
    rows = _cpu(lambda: kpi_rows(pl.scan_parquet(period), kpis, known).collect())
    needed = _cpu(lambda: kpi_rows(pl.scan_parquet(period), kpis, known).select(keys).collect())
    groups = _cpu(
        lambda: aggregate_kpis(pl.scan_parquet(period), kpis, ["cell_dn"], known).collect()
    )
    compiled = _cpu(lambda: kpi_rows(frame.lazy(), kpis, known))
    _agree(frame, arrays, kpis, known)
    base = decode + bare
    megabytes = period.stat().st_size / 1e6
    _say(f"{len(kpis)} KPIs of {CELLS} cells x {COUNTERS} counters, file", megabytes, "MB")
    _say("decode the whole file", decode, "CPU-s")
    _say("bare arithmetic", bare, "CPU-s")
    _say("compile the expressions", compiled, "CPU-s")
    _say("all columns and KPIs from the file", rows, f"CPU-s (ratio {rows / base:.2f}, bar 1.5)")
    _say("KPIs alone from the file", needed, f"CPU-s (ratio {needed / base:.2f}, bar 1.5)")
    _say("KPIs by group of cells", groups, f"CPU-s (ratio {groups / base:.2f})")


def _one_day(folder: Path, period: Path, kpis: list[Kpi], known: Catalogue) -> None:
    files = []
    for number in range(DAY_PERIODS):
        link = folder / f"day-{number:02}.parquet"
        link.hardlink_to(period)
        files.append(link)
    columns = ["cell_dn", *sorted(set(_columns(kpis, known)))]
    decode = _cpu(lambda: pl.scan_parquet(files).select(columns).select(pl.all().count()).collect(
        engine="streaming"), rounds=1)  # fmt: skip
    day = _cpu(
        lambda: aggregate_kpis(pl.scan_parquet(files), kpis, ["cell_dn"], known).collect(
            engine="streaming"
        ),
        rounds=1,
    )
    rows = CELLS * DAY_PERIODS
    _say(f"a day, {rows} rows: decode the needed columns", decode, "CPU-s")
    _say("a day: KPIs of each cell", day, f"CPU-s (ratio {day / decode:.2f} to decoding)")


def _columns(kpis: list[Kpi], known: Catalogue) -> list[str]:
    names = {name for kpi in kpis for _, name in kpi.terms if name != "observed_time"}
    return [*(known.measurement(name).column for name in names), "granularity_s"]


def _arrays(frame: pl.DataFrame, kpis: list[Kpi], known: Catalogue) -> dict[str, Numbers]:
    return {column: frame[column].cast(pl.Float64).to_numpy() for column in _columns(kpis, known)}


def _bare_arithmetic(
    arrays: dict[str, Numbers], kpis: list[Kpi], known: Catalogue
) -> dict[str, Numbers]:
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for kpi in kpis:
            above = _bare_sum(kpi.numerator, arrays, known)
            below = _bare_sum(kpi.denominator, arrays, known)
            found[kpi.column] = np.where(below != 0, above * kpi.factor / below, np.nan)
    return found


def _bare_sum(terms: tuple[str, ...], arrays: dict[str, Numbers], known: Catalogue) -> Numbers:
    seconds = arrays["granularity_s"]
    total = np.zeros_like(seconds)
    for sign, name in map(signed, terms):
        if name == "observed_time":
            total = total + sign * seconds
        else:
            measured = known.measurement(name)
            value = arrays[measured.column]
            total = total + sign * (value * seconds if measured.aggregation == "mean" else value)
    return total


def _agree(
    frame: pl.DataFrame, arrays: dict[str, Numbers], kpis: list[Kpi], known: Catalogue
) -> None:
    compiled = kpi_rows(frame.lazy(), kpis, known).collect()
    for column, expected in _bare_arithmetic(arrays, kpis, known).items():
        found = compiled[column].cast(pl.Float64).to_numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9, equal_nan=True, err_msg=column)


def _cpu(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)


def _say(what: str, figure: float, unit: str) -> None:
    print(f"bench kpi_compilation: {what} {figure:.3f} {unit}")


if __name__ == "__main__":
    main()
