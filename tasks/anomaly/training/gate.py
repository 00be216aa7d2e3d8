"""The promotion gate: may a challenger take the champion's place?

Both are tried on the same frozen cases, on days that neither was fitted on. The challenger must be
more precise, surely so, and must not buy that with false alarms, delay, cost, or scores that drift.
A champion that has grown old gives way to what is merely no worse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from semantic_layer.model_promotion import ModelPromotion
from tasks.anomaly.training.ranking import precision_gains
from tasks.anomaly.training.trial import Cases, Trial


@dataclass(frozen=True, slots=True)
class Check:
    """One demand of the gate: what was measured of both, what was allowed, and whether it held."""

    name: str
    challenger: float
    champion: float
    allowed: float
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided.

    Attributes:
        is_promoted: whether the challenger takes the place.
        incumbent: whose place.
        checks: every demand with its figures.
        is_refresh: promoted, or refused, as the successor of a champion that has grown old.
    """

    is_promoted: bool
    incumbent: str
    checks: tuple[Check, ...]
    is_refresh: bool = False

    @property
    def reason(self) -> str:
        """The decision with its figures, as a sentence."""
        told = "; ".join(
            f"{check.name} {check.challenger:.4g} to {check.champion:.4g}, allowed "
            f"{check.allowed:.4g}{'' if check.is_kept else ' - broken'}"
            for check in self.checks
        )
        verdict = "Promoted over" if self.is_promoted else "Not promoted over"
        manner = " as a refresh" if self.is_refresh else ""
        return f"{verdict} {self.incumbent}{manner}: {told}."


def judged_challenger(
    challenger: Trial,
    champion: Trial,
    cases: Cases,
    rules: ModelPromotion,
    champion_age_days: float | None = None,
) -> Decision:
    """Return whether the challenger may take the champion's place, with every figure.

    Args:
        challenger: fitted on the days before validation.
        champion: what serves, on the same cases.
        cases: what both were tried on.
        rules: margins and limits.
        champion_age_days: since its history ended; None for what needs no fitting.
    """
    is_old = champion_age_days is not None and champion_age_days >= rules.refresh_after_days
    margin = -rules.promotion_margin if is_old else rules.promotion_margin
    gains = precision_gains(challenger.ranking, champion.ranking, rules.resamplings, rules.seed)
    mine, theirs = challenger.figures, champion.figures
    least = theirs.average_precision + margin
    sure = float((gains > (margin if is_old else 0.0)).mean())
    checks = (
        Check(
            "average precision",
            mine.average_precision,
            theirs.average_precision,
            least,
            mine.average_precision >= least,
        ),
        Check(
            "confidence",
            sure,
            1 - sure,
            rules.promotion_confidence,
            sure >= rules.promotion_confidence,
        ),
        *_limits(challenger, champion, rules),
        *_by_verdicts(challenger, champion, cases, rules),
    )
    return Decision(all(check.is_kept for check in checks), champion.name, checks, is_old)


def _limits(challenger: Trial, champion: Trial, rules: ModelPromotion) -> Iterator[Check]:
    mine, theirs = challenger.figures, champion.figures
    alarms = max(rules.most_false_alarm_growth * theirs.false_alarms, rules.free_false_alarms)
    delay = theirs.delay_hours + rules.most_delay_growth_hours
    cost = rules.most_cost_growth * theirs.score_ms
    for name, own, other, most in (
        ("false alarms per cell-day", mine.false_alarms, theirs.false_alarms, alarms),
        ("delay in hours", mine.delay_hours, theirs.delay_hours, delay),
        ("CPU-ms a cell-day", mine.score_ms, theirs.score_ms, cost),
        ("drift of scores", mine.drift, theirs.drift, rules.most_score_shift),
    ):
        # A champion that finds nothing has no delay to keep to.
        yield Check(name, own, other, most, own <= most or (most != most and own == own))  # noqa: PLR0124


def _by_verdicts(
    challenger: Trial, champion: Trial, cases: Cases, rules: ModelPromotion
) -> Iterator[Check]:
    """Yield what people's verdicts demand, where there are enough of both kinds."""
    mine, theirs = challenger.figures.verdict_separation, champion.figures.verdict_separation
    if len(cases.verdicts) >= rules.fewest_verdicts and theirs == theirs:  # noqa: PLR0124 - NaN
        least = theirs - rules.promotion_margin
        yield Check("confirmed above rejected", mine, theirs, least, mine >= least)
