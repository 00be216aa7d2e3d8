"""From what was seen to ranked hypotheses: log-odds of every cause, sign by sign, and `unknown`.

Each sign adds its weight as far as it is so, and its other weight as far as it is known not to be.
What nobody could look at adds nothing. Probabilities are shares of exp(log-odds) among all causes
and one more, that it is none of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from semantic_layer.causes import Cause, ExplainingRules, Sign
from tasks.explaining.observations import Facts, Seen, ramp

UNKNOWN = "unknown"
"""The hypothesis that no cause of the list holds."""

_LEAST_TOLD = 0.05


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one sign adds to a cause.

    Attributes:
        because: the engineering reason, from the definition.
        log_odds: above 0 speaks for the cause.
        says: what was seen, a phrase; empty where nothing of the kind was.
        reference: id of what was seen; empty where it has none.
    """

    because: str
    log_odds: float
    says: str
    reference: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One cause with how probable it is, and why.

    Attributes:
        cause: its name, or `unknown`.
        probability: 0 to 1; all hypotheses of a finding add up to 1.
        contributions: those that matter, strongest first.
    """

    cause: str
    title: str
    fault_kind: str | None
    log_odds: float
    probability: float
    contributions: tuple[Contribution, ...]


def hypotheses(
    facts: Facts, causes: Mapping[str, Cause], rules: ExplainingRules
) -> tuple[Hypothesis, ...]:
    """Return every cause and `unknown`, the most probable first; ties by name.

    Args:
        facts: what was seen.
        causes: definitions by name.
        rules: when a KPI has moved, and how believable an unknown cause is.
    """
    weighed = [(cause, contributions(cause, facts, rules)) for cause in causes.values()]
    totals = {
        cause.name: cause.base + sum(one.log_odds for one in parts) for cause, parts in weighed
    }
    totals[UNKNOWN] = rules.unknown_log_odds
    most = max(totals.values())
    shares = {name: math.exp(total - most) for name, total in totals.items()}
    whole = sum(shares.values())
    told = [
        _hypothesis(cause, totals[cause.name], shares[cause.name] / whole, parts)
        for cause, parts in weighed
    ]
    other = shares[UNKNOWN] / whole
    told.append(Hypothesis(UNKNOWN, "Cause not known", None, totals[UNKNOWN], round(other, 4), ()))
    return tuple(sorted(told, key=lambda one: (-one.log_odds, one.cause)))


def contributions(cause: Cause, facts: Facts, rules: ExplainingRules) -> tuple[Contribution, ...]:
    """Return what each sign of a cause that could be looked at adds, strongest first."""
    found = []
    for sign in cause.signs:
        held = how_far(sign, facts, rules)
        if held is None:
            continue
        strength, seen = held
        total = sign.weight * strength + sign.otherwise * (1 - strength)
        says, reference = (seen.says, seen.reference) if seen is not None else ("", "")
        found.append(Contribution(sign.because, round(total, 4), says, reference))
    return tuple(sorted(found, key=lambda one: (-abs(one.log_odds), one.because)))


def how_far(sign: Sign, facts: Facts, rules: ExplainingRules) -> tuple[float, Seen | None] | None:
    """Return how far a sign holds, 0 to 1, and what was seen of it; None where nobody knows."""
    named = [
        one
        for one in facts.of(sign.about)
        if one.name in sign.any_of and (not sign.at or one.relation in sign.at)
    ]
    if sign.moves is not None:
        return _moved(sign, named, rules) if named else None
    if named:
        strongest = max(named, key=lambda one: one.strength)
        return strongest.strength, strongest if strongest.strength > 0 else None
    is_looked_for = sign.about != "fact" and sign.about in facts.looked_for
    return (0.0, None) if is_looked_for else None


def is_decided(ranked: tuple[Hypothesis, ...], rules: ExplainingRules) -> bool:
    """Tell whether the first hypothesis is a cause, probable enough, and clear of the second."""
    first, second = ranked[0], ranked[1]
    return (
        first.cause != UNKNOWN
        and first.probability >= rules.decided_probability
        and first.probability - second.probability >= rules.decided_margin
    )


def _moved(sign: Sign, named: list[Seen], rules: ExplainingRules) -> tuple[float, Seen | None]:
    def far(one: Seen) -> float:
        way = {"up": one.strength, "down": -one.strength}.get(sign.moves or "", abs(one.strength))
        return ramp(way, rules.noticeable_bands, rules.clear_bands)

    furthest = max(named, key=lambda one: (far(one), abs(one.strength), one.name))
    strength = far(furthest)
    if sign.moves == "usual":
        return 1 - strength, furthest
    return strength, furthest


def _hypothesis(
    cause: Cause, total: float, probability: float, parts: tuple[Contribution, ...]
) -> Hypothesis:
    told = tuple(one for one in parts if abs(one.log_odds) >= _LEAST_TOLD)
    return Hypothesis(
        cause.name, cause.title, cause.fault_kind, round(total, 4), round(probability, 4), told
    )
