"""Which family a profile gets: the most precise within the limits, the cheapest among equals."""

from collections.abc import Sequence

from semantic_layer.model_promotion import ModelPromotion
from tasks.anomaly.training.trial import Figures, Trial


def chosen(trials: Sequence[Trial], rules: ModelPromotion) -> tuple[Trial | None, str]:
    """Return the chosen trial, None when none keeps the limits, and why, in a sentence."""
    kept = [trial for trial in trials if not limits_broken(trial.figures, rules)]
    if not kept:
        broken = "; ".join(
            f"{trial.name}: {', '.join(limits_broken(trial.figures, rules))}" for trial in trials
        )
        return None, f"No family keeps the limits ({broken or 'none could be fitted'})."
    best = max(trial.figures.average_precision for trial in kept)
    equal = [
        trial for trial in kept if trial.figures.average_precision >= best - rules.equal_precision
    ]
    first = min(equal, key=lambda trial: (trial.figures.score_ms, trial.name))
    others = ", ".join(
        f"{trial.name} {trial.figures.average_precision:.3f}"
        for trial in sorted(trials, key=lambda trial: -trial.figures.average_precision)
        if trial.name != first.name
    )
    why = "the cheapest of the equally precise" if len(equal) > 1 else "the most precise"
    return first, (
        f"{first.name} is {why} of {len(kept)} within the limits: average precision "
        f"{first.figures.average_precision:.3f} (others: {others or 'none'})."
    )


def limits_broken(figures: Figures, rules: ModelPromotion) -> list[str]:
    """Return a phrase for each limit that is broken; what could not be measured breaks it."""
    limits = (
        ("false alarms per cell-day", figures.false_alarms, rules.most_false_alarms),
        ("hours of delay", figures.delay_hours, rules.most_delay_hours),
        ("CPU-ms a cell-day", figures.score_ms, rules.most_score_ms),
    )
    broken = [
        f"{value:.2f} {what} (limit {limit:g})"
        for what, value, limit in limits
        if not value <= limit
    ]
    precision = figures.average_precision
    return broken if precision == precision else [*broken, "no case to rank"]  # noqa: PLR0124 - NaN
