"""Planted weeks: a dozen patterns, some close to each other, with noise, gaps and odd cells."""

import numpy as np
import polars as pl

from semantic_layer.profiling import Profiling, profiling

_HOUR = np.arange(168)
_IS_WEEKEND = _HOUR >= 120
_IS_WORKDAY = ~_IS_WEEKEND


def one_quantity(**changed: object) -> Profiling:
    """Return the packaged rules for weeks that hold a single quantity."""
    rules = profiling()
    return rules.model_copy(update={"shape_quantities": rules.shape_quantities[:1], **changed})


def planted_patterns() -> np.ndarray:
    """Return twelve week shapes [12, 168]; the closest pairs correlate at 0.96."""
    work, free = _IS_WORKDAY, _IS_WEEKEND
    everyday = np.ones(168, bool)

    def week(*bumps: tuple[float, float, float, np.ndarray]) -> np.ndarray:
        total = np.full(168, 0.1)
        for center, width, height, days in bumps:
            away = (_HOUR % 24 - center + 12) % 24 - 12
            total += height * np.exp(-0.5 * (away / width) ** 2) * days
        return total

    saturday, sunday = _HOUR // 24 == 5, _HOUR // 24 == 6
    nights_out = (_HOUR // 24 == 4) | saturday
    urban = ((9, 2.5, 0.4, everyday), (13, 2.5, 0.55, everyday), (19, 3, 0.8, everyday))
    return np.stack(
        [
            week((10.5, 2.2, 0.8, work), (14.5, 2.4, 0.85, work), (13, 3, 0.2, free)),
            week((9.5, 2.2, 0.8, work), (13.5, 2.4, 0.85, work), (12, 3, 0.2, free)),
            week((7.5, 1.5, 0.25, work), (20.5, 2.7, 0.9, everyday), (13, 3, 0.35, free)),
            week((7.5, 1.5, 0.25, work), (19.5, 2.7, 0.9, everyday), (13, 3, 0.35, free)),
            week((7.5, 1.5, 0.25, work), (20.5, 2.7, 0.9, everyday), (13, 3, 0.7, free)),
            week((7.8, 1.2, 0.95, work), (17.3, 1.6, 0.9, work), (13, 3, 0.4, free)),
            week(*urban),
            week(*urban, (23, 1.5, 0.9, nights_out)),
            week((15.5, 2.5, 0.9, saturday), (13, 4, 0.3, everyday)),
            week((2, 2.5, 0.9, everyday)),
            1 + 0.25 * np.sin(2 * np.pi * _HOUR / 24),
            week((11, 3, 0.8, sunday), (20, 2.7, 0.7, everyday)),
        ]
    )


def planted_weeks(
    cells: int,
    seed: int = 0,
    own: np.ndarray | None = None,
    noise: float = 0.1,
    gaps: float = 0.1,
    odd_share: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return weeks [cells, 1, 168] and each cell's pattern, -1 for odd ones that follow none.

    Sizes range over decades, each hour has noise, a tenth of the cells lacks a whole day besides.
    """
    random = np.random.default_rng(seed)
    patterns = planted_patterns().astype(np.float32)
    if own is None:
        own = random.integers(len(patterns), size=cells)
        own[: round(odd_share * cells)] = -1
    values = patterns[own] * (1 + noise * random.standard_normal((cells, 168), dtype=np.float32))
    odd = own < 0
    values[odd] = np.exp(random.normal(size=(np.count_nonzero(odd), 168)))
    values *= np.exp(random.normal(0, 1.5, cells)).astype(np.float32)[:, None]
    values[random.random((cells, 168), dtype=np.float32) < gaps] = np.nan
    lacking = np.flatnonzero(random.random(cells) < gaps)
    days = random.integers(7, size=len(lacking))[:, None] * 24 + np.arange(24)
    if gaps:
        values[lacking[:, None], days] = np.nan
    return values[:, None], own


def keys(cells: int) -> np.ndarray:
    """Return keys that have nothing to do with the cells."""
    return np.random.default_rng(99).permutation(cells)


def agreement(these: np.ndarray, those: np.ndarray) -> float:
    """Return the adjusted Rand index of two partitions (Hubert and Arabie 1985)."""
    table = pl.DataFrame({"a": these, "b": those})

    def pairs(counts: pl.Series) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both = pairs(table.group_by("a", "b").len()["len"].cast(float))
    first, second = (pairs(table.group_by(name).len()["len"].cast(float)) for name in "ab")
    chance = first * second / (len(these) * (len(these) - 1) / 2)
    highest = (first + second) / 2
    return 1.0 if highest == chance else (both - chance) / (highest - chance)
