"""How the structured model weighs causes: log-odds of signs, from the definitions of causes.

The same sum as the explaining agent's, over the facts of a case; a test holds both together.
"""

from collections.abc import Mapping

from semantic_layer.causes import Cause, ExplainingRules, Sign
from tasks.trials.case_files import HypothesisCase, Sighting

UNKNOWN = "unknown"
"""The option that no cause of the list holds."""


def cause_scores(
    case: HypothesisCase, causes: Mapping[str, Cause], rules: ExplainingRules
) -> dict[str, float]:
    """Return the log-odds of every option of a case.

    Raises:
        KeyError: an option is neither a cause nor `unknown`.
    """
    return {
        name: rules.unknown_log_odds if name == UNKNOWN else _score(causes[name], case, rules)
        for name in case.options
    }


def _score(cause: Cause, case: HypothesisCase, rules: ExplainingRules) -> float:
    total = cause.base
    for sign in cause.signs:
        held = _how_far(sign, case, rules)
        if held is not None:
            total += sign.weight * held + sign.otherwise * (1 - held)
    return total


def _how_far(sign: Sign, case: HypothesisCase, rules: ExplainingRules) -> float | None:
    if sign.about in ("kpi", "core_kpi"):
        known = case.kpis if sign.about == "kpi" else case.core_kpis
        moved = [known[name] for name in sign.any_of if name in known]
        return _moved(sign, moved, rules) if moved else None
    if sign.about == "fact":
        facts: Mapping[str, float] = case.facts  # type: ignore[assignment]
        return next((facts[name] for name in sign.any_of if name in facts), None)
    seen = {"alarm": case.alarms, "change": case.changes, "drift": case.drift}[sign.about]
    if seen is None:
        return None
    near = [one for one in seen if one.name in sign.any_of and (not sign.at or one.at in sign.at)]
    return max((_strength(sign, one, rules) for one in near), default=0.0)


def _moved(sign: Sign, moved: list[float], rules: ExplainingRules) -> float:
    def far(strength: float) -> float:
        way = {"up": strength, "down": -strength}.get(sign.moves or "", abs(strength))
        share = (way - rules.noticeable_bands) / (rules.clear_bands - rules.noticeable_bands)
        return min(max(share, 0.0), 1.0)

    furthest = max(far(one) for one in moved)
    return 1 - furthest if sign.moves == "usual" else furthest


def _strength(sign: Sign, one: Sighting, rules: ExplainingRules) -> float:
    """Return how far something counts, by how long before the finding it began."""
    if one.lead_hours is None or sign.about == "drift":
        return 1.0
    if sign.about == "change":
        is_prompt = 0 <= one.lead_hours <= rules.prompt_hours
        return 0.0 if one.lead_hours < 0 else (1.0 if is_prompt else rules.stale_strength)
    if one.lead_hours < -rules.late_hours:
        return rules.stale_strength
    return 1.0 if one.lead_hours <= rules.prompt_hours else rules.standing_strength
