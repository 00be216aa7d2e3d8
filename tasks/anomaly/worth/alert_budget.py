"""The alert budget: which findings an operator reads first, when there is no time for all.

A fault on a site strays a dozen cells at once; a dozen lines say no more than one. So of findings
that may have one cause the worthiest is read first, and the others follow after every cause has
had its line. What is beyond the budget stays published, ranked and marked.
"""

from collections.abc import Collection
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from semantic_layer.finding_worth import FindingWorth
from tasks.anomaly.arrays import Integers, Schema
from tasks.anomaly.worth.finding_neighborhood import close_pairs

BUDGET: Schema = {
    "anomaly_id": pl.String,
    "window_start": pl.Datetime("us", "UTC"),
    "worth": pl.Float64,
    "group_id": pl.String,
    "reading_rank": pl.Int32,
    "is_within_budget": pl.Boolean,
}
"""What the budget adds to a finding."""


def within_budget(
    found: pl.DataFrame,
    places: pl.DataFrame,
    rules: FindingWorth,
    *,
    already_read: Collection[str] = (),
    findings_a_day: int | None = None,
    least_probability: float = 0.0,
) -> pl.DataFrame:
    """Return `BUDGET` for every finding of one window, in the order of `found`.

    Worth is the probability of a real problem times the worth of its severity. Ranked first are
    the worthiest of each group, by worth; then all others, by worth. Equals are ranked by
    beginning, then id, so that the order of rows changes nothing.

    Args:
        found: anomaly_id, window_start, window_end, cell_dn, anomaly_start, severity and
            probability (null counts as a half) of one window.
        places: where cells stand, as `places_of` returns them.
        rules: of a finding's worth.
        already_read: ids that were within the budget of an earlier window and go on: they stay
            within and use none of it up.
        findings_a_day: the budget, instead of the rules'. A window of less than a day has its
            part of it, at least one.
        least_probability: less probable findings are beyond the budget, however much is left.

    Returns:
        One row a finding; `reading_rank` counts from 1, `group_id` is the least id of the group.
    """
    if found.is_empty():
        return pl.DataFrame(schema=BUDGET)
    a_day = rules.findings_a_day if findings_a_day is None else findings_a_day
    groups = causes(found, places, timedelta(hours=rules.common_cause_hours))
    known = found.with_columns(pl.col("probability").fill_nan(None).fill_null(0.5)).with_columns(
        worth=pl.col("probability")
        * pl.col("severity").replace_strict(rules.severity_worth, return_dtype=pl.Float64),
        group_id=groups,
        is_read=pl.col("anomaly_id").is_in(list(already_read)),
    )
    best_first = ["worth", "anomaly_start", "anomaly_id"]
    ordered = known.sort(best_first, descending=[True, False, False])
    is_first = pl.int_range(pl.len()).over("group_id") == 0
    ranked = (
        ordered.with_columns(is_later=~is_first)
        .sort("is_later", maintain_order=True)
        .with_columns(reading_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
    )
    budget = _budget(known, a_day)
    asks = ~pl.col("is_read") & (pl.col("probability") >= least_probability)
    counted = asks.cast(pl.Int64).cum_sum()
    told = ranked.with_columns(is_within_budget=pl.col("is_read") | (asks & (counted <= budget)))
    key = ["anomaly_id", "window_start"]
    return found.select(key).join(
        told.select(list(BUDGET)), on=key, how="left", maintain_order="left"
    )


def causes(found: pl.DataFrame, places: pl.DataFrame, within: timedelta) -> pl.Series:
    """Return for each finding the id of its group: findings that may have one cause.

    Two belong together that begin close in time on one site or in neighbor cells; and whatever
    belongs to either of them.

    Args:
        found: anomaly_id, window_start, cell_dn, anomaly_start.
        places: where cells stand.
        within: of each other's beginning.
    """
    ids = found["anomaly_id"].to_list()
    ordered = sorted(set(ids))
    place = {name: number for number, name in enumerate(ordered)}
    pairs = close_pairs(found, places, within)
    ends = np.array([[place[a], place[b]] for a, b in pairs.iter_rows()], np.intp).reshape(-1, 2)
    least = _least_of_group(ends, len(ordered))
    return pl.Series("group_id", [ordered[least[place[name]]] for name in ids], pl.String)


def _least_of_group(pairs: Integers, count: int) -> Integers:
    """Return the smallest member of each one's connected group."""
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, group = connected_components(links, directed=False)
    least = np.full(count, count)
    np.minimum.at(least, group, np.arange(count))
    return np.asarray(least[group])


def _budget(found: pl.DataFrame, a_day: int) -> int:
    start, end = found["window_start"][0], found["window_end"][0]
    days = (end - start) / timedelta(days=1)
    return max(int(a_day * days + 1e-9), 1) if a_day > 0 else 0
