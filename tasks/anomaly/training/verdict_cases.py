"""People's verdicts as cases: which periods of which cells were a real problem, or were not."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tasks.anomaly.cube import Grid

_UNDECIDED = 0.5


@dataclass(frozen=True, slots=True)
class VerdictCase:
    """A judged finding: row of its cell, periods [first, last) of the grid, what people say."""

    cell: int
    first: int
    last: int
    is_real: bool


def verdict_cases(
    weighed: pl.DataFrame, findings: pl.DataFrame, names: Sequence[str], grid: Grid, split: int
) -> tuple[VerdictCase, ...]:
    """Return the findings of these cells in the validation days on which people agree.

    Args:
        weighed: anomaly_id, is_real_probability, weight; one row a finding that anybody judged.
        findings: anomaly_id, cell_dn, anomaly_start, anomaly_end; one finding may have several
            rows, of which the one that ends last counts.
        names: DNs of the cells, in the order of the panel's rows.
        grid: the panel's periods.
        split: the first period of validation.
    """
    rows = {name: row for row, name in enumerate(names)}
    agreed = weighed.filter(
        pl.col("weight") > 0, pl.col("is_real_probability") != _UNDECIDED
    ).select("anomaly_id", (pl.col("is_real_probability") > _UNDECIDED).alias("is_real"))
    last = findings.sort("anomaly_end").unique("anomaly_id", keep="last")
    told = (
        last.filter(pl.col("cell_dn").is_in(list(rows)))
        .join(agreed, on="anomaly_id")
        .sort("anomaly_id")
        .select("cell_dn", "anomaly_start", "anomaly_end", "is_real")
    )
    found = (
        VerdictCase(rows[cell], grid.index_of(start), grid.index_of(end), is_real)
        for cell, start, end, is_real in told.iter_rows()
    )
    return tuple(case for case in found if case.first >= split and case.last > case.first)
