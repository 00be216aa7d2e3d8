"""Drift: how far what a model sees, or says, has moved from what it was fitted on.

The population stability index compares shares of values by deciles of the reference. It is a
convention of credit scoring (Siddiqi 2006): under 0.1 nothing moved, over 0.25 much did.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from semantic_layer.errors import InputError

_BINS = 10
_SMALLEST_SHARE = 1e-4  # an empty bin is rare, not impossible
_FEWEST_VALUES = 200

DRIFT = {
    "cell_profile": pl.String,
    "quantity": pl.String,
    "reference_count": pl.Int64,
    "recent_count": pl.Int64,
    "stability_index": pl.Float64,
    "missing_share_before": pl.Float64,
    "missing_share_now": pl.Float64,
}
"""The columns of a drift table; `stability_index` is null with too few values to say."""


def stability_index(reference: pl.Series, recent: pl.Series) -> float | None:
    """Return the population stability index of two samples; None with too few values.

    Null and NaN are left out; bins are deciles of the reference, equal ones merged, so that a
    quantity that hardly takes two values is compared by these.
    """
    before, now = _finite(reference), _finite(recent)
    if min(before.size, now.size) < _FEWEST_VALUES:
        return None
    edges = np.unique(np.quantile(before, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = [
        np.maximum(
            np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)
            / values.size,
            _SMALLEST_SHARE,
        )
        for values in (before, now)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def drift(reference: pl.DataFrame, recent: pl.DataFrame, quantities: Sequence[str]) -> pl.DataFrame:
    """Return how far some quantities moved, by profile, the farthest first.

    Both samples must cover the same hours of the week, or the rhythm of the week is the drift.

    Args:
        reference: cell_profile and the quantities, one row a cell and period.
        recent: the same, later.
        quantities: KPI columns or scores.

    Raises:
        InputError: a column is missing.
    """
    for name, frame in (("reference", reference), ("recent", recent)):
        lacking = [one for one in ("cell_profile", *quantities) if one not in frame.columns]
        if lacking:
            raise InputError(f"The {name} sample lacks the columns {', '.join(lacking)}.")
    before = {str(key[0]): part for key, part in reference.group_by("cell_profile")}
    now = {str(key[0]): part for key, part in recent.group_by("cell_profile")}
    rows = [
        {
            "cell_profile": profile,
            "quantity": quantity,
            "reference_count": before[profile].height,
            "recent_count": now[profile].height,
            "stability_index": stability_index(before[profile][quantity], now[profile][quantity]),
            "missing_share_before": _missing(before[profile][quantity]),
            "missing_share_now": _missing(now[profile][quantity]),
        }
        for profile in sorted(set(before) & set(now))
        for quantity in quantities
    ]
    return pl.DataFrame(rows, schema=DRIFT).sort(
        "stability_index", "cell_profile", "quantity", descending=[True, False, False],
        nulls_last=True,
    )  # fmt: skip


def _finite(values: pl.Series) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    known = values.cast(pl.Float64).drop_nulls().to_numpy()
    return np.asarray(known[np.isfinite(known)])


def _missing(values: pl.Series) -> float:
    return 1.0 - _finite(values).size / max(len(values), 1)
