"""How well the model does on an operator's own sites: sites left out, in days that came later.

Sites are left out in folds. The model is fitted on the other sites' earlier days and judged on the
left-out sites' later ones, so that neither the site nor the day was seen.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from semantic_layer.errors import InputError
from tasks.energy.site_power.boosting import Growth
from tasks.energy.site_power.model import SiteEnergyModel
from tasks.energy.site_power.own_history import OwnHistory
from tasks.energy.site_power.rivals import by_least_squares, by_type_mean, wmape

FOLDS = 4
_SEED = 11
_EARLIER = 2 / 3
_HOURS_KNOWN, _HOURS_JUDGED, _HOURS_OF_HISTORY = 96, 48, 24
_LEAST_SITES = 2 * FOLDS
_GROWTH = Growth(rounds=150, depth=5, seeds=1)
_KEYS = ["site_id", "period_start"]


@dataclass(frozen=True)
class Judgment:
    """Errors on sites that the model never saw, in later days.

    Attributes:
        sites: judged, each in one fold.
        hours: judged, of all sites.
        confidence: share of hours that bounds are to hold.
        model, with_history, linear, type_mean: WMAPE; of the model, of it once the site's own meter
            told 24 hours, of least squares on the same columns, of the mean of the type.
        held: share of hours inside the bounds.
        width: median width of the bounds, of the prediction.
        by_type: ru_type, sites, wmape.
    """

    sites: int
    hours: int
    confidence: float
    model: float
    with_history: float
    linear: float
    type_mean: float
    held: float
    width: float
    by_type: pl.DataFrame


def judged(
    configuration: pl.DataFrame,
    loads: pl.DataFrame,
    energies: pl.DataFrame,
    most_sites: int,
    confidence: float,
) -> Judgment:
    """Return how well the model does on sites left out.

    Args:
        configuration: columns of `CONFIGURATION`.
        loads: columns of `LOADS`; of each site each cell.
        energies: columns of `ENERGIES`, and `WEATHER` where it is known.
        most_sites: sites to look at, spread evenly over all; they bound the time.
        confidence: share of hours that bounds are to hold.

    Raises:
        InputError: too few sites tell anything.
    """
    names = energies["site_id"].unique().sort()
    if len(names) < _LEAST_SITES:
        raise InputError(
            f"Only {len(names)} sites tell of energy, load and radios; a model of site energy "
            f"needs {_LEAST_SITES}. Deliver site meters (PEE.Energy) and an inventory of carriers."
        )
    chosen = np.linspace(0, len(names) - 1, min(len(names), most_sites)).astype(int)
    names = names[np.unique(chosen).tolist()]
    energies = energies.filter(pl.col("site_id").is_in(names.to_list())).sort(_KEYS)
    loads = loads.filter(pl.col("site_id").is_in(names.to_list()))
    moments = energies["period_start"].unique().sort()
    split = moments[int(_EARLIER * len(moments))]
    fold = np.random.default_rng(_SEED).permutation(np.arange(len(names)) % FOLDS)
    told: dict[str, list[pl.DataFrame]] = {}
    for number in range(FOLDS):
        out = pl.col("site_id").is_in(names.filter(pl.Series(fold == number)).to_list())
        parts = _Parts(
            energies.filter(~out, pl.col("period_start") < split),
            energies.filter(out, pl.col("period_start") < split),
            energies.filter(out, pl.col("period_start") >= split),
        )
        for name, rows in _predicted(configuration, loads, parts, confidence).items():
            told.setdefault(name, []).append(rows)
    return _judgment({name: pl.concat(rows) for name, rows in told.items()}, energies, confidence)


@dataclass(frozen=True)
class _Parts:
    """Energies to fit on, of left-out sites before, and of left-out sites to be judged on."""

    others_before: pl.DataFrame
    own_before: pl.DataFrame
    own_after: pl.DataFrame


def _predicted(
    configuration: pl.DataFrame, loads: pl.DataFrame, parts: _Parts, confidence: float
) -> dict[str, pl.DataFrame]:
    known, wanted = _spread(parts.others_before, _HOURS_KNOWN), _spread(parts.own_after, _HOURS_JUDGED)  # noqa: E501 # fmt: skip
    asked = configuration.filter(pl.col("site_id").is_in(wanted["site_id"].unique().to_list()))
    model = SiteEnergyModel.fitted(
        configuration, loads, known, confidence, _GROWTH, bounds_of=set(asked["ru_type"].to_list())
    )
    last = parts.own_before.group_by("site_id", maintain_order=True).tail(_HOURS_OF_HISTORY)
    history = OwnHistory.told(model, configuration, loads, last)
    return {
        "model": model.predicted(configuration, loads, wanted),
        "with_history": history.predicted(model, configuration, loads, wanted),
        "linear": by_least_squares(configuration, loads, known, wanted, model.lag).select(
            *_KEYS, "energy_wh"
        ),
        "type_mean": by_type_mean(configuration, known, wanted),
    }


def _judgment(told: dict[str, pl.DataFrame], energies: pl.DataFrame, confidence: float) -> Judgment:
    both = told["model"].join(energies, on=_KEYS, suffix="_told")
    error = (pl.col("energy_wh") - pl.col("energy_wh_told")).abs().sum()
    inside = pl.col("energy_wh_told").is_between(pl.col("low_wh"), pl.col("high_wh")).mean()
    width = ((pl.col("high_wh") - pl.col("low_wh")) / pl.col("energy_wh")).median()
    held, wide = both.select(inside.alias("held"), width.alias("width")).row(0)
    by_type = both.group_by("ru_type").agg(
        pl.col("site_id").n_unique().alias("sites"),
        (error / pl.col("energy_wh_told").sum()).alias("wmape"),
    )
    return Judgment(
        sites=both["site_id"].n_unique(),
        hours=both.height,
        confidence=confidence,
        **{name: wmape(rows, energies) for name, rows in told.items()},
        held=float(held),
        width=float(wide),
        by_type=by_type.sort("sites", "ru_type", descending=[True, False]),
    )


def _spread(energies: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return rows spread evenly over each site's hours: no site has more than `most`."""
    place, count = pl.int_range(pl.len()).over("site_id"), pl.len().over("site_id")
    step = place * most // count
    return energies.filter((step != step.shift(1).over("site_id")).fill_null(value=True))
