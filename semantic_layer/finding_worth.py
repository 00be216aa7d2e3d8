"""What a finding is worth to an operator: thresholds of probability, doubt and reading time.

Definitions with an owner, as those of detection; each is described where it is set, in
finding_worth.yaml.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from semantic_layer.owned_rules import load_rules

MODEL = "finding_worth.all"
"""What the registry calls the model that verdicts taught."""

PACKAGED = Path(__file__).parent / "catalogue" / "finding_worth.yaml"
_SEVERITIES = ("CRITICAL", "MAJOR", "MINOR", "WARNING")


class CalmTail(BaseModel):
    """How the calm tail of scores is read.

    Attributes:
        tail_share: of calm scores, the highest, that the tail's distribution describes.
        lasting_score: in normal deviations of the body; what stays as high
        lasting_hours: for as long is no calm history but an unmarked fault.
        unmarked_share: the highest, that are not looked at, since earlier faults lie there.
        widest_shape: of the tail; above 1 it would have no mean.
        calm_scores: with so many of its own a profile leans half on the network's.
        together_periods: neighboring periods that tell about as much as one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tail_share: float = Field(gt=0, lt=0.5)
    lasting_score: float = Field(gt=0)
    lasting_hours: float = Field(gt=0)
    unmarked_share: float = Field(gt=0, lt=0.5)
    widest_shape: float = Field(gt=0, le=1)
    calm_scores: float = Field(gt=0)
    together_periods: float = Field(ge=1)

    @model_validator(mode="after")
    def _leaves_a_tail(self) -> "CalmTail":
        if 2 * self.unmarked_share > self.tail_share:
            raise ValueError("unmarked_share must be at most half of tail_share")
        return self


class Prior(BaseModel):
    """What is believed of a finding before any verdict: a logistic of few features.

    Attributes:
        at_begin: probability of a real problem where the scores of detector and baseline just
            begin a finding, all that strays got worse and no alarm stands near.
        slope: log-odds gained when the detector's peak is e times as high,
        baseline: and when the baseline's is.
        worse: log-odds lost where nothing got worse.
        alarm: log-odds gained where an alarm stands near on the cell or its site.
        doubt: standard deviation of that belief, in log-odds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_begin: float = Field(gt=0, lt=1)
    slope: float = Field(ge=0)
    baseline: float = Field(ge=0)
    worse: float = Field(ge=0)
    alarm: float = Field(ge=0)
    doubt: float = Field(gt=0)


class FindingWorth(BaseModel):
    """The rules of a finding's worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calm_tail: CalmTail
    false_discovery_share: float = Field(gt=0, lt=1)
    prior: Prior
    fewest_verdicts: int = Field(ge=2)
    half_trust_verdicts: float = Field(gt=0)
    wrong_verdicts_share: float = Field(ge=0, lt=0.5)
    kept_real_share: float = Field(gt=0, le=1)
    common_cause_hours: float = Field(ge=0)
    findings_a_day: int = Field(ge=1)
    severity_worth: dict[str, float]

    @model_validator(mode="after")
    def _knows_every_severity(self) -> "FindingWorth":
        if set(self.severity_worth) != set(_SEVERITIES):
            raise ValueError(f"severity_worth must name exactly {', '.join(_SEVERITIES)}")
        worth = [self.severity_worth[name] for name in _SEVERITIES]
        if sorted(worth, reverse=True) != worth or worth[-1] <= 0:
            raise ValueError("severity_worth must be positive and not rise from CRITICAL down")
        return self


@cache
def finding_worth() -> FindingWorth:
    """Return the packaged rules of a finding's worth."""
    return load_finding_worth(PACKAGED)


def load_finding_worth(path: Path) -> FindingWorth:
    """Return the rules of a finding's worth in a file.

    Raises:
        DefinitionError: an entry lacks owner, unit or description, or values contradict.
    """
    return load_rules(path, FindingWorth, "a finding's worth")
