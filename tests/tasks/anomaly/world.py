"""A small made-up network whose KPIs follow from its load and radio, with a seed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from scipy.signal import lfilter

from semantic_layer.periods import Window
from tasks.anomaly.scored_kpis import ScoredKpi

START = datetime(2026, 3, 2, tzinfo=UTC)
KPIS = [
    ScoredKpi("user_throughput_dl", "user_throughput_dl_mbps", "Mbit/s", "higher", "positive", 0.5),
    ScoredKpi("prb_usage_dl", "prb_usage_dl_pct", "%", "lower", "occupancy", 95.0),
    ScoredKpi("traffic_volume_dl", "traffic_volume_dl_mbps", "Mbit/s", "neither", "positive"),
    ScoredKpi("mean_active_users", "mean_active_users_count", "1", "neither", "positive"),
    ScoredKpi("cell_drop_rate", "cell_drop_rate_pct", "%", "lower", "share", 3.0),
    ScoredKpi("mean_cqi", "mean_cqi_index", "1", "higher", "positive", 5.0),
]
THROUGHPUT, PRB, VOLUME, USERS, DROPS, CQI = range(6)


def cell_names(count: int) -> list[str]:
    return [
        f"SubNetwork=1,ManagedElement={cell // 3},GNBDUFunction=1,NRCellDU={cell % 3}"
        for cell in range(count)
    ]


def network(
    cells: int = 24,
    days: int = 29,
    granularity_s: int = 900,
    seed: int = 5,
    load_factor: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Return [cells, KPIs, periods] in units; load has a week cycle, everything follows it."""
    random = np.random.default_rng(seed)
    a_day = 86_400 // granularity_s
    periods = np.arange(days * a_day)
    angle = 2 * np.pi * (periods % a_day) / a_day
    is_weekend = (periods // a_day + START.weekday()) % 7 >= 5

    def wander(keep: float) -> np.ndarray:
        noise = random.normal(size=(cells, len(periods)))
        return lfilter([np.sqrt(1 - keep**2)], [1, -keep], noise, axis=1)

    def jitter(size: float) -> np.ndarray:
        return np.exp(size * random.normal(size=(cells, len(periods))))

    size = np.exp(random.normal(0, 0.5, cells))[:, None]
    load = size * np.exp(0.9 * np.sin(angle - 2) - 0.2 * is_weekend + 0.12 * wander(0.8))
    load = load * load_factor
    prb = 100 * (1 - np.exp(-0.25 * load * jitter(0.05)))
    cqi = np.clip(10 + random.normal(0, 0.6, cells)[:, None] + 0.25 * wander(0.6), 1, 15)
    throughput = 6 * cqi / 10 * (1 - prb / 110) * jitter(0.06)
    attempts = np.maximum(random.poisson(400 * load), 1)
    drops = 100 * random.binomial(attempts, 0.004 * np.exp(-0.3 * (cqi - 10))) / attempts
    return np.stack(
        [throughput, prb, 8 * load * jitter(0.05), 20 * load * jitter(0.05), drops, cqi], axis=1
    )


def kpi_rows(
    values: np.ndarray, granularity_s: int = 900, granularity: str = "15min"
) -> pl.DataFrame:
    """Return [cells, KPIs, periods] as rows of `cell_kpis`; a period without any KPI has no row."""
    cells, _, periods = values.shape
    starts = pl.Series([START + timedelta(seconds=granularity_s * n) for n in range(periods)])
    return (
        pl.DataFrame(
            {
                "cell_dn": np.repeat(np.array(cell_names(cells)), periods),
                "period_start": pl.concat([starts] * cells).dt.cast_time_unit("us"),
                **{kpi.column: values[:, n].ravel() for n, kpi in enumerate(KPIS)},
            }
        )
        .with_columns(
            pl.col(pl.Float64).fill_nan(None),
            granularity=pl.lit(granularity),
            object_class=pl.lit("NRCellDU"),
        )
        .filter(~pl.all_horizontal(pl.col(kpi.column).is_null() for kpi in KPIS))
    )


def last_day(days: int = 29) -> Window:
    return Window(START + timedelta(days=days - 1), START + timedelta(days=days))
