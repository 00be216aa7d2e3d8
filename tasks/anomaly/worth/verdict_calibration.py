"""Log-odds that mean what they say: a line through them, by profile, and where to cut."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from semantic_layer.finding_worth import FindingWorth
from tasks.anomaly.arrays import Floats
from tasks.anomaly.worth.finding_labels import Labelled

_SLOPES = (0.2, 2.0)


@dataclass(frozen=True, slots=True)
class Platt:
    """slope x log-odds + shift + the profile's own shift (Platt 1999).

    Attributes:
        profiles: those with a shift of their own,
        profile_shifts: and how much, one element each.
    """

    slope: float
    shift: float
    profiles: tuple[str, ...]
    profile_shifts: Floats

    def applied(self, margins: Floats, profiles: Sequence[str | None]) -> Floats:
        """Return calibrated log-odds; a profile without verdicts has no shift of its own."""
        own = dict(zip(self.profiles, self.profile_shifts.tolist(), strict=True))
        shifts = np.array([own.get(name, 0.0) if name else 0.0 for name in profiles])
        return np.asarray(self.slope * margins + self.shift + shifts)


def fitted_platt(margins: Floats, known: Labelled, rules: FindingWorth) -> Platt:
    """Return the line that makes margins agree with verdicts, leaning on the margins as they are.

    A profile's shift leans on all profiles' by `half_trust_verdicts`.

    Args:
        margins: log-odds of models that had not seen these findings.
        known: what verdicts say of them.
        rules: of a finding's worth.
    """

    def loss(line: Floats) -> float:
        fitted = log_loss(line[0] * margins + line[1], known) * known.weight.sum()
        return float(fitted + _LEAN * ((line[0] - 1) ** 2 + line[1] ** 2))

    best = minimize(loss, np.array([1.0, 0.0]), bounds=[_SLOPES, (-3, 3)], method="L-BFGS-B").x
    line = best[0] * margins + best[1]
    told = expit(line)
    named = np.array([name or "" for name in known.profiles], object)
    profiles = sorted({name for name in known.profiles if name})
    shifts = []
    for name in profiles:
        mine = named == name
        missed = (known.weight * (known.real - told))[mine].sum()
        spread = (known.weight * told * (1 - told))[mine].sum()
        shifts.append(missed / (spread + rules.half_trust_verdicts / 4))
    return Platt(float(best[0]), float(best[1]), tuple(profiles), np.array(shifts, np.float64))


def log_loss(margins: Floats, known: Labelled) -> float:
    """Return nats a verdict: how badly log-odds foretell what verdicts say; lower is better."""
    each = known.real * log_expit(margins) + (1 - known.real) * log_expit(-margins)
    return float(-(known.weight * each).sum() / max(float(known.weight.sum()), 1e-12))


def cut_keeping(probabilities: Floats, kept: float) -> float:
    """Return the highest probability below which lie at most 1 - `kept` of the expected real ones.

    Expected, not confirmed: some dozen confirmed findings, one in twenty of them by mistake, would
    leave the cut to the luck of the lowest.

    Args:
        probabilities: of all findings of the time that verdicts are of.
        kept: share of real findings to keep.
    """
    ordered = np.sort(probabilities)
    total = float(ordered.sum())
    if total <= 0:
        return 0.0
    below = np.cumsum(ordered) - ordered
    return float(ordered[below <= (1 - kept) * total + 1e-12].max())


_LEAN = 4.0  # verdicts worth of belief that margins mean what they say
