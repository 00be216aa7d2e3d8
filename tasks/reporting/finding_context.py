"""What else is known of one finding, and what is not: its probability, and what was not checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from semantic_layer.kpis import Kpi
from tasks.reporting.material import TIME, Schema
from tasks.reporting.nearby import Nearby
from tasks.reporting.wording import clean, clipped, count, digits, listed, percent

WORTH: Schema = {
    "anomaly_id": pl.String,
    "window_start": TIME,
    "window_end": TIME,
    "probability": pl.Float64,
    "probability_low": pl.Float64,
    "probability_high": pl.Float64,
    "probability_reasons": pl.List(
        pl.Struct({"feature": pl.String, "value": pl.Float64, "effect": pl.Float64})
    ),
    "worth_model": pl.String,
}
"""The columns of `cell_anomalies.worth` that are told."""

_REASONS = 3
_NAMED = 6
_NOT_CHECKED = "Not checked"


@dataclass(frozen=True, slots=True)
class Worth:
    """How probable a finding is a real problem, and what moved that most.

    Attributes:
        probability, low, high: 0 to 1; the bounds are None where none are told.
        speaks_for, speaks_against: features with their values, the strongest first.
        model: which model says so.
    """

    probability: float
    low: float | None
    high: float | None
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    model: str

    @property
    def sentence(self) -> str:
        """All of it in a line."""
        span = f" ({percent(self.low)} to {percent(self.high)})" if self.low is not None else ""
        told = [f"Probability of a real problem {percent(self.probability)}{span}"]
        if self.speaks_for:
            told.append(f"for it: {listed(list(self.speaks_for))}")
        if self.speaks_against:
            told.append(f"against it: {listed(list(self.speaks_against))}")
        return "; ".join(told)


def worth_of(rows: pl.DataFrame, anomaly_id: str) -> Worth | None:
    """Return what a finding is worth, as the newest window told it; None where nobody did."""
    own = rows.filter(pl.col("anomaly_id") == anomaly_id, pl.col("probability").is_not_null())
    if own.is_empty():
        return None
    row = own.sort("window_start").row(-1, named=True)
    reasons = [each for each in row["probability_reasons"] or () if each and each["effect"]]
    ranked = sorted(reasons, key=lambda each: -abs(each["effect"]))
    return Worth(
        row["probability"],
        row["probability_low"],
        row["probability_high"],
        tuple(_reason(each) for each in ranked if each["effect"] > 0)[:_REASONS],
        tuple(_reason(each) for each in ranked if each["effect"] < 0)[:_REASONS],
        clean(row["worth_model"]),
    )


def _reason(told: Mapping[str, Any]) -> str:
    name = clipped(told["feature"], 60).replace("_", " ")
    value = told.get("value")
    return name if value is None else f"{name} {digits(value)}"


def not_checked(
    near: Nearby | None, worth: Worth | None, values: pl.DataFrame, scored: Sequence[Kpi]
) -> tuple[str, ...]:
    """Return a sentence for everything that lacked data, so that silence is not taken for calm.

    Args:
        near: what stood near the finding; None where no evidence was published of it.
        worth: None where no probability was.
        values: `cell_kpis` of the cell in the finding's periods.
        scored: KPIs by which cells of its class are scored.
    """
    said = []
    lacking = [
        kpi.title
        for kpi in scored
        if kpi.column not in values.columns or values[kpi.column].drop_nulls().is_empty()
    ]
    if lacking:
        named = listed(lacking, _NAMED)
        said.append(f"{len(lacking)} of {count(len(scored), 'KPI')} had no value: {named}.")
    if near is None:
        said.append("What stood near: no evidence is published for this finding.")
    else:
        said += [f"{one}." for one in near.summaries if one.startswith(_NOT_CHECKED)]
    if worth is None:
        said.append("How probable a real problem is: no probability is published for this finding.")
    return tuple(said)
