"""The supervised stage: how probable it is that a finding is a real problem, and why.

A logistic of few features says what is believed before any verdict. Gradient-boosted trees learn
from verdicts how far that belief is off, kept small by strong regularization, so that few verdicts
change little. A bag of them, each fitted with other weights, tells how sure that is. Everything
after the trees is linear in the log-odds: what features add is exactly what is shown as the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.special import expit, logit

from semantic_layer.detection import Detection
from semantic_layer.errors import InputError
from semantic_layer.finding_worth import FindingWorth
from tasks.anomaly.arrays import Floats, Schema
from tasks.anomaly.worth.finding_labels import READ_BY_PRIOR, Labelled, labelled, prior_parts
from tasks.anomaly.worth.verdict_calibration import Platt, cut_keeping, fitted_platt, log_loss
from tasks.anomaly.worth.verdict_trees import contributions, grown, margins
from tasks.stored_models import StoredModel

FAMILY = "verdicts"
_BAGS = 8
_BLOCKS = 5
_PRIOR = (
    "prior_slope",
    "prior_worse",
    "prior_baseline",
    "prior_alarm",
    "score_begins",
    "baseline_begins",
)
_EIGHTY_PERCENT = 1.2816
_FEW = "too few verdicts"
_ONE_KIND = "verdicts of one kind only"
_NO_GAIN = "verdicts contradict one another: on later findings they judge no better than the prior"

PROBABILITIES: Schema = {
    "anomaly_id": pl.String,
    "window_start": pl.Datetime("us", "UTC"),
    "probability": pl.Float64,
    "probability_low": pl.Float64,
    "probability_high": pl.Float64,
}
"""What is said of a finding; low and high bound the probability of a real problem at 80 %."""

REASON = pl.Struct({"feature": pl.String, "value": pl.Float64, "effect": pl.Float64})


@dataclass(frozen=True, slots=True)
class Effects:
    """Log-odds taken apart: `base` [findings] + `effects` [findings, features] summed."""

    features: tuple[str, ...]
    base: Floats
    effects: Floats


def fitted_verdicts(
    features: pl.DataFrame,
    verdicts: pl.DataFrame,
    names: Sequence[str],
    begins: Detection,
    rules: FindingWorth,
    seed: int,
) -> StoredModel:
    """Return the model learnt from verdicts; with too few or contradictory ones, the prior.

    Whether verdicts help is judged on time: earlier findings teach, later ones examine. The same
    rows of `finding_features` that the operator could see should be given, one or more a finding;
    the last whose window had ended when the verdict was given counts.

    Args:
        features: as `finding_features` returns them.
        verdicts: anomaly_id, is_real_probability, weight; `last_given_at` if known; with `author`
            the authors' rates of being right are learnt too, of one row a verdict.
        names: of the features to read, in order: the model's signature.
        begins: where scores begin findings; the prior is stated there.
        rules: of a finding's worth.
        seed: of the bag's weights and of the trees.

    Returns:
        A stored model; its settings say in `learnt_from` how many verdicts, in `prior_because` why
        it is only the prior (empty if it is not), in `cut` below which probability findings are
        held back (0 with too few verdicts), and in `prior_loss`, `model_loss` nats a verdict on
        later findings.
    """
    settings = _settings(rules, begins)
    known = labelled(features, verdicts, names, settings, rules)
    reason = _too_little(known, rules)
    if reason:
        return _stored(names, settings, known, reason)
    checked = _examined(known, names, rules, seed)
    if checked.model_loss >= checked.prior_loss:
        uncut = _stored(names, settings, known, _NO_GAIN, checked)
    else:
        bag = _bag(known, names, seed)
        uncut = _stored(names, settings, known, "", checked, bag, rules)
    told = probabilities(uncut, features).group_by("anomaly_id").agg(pl.col("probability").max())
    cut = cut_keeping(told["probability"].to_numpy(), rules.kept_real_share)
    return replace(uncut, settings={**uncut.settings, "cut": cut})


def probabilities(model: StoredModel, features: pl.DataFrame) -> pl.DataFrame:
    """Return `PROBABILITIES`, one row a row of `features`, in their order.

    Raises:
        InputError: the model is another family's, or a feature lacks.
    """
    values = _values(model, features)
    prior = _prior(model, values)
    corrections = _trust(model) * margins(_trees(model), values, model.kpis)
    platt = _platt(model)
    profiles = features["cell_profile"].to_list()
    middle = platt.applied(prior + corrections.mean(axis=0), profiles)
    learnt = platt.slope * corrections.std(axis=0)
    doubt = np.hypot(learnt, (1 - _trust(model)) * _number(model, "prior_doubt"))
    reach = _EIGHTY_PERCENT * doubt
    return features.select("anomaly_id", "window_start").with_columns(
        pl.Series("probability", expit(middle)),
        pl.Series("probability_low", expit(middle - reach)),
        pl.Series("probability_high", expit(middle + reach)),
    )


def effects(model: StoredModel, features: pl.DataFrame) -> Effects:
    """Return what each feature adds to the log-odds of each finding (SHAP of the trees, scaled).

    Base and effects add up to the log-odds of `probabilities`. What the prior
    makes of a feature is that feature's too.

    Source: Lundberg et al. 2020, exact for trees; linear parts are their own.
    """
    values = _values(model, features)
    bias, parts = contributions(_trees(model), values, model.kpis)
    platt = _platt(model)
    trust, begin = _trust(model), float(logit(_number(model, "prior_at_begin")))
    told = platt.slope * trust * parts
    for name, part in zip(READ_BY_PRIOR, _prior_parts(model, values), strict=True):
        told[:, model.kpis.index(name)] += platt.slope * part
    shift = platt.applied(np.zeros(len(values)), features["cell_profile"].to_list())
    return Effects(model.kpis, platt.slope * (begin + trust * bias) + shift, told)


def reasons(model: StoredModel, features: pl.DataFrame, most: int = 5) -> pl.Series:
    """Return for each finding the features that move its probability most, the strongest first.

    Args:
        model: a stored model.
        features: as for `probabilities`.
        most: how many to tell.

    Returns:
        Lists of `REASON`: feature, its value, and its effect in log-odds: positive speaks for a
        real problem. Features without any effect are left out.
    """
    told = effects(model, features)
    values = _values(model, features)
    order = np.argsort(-np.abs(told.effects), axis=1, kind="stable")[:, :most]
    rows = [
        [
            {
                "feature": told.features[number],
                "value": float(values[row, number]) if np.isfinite(values[row, number]) else None,
                "effect": float(told.effects[row, number]),
            }
            for number in ordered
            if told.effects[row, number] != 0
        ]
        for row, ordered in enumerate(order)
    ]
    return pl.Series("probability_reasons", rows, dtype=pl.List(REASON))


@dataclass(frozen=True, slots=True)
class _Checked:
    """What later findings say of models that learnt from earlier ones."""

    prior_loss: float
    model_loss: float
    platt: Platt


def _too_little(known: Labelled, rules: FindingWorth) -> str:
    if known.weight.sum() < rules.fewest_verdicts:
        return _FEW
    is_real = known.real >= 0.5
    each = [float(known.weight[is_real].sum()), float(known.weight[~is_real].sum())]
    return _ONE_KIND if min(each) < rules.fewest_verdicts / 10 else ""


def _examined(known: Labelled, names: Sequence[str], rules: FindingWorth, seed: int) -> _Checked:
    """Return losses and calibration on findings later than those learnt from."""
    margin = known.prior.copy()
    blocks = known.blocks(_BLOCKS)
    for number in range(1, _BLOCKS):
        earlier, now = blocks < number, blocks == number
        if not now.any() or not earlier.any():
            continue
        part = known.only(earlier)
        trees = [grown(part, names, seed, None)]
        trust = _trusted(part, rules)
        margin[now] += trust * margins(trees, known.values[now], names)[0]
    later = blocks > 0
    seen = known.only(later)
    platt = fitted_platt(margin[later], seen, rules)
    return _Checked(
        log_loss(seen.prior, seen),
        log_loss(margin[later], seen),
        platt,
    )


def _bag(known: Labelled, names: Sequence[str], seed: int) -> list[bytes]:
    random = np.random.default_rng(seed)
    groups, which = np.unique(known.groups, return_inverse=True)
    return [
        grown(known, names, seed + number, random.exponential(size=groups.size)[which])
        for number in range(_BAGS)
    ]


def _trusted(known: Labelled, rules: FindingWorth) -> float:
    weight = float(known.weight.sum())
    return weight / (weight + rules.half_trust_verdicts)


def _settings(rules: FindingWorth, begins: Detection) -> dict[str, float]:
    return {
        "prior_at_begin": rules.prior.at_begin,
        "prior_slope": rules.prior.slope,
        "prior_worse": rules.prior.worse,
        "prior_baseline": rules.prior.baseline,
        "prior_alarm": rules.prior.alarm,
        "prior_doubt": rules.prior.doubt,
        "score_begins": begins.score_begins,
        "baseline_begins": begins.baseline_spreads,
    }


def _stored(
    names: Sequence[str],
    settings: Mapping[str, float],
    known: Labelled,
    reason: str,
    checked: _Checked | None = None,
    bag: Sequence[bytes] = (),
    rules: FindingWorth | None = None,
) -> StoredModel:
    is_learnt = not reason and checked is not None and rules is not None
    platt = checked.platt if is_learnt and checked else Platt(1.0, 0.0, (), np.zeros(0))
    return StoredModel(
        FAMILY,
        tuple(names),
        {
            **settings,
            "trust": _trusted(known, rules) if is_learnt and rules else 0.0,
            "learnt_from": int(known.weight.size),
            "prior_because": reason,
            "cut": 0.0,
            "prior_loss": checked.prior_loss if checked else None,
            "model_loss": checked.model_loss if checked else None,
            "platt_slope": platt.slope,
            "platt_shift": platt.shift,
            "profiles": list(platt.profiles),
        },
        {
            "profile_shifts": np.asarray(platt.profile_shifts, np.float64),
            **{f"trees.{n}": np.frombuffer(one, np.uint8) for n, one in enumerate(bag)},
        },
    )


def _values(model: StoredModel, features: pl.DataFrame) -> Floats:
    if model.family != FAMILY:
        raise InputError(f"A model of family {model.family!r} was given to {FAMILY!r}.")
    lacking = [name for name in model.kpis if name not in features.columns]
    if lacking:
        raise InputError(
            f"Findings lack {len(lacking)} features that the verdict model reads, such as "
            f"{lacking[0]!r}. Train it anew for this catalogue."
        )
    return features.select(model.kpis).to_numpy().astype(np.float64)


def _prior(model: StoredModel, values: Floats) -> Floats:
    begin = float(logit(_number(model, "prior_at_begin")))
    return np.asarray(begin + np.sum(_prior_parts(model, values), axis=0))


def _prior_parts(model: StoredModel, values: Floats) -> list[Floats]:
    read = {name: values[:, model.kpis.index(name)] for name in READ_BY_PRIOR}
    return prior_parts(read, {name: _number(model, name) for name in _PRIOR})


def _number(model: StoredModel, name: str) -> float:
    value = model.settings[name]
    if not isinstance(value, int | float):
        raise InputError(f"The verdict model's setting {name!r} is no number: {value!r}.")
    return float(value)


def _trust(model: StoredModel) -> float:
    return _number(model, "trust")


def _trees(model: StoredModel) -> list[bytes]:
    ordered = sorted(name for name in model.arrays if name.startswith("trees."))
    return [model.arrays[name].tobytes() for name in ordered]


def _platt(model: StoredModel) -> Platt:
    profiles = model.settings["profiles"]
    if not isinstance(profiles, list):
        raise InputError("The verdict model does not list its profiles.")
    return Platt(
        _number(model, "platt_slope"),
        _number(model, "platt_shift"),
        tuple(str(name) for name in profiles),
        np.asarray(model.arrays["profile_shifts"], np.float64),
    )
