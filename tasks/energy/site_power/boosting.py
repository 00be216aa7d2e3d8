"""Gradient-boosted trees that say by what factor something is off; kept as bytes, never pickled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown; chosen by folds of training sites, never by what is reported.

    Attributes:
        rounds: trees of one set.
        depth: of a tree.
        seeds: sets of trees; their mean is taken.
    """

    rounds: int = 300
    depth: int = 6
    seeds: int = 3


_PARAMETERS: dict[str, object] = {
    "objective": "reg:absoluteerror",
    "eta": 0.06,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "min_child_weight": 50,
    "nthread": 1,
    "verbosity": 0,
}


def grown(features: Floats, target: Floats, growth: Growth) -> tuple[bytes, ...]:
    """Return sets of trees as UBJSON; the same for the same arguments.

    Args:
        features: (N, F), NaN where there is none.
        target: (N,) its median given the features is learned.
        growth: how.
    """
    import xgboost  # noqa: PLC0415 - only training and predicting need it

    matrix = xgboost.DMatrix(features, label=target, nthread=1)
    sets = (
        xgboost.train(
            {**_PARAMETERS, "max_depth": growth.depth, "seed": seed}, matrix, growth.rounds
        )
        for seed in range(growth.seeds)
    )
    return tuple(bytes(one.save_raw("ubj")) for one in sets)


def said(trees: Sequence[bytes], features: Floats) -> Floats:
    """Return (N,) the mean over sets of trees.

    Raises:
        ValueError: the trees were grown on another number of features.
    """
    import xgboost  # noqa: PLC0415

    matrix = xgboost.DMatrix(features, nthread=1)
    total = np.zeros(len(features))
    for stored in trees:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(stored))
        if booster.num_features() != features.shape[1]:
            raise ValueError(
                f"Trees read {booster.num_features()} features, not {features.shape[1]}."
            )
        total += booster.predict(matrix)
    return total / len(trees)
