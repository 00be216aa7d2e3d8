"""What each finding of a window is worth: how probable, why, by chance or not, and read when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.finding_worth import FindingWorth
from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.calibration import tail_probabilities
from tasks.anomaly.worth.alert_budget import within_budget
from tasks.anomaly.worth.false_discovery import episode_probabilities, q_values
from tasks.anomaly.worth.verdict_model import REASON, probabilities, reasons
from tasks.stored_models import StoredModel

_TIME = pl.Datetime("us", "UTC")
EVERY_CELL = "all"
"""The name under which levels of all cells serve a cell without a profile of its own."""

WORTH: Schema = {
    "anomaly_id": pl.String,
    "window_start": _TIME,
    "window_end": _TIME,
    "cell_dn": pl.String,
    "probability": pl.Float64,
    "probability_low": pl.Float64,
    "probability_high": pl.Float64,
    "probability_reasons": pl.List(REASON),
    "worth_model": pl.String,
    "chance_probability": pl.Float64,
    "is_discovery": pl.Boolean,
    "common_cause_id": pl.String,
    "reading_rank": pl.Int32,
    "is_within_budget": pl.Boolean,
}
"""The columns of `cell_anomalies.worth`, before lineage."""

_READING = [pl.col("group_id").alias("common_cause_id"), "reading_rank", "is_within_budget"]
_CHANCE: Schema = {"chance_probability": pl.Float64, "is_discovery": pl.Boolean}


@dataclass(frozen=True, slots=True)
class CalmScores:
    """How calm cells score, and how many were judged.

    Attributes:
        levels: `calm_levels` by profile, on the scale of the published score; `EVERY_CELL` among
            them.
        periods: of a cell in the window.
        judged_cells: cells with a score in the window.
        index: the extremal index of calm scores.
    """

    levels: Mapping[str, Floats]
    periods: float
    judged_cells: int
    index: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What an operator has time for.

    Attributes:
        places: where cells stand, as `places_of` returns them.
        already_read: ids that were within the budget of an earlier window.
        findings_a_day: the budget; None for the rules'.
    """

    places: pl.DataFrame
    already_read: Collection[str] = field(default_factory=frozenset)
    findings_a_day: int | None = None


def findings_worth(
    found: pl.DataFrame,
    features: pl.DataFrame,
    model: tuple[str, StoredModel],
    calm: CalmScores | None,
    reading: Reading,
    rules: FindingWorth,
) -> pl.DataFrame:
    """Return `WORTH`, one row a finding of one window, in the order of `found`.

    Args:
        found: rows of `cell_anomalies` of one window.
        features: `finding_features` of the same rows.
        model: name and version that are published, and the verdict model.
        calm: how calm cells score; None where it is not known: nothing is said of chance then.
        reading: what an operator has time for.
        rules: of a finding's worth.

    Raises:
        InputError: features are of other rows.
    """
    key = ["anomaly_id", "window_start"]
    if not features.select(key).equals(found.select(key)):
        raise InputError(
            f"Features of {features.height} findings do not belong to these {found.height}; "
            "compute them from the same rows."
        )
    told = probabilities(model[1], features).with_columns(
        reasons(model[1], features), pl.lit(model[0]).alias("worth_model")
    )
    chance = _chance(found, features, calm, rules)
    cut = model[1].settings["cut"]
    with_probability = found.with_columns(told["probability"])
    budget = within_budget(
        with_probability,
        reading.places,
        rules,
        already_read=reading.already_read,
        findings_a_day=reading.findings_a_day,
        least_probability=float(cut) if isinstance(cut, int | float) else 0.0,
    )
    parts = [found, told.drop(key), chance, budget.select(_READING)]
    return pl.concat(parts, how="horizontal").select(list(WORTH)).cast(WORTH)  # type: ignore[arg-type]


def _chance(
    found: pl.DataFrame, features: pl.DataFrame, calm: CalmScores | None, rules: FindingWorth
) -> pl.DataFrame:
    """Return chance_probability and is_discovery; null where levels are not known."""
    if calm is None:
        unknown = [None] * found.height
        return pl.DataFrame(
            {"chance_probability": unknown, "is_discovery": unknown}, schema=_CHANCE
        )
    by_chance = chance_probabilities(
        found["peak_score"].to_numpy(), features["cell_profile"].to_list(), calm
    )
    further = found.height - found["cell_dn"].n_unique()
    false_share = q_values(by_chance, max(calm.judged_cells + further, found.height))
    return pl.DataFrame(
        {
            "chance_probability": by_chance,
            "is_discovery": false_share <= rules.false_discovery_share,
        },
        schema=_CHANCE,
    )


def chance_probabilities(
    peak_score: Floats, profiles: list[str | None], calm: CalmScores
) -> Floats:
    """Return how often a calm cell of the profile peaks as high anywhere in the window.

    Args:
        peak_score: one element a finding.
        profiles: of their cells; a profile without levels is served by those of all cells.
        calm: how calm cells score.

    Raises:
        InputError: there are no levels of all cells.
    """
    if EVERY_CELL not in calm.levels:
        raise InputError(f"Calm levels need an entry {EVERY_CELL!r} for cells without a profile.")
    named = np.array([name if name in calm.levels else EVERY_CELL for name in profiles], object)
    lowest = np.ones(len(peak_score))
    for name in sorted(set(named.tolist())):
        mine = named == name
        lowest[mine] = tail_probabilities(peak_score[mine], calm.levels[name])
    return episode_probabilities(lowest, calm.periods, calm.index)
