"""Gradient-boosted trees on verdicts: grown small, kept as bytes, read again without pickle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.worth.finding_labels import Labelled

if TYPE_CHECKING:
    import xgboost

_ROUNDS = 40
_PARAMETERS: dict[str, object] = {
    "objective": "binary:logistic",
    "base_score": 0.5,
    "max_depth": 2,
    "eta": 0.15,
    "lambda": 8.0,
    "min_child_weight": 1.5,
    "colsample_bytree": 0.5,
    "tree_method": "exact",
    "nthread": 1,
    "verbosity": 0,
}
_DIRECTIONS = {
    "peak_score": 1,
    "baseline_peak": 1,
    "worse_share": 1,
    "worsening": 1,
    "confirmed_before": 1,
    "rejected_before": -1,
    "alarms_same_cell": 1,
    "alarms_same_site": 1,
}
"""Where common sense is stronger than some hundred verdicts: more of this is not less real."""


def grown(known: Labelled, names: Sequence[str], seed: int, emphasis: Floats | None) -> bytes:
    """Return trees that correct the prior, as UBJSON; the same for the same arguments.

    Args:
        known: findings and what verdicts say; a doubtful one counts in part as either.
        names: of the features.
        seed: which features each tree may look at.
        emphasis: times the weight of each finding; None for even.
    """
    import xgboost  # noqa: PLC0415 - half a second that only training and scoring need

    weight = known.weight if emphasis is None else known.weight * emphasis
    count = known.weight.size
    matrix = xgboost.DMatrix(
        np.concatenate([known.values, known.values]),
        label=np.repeat([1.0, 0.0], count),
        weight=np.concatenate([weight * known.real, weight * (1 - known.real)]),
        base_margin=np.concatenate([known.prior, known.prior]),
        nthread=1,
    )
    directions = tuple(_DIRECTIONS.get(name, 0) for name in names)
    parameters = {**_PARAMETERS, "seed": seed, "monotone_constraints": directions}
    booster = xgboost.train(parameters, matrix, num_boost_round=_ROUNDS)
    return bytes(booster.save_raw("ubj"))


def margins(trees: Sequence[bytes], values: Floats, names: Sequence[str]) -> Floats:
    """Return what each of some sets of trees adds to the log-odds, [at least 1, findings].

    No trees add nothing.
    """
    if not trees or len(values) == 0:
        return np.zeros((1, len(values)))
    matrix = _matrix(values)
    return np.stack([_read(one, names).predict(matrix, output_margin=True) for one in trees])


def contributions(
    trees: Sequence[bytes], values: Floats, names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return the trees' mean bias [findings] and what features add to it [findings, features].

    Source: Lundberg et al. 2020, TreeSHAP.
    """
    if not trees or len(values) == 0:
        return np.zeros(len(values)), np.zeros((len(values), len(names)))
    matrix = _matrix(values)
    each = [_read(one, names).predict(matrix, pred_contribs=True) for one in trees]
    told = np.asarray(np.mean(each, axis=0, dtype=np.float64))
    return told[:, -1], told[:, :-1]


def _matrix(values: Floats) -> "xgboost.DMatrix":
    import xgboost  # noqa: PLC0415

    return xgboost.DMatrix(values, nthread=1)


def _read(stored: bytes, names: Sequence[str]) -> "xgboost.Booster":
    import xgboost  # noqa: PLC0415

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(stored))
    if booster.num_features() != len(names):
        raise ValueError(f"Trees read {booster.num_features()} features, not {len(names)}.")
    return booster
